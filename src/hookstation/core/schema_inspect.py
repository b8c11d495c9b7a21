"""What is wrong with a schema, found without compiling it: so anything at all may be given to it.

The limits keep the trial compilation and every later check of a payload small; each is far above what a
real webhook needs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from typing import Any, Final

from jsonschema_rs import Registry, ValidationError, Validator, validator_for

from hookstation.core.jsontext import dump_json, plain_of
from hookstation.core.schema import (
    DRAFTS,
    MOST_DIGITS,
    MOST_LONG_DIGITS,
    NO_SCHEMA,
    UNKNOWN_DRAFT,
    draft_of,
    long_digits,
    problem_of,
)
from hookstation.core.schema_outline import Node, Outline, Place
from hookstation.core.values import JSON, Number
from hookstation.errors import Problem

LARGEST: Final = 256 * 1024
"""Bytes of a schema, written compactly."""
DEEPEST: Final = 128
"""Objects and arrays of a schema inside one another."""
MOST_REFERENCES: Final = 500
MOST_APPLICATIONS: Final = 10_000
"""Subschemas that one value may meet once references are followed: doubling references reach 2^n."""
MOST_PATTERNS: Final = 200
LONGEST_PATTERN: Final = 1_000
MOST_ODD_OPTIONS: Final = 50
"""Options of `enum` that are neither text nor a plain integer: they are compared one after the other."""
MOST_PROBLEMS: Final = 50
MOST_COLLECTED: Final = 5_000
"""Values up to which a schema's own errors are all collected, instead of the first alone."""

_EVERYWHERE: Final = frozenset(
    {"date-time", "date", "time", "email", "hostname", "ipv4", "ipv6", "uri", "regex"}
)
_FORMATS_4: Final = _EVERYWHERE | {"idn-email"}
_FORMATS_6: Final = _FORMATS_4 | {"uri-reference", "uri-template", "json-pointer"}
_FORMATS_7: Final = _FORMATS_6 | {"idn-hostname", "iri", "iri-reference", "relative-json-pointer"}
_FORMATS_2019: Final = _FORMATS_7 | {"duration", "uuid"}
FORMATS: Final = dict(
    zip(DRAFTS.values(), (_FORMATS_4, _FORMATS_6, _FORMATS_7, _FORMATS_2019, _FORMATS_2019), strict=True)
)
"""The formats that jsonschema-rs checks, by draft."""

DRAFT_4_HINT: Final = (
    "The schema has no $schema, so it is read as draft 2020-12, but {} belongs to an older draft. If it was written for"
    ' draft 4, add "$schema": "http://json-schema.org/draft-04/schema#".'
)


def inspect_schema(schema: JSON) -> list[Problem]:
    """Everything that is wrong with a schema, each with its place; empty or warnings only: it may be tried.

    Found: no schema at all, too big or too deep, an unknown draft, errors against the draft's
    meta-schema, references that lead outside or nowhere or double too often, patterns that are too many,
    too long or need look-around or back-references, costly lists.  Warnings: unknown formats, an older
    draft that is not named.
    """
    if isinstance(schema, bool):
        return []
    if not isinstance(schema, dict):
        return [Problem((), NO_SCHEMA)]
    if found := list(islice(_sizes(schema), MOST_PROBLEMS)):
        return found
    draft = draft_of(schema)
    if draft is None:
        return [Problem(("$schema",), UNKNOWN_DRAFT)]
    outline = Outline(schema)
    checks: tuple[Iterator[Problem], ...] = (
        _old_draft(schema, outline),
        _meta_errors(schema, draft),
        _reference_problems(outline),
        _pattern_problems(outline),
        _enum_problems(outline),
        _format_warnings(outline, FORMATS[draft]),
        _inner_drafts(outline),
    )
    problems = dict.fromkeys(problem for check in checks for problem in islice(check, MOST_PROBLEMS))
    return list(problems)[:MOST_PROBLEMS]


