"""A signature as a receiver meets it: where it stands, what was signed, and how texts get into a program."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Protocol

from hookstation.core.outgoing.definitions import HmacSigning
from hookstation.core.signing import TIMESTAMP

TOLERANCE: Final = 300
"""Seconds that a call may be old or early."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_MARK: Final = re.compile("«([a-z_]+)»")
_MARKED_LINE: Final = re.compile("[ ]*«([a-z_]+)»\n")
_ESCAPES: Final = {
    "\\": "\\\\",
    '"': '\\"',
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\x85": "\\u0085",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
"""The last three end a line in C#."""

_PATTERNS: Final = {"signature": "(.+)", "timestamp": "([0-9]{1,12})", "id": ".+"}


@dataclass(frozen=True, slots=True)
class Form:
    """How one HMAC is read.

    `pattern`: a regular expression for the header's value that holds in every language; `proof` and `timestamp` are the
    numbers of its groups, 0 where it has none; `timestamp_header` is then where the timestamp stands, empty where it
    is not signed.  `before` and `after`: what is signed around the body, with ``{timestamp}`` and ``{id}`` in it.
    """

    header: str
    pattern: str
    proof: int
    timestamp: int
    timestamp_header: str
    before: str
    after: str
    joint: str
    algorithm: str
    encoding: str

    @property
    def is_timed(self) -> bool:
        """Whether the receiver can tell how old a call is."""
        return bool(self.timestamp or self.timestamp_header)

    @property
    def signs_id(self) -> bool:
        """Whether the delivery's id is signed."""
        return "{id}" in self.before + self.after


class Language(Protocol):
    """Writes programs. Each takes a text that it puts into the program as the secret or the public key."""

    def shared(self, secret: str) -> str:
        """For Standard Webhooks ``v1``."""
        ...

    def public(self, key: str) -> str:
        """For Standard Webhooks ``v1a``."""
        ...

    def family(self, form: Form, secret: str) -> str:
        """For an HMAC in a header."""
        ...


def form_of(signing: HmacSigning) -> Form:
    """What a receiver has to know of it."""
    groups = [name for name in _PLACE.findall(signing.value) if name != "id"]
    before, _, after = signing.content.partition("{body}")
    timed = "{timestamp}" in signing.content
    elsewhere = signing.timestamp_header.lower() or TIMESTAMP
    inside = timed and "timestamp" in groups
    return Form(
        header=signing.header.lower(),
        pattern=_pattern(signing.value),
        proof=groups.index("signature") + 1,
        timestamp=groups.index("timestamp") + 1 if inside else 0,
        timestamp_header=elsewhere if timed and not inside else "",
        before=before,
        after=after,
        joint=signing.joint,
        algorithm=signing.algorithm,
        encoding=signing.encoding,
    )


def _pattern(value: str) -> str:
    parts = _PLACE.split(value)
    return "".join(_PATTERNS[one] if index % 2 else _escaped(one) for index, one in enumerate(parts))


def _escaped(text: str) -> str:
    return re.sub(r"([\\^$.|?*+()\[\]{}/])", r"\\\1", text)


def pieces(text: str) -> list[tuple[str, bool]]:
    """Texts, and the names that stand in braces between them (true)."""
    parts = _PLACE.split(text)
    return [(part, bool(index % 2)) for index, part in enumerate(parts) if part]


def filled(program: str, **facts: str) -> str:
    """The program with «marks» replaced; a line of nothing but an empty one is left out."""
    facts = {"tolerance": str(TOLERANCE), **facts}
    kept = _MARKED_LINE.sub(lambda line: line[0] if facts[line[1]] else "", program)
    return _MARK.sub(lambda mark: facts[mark[1]], kept).lstrip("\n")


def quoted(text: str) -> str:
    """A text as Python, JavaScript and C# write it, in double quotes."""
    for plain, written in _ESCAPES.items():
        text = text.replace(plain, written)
    return f'"{text}"'
