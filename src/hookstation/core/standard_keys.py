"""The keys of Standard Webhooks 1.0.0, in the forms in which people pass them on.

``whsec_`` is a secret that both sides know (HMAC, signatures ``v1``).  ``whsk_`` is the sender's secret ed25519 key
(``v1a``), ``whpk_`` the public key by which receivers verify.  Behind the mark stands base64; its padding may be left
out.  A secret ed25519 key is the seed of RFC 8032, 32 bytes, as the libraries of Standard Webhooks write it; some
services append the public key, and those 64 bytes are taken too.
https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hookstation.core.values import Secret
from hookstation.errors import Problem

SHARED: Final = "whsec_"
PRIVATE: Final = "whsk_"
PUBLIC: Final = "whpk_"
SEED: Final = 32
"""Bytes of an ed25519 seed and of a public key, and of the secrets that the station makes."""

_SHORTEST, _LONGEST = 24, 64


class KeyKind(StrEnum):
    """The kinds of signature, as the header names them: HMAC-SHA256 and ed25519."""

    HMAC = "v1"
    ED25519 = "v1a"


def new_standard_secret(random: bytes, kind: KeyKind = KeyKind.HMAC) -> Secret:
    """A secret for signing, made of `SEED` random bytes."""
    if len(random) != SEED:
        raise ValueError(f"a secret is made of {SEED} random bytes, not {len(random)}")
    mark = SHARED if kind is KeyKind.HMAC else PRIVATE
    return Secret(mark + base64.b64encode(random).decode())


def kind_of_secret(secret: Secret) -> KeyKind:
    """Which signatures a secret makes, or a public key verifies."""
    return KeyKind.ED25519 if secret.reveal().startswith((PRIVATE, PUBLIC)) else KeyKind.HMAC


def shared_key(secret: Secret) -> bytes:
    """The key inside ``whsec_...``. `ValueError`: it is not base64."""
    return _decoded(secret.reveal().removeprefix(SHARED))


def private_key(secret: Secret) -> Ed25519PrivateKey:
    """The key inside ``whsk_...``. `ValueError`: it is none."""
    key = _decoded(secret.reveal().removeprefix(PRIVATE))
    found = Ed25519PrivateKey.from_private_bytes(key[:SEED])
    if key[SEED:] not in (b"", found.public_key().public_bytes_raw()):
        raise ValueError("what follows the seed is not its public key")
    return found


def public_key(text: str) -> Ed25519PublicKey:
    """The key inside ``whpk_...``. `ValueError`: it is none."""
    return Ed25519PublicKey.from_public_bytes(_decoded(text.removeprefix(PUBLIC)))


def public_text(secret: Secret) -> str:
    """The ``whpk_...`` that receivers need for the signatures of a ``whsk_...``."""
    raw = private_key(secret).public_key().public_bytes_raw()
    return PUBLIC + base64.b64encode(raw).decode()


def signing_secret_problems(secret: Secret) -> Iterator[Problem]:
    """Why nothing can be signed with this secret; the path is empty."""
    text = secret.reveal()
    if text.startswith(PUBLIC):
        yield Problem(
            (), f"is a public key, which only verifies; signing needs the secret key ({PRIVATE}...)."
        )
    elif text.startswith(PRIVATE):
        yield from _private_problems(secret)
    elif text.startswith(SHARED):
        yield from _shared_problems(secret)
    else:
        yield Problem(
            (),
            f"must begin with {SHARED} (HMAC) or {PRIVATE} (ed25519); leave it out, and the station makes one.",
        )


def verifying_secret_problems(secret: Secret) -> Iterator[Problem]:
    """Why nothing can be verified with this secret; the path is empty."""
    text = secret.reveal()
    if text.startswith(PRIVATE):
        yield Problem((), f"is the sender's secret key; verifying needs its public key ({PUBLIC}...) alone.")
    elif text.startswith(PUBLIC):
        yield from _public_problems(text)
    else:
        yield from _shared_problems(secret)


def _shared_problems(secret: Secret) -> Iterator[Problem]:
    form = f"A Standard Webhooks secret is {SHARED} and base64 of {_SHORTEST} to {_LONGEST} bytes"
    if not secret.reveal().startswith(SHARED):
        yield Problem((), f"{form}; this one does not begin with {SHARED}.")
        return
    try:
        length = len(shared_key(secret))
    except ValueError:
        yield Problem((), f"{form}; this one is not base64 after {SHARED}.")
        return
    if not _SHORTEST <= length <= _LONGEST:
        yield Problem((), f"{form}; this one has {length}.")


def _public_problems(text: str) -> Iterator[Problem]:
    try:
        public_key(text)
    except ValueError:
        yield Problem((), f"A public key is {PUBLIC} and base64 of {SEED} bytes; this one is not.")


def _private_problems(secret: Secret) -> Iterator[Problem]:
    try:
        private_key(secret)
    except ValueError:
        yield Problem(
            (),
            f"An ed25519 key is {PRIVATE} and base64 of {SEED} bytes (or of {2 * SEED}, the public key behind the"
            " secret one); this one is not.",
        )


def _decoded(text: str) -> bytes:
    bare = text.rstrip("=")
    return binascii.a2b_base64(bare + "=" * (-len(bare) % 4), strict_mode=True)
