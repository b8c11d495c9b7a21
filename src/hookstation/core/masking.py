"""What the journal may show of a call: secrets masked, long values visibly capped."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias
from urllib.parse import unquote_plus

from hookstation.core.template import Scope

Pairs: TypeAlias = tuple[tuple[str, str], ...]

MASK: Final = "***"
LONGEST_VALUE: Final = 1024
"""Characters of a header's value that are kept."""
MOST_HEADERS: Final = 64
DROPPED: Final = "…"
"""The entry among kept headers that says that there were more."""
LONGEST_QUERY: Final = 2048

_CUT: Final = re.compile(r"… \(\+[0-9]+ characters\)\Z")
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_TOKEN_WORDS: Final = frozenset(
    {
        "accesstoken",
        "apikey",
        "auth",
        "authorization",
        "authtoken",
        "bearer",
        "credential",
        "credentials",
        "csrf",
        "csrftoken",
        "jsessionid",
        "jwt",
        "passphrase",
        "passwd",
        "password",
        "phpsessid",
        "pwd",
        "secret",
        "sessid",
        "session",
        "sessionid",
        "sid",
        "sig",
        "signature",
        "token",
        "xsrf",
        "xsrftoken",
    }
)
_QUERY_ONLY: Final = frozenset({"code"})
"""Parameters that are credentials (RFC 6749, 4.1.2; functions of clouds), although headers of that name are none."""
_KEYS: Final = frozenset({"access", "api", "auth", "functions", "private", "secret", "subscription"})
"""Words that make a credential of a following “key”; an idempotency key or a sort key is none."""


def mask_headers(headers: Mapping[str, str], secret: frozenset[str]) -> dict[str, str]:
    """Headers for the journal. `secret`: names, lower case, whose values are masked besides the token-like.

    A value over 1,024 characters ends in ``… (+<n> characters)``; beyond 64 headers the entry ``…`` says
    how many more there were.
    """
    names = tuple(headers)[:MOST_HEADERS]
    kept = dict(headers)
    if len(headers) > MOST_HEADERS:
        kept = {name: headers[name] for name in names}
        kept[DROPPED] = f"{len(headers) - MOST_HEADERS} more headers are not kept"
    for name in _masked(names, secret):
        kept[name] = MASK
    for name, value in kept.items():
        if len(value) > LONGEST_VALUE:
            kept[name] = _capped(value, LONGEST_VALUE)
    return kept


def mask_pairs(headers: Pairs, secret: frozenset[str]) -> Pairs:
    """As `mask_headers`, for headers in their order of which some may come twice. `secret`: names as they are written.

    The same object where nothing is to be masked or capped, which is so with most.
    """
    hidden = _masked(tuple([name for name, _ in headers]), secret)
    longest = max([len(value) for _, value in headers], default=0)
    if not hidden and longest <= LONGEST_VALUE and len(headers) <= MOST_HEADERS:
        return headers
    kept = [
        (name, MASK if name in hidden else _capped(value, LONGEST_VALUE))
        for name, value in headers[:MOST_HEADERS]
    ]
    if len(headers) > MOST_HEADERS:
        kept.append((DROPPED, f"{len(headers) - MOST_HEADERS} more headers are not kept"))
    return tuple(kept)


def mask_query(query: str) -> str:
    """A raw query string (without ``?``) for the journal: token-like parameters masked, the whole capped."""
    return _capped("&".join(_masked_parameter(part) for part in query.split("&")), LONGEST_QUERY)


def is_whole(value: str) -> bool:
    """Whether the journal holds this value as it was received: neither masked nor capped."""
    return value != MASK and _CUT.search(value) is None


def lost_headers(kept: Mapping[str, str], names: frozenset[str], unread: frozenset[str]) -> list[str]:
    """Which of these headers (lower case) the journal does not hold as they were received: masked, capped, dropped.

    ``*`` among the `names` stands for every header but the `unread` ones.
    """
    read = kept.keys() - unread if "*" in names else names
    return sorted(name for name in read if not _is_kept(name, kept))


def lost_parameters(kept: str, names: frozenset[str]) -> list[str]:
    """Which of these query parameters the journal does not hold as they were received; ``*`` stands for every one."""
    if not is_whole(kept):
        return sorted(names)
    found = Scope(None, query=kept).query()
    return sorted(name for name in (found if "*" in names else names) if found.get(name) == MASK)


def _is_kept(name: str, kept: Mapping[str, str]) -> bool:
    """A header that is not there was not sent, unless some were dropped."""
    value = kept.get(name)
    return DROPPED not in kept if value is None else name != DROPPED and is_whole(value)


def is_token_like(name: str) -> bool:
    """Whether a name says that the value is a credential (``access_token``, ``apiKey``, ``pwd``)."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if _TOKEN_WORDS.intersection(words) or words == ["key"]:
        return True
    return any(one in _KEYS and next_one == "key" for one, next_one in pairwise(words))


@lru_cache(maxsize=256)  # a sender sends the same names with each call
def _masked(names: tuple[str, ...], secret: frozenset[str]) -> tuple[str, ...]:
    """Which of these headers are masked."""
    return tuple(name for name in names if name in secret or _is_token_header(name))


def _is_token_header(name: str) -> bool:
    """Signatures of other schemes stay visible: they tell which one the sender uses."""
    return "signature" not in name and is_token_like(name)


def _masked_parameter(part: str) -> str:
    name, equals, _value = part.partition("=")
    if not equals:
        return part
    plain = unquote_plus(name)
    return f"{name}={MASK}" if plain.lower() in _QUERY_ONLY or is_token_like(plain) else part


def _capped(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[:longest]}… (+{len(text) - longest} characters)"
