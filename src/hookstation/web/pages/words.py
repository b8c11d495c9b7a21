"""What people call the types of fields, on every page that shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.records import FieldType

FIELD_TYPES: Final[Mapping[FieldType, str]] = {
    FieldType.STRING: "text",
    FieldType.INTEGER: "whole number",
    FieldType.DECIMAL: "number",
    FieldType.BOOLEAN: "yes or no",
    FieldType.DATE: "date",
    FieldType.DATETIME: "date and time",
    FieldType.BINARY: "file",
}
