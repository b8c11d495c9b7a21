"""JSON for people: what is short stands on one line, the rest is set in, numbers keep their digits."""

from __future__ import annotations

import json
from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON

STEP: Final = 2
WIDTH: Final = 100


def indented(value: JSON, indent: str = "") -> str:
    """`value` over as many lines as it needs; `indent` is what its lines after the first begin with."""
    short = dump_json(value)
    if len(short) <= WIDTH - len(indent) or not isinstance(value, dict | list) or not value:
        return short
    inside = indent + " " * STEP
    if isinstance(value, dict):
        lines = [
            f"{inside}{json.dumps(name, ensure_ascii=False)}: {indented(one, inside)}"
            for name, one in value.items()
        ]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    return "[\n" + ",\n".join(inside + indented(one, inside) for one in value) + f"\n{indent}]"
