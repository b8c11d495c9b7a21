"""A webhook's JSON Schema, compiled: whether a payload fits, and if not, why, for people and for machines.

Drafts 4, 6, 7, 2019-09 and 2020-12 by jsonschema-rs, formats asserted, nothing fetched, patterns on a
linear-time engine.  Two things would let a sender's payload cost more than it should, so they are bounded
here and not by the library: comparing many long numbers with one another (`uniqueItems`), and explaining
every error of a large payload.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from jsonschema_rs import (
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
    RegexOptions,
    ValidationError,
)

from hookstation.core.jsontext import DEPTH, Parsed, plain_of
from hookstation.core.schema_outline import Outline
from hookstation.core.schema_words import Explainer, violation
from hookstation.core.schema_words import Violation as Violation
from hookstation.core.values import JSON, Number
from hookstation.errors import Invalid, Problem

if TYPE_CHECKING:
    from jsonschema_rs import Validator

MOST_VIOLATIONS: Final = 100
PATTERN_SIZE: Final = 200_000
"""Bytes that one compiled pattern may take."""
LONG_NUMBER: Final = 15
"""Digits up to which numbers are compared by their hash."""
MOST_LONG_DIGITS: Final = 6_000
"""Digits of all longer numbers in one payload, where the schema asks for unique entries: they are compared pairwise."""
MOST_ERRORS: Final = 30_000
"""Errors that the library may collect for one payload, at about 1.6 kB each."""
MOST_COPIES: Final = 300_000
"""Values of the payload that it may copy into them, at about 60 bytes each."""

DRAFTS: Final[Mapping[str, type[Validator]]] = {
    "json-schema.org/draft-04/schema": Draft4Validator,
    "json-schema.org/draft-06/schema": Draft6Validator,
    "json-schema.org/draft-07/schema": Draft7Validator,
    "json-schema.org/draft/2019-09/schema": Draft201909Validator,
    "json-schema.org/draft/2020-12/schema": Draft202012Validator,
}
"""By `$schema`, without its scheme and an empty fragment."""


def draft_of(schema: JSON) -> type[Validator] | None:
    """The validator for what `$schema` says: 2020-12 where it says nothing, ``None`` where it is not known."""
    named = schema.get("$schema", "") if isinstance(schema, dict) else ""
    if named == "":
        return Draft202012Validator
    return DRAFTS.get(named.partition("://")[2].removesuffix("#")) if isinstance(named, str) else None


class CompiledSchema:
    """A schema ready to check payloads. `schema` is kept, not copied; explaining is prepared at the first need."""

    __slots__ = ("__weakref__", "_compares", "_heaviest", "_schema", "_validator")

    def __init__(self, schema: JSON, validator: Validator) -> None:
        self._schema = schema
        self._validator = validator
        self._compares = _mentions(schema, "uniqueItems")
        self._heaviest: list[int] | None = None

    def violations(self, parsed: Parsed) -> list[Violation]:
        """Every way in which the payload does not fit, up to `MOST_VIOLATIONS`; empty where it does."""
        if self._compares and (excess := long_digits(parsed.value)) > MOST_LONG_DIGITS:
            return [violation((), "uniqueItems", _TOO_LONG_TO_COMPARE.format(excess, MOST_LONG_DIGITS))]
        if self._validator.is_valid(parsed.plain):
            return []
        return self._explain(parsed)

    def fits(self, parsed: Parsed) -> bool:
        """Whether the payload fits: the verdict of `violations`, without its reasons."""
        if self._compares and long_digits(parsed.value) > MOST_LONG_DIGITS:
            return False
        return bool(self._validator.is_valid(parsed.plain))

    def _explain(self, parsed: Parsed) -> list[Violation]:
        if not self._affordable(parsed.value):
            return self._first(parsed)
        explainer = Explainer(self._schema, parsed.plain)
        found = (
            told for error in self._validator.iter_errors(parsed.plain) for told in explainer.explain(error)
        )
        # A subschema that is reached along two ways says the same twice.
        return list(dict.fromkeys(islice(found, MOST_VIOLATIONS * 10)))[:MOST_VIOLATIONS]

    def _first(self, parsed: Parsed) -> list[Violation]:
        """The first violation only: the payload is too large, or the schema too branched, to collect them
        all.

        Where there are alternatives even one error would carry the errors of them all, so only the
        verdict is given.
        """
        if not (_mentions(self._schema, "anyOf") or _mentions(self._schema, "oneOf")):
            try:
                self._validator.validate(parsed.plain)
            except ValidationError as error:
                return Explainer(self._schema, parsed.plain).explain(error)[:MOST_VIOLATIONS]
        return [violation((), "schema", "does not fit the schema, and is too large to say where")]

    def _affordable(self, value: JSON) -> bool:
        """Whether the library may collect all errors: bounded by counting, for it collects before it gives any."""
        if self._heaviest is None:
            self._heaviest = Outline(self._schema).heaviest(DEPTH)
        counts, copies = _by_depth(value)
        levels = list(zip(self._heaviest, counts, copies, strict=True))
        errors = sum(weight * count for weight, count, _ in levels)
        copied = sum(weight * size for weight, _, size in levels)
        if _mentions(self._schema, "propertyNames"):  # an error for one name carries the whole object
            copied += sum(counts) * copies[0]
        return errors <= MOST_ERRORS and copied <= MOST_COPIES


_TOO_LONG_TO_COMPARE: Final = (
    "holds {:,} digits in numbers of more than 15 digits; where the schema asks for unique entries at most {:,} are"
    " allowed in all. Send long numbers as text"
)


def compile_schema(schema: JSON) -> CompiledSchema:
    """Compile a schema (``True``: anything fits).

    It is meant for schemas that `inspect_schema` and the trial found good; raises `Invalid` where it
    cannot be compiled.
    """
    draft = draft_of(schema)
    if draft is None:
        raise Invalid([Problem(("$schema",), UNKNOWN_DRAFT)])
    source: Any = plain_of(schema)
    if isinstance(source, dict) and source.get("$schema") == "":
        source = {key: value for key, value in source.items() if key != "$schema"}
    if not isinstance(source, (dict, bool)):
        raise Invalid([Problem((), NO_SCHEMA)])
    try:
        validator = draft(
            source, validate_formats=True, offline=True, pattern_options=RegexOptions(size_limit=PATTERN_SIZE)
        )
    except ValidationError as error:
        raise Invalid([problem_of(error)]) from None
    except ValueError as error:
        raise Invalid([Problem((), f"The schema cannot be compiled: {error}.")]) from None
    return CompiledSchema(schema, validator)


UNKNOWN_DRAFT: Final = (
    "This draft is not known. Known are http://json-schema.org/draft-04/schema#, …/draft-06/schema#,"
    " …/draft-07/schema#, https://json-schema.org/draft/2019-09/schema and https://json-schema.org/draft/2020-12/schema;"
    " leave $schema out for the last."
)
NO_SCHEMA: Final = "A schema is a JSON object, or true (anything fits) or false (nothing does)."


def problem_of(error: ValidationError) -> Problem:
    """What the library says of a schema that it does not take, in our words."""
    path = tuple(error.instance_path)
    kind = error.kind.name
    if kind == "format" and error.kind.value == "regex":
        return Problem(path, BAD_PATTERN)
    if kind == "$ref":
        return Problem(path, f"A reference or identifier cannot be followed: {error.message[:200]}.")
    if not path and not error.schema_path:
        return Problem(path, f"The schema cannot be compiled: {error.message[:200]}.")
    said = Explainer(None, None).explain(error)[0].message
    return Problem(path, "Not a valid schema: " + said.partition(": ")[2] + ".")


BAD_PATTERN: Final = (
    "This pattern cannot be used: it is not a regular expression, or too big once its counted repetitions are written"
    " out. Check its brackets, and use minLength and maxLength to bound a length."
)


def parse_schema_text(text: str) -> JSON:
    """A schema that was pasted as text. Raises `Invalid` with line and column where it is not JSON."""
    try:
        return _read_schema(text)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        said = f"The schema is not JSON: {where}: {error.msg[:1].lower()}{error.msg[1:]}."
        raise Invalid([Problem((), said, position=error.pos)]) from None
    except RecursionError:
        raise Invalid([Problem((), "The schema is nested too deeply.")]) from None
    except _Refused as error:
        raise Invalid([Problem((), f"The schema is not JSON: {error}")]) from None


class _Refused(ValueError):
    """What Python's reader would take, and JSON does not."""


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    tree: dict[str, JSON] = {}
    for key, value in pairs:
        if key in tree:
            raise _Refused(f"the property “{key[:60]}” appears twice in one object.")
        tree[key] = value
    return tree


