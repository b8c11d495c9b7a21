"""What people call the types of fields and of connections, on every page that shows them."""

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

CONNECTION_TYPES: Final[Mapping[str, str]] = {
    "folder": "folder",
    "ftps": "files (FTPS)",
    "http": "web API (HTTP)",
    "imap": "mailbox (IMAP)",
    "imis": "iMIS",
    "records": "built-in records",
    "s3": "files (S3)",
    "sftp": "files (SFTP)",
    "smtp": "mail (SMTP)",
    "sql": "database (SQL)",
}
"""A type that is not here goes by its own name."""


def connection_type(kind: str) -> str:
    """What people call a type of connections."""
    return CONNECTION_TYPES.get(kind, kind)
