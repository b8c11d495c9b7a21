"""Filters that make text of text."""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import quote_plus, unquote_plus

from hookstation.core.jsontext import dump_json
from hookstation.core.template.filters.common import FilterFailed, array, bounded, fitting, items, text, whole
from hookstation.core.template.liquid_values import to_json

_LINE_ENDS: Final = re.compile(r"\r?\n")
_HIDDEN: Final = {"<script": "</script>", "<style": "</style>", "<!--": "-->"}


def append(value: object, more: object) -> str:
    """`value` and then `more`."""
    return text(value) + text(more)


def prepend(value: object, before: object) -> str:
    """`before` and then `value`."""
    return text(before) + text(value)


def replace(value: object, old: object, new: object = "") -> str:
    """Every `old` replaced by `new`."""
    whole_text, sought, put = text(value), text(old), text(new)
    fitting(len(whole_text) + whole_text.count(sought) * max(0, len(put) - len(sought)))
    return whole_text.replace(sought, put)


def replace_first(value: object, old: object, new: object = "") -> str:
    """The first `old` replaced by `new`."""
    return text(value).replace(text(old), text(new), 1)


def replace_last(value: object, old: object, new: object = "") -> str:
    """The last `old` replaced by `new`."""
    sought = text(old)
    before, found, after = text(value).rpartition(sought) if sought else (text(value), "", "")
    return before + text(new) + after if found or not sought else after


def remove(value: object, old: object) -> str:
    """Every `old` taken away."""
    return replace(value, old)


def remove_first(value: object, old: object) -> str:
    """The first `old` taken away."""
    return replace_first(value, old)


def remove_last(value: object, old: object) -> str:
    """The last `old` taken away."""
    return replace_last(value, old)


def slice_(value: object, start: object, length: object = 1) -> object:
    """`length` characters or elements from `start`, which counts from the end where negative."""
    sequence = value if isinstance(value, list) else text(value)
    first, count = whole(start), max(0, whole(length))
    first = max(0, len(sequence) + first) if first < 0 else first
    part = sequence[first : first + count]
    return part if isinstance(part, str) else array(part)


def split(value: object, separator: object = "") -> object:
    """The text between separators, as an array; single characters where the separator is empty."""
    whole_text, between = text(value), text(separator)
    bounded(len(whole_text) if not between else whole_text.count(between) + 1)
    if not whole_text or whole_text == between:
        return array([])
    if not between:
        return array(list(whole_text))
    return array(list(whole_text.split() if between == " " else whole_text.split(between)))


def truncate(value: object, length: object = 50, end: object = "...") -> str:
    """At most `length` characters, `end` among them where something was cut."""
    whole_text, most, ending = text(value), whole(length), text(end)
    return whole_text if len(whole_text) <= most else whole_text[: max(0, most - len(ending))] + ending


def truncatewords(value: object, count: object = 15, end: object = "...") -> str:
    """At most `count` words, with `end` after them where something was cut."""
    words, most = text(value).split(), max(1, whole(count))
    return " ".join(words) if len(words) <= most else " ".join(words[:most]) + text(end)


def strip_html(value: object) -> str:
    """The text without tags, comments, scripts and styles; one pass whatever it holds."""
    source = text(value)
    lowered = source.lower()
    kept: list[str] = []
    at = 0
    while (opening := source.find("<", at)) >= 0:
        kept.append(source[at:opening])
        closing = next((end for start, end in _HIDDEN.items() if lowered.startswith(start, opening)), ">")
        end = lowered.find(closing, opening)
        if end < 0:
            at = opening
            break
        at = end + len(closing)
    return "".join(kept) + source[at:]


def decoded(value: object, alphabet: bytes) -> str:
    """Base64 in the given alphabet's last two characters, as UTF-8 text."""
    raw = text(value).strip()
    try:
        return base64.b64decode(raw + "=" * (-len(raw) % 4), altchars=alphabet, validate=True).decode()
    except (binascii.Error, ValueError):
        raise FilterFailed("the text is not base64 of UTF-8 text") from None


def _of_text(function: Callable[[str], str]) -> Callable[[object], str]:
    return lambda value: function(text(value))


TEXT_FILTERS: Final[dict[str, Callable[..., object]]] = {
    "append": append,
    "base64_decode": lambda value: decoded(value, b"+/"),
    "base64_encode": _of_text(lambda value: base64.b64encode(value.encode()).decode()),
    "base64_url_safe_decode": lambda value: decoded(value, b"-_"),
    "base64_url_safe_encode": _of_text(lambda value: base64.urlsafe_b64encode(value.encode()).decode()),
    "capitalize": _of_text(str.capitalize),
    "downcase": _of_text(str.lower),
    "escape": _of_text(html.escape),
    "escape_once": _of_text(lambda value: html.escape(html.unescape(value))),
    "json": lambda value: dump_json(to_json(value)),
    "lstrip": _of_text(str.lstrip),
    "newline_to_br": _of_text(lambda value: _LINE_ENDS.sub("<br />\n", value)),
    "prepend": prepend,
    "remove": remove,
    "remove_first": remove_first,
    "remove_last": remove_last,
    "replace": replace,
    "replace_first": replace_first,
    "replace_last": replace_last,
    "rstrip": _of_text(str.rstrip),
    "slice": slice_,
    "split": split,
    "squish": _of_text(lambda value: " ".join(value.split())),
    "strip": _of_text(str.strip),
    "strip_html": strip_html,
    "strip_newlines": _of_text(lambda value: _LINE_ENDS.sub("", value)),
    "truncate": truncate,
    "truncatewords": truncatewords,
    "upcase": _of_text(str.upper),
    "url_decode": _of_text(unquote_plus),
    "url_encode": _of_text(lambda value: quote_plus(value)),
}


def joined(value: object, separator: object = " ") -> str:
    """The elements as text, with `separator` between them."""
    texts, between = [text(item) for item in items(value)], text(separator)
    fitting(sum(map(len, texts)) + len(between) * len(texts))
    return between.join(texts)
