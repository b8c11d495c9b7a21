"""Tokens that prove that a form or a script's request comes from our own page.

A token is made from a secret that only the browser's cookie carries, and is another text each time: compressed pages
would else tell it, letter by letter, to who can make them and count their bytes (BREACH).
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Final

FIELD: Final = "csrf"
HEADER: Final = "x-csrf-token"
_SIZE: Final = 32


def issue(secret: str) -> str:
    """A token that goes with `secret`."""
    pad = secrets.token_bytes(_SIZE)
    return base64.urlsafe_b64encode(pad + _mixed(_proof(secret), pad)).decode()


def goes_with(secret: str, token: str) -> bool:
    """Whether `token` was made from `secret`; nothing goes with an empty one."""
    try:
        raw = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
    except ValueError:
        return False
    if not secret or len(raw) != 2 * _SIZE:
        return False
    return hmac.compare_digest(_mixed(raw[_SIZE:], raw[:_SIZE]), _proof(secret))


def _proof(secret: str) -> bytes:
    return hmac.digest(secret.encode("utf-8", "surrogatepass"), b"hookstation forms", "sha256")


def _mixed(first: bytes, second: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(first, second, strict=True))
