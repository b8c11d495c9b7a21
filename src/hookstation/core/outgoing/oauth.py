"""OAuth 2.0 client credentials (RFC 6749, 4.4): what is asked for, and what an answer means."""

from __future__ import annotations

from base64 import b64encode
from typing import Final, NamedTuple
from urllib.parse import quote_plus, urlencode

import msgspec

from hookstation.core.outgoing.definitions import ClientCredentials
from hookstation.core.values import Secret

USUAL_LIFE: Final = 300.0
"""Seconds that a token is kept whose answer does not say how long it lasts."""

LONGEST_LIFE: Final = 86_400.0
EARLY: Final = 60.0
"""Seconds before its end from which a token is not used any more, at most a quarter of its life."""

LARGEST_ANSWER: Final = 65_536
LONGEST_TOKEN: Final = 16_384
LONGEST_ERROR: Final = 200

_ASKING: Final = (
    ("Content-Type", "application/x-www-form-urlencoded"),
    ("Accept", "application/json"),
)


class _Answer(msgspec.Struct):
    access_token: str = ""
    token_type: str = "bearer"  # noqa: S105 - the kind, not a token
    expires_in: float | None = None
    error: str = ""
    error_description: str = ""


class Granted(NamedTuple):
    """A token. `life`: seconds for which it may be used, from when it was asked for."""

    token: Secret
    life: float


_decode: Final = msgspec.json.Decoder(_Answer, strict=False).decode


def token_request(wanted: ClientCredentials) -> tuple[bytes, tuple[tuple[str, str], ...]]:
    """Form and headers. By basic authentication id and secret are form-encoded first (RFC 6749, 2.3.1)."""
    form = {"grant_type": "client_credentials"}
    if wanted.scope:
        form["scope"] = wanted.scope
    if wanted.audience:
        form["audience"] = wanted.audience
    if wanted.in_body:
        form |= {"client_id": wanted.client_id, "client_secret": wanted.client_secret.reveal()}
        return urlencode(form).encode(), _ASKING
    pair = f"{quote_plus(wanted.client_id)}:{quote_plus(wanted.client_secret.reveal())}"
    basic = ("Authorization", f"Basic {b64encode(pair.encode()).decode()}")
    return urlencode(form).encode(), (*_ASKING, basic)


def read_grant(status: int, body: bytes, *, cut: bool) -> Granted | str:
    """The token, or why there is none: what is told of a refusal is what RFC 6749, 5.2 says of it."""
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        answer = _Answer()
    if status != 200:
        said = _plain(f"{answer.error} {answer.error_description}")
        return f"The token endpoint answered {status}" + (f": {said}." if said else ".")
    if cut or not _is_token(answer.access_token) or answer.token_type.lower() != "bearer":
        return "The token endpoint answered 200, but not with a bearer token as RFC 6749, 5.1 has it."
    life = USUAL_LIFE if answer.expires_in is None else min(answer.expires_in, LONGEST_LIFE)
    return Granted(Secret(answer.access_token), life - min(EARLY, life / 4))


def _plain(text: str) -> str:
    """A foreign sentence on one line, as far as it is passed on."""
    return "".join(one for one in text.strip()[:LONGEST_ERROR] if one.isprintable())


def _is_token(text: str) -> bool:
    """Whether it may stand in a header."""
    return 0 < len(text) <= LONGEST_TOKEN and text.isascii() and text.isprintable() and " " not in text
