"""JSON text to values and back, with every digit kept.

`parse_json` has two passes that agree on everything.  The fast one is msgspec's decoder and a few cheap
checks that together prove that nothing was lost (duplicate keys, the sign of ``-0``) and nothing is over
a limit. Where they cannot prove it, or the body is refused, the slow one decides: exact, and with a
precise reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

import msgspec

from hookstation.core.values import JSON, Number, kind_of
from hookstation.errors import BodyRefused

DEPTH: Final = 64
MEMBERS: Final = 10_000
LONGEST_INTEGER: Final = 4_300
"""Digits of an integer, Python's own bound for turning text into one."""
LONGEST_DECIMAL: Final = 1_000
"""Characters of a number with a fraction or an exponent."""
LARGEST_EXPONENT: Final = 300
"""Powers of ten of a number with a fraction or an exponent: what every double can hold, so that neither a
validator nor a target meets a ``1e999999999`` that costs gigabytes to write out."""

_fast: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Number)
_plain: Final[msgspec.json.Decoder[Any]] = msgspec.json.Decoder(float_hook=Decimal)
_SPACED_COLONS: Final = (("\n", "\n:"), ("\t", "\t:"), ("\r", "\r:"), (" ", " :"))
_KEY: Final = re.compile(r'"[ \t\n\r]*:')
_MINUS_ZERO: Final = re.compile(rb"-0(?![0-9.eE])")
# The closing quote is optional and the repetition possessive: an unterminated string is passed once, not from
# each of its quotes again.
_STRING: Final = r'"(?:[^"\\]++|\\.)*+"?'
_BRACKETS: Final = re.compile(_STRING + r"|[\[\]{}]", re.DOTALL)
_CONSTANTS: Final = re.compile(_STRING + r"|NaN|-?Infinity", re.DOTALL)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_BYTE_ORDER_MARKS: Final = (b"\xef\xbb\xbf", b"\xfe\xff", b"\xff\xfe")
_REASONS: Final = (
    ("Expecting value", "a value is expected here"),
    ("Expecting property name", "a property name in double quotes is expected here"),
    ("Illegal trailing comma", "remove the comma before the end"),
    ("Expecting ':'", "a colon is expected after the property name"),
    ("Expecting ','", "a comma or the end of the object or array is expected here"),
    ("Extra data", "the document ended before this; only one JSON document may be sent"),
    ("Unterminated string", "the text that begins here has no closing quote"),
    (
        "Invalid control character",
        "a control character inside text must be written as an escape, such as \\n",
    ),
    ("Invalid \\u", "\\u must be followed by four hexadecimal digits"),
    ("Invalid \\", 'this escape is unknown; after a backslash one of "\\/bfnrtu is allowed'),
)


class Parsed:
    """A JSON document that was read.

    `value` holds `Number` for every literal that is not a plain integer (and for ``-0``); `plain` is the same
    document with `decimal.Decimal` in its place, the shape that jsonschema-rs takes: the same object where no
    Number occurs.
    """

    __slots__ = ("plain", "value")

    def __init__(self, value: JSON, plain: object) -> None:
        self.value = value
        self.plain = plain


def parse_json(raw: bytes, *, depth: int = DEPTH, members: int = MEMBERS) -> Parsed:
    """Read one JSON document (RFC 8259): an object or an array.

    `depth` counts objects and arrays inside one another; `members` counts object members and array
    elements in all.  Raises `BodyRefused` (400, rule ``json``) with the reason: empty, malformed, more
    than one document, a bare scalar, duplicate keys, NaN, Infinity, lone surrogates, byte-order mark, bad
    UTF-8, control characters in text, over `depth` or `members`, an integer over `LONGEST_INTEGER`
    digits, a decimal over `LONGEST_DECIMAL` characters or outside 1e-300 to 1e300.
    """
    try:
        value = _fast.decode(raw)
        text = raw.decode()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _parse_exactly(raw, depth, members)
    walk = _Walk(value, depth, members)
    if walk.refused or walk.keys != _keys_written(text) or (b"-" in raw and _MINUS_ZERO.search(raw)):
        return _parse_exactly(raw, depth, members)
    return Parsed(value, _plain.decode(raw) if walk.numbers else value)


def _keys_written(text: str) -> int:
    """At least the number of keys in the text; equal to the keys of the tree only where none was folded.

    A real key gives one match, text that looks like a key only more of them.  Single characters are looked for
    first: that is several times cheaper than looking for two.  Text is searched faster than bytes are.
    """
    for space, spaced in _SPACED_COLONS:
        if space in text and spaced in text:
            return len(_KEY.findall(text))
    return text.count('":')