def _sizes(schema: JSON) -> Iterator[Problem]:
    odd = False
    for path, value, depth in _everything(schema):
        if depth > DEEPEST:
            yield Problem(path[:6], f"The schema is nested too deeply: at most {DEEPEST} levels are allowed.")
            return
        if said := _not_json(value):
            odd = True
            yield Problem(path, said)
    if (digits := long_digits(schema)) > MOST_LONG_DIGITS:
        yield Problem(
            (), f"The schema has {digits:,} digits in long numbers; at most {MOST_LONG_DIGITS:,} are allowed."
        )
    size = 0 if odd else len(dump_json(schema).encode())
    if size > LARGEST:
        yield Problem((), f"The schema is too big: {size:,} bytes; at most {LARGEST:,} are allowed.")


def _not_json(value: object) -> str:
    """Why one value, without what it holds, cannot stand in a schema; empty where it can."""
    if isinstance(value, Number):
        return (
            "" if _ordinary(value) else "This number is out of range: it must lie between 1e-300 and 1e300."
        )
    if isinstance(value, int):
        too_long = value.bit_length() > MOST_DIGITS * 3
        return f"This number is too long: at most {MOST_DIGITS} digits are allowed." if too_long else ""
    if isinstance(value, str):
        return (
            "This text holds half a character (a lone surrogate): write it anew." if _unpaired(value) else ""
        )
    if isinstance(value, dict):
        named = all(isinstance(key, str) and not _unpaired(key) for key in value)
        return "" if named else "Every property name must be whole text; put quotes around it."
    if value is None or isinstance(value, list):
        return ""
    return f"A schema cannot hold a value of the kind {type(value).__name__}."


def _ordinary(number: Number) -> bool:
    mantissa, _, exponent = number.text.lower().partition("e")
    digits = exponent.lstrip("+-0")
    return len(digits) <= 3 and int(digits or 0) <= 300 and len(mantissa) <= 300


