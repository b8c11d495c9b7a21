"""A refused payload in words: one sentence for people per violation, for a reader who never wrote a schema."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON, Number, PathPart

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

LONGEST_ECHO: Final = 60
"""Characters of a payload that a sentence may repeat."""
LONGEST_CHOICE: Final = 200
"""Characters of a schema's own list or pattern that a sentence may repeat."""
WHOLE: Final = "(the whole body)"

_KINDS: Final = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_FORMATS: Final = {
    "date-time": "a date and time with zone, such as 2026-11-22T09:30:00Z",
    "date": "a date, such as 2026-11-22",
    "time": "a time with zone, such as 09:30:00Z",
    "duration": "a duration, such as P3DT12H",
    "email": "an e-mail address",
    "idn-email": "an e-mail address",
    "hostname": "a host name",
    "idn-hostname": "a host name",
    "ipv4": "an IPv4 address",
    "ipv6": "an IPv6 address",
    "uri": "a complete web address (URI)",
    "uri-reference": "a web address (URI) or a part of one",
    "iri": "a complete web address (IRI)",
    "iri-reference": "a web address (IRI) or a part of one",
    "uri-template": "a URI template",
    "uuid": "a UUID, such as 2eb8aa08-aa98-11ea-b4aa-73b441d16380",
    "json-pointer": "a JSON pointer",
    "relative-json-pointer": "a relative JSON pointer",
    "regex": "a regular expression",
}
_UNSHOWABLE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Violation:
    """One way in which a payload does not fit its schema.

    `path` is a JSON pointer to the value (a missing or unexpected property has its own); `rule` the
    keyword of the schema; `message` a sentence that begins with the path in dots.
    """

    path: str
    rule: str
    message: str


def violation(path: Sequence[PathPart], rule: str, said: str) -> Violation:
    """A violation at a path, with the sentence begun as the contract wants it."""
    return Violation(pointer(path), rule, f"{dotted(path)}: {said}")