class _Walk:
    """One pass over a decoded tree: its keys, whether it has Numbers, and the first limit it is over."""

    __slots__ = ("keys", "numbers", "refused")

    def __init__(self, root: JSON, depth: int, members: int) -> None:
        self.keys = 0
        self.numbers = False
        self.refused = ""
        if type(root) is not dict and type(root) is not list:
            self.refused = f"The body is a bare {kind_of(root)}: it must be a JSON object or array."
            return
        self._count(root, depth, members)

    def _count(self, root: dict[str, JSON] | list[JSON], depth: int, members: int) -> None:
        total = 0
        stack: list[tuple[JSON, int]] = [(root, 1)]
        while stack:
            node, level = stack.pop()
            if type(node) is dict:
                self.keys += len(node)
                values: Any = node.values()
            else:
                values = node
            total += len(values)
            if level > depth or total > members:
                self.refused = _too_deep(depth) if level > depth else _too_many(members)
                return
            for value in values:
                kind = type(value)
                if kind is dict or kind is list:
                    stack.append((value, level + 1))
                elif kind is Number:
                    self.numbers = True
                    if reason := number_refused(value.text):
                        self.refused = reason
                        return


def number_refused(text: str) -> str:
    """Why a literal with a fraction or an exponent is refused; empty where it is not."""
    if len(text) > LONGEST_DECIMAL:
        return (
            f"A number has {len(text):,} characters: with a fraction or an exponent at most"
            f" {LONGEST_DECIMAL:,} are allowed. Send it as text."
        )
    if len(text) < 100 and "e" not in text and "E" not in text:
        return ""
    _, _, exponent = text.lower().partition("e")
    # Decimal itself refuses exponents of absurd length; six digits are enough to know.
    if len(exponent.lstrip("+-0")) > 6 or abs(Decimal(text).adjusted()) > LARGEST_EXPONENT:
        return (
            f"The number {_shown(text)} is out of range: with a fraction or an exponent it must lie between"
            f" 1e-{LARGEST_EXPONENT} and 1e{LARGEST_EXPONENT}. Send it as text."
        )
    return ""


def _parse_exactly(raw: bytes, depth: int, members: int) -> Parsed:
    """The slow pass: the same result as the fast one, and the precise reason where there is none."""
    text = _decoded(raw)
    _check_brackets(text, depth, members)
    try:
        value: JSON = _strict.decode(text)
    except json.JSONDecodeError as error:
        raise BodyRefused(_malformed(text, error.pos, error.msg)) from None
    except _NotANumber as error:
        raise BodyRefused(_constant(text, str(error))) from None
    if "\\u" in text:
        _check_surrogates(value)
    walk = _Walk(value, depth, members)
    if walk.refused:
        raise BodyRefused(walk.refused)
    return Parsed(value, plain_of(value) if walk.numbers else value)


def _decoded(raw: bytes) -> str:
    if raw.startswith(_BYTE_ORDER_MARKS):
        raise BodyRefused(
            "The body begins with a byte-order mark: send JSON as UTF-8 without one, so that the first byte"
            " belongs to the JSON itself."
        )
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BodyRefused(
            f"The body is not UTF-8: byte {error.start} (0x{raw[error.start]:02x}) cannot stand there."
            " Send JSON encoded as UTF-8."
        ) from None
    if not text.strip(" \t\n\r"):
        raise BodyRefused("The body is empty: a JSON object or array is expected.")
    return text


def _check_brackets(text: str, depth: int, members: int) -> None:
    """Refuse what is too deep before a recursive parser sees it; of brackets, the root's may come on top."""
    level = opened = 0
    for match in _BRACKETS.finditer(text):
        token = match.group()
        if token in ("[", "{"):
            level += 1
            opened += 1
            if level > depth:
                raise BodyRefused(_too_deep(depth))
            if opened > members + 1:
                raise BodyRefused(_too_many(members))
        elif token in ("]", "}"):
            level -= 1


def _too_deep(depth: int) -> str:
    return f"The body is nested too deeply: at most {depth} objects and arrays may stand inside one another."


def _too_many(members: int) -> str:
    return (
        f"The body has too many members: at most {members:,} object members and array elements in all are"
        " allowed. Send it in several calls."
    )