def _no_constant(name: str) -> JSON:
    raise _Refused(f"{name} is not allowed.")


def _number(text: str) -> JSON:
    if len(text) > MOST_DIGITS:
        raise _Refused(f"a number has {len(text):,} digits; at most {MOST_DIGITS} are allowed.")
    return int(text) if text.removeprefix("-").isdecimal() and text != "-0" else Number(text)


MOST_DIGITS: Final = 400
"""Characters of a number in a schema."""


def _read_schema(text: str) -> JSON:
    found: JSON = json.loads(
        text,
        object_pairs_hook=_unique,
        parse_constant=_no_constant,
        parse_float=_number,
        parse_int=_number,
    )
    return found


def _mentions(schema: JSON, keyword: str) -> bool:
    stack = [schema]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            if keyword in node:
                return True
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
    return False


def long_digits(value: JSON) -> int:
    """Digits of all numbers that are too long to be told apart by a double."""
    total = 0
    stack = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, Number):
            if len(node.text) > LONG_NUMBER + 2:
                total += len(node.text)
        elif isinstance(node, int) and abs(node) >= 10**LONG_NUMBER:
            total += node.bit_length() * 3 // 10
    return total


def _by_depth(value: JSON) -> tuple[list[int], list[int]]:
    """At each depth: how many values stand there, and the size of all that stands there and deeper."""
    counts, sizes = [0] * (DEPTH + 1), [0] * (DEPTH + 1)
    stack: list[tuple[JSON, int]] = [(value, 0)]
    while stack:
        node, level = stack.pop()
        depth = min(level, DEPTH)
        counts[depth] += 1
        sizes[depth] += 1 + (len(node) // 64 if isinstance(node, str) else 0)
        if isinstance(node, dict):
            stack.extend((inner, depth + 1) for inner in node.values())
            sizes[depth] += sum(map(len, node)) // 64
        elif isinstance(node, list):
            stack.extend((inner, depth + 1) for inner in node)
    for depth in range(DEPTH, 0, -1):
        sizes[depth - 1] += sizes[depth]
    return counts, sizes