def pointer(path: Iterable[PathPart]) -> str:
    """The path as a JSON pointer (RFC 6901)."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)


def dotted(path: Sequence[PathPart]) -> str:
    """The path as people write it; each name is cut to a showable length."""
    return ".".join(_cut(str(part), LONGEST_ECHO) for part in path) or WHOLE


class Explainer:
    """Turns the validator's errors into violations, with the limits as the schema's author wrote them.

    `payload` is the document that was validated.
    """

    def __init__(self, schema: JSON, payload: object) -> None:
        self._schema = schema
        self._payload = payload

    def explain(self, error: ValidationError) -> list[Violation]:
        """The violations of one error: several where it names several properties."""
        kind, path = error.kind.name, error.instance_path
        if kind == "required":
            return [violation([*path, error.kind.as_dict()["property"]], "required", _missing(error))]
        if names := self._unexpected(error):
            said = "this property is not expected; remove it, or allow it in the schema"
            return [violation([*path, name], str(error.schema_path[-1]), said) for name in names]
        if kind == "propertyNames":
            return self._name(error)
        if kind in ("anyOf", "oneOf"):
            return [violation(path, kind, self._alternatives(error))]
        return [violation(path, self._rule(error), self._said(error))]

    def _rule(self, error: ValidationError) -> str:
        last = error.schema_path[-1] if error.schema_path else ""
        return str(last) if last in ("minContains", "maxContains") else error.kind.name

    def _said(self, error: ValidationError) -> str:
        tell = _SENTENCES.get(self._rule(error))
        return (
            tell(self._limit(error), error.instance)
            if tell
            else f"does not fit the rule “{self._rule(error)}”"
        )

    def _limit(self, error: ValidationError) -> Any:
        """The keyword's value as the schema's author wrote it (the library gives ``19.90`` as ``19.9``)."""
        written = _at(self._schema, error.schema_path)  # nothing where the path leads through a reference
        return error.kind.value if written is None or isinstance(written, bool) else written

    def _unexpected(self, error: ValidationError) -> list[str]:
        """The properties that a schema does not allow.

        Where it allows none at all the library does not list them, but gives the object's path with one of its values.
        """
        if error.kind.name in ("additionalProperties", "unevaluatedProperties"):
            return list(error.kind.as_dict()["unexpected"])
        under = error.schema_path[-1] if error.schema_path else ""
        if error.kind.name != "falseSchema" or under not in ("additionalProperties", "unevaluatedProperties"):
            return []
        value = _at(self._payload, error.instance_path)
        return list(value) if isinstance(value, dict) and value != error.instance else []

    def _name(self, error: ValidationError) -> list[Violation]:
        inner: ValidationError = error.kind.as_dict()["error"]
        name = str(inner.instance)
        said = f"the property's name is not allowed: it {self._said(inner)}"
        return [violation([*error.instance_path, name], "propertyNames", said)]

    def _alternatives(self, error: ValidationError) -> str:
        branches: list[list[ValidationError]] = error.kind.as_dict()["context"]
        if not all(branches):
            return "fits more than one of the forms of which exactly one is allowed"
        types = [_wanted_types(branch, error) for branch in branches]
        if all(types):
            wanted = list(dict.fromkeys(name for names in types for name in names))
            return _type(wanted, error.instance)
        near = [branch for branch, names in zip(branches, types, strict=True) if not names]
        nearest = min(near, key=lambda branch: (_at_the_door(branch, error), len(branch)))
        reasons = [found.message for inner in nearest[:3] for found in self.explain(inner)]
        return _cut(f"fits none of the allowed forms; nearest is the one where {'; '.join(reasons[:3])}", 600)


def _at(document: Any, path: Sequence[PathPart]) -> Any:
    """What stands at a path; ``None`` where it leads nowhere."""
    try:
        for part in path:
            document = document[part]
    except (KeyError, IndexError, TypeError):
        return None
    return document


def _missing(error: ValidationError) -> str:
    last = error.schema_path[-1] if error.schema_path else ""
    if last == "required":
        return "is required, but missing"
    return "is required because of another property that was sent, but missing"


def _wanted_types(branch: list[ValidationError], error: ValidationError) -> list[str]:
    """The types that a branch asks for, where nothing but the value's own type is wrong with it."""
    only = branch[0]
    if len(branch) > 1 or only.kind.name != "type" or len(only.instance_path) != len(error.instance_path):
        return []
    return list(only.kind.as_dict()["types"])


def _at_the_door(branch: list[ValidationError], error: ValidationError) -> bool:
    """Whether a branch says no by the value's own type, constant or list: then another form was meant."""
    depth = len(error.instance_path)
    return any(
        (inner.kind.name == "type" and len(inner.instance_path) == depth)
        or (inner.kind.name in ("const", "enum") and len(inner.instance_path) <= depth + 1)
        for inner in branch
    )


def _cut(text: str, longest: int) -> str:
    text = _UNSHOWABLE.sub("\ufffd", text)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _shown(value: object, longest: int = LONGEST_ECHO) -> str:
    """A value as it may be repeated; objects and lists are only named."""
    if isinstance(value, str):
        return f"“{_cut(value, longest)}”"
    if isinstance(value, (dict, list)):
        return _kind(value)
    return _cut(_plain(value), longest)


def _plain(value: object) -> str:
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return (
            str(value) if abs(value) < 10**LONGEST_ECHO else f"an integer of {len(str(abs(value))):,} digits"
        )
    return str(value)