class _NotANumber(Exception):
    """NaN, Infinity or -Infinity."""


def _unique(pairs: list[tuple[str, JSON]]) -> dict[str, JSON]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        twice = Counter(key for key, _ in pairs).most_common(1)[0][0]
        raise BodyRefused(
            f"The property {_quoted(twice)} appears twice in one object: each name may be used once."
        )
    return tree


def _integer(text: str) -> int | Number:
    digits = len(text) - text.startswith("-")
    if digits > LONGEST_INTEGER:
        raise BodyRefused(
            f"An integer has {digits:,} digits: at most {LONGEST_INTEGER:,} are allowed. Send it as text."
        )
    return Number(text) if text == "-0" else int(text)


def _refuse_constant(name: str) -> JSON:
    raise _NotANumber(name)


_strict: Final = json.JSONDecoder(
    object_pairs_hook=_unique,
    parse_float=Number,
    parse_int=_integer,
    parse_constant=_refuse_constant,
)


def _check_surrogates(root: JSON) -> None:
    for text in _texts(root):
        if found := _SURROGATE.search(text):
            raise BodyRefused(
                f"A text holds \\u{ord(found.group()):04x} without its other half: a character outside the"
                " basic plane is written as a pair of escapes, \\ud800–\\udbff and then \\udc00–\\udfff."
            )


def _texts(root: JSON) -> Iterator[str]:
    stack: list[JSON] = [root]
    while stack:
        node = stack.pop()
        if type(node) is str:
            yield node
        elif type(node) is list:
            stack.extend(node)
        elif type(node) is dict:
            yield from node
            stack.extend(node.values())


def _malformed(text: str, position: int, kind: str) -> str:
    """The sentence for one of the standard library's complaints, at a position in characters."""
    said = next((ours for theirs, ours in _REASONS if kind.startswith(theirs)), "this is not JSON")
    if position >= len(text):
        return f"{_place(text, position)}: the body ends before the JSON document is complete."
    if text[position] in "}]" and text[:position].rstrip().endswith(","):
        said = "remove the comma before this end"
    return f"{_place(text, position)}: {said}, found {_quoted(text[position : position + 12])}."


def _constant(text: str, name: str) -> str:
    found = next(match for match in _CONSTANTS.finditer(text) if match.group() == name)
    return f"{_place(text, found.start())}: {name} is not JSON. Send null, or a number."


def _place(text: str, position: int) -> str:
    before = text[:position]
    line = before.count("\n") + 1
    column = position - (before.rfind("\n") + 1) + 1
    return f"Line {line}, column {column} (byte {len(before.encode())})"


def _shown(text: str, longest: int = 40) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _quoted(text: str) -> str:
    return "“" + _SURROGATE.sub("\ufffd", _shown(text)) + "”"


def plain_of(value: JSON) -> object:
    """The document with `decimal.Decimal` in place of `Number`."""
    if type(value) is Number:
        return value.decimal
    if type(value) is list:
        return [plain_of(item) for item in value]
    if type(value) is dict:
        return {key: plain_of(item) for key, item in value.items()}
    return value


def dump_json(value: JSON) -> str:
    """Compact JSON text: no spaces, non-ASCII as it is, numbers by the digits they came with."""
    return _encoder.encode(value).decode()


def _raw_number(value: object) -> object:
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


_encoder: Final = msgspec.json.Encoder(enc_hook=_raw_number)
_text_encoder: Final = json.JSONEncoder(ensure_ascii=False)


def dump_json_line(value: JSON) -> bytes:
    """JSON in UTF-8 with a space after each comma and colon, as ``json.dumps`` writes it; for answers."""
    pieces: list[str] = []
    _write_spaced(value, pieces)
    return "".join(pieces).encode()


def _write_spaced(value: JSON, pieces: list[str]) -> None:
    if type(value) is dict:
        _write_items("{}", [(_text_encoder.encode(key) + ": ", item) for key, item in value.items()], pieces)
    elif type(value) is list:
        _write_items("[]", [("", item) for item in value], pieces)
    elif type(value) is str:
        pieces.append(_text_encoder.encode(value))
    else:
        pieces.append(dump_json(value))


def _write_items(brackets: str, items: list[tuple[str, JSON]], pieces: list[str]) -> None:
    before = brackets[0]
    for label, item in items:
        pieces.append(before + label)
        _write_spaced(item, pieces)
        before = ", "
    pieces.append(brackets[1] if items else brackets)
