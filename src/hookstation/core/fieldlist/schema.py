"""The same settings as JSON Schema 2020-12, for OpenAPI and editors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.fieldlist.documents import TYPE
from hookstation.core.fieldlist.setting import Kind, Setting
from hookstation.core.values import JSON

SHAPES: Final[Mapping[Kind, Mapping[str, JSON]]] = {
    Kind.TEXT: {"type": "string"},
    Kind.NAME: {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"},
    Kind.URL: {"type": "string", "format": "uri"},
    Kind.ENDPOINT: {"type": "string", "format": "uri"},
    Kind.SECRET: {"type": "string", "writeOnly": True},
    Kind.INTEGER: {"type": "integer"},
    Kind.DURATION: {"type": ["string", "number"], "description": "25s, 5m, 12h, 7d, or seconds"},
    Kind.DURATIONS: {
        "type": "array",
        "items": {"type": ["string", "number"]},
        "description": "Each 25s, 5m, 12h, 7d, or seconds",
    },
    Kind.SIZE: {"type": ["string", "integer"], "description": "1MiB, 500KB, or bytes"},
    Kind.RATE: {"type": "string", "description": "100/s, 1000/min, 10/h"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.CHOICE: {"type": "string"},
    Kind.NETWORKS: {"type": "array", "items": {"type": "string"}},
    Kind.PORTS: {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": 65_535}},
    Kind.ZONE: {"type": "string"},
    Kind.HEADER: {"type": "string"},
    Kind.LIST: {"type": "array", "items": {"type": "string"}},
    Kind.MAPPING: {"type": "object"},
    Kind.JSON: {},
}
BOUNDS: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.TEXT: ("minLength", "maxLength"),
    Kind.INTEGER: ("minimum", "maximum"),
    Kind.LIST: ("minItems", "maxItems"),
    Kind.NETWORKS: ("minItems", "maxItems"),
    Kind.MAPPING: ("minProperties", "maxProperties"),
    Kind.ENTRIES: ("minProperties", "maxProperties"),
    Kind.GROUPS: ("minItems", "maxItems"),
}


def json_schema(settings: tuple[Setting, ...]) -> dict[str, JSON]:
    """The schema of a document with these settings."""
    schema: dict[str, JSON] = {
        "type": "object",
        "properties": {setting.name: _schema_of(setting) for setting in settings},
        "additionalProperties": False,
    }
    if required := [setting.name for setting in settings if setting.required]:
        schema["required"] = list(required)
    return schema


def _schema_of(setting: Setting) -> dict[str, JSON]:
    schema = _shape(setting)
    for word, bound in zip(BOUNDS.get(setting.kind, ()), (setting.minimum, setting.maximum), strict=False):
        schema |= {} if bound is None else {word: bound}
    if setting.pattern:
        schema["pattern"] = f"^(?:{setting.pattern})$"
    if setting.choices:
        schema["enum"] = list(setting.choices)
    if setting.default is not None:
        schema["default"] = setting.default
    if sentences := [text for text in (setting.help, str(schema.get("description", ""))) if text]:
        schema["description"] = " ".join(sentences)
    if setting.example is not None:
        schema["examples"] = [setting.example]
    return schema


def _shape(setting: Setting) -> dict[str, JSON]:
    match setting.kind:
        case Kind.GROUP:
            return json_schema(setting.fields)
        case Kind.ENTRIES:
            return {"type": "object", "additionalProperties": json_schema(setting.fields)}
        case Kind.GROUPS:
            return {"type": "array", "items": json_schema(setting.fields)}
        case Kind.ONE_OF:
            return {"oneOf": [_variant(name, fields) for name, fields in setting.variants.items()]}
    return dict(SHAPES[setting.kind])


def _variant(name: str, fields: tuple[Setting, ...]) -> JSON:
    return json_schema((Setting(TYPE, Kind.CHOICE, required=True, choices=(name,)), *fields))