def _kind(value: object) -> str:
    """The value's kind as a sentence names it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "null"
    if isinstance(value, str):
        return "text"
    if isinstance(value, (int, float, Decimal, Number)):
        return "a number"
    return "a list" if isinstance(value, list) else "an object"


def _or(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"


def _type(limit: Any, value: object) -> str:
    wanted = [limit] if isinstance(limit, str) else list(limit)
    names = [_KINDS.get(name, str(name)) for name in wanted]
    is_number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    if "integer" in wanted and is_number:
        return f"must be {_or(names)}, but is {_shown(value)}"
    return f"must be {_or(names)}, but is {_kind(value)}"


def _constant(limit: Any, value: object) -> str:
    return f"must be exactly {_choice(limit)}, but is {_shown(value)}"


def _choice(option: Any) -> str:
    if isinstance(option, (dict, list)):
        return _cut(dump_json(option), LONGEST_CHOICE)
    return _shown(option)


def _enum(limit: Any, value: object) -> str:
    if not limit:
        return "can have no value: the schema's list of allowed ones is empty"
    shown: list[str] = []
    for option in limit:
        shown.append(_choice(option))
        if sum(map(len, shown)) > LONGEST_CHOICE:
            break
    if len(shown) < len(limit):
        return f"must be one of {', '.join(shown)} (and {len(limit) - len(shown):,} more), but is {_shown(value)}"
    return f"must be {'one of ' if len(shown) > 1 else ''}{_or(shown)}, but is {_shown(value)}"


def _counted(number: Any, one: str, many: str) -> str:
    return f"{number} {one if str(number) in ('1', '1.0') else many}"


def _size(bound: str, one: str, many: str) -> Callable[[Any, Any], str]:
    def tell(limit: Any, value: Any) -> str:
        return f"must have {bound} {_counted(limit, one, many)}, but has {len(value):,}"

    return tell


def _bound(words: str) -> Callable[[Any, Any], str]:
    def tell(limit: Any, value: object) -> str:
        return f"must be {words} {_cut(_plain(limit), LONGEST_ECHO)}, but is {_shown(value)}"

    return tell


def _format(limit: Any, value: object) -> str:
    wanted = _FORMATS.get(str(limit), f"of the format “{_cut(str(limit), LONGEST_ECHO)}”")
    return f"must be {wanted}, but is {_shown(value)}"


def _pattern(limit: Any, value: object) -> str:
    return f"must match the pattern {_cut(str(limit), LONGEST_CHOICE)}, but is {_shown(value)}"


def _always(said: str) -> Callable[[Any, Any], str]:
    return lambda _limit, _value: said


_SENTENCES: Final[dict[str, Callable[[Any, Any], str]]] = {
    "type": _type,
    "const": _constant,
    "enum": _enum,
    "format": _format,
    "pattern": _pattern,
    "minLength": _size("at least", "character", "characters"),
    "maxLength": _size("at most", "character", "characters"),
    "minItems": _size("at least", "entry", "entries"),
    "maxItems": _size("at most", "entry", "entries"),
    "minProperties": _size("at least", "property", "properties"),
    "maxProperties": _size("at most", "property", "properties"),
    "minimum": _bound("at least"),
    "maximum": _bound("at most"),
    "exclusiveMinimum": _bound("more than"),
    "exclusiveMaximum": _bound("less than"),
    "multipleOf": _bound("a multiple of"),
    "uniqueItems": _always("holds the same entry more than once; each must be different"),
    "additionalItems": _always("has more entries than are allowed"),
    "unevaluatedItems": _always("has entries that are not expected"),
    "contains": _always("must hold at least one entry of the form that the schema asks for"),
    "minContains": lambda limit, _: (
        f"must hold at least {limit} entries of the form that the schema asks for"
    ),
    "maxContains": lambda limit, _: f"must hold at most {limit} entries of the form that the schema names",
    "not": _always("has a form that the schema rules out"),
    "falseSchema": _always("is not allowed here; leave it out"),
    "contentEncoding": lambda limit, _: f"must be encoded as {_shown(limit)}",
    "contentMediaType": lambda limit, _: f"must hold a document of the type {_shown(limit)}",
}
