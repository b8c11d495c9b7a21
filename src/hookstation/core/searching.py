"""The words by which an event is found again.

An event is known by the words of its payload's values (not of its keys, which all events of a webhook share), and by
one word each for its webhook, sender, dedup key and record key.  A word is a run of letters and digits, compared
without regard to case and to compatible forms (NFKC).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from typing import Final

import msgspec

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON, Number
from hookstation.errors import BodyRefused, Invalid, Problem

LONGEST_WORD: Final = 64
"""Characters by which words are told apart; longer ones that begin alike are taken for the same."""

MOST_WORDS: Final = 3_000
"""Different words of one payload that are found; what comes after them is not."""

MOST_BYTES: Final = 256 * 1024
"""Bytes of a body in which words are looked for, from its beginning."""

SHORTEST_BEGINNING: Final = 3
"""Characters from which the last word of a question stands for all words that begin so."""

_WORD: Final = re.compile(r"[^\W_]+")
_OURS: Final = "\ue000"
"""Begins the words that are not of the payload: a character that no word of a text has."""


class Needle(msgspec.Struct, frozen=True):
    """What is looked for: events that have all of `words`, and, where it is not empty, one that begins so."""

    words: tuple[str, ...]
    beginning: str = ""


def words_of(text: str) -> Iterator[str]:
    """The words of a text, in their order."""
    for found in _WORD.finditer(unicodedata.normalize("NFKC", text).casefold()):
        yield found[0][:LONGEST_WORD]


def payload_words(body: bytes) -> frozenset[str]:
    """The words of a payload's values; of its whole text where it is not JSON or longer than is looked at."""
    try:
        texts: Iterable[str] = _values(parse_json(body).value)
    except BodyRefused:
        texts = [body.decode("utf-8", "replace")]
    found: set[str] = set()
    for text in texts:
        found.update(words_of(text))
        if len(found) > MOST_WORDS:
            break
    return frozenset(sorted(found)[:MOST_WORDS])


def _values(root: JSON) -> Iterator[str]:
    left: list[JSON] = [root]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        elif isinstance(value, str):
            yield value
        elif isinstance(value, (int, Number)) and not isinstance(value, bool):
            yield str(value)


def _named(kind: str, value: str) -> str:
    return _OURS + kind + blake2b(value.encode("utf-8", "surrogatepass"), digest_size=10).hexdigest()


def event_words(webhook: str, sender: str, dedup_key: str, record_key: str) -> frozenset[str]:
    """The words for what the journal knows of an event besides its payload."""
    told = {"w": webhook, "s": sender, "d": dedup_key, "r": record_key}
    return frozenset(_named(kind, value) for kind, value in told.items() if value)


def needle(
    *, text: str = "", webhook: str = "", sender: str = "", dedup_key: str = "", record_key: str = ""
) -> Needle | None:
    """What to look for; ``None`` where nothing but the webhook is asked for. Raises `Invalid` for a text without words.

    The last word of `text` may be the beginning of one, from three characters on.
    """
    if not (text or sender or dedup_key or record_key):
        return None
    asked = list(words_of(text))
    if text and not asked:
        raise Invalid([Problem(("text",), "has no letter and no digit to look for.")])
    beginning = asked.pop() if asked and len(asked[-1]) >= SHORTEST_BEGINNING else ""
    ours = event_words(webhook, sender, dedup_key, record_key)
    return Needle((*sorted(ours), *dict.fromkeys(asked)), beginning)


def has(words: frozenset[str], wanted: Needle) -> bool:
    """Whether an event with these words is one that is looked for."""
    if not words.issuperset(wanted.words):
        return False
    return not wanted.beginning or any(word.startswith(wanted.beginning) for word in words)