def _unpaired(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _everything(schema: JSON) -> Iterator[tuple[Place, JSON, int]]:
    """Every value in the document, with its path (cut where it is too deep to matter) and depth."""
    stack: list[tuple[Place, JSON, int]] = [((), schema, 1)]
    while stack:
        path, value, depth = stack.pop()
        yield path, value, depth
        if depth > DEEPEST:
            continue
        if isinstance(value, dict):
            stack.extend(((*path, str(key)), inner, depth + 1) for key, inner in value.items())
        elif isinstance(value, list):
            stack.extend(((*path, number), inner, depth + 1) for number, inner in enumerate(value))


@cache
def _meta_validator(uri: str) -> Validator:
    scheme = "https://" if "/draft/" in uri else "http://"
    # An empty registry keeps the bundled meta-schemas in reach and everything else out of it.
    return validator_for({"$schema": scheme + uri, "$ref": scheme + uri}, registry=Registry([]))


def _meta_errors(schema: dict[str, JSON], draft: type[Validator]) -> Iterator[Problem]:
    source: Any = plain_of({key: value for key, value in schema.items() if key != "$schema" or value != ""})
    validator = _meta_validator(next(uri for uri, known in DRAFTS.items() if known is draft))
    if validator.is_valid(source):
        return
    if sum(1 for _ in islice(_everything(schema), MOST_COLLECTED + 1)) <= MOST_COLLECTED:
        yield from map(problem_of, validator.iter_errors(source))
        return
    try:
        validator.validate(source)
    except ValidationError as error:
        yield problem_of(error)


def _reference_problems(outline: Outline) -> Iterator[Problem]:
    for reference in outline.references:
        if reference.target is not None:
            continue
        if reference.inside:
            said = (
                f"The reference “{reference.text[:100]}” leads to nothing in this schema. Check its spelling."
            )
        else:
            said = (
                f"The reference “{reference.text[:100]}” leads outside this schema; nothing is ever fetched. Copy what"
                " it means into $defs and refer to it there, such as #/$defs/name."
            )
        yield Problem(reference.place, said)
    if len(outline.references) > MOST_REFERENCES:
        count = len(outline.references)
        yield Problem((), f"The schema has {count:,} references; at most {MOST_REFERENCES} are allowed.")
    if (count := outline.applications()) > MOST_APPLICATIONS:
        yield Problem(
            (),
            f"Once its references are followed, one value would be checked {count:,} times or more; at most"
            f" {MOST_APPLICATIONS:,} are allowed. Let fewer subschemas refer to others that refer on.",
        )


def _patterns(outline: Outline) -> Iterator[tuple[Place, str]]:
    for node in outline.nodes:
        if isinstance(pattern := node.schema.get("pattern"), str):
            yield (*node.place, "pattern"), pattern
        if isinstance(named := node.schema.get("patternProperties"), dict):
            yield from (((*node.place, "patternProperties", pattern), pattern) for pattern in named)


def _pattern_problems(outline: Outline) -> Iterator[Problem]:
    patterns = list(_patterns(outline))
    if len(patterns) > MOST_PATTERNS:
        yield Problem((), f"The schema has {len(patterns):,} patterns; at most {MOST_PATTERNS} are allowed.")
    for place, pattern in patterns:
        if len(pattern) > LONGEST_PATTERN:
            length = f"{len(pattern):,} characters; at most {LONGEST_PATTERN:,} are allowed"
            yield Problem(place, f"The pattern is too long: {length}.")
        elif said := _beyond_linear(pattern):
            yield Problem(place, said)


_TOKEN: Final = re.compile(
    r"(?P<class>\[\^?\]?(?:[^\]\\]|\\.)*+\]?)|(?P<look>\(\?<?[=!])|(?P<back>\\(?:[1-9]|k[<{'])|\(\?P=)|\\.|.",
    re.DOTALL,
)


def _beyond_linear(pattern: str) -> str:
    """Why a pattern needs an engine that may take exponential time; empty where it does not."""
    for token in _TOKEN.finditer(pattern):
        if token["look"]:
            return (
                f"The pattern uses look-around, {token['look']}…, at position {token.start() + 1}: patterns run on an"
                " engine that is always fast and has none. Say it with several patterns under allOf, or with not."
            )
        if token["back"]:
            return (
                f"The pattern refers back to a group, {token['back']}, at position {token.start() + 1}: patterns run on"
                " an engine that is always fast and cannot. Write the alternatives out."
            )
    return ""


def _enum_problems(outline: Outline) -> Iterator[Problem]:
    for node in outline.nodes:
        options = node.schema.get("enum")
        if isinstance(options, list) and (odd := sum(map(_odd, options))) > MOST_ODD_OPTIONS:
            yield Problem(
                (*node.place, "enum"),
                f"The list has {odd:,} options that are neither text nor a whole number of up to 15 digits; at most"
                f" {MOST_ODD_OPTIONS} are allowed.",
            )


def _odd(option: JSON) -> bool:
    if isinstance(option, int):
        return abs(option) >= 10**15
    return option is not None and not isinstance(option, str)


def _format_warnings(outline: Outline, known: frozenset[str]) -> Iterator[Problem]:
    for node in outline.nodes:
        name = node.schema.get("format")
        if isinstance(name, str) and name not in known:
            said = f"The format “{name[:60]}” is not known to this draft and will not be checked. Known are: "
            yield Problem((*node.place, "format"), said + ", ".join(sorted(known)) + ".", "warning")


def _inner_drafts(outline: Outline) -> Iterator[Problem]:
    for node in outline.nodes[1:]:
        if "$schema" in node.schema and draft_of(node.schema) is None:
            yield Problem((*node.place, "$schema"), UNKNOWN_DRAFT)


_OLD_SIGNS: Final[tuple[tuple[str, Callable[[Node], bool]], ...]] = (
    (
        "exclusiveMinimum with true or false",
        lambda node: isinstance(node.schema.get("exclusiveMinimum"), bool),
    ),
    (
        "exclusiveMaximum with true or false",
        lambda node: isinstance(node.schema.get("exclusiveMaximum"), bool),
    ),
    ("required with true or false", lambda node: isinstance(node.schema.get("required"), bool)),
    ("id instead of $id", lambda node: not node.place and isinstance(node.schema.get("id"), str)),
    ("a list under items", lambda node: isinstance(node.schema.get("items"), list)),
    ("additionalItems", lambda node: "additionalItems" in node.schema),
    ("divisibleBy", lambda node: "divisibleBy" in node.schema),
)


def _old_draft(schema: dict[str, JSON], outline: Outline) -> Iterator[Problem]:
    if schema.get("$schema", "") != "":
        return
    for said, sign in _OLD_SIGNS:
        if node := next((node for node in outline.nodes if sign(node)), None):
            yield Problem(node.place, DRAFT_4_HINT.format(said), "warning")
            return
