"""The pieces of which the schemas of the OpenAPI document are made."""

from __future__ import annotations

from typing import Final

from hookstation.core.values import JSON


def ref(name: str) -> JSON:
    """The schema of this name."""
    return {"$ref": f"#/components/schemas/{name}"}


def object_of(required: tuple[str, ...] = (), /, **properties: JSON) -> dict[str, JSON]:
    """An object of an answer, which may get more members."""
    return {"type": "object", "properties": properties, "required": list(required)}


def closed(required: tuple[str, ...] = (), /, **properties: JSON) -> dict[str, JSON]:
    """An object of a request: what is not known is refused."""
    return {**object_of(required, **properties), "additionalProperties": False}


def list_of(name: str) -> JSON:
    """A page of a list."""
    return object_of(("items", "next"), items={"type": "array", "items": ref(name)}, next=MAYBE_TEXT)


TEXT: Final[JSON] = {"type": "string"}
MAYBE_TEXT: Final[JSON] = {"type": ["string", "null"]}
MOMENT: Final[JSON] = {"type": ["string", "null"], "format": "date-time"}
COUNT: Final[JSON] = {"type": "integer", "minimum": 0}
ANY: Final[JSON] = {}
FREE: Final[JSON] = {"type": "object"}
