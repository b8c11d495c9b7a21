"""The forms that a secret takes: text from a person, sealed in the store, masked in answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Protocol

from hookstation.core.values import JSON, Secret, kind_of
from hookstation.errors import Invalid, Problem

MASK: Final = "********"
"""What answers of the API show for a secret; sent back, it leaves the secret as it is."""

REFERENCE: Final = re.compile(r"\$\{(env|file):([^{}\n]{1,1000})\}")
"""``${env:NAME}`` or ``${file:PATH}``, the whole value of a secret setting."""

LONGEST: Final = 16_384


class Sealing(Protocol):
    """What is needed of a vault (`hookstation.ports.secrets.Vault` is one)."""

    def seal(self, secret: Secret, purpose: str) -> str:
        """Encrypt for storage, bound to `purpose`."""
        ...

    def open(self, sealed: str, purpose: str, reference: str = "") -> Secret:
        """Decrypt. Raises `SecretError`."""
        ...


def _refuse(message: str) -> Invalid:
    return Invalid([Problem((), message)])


class PersonSecrets:
    """Secrets in a document that comes from a person or goes to one.

    Read: text, or ``{"value": text, "reference": "${env:NAME}"}`` where the command line has resolved a
    reference.  `known` holds the secrets of now by purpose, so that a mask or a reference that is sent back
    leaves the secret as it is.  Written: the reference where there is one, else the mask.
    """

    def __init__(self, known: Mapping[str, Secret] | None = None) -> None:
        self._known = known or {}

    def decode(self, value: JSON, purpose: str) -> Secret:
        """The secret. Raises `Invalid`."""
        reference = ""
        if isinstance(value, dict) and set(value) == {"value", "reference"}:
            reference, value = str(value["reference"]), value["value"]
            if not REFERENCE.fullmatch(reference):
                raise _refuse("has a reference that is neither ${env:NAME} nor ${file:PATH}.")
        if not isinstance(value, str):
            raise _refuse(f"must be text, but is {kind_of(value)}.")
        return self._of_text(value, reference, purpose)

    def _of_text(self, value: str, reference: str, purpose: str) -> Secret:
        known = self._known.get(purpose)
        if not reference and known is not None and value and value in (MASK, known.reference):
            return known
        if not reference and value == MASK:
            raise _refuse(
                "is a mask, and there is no secret yet that it could stand for; send the secret itself."
            )
        if not reference and ("${env:" in value or "${file:" in value):
            raise _refuse(
                "${env:NAME} and ${file:PATH} are resolved by the command line (`hookstation apply`) only, "
                "and must be the whole value; send the secret itself."
            )
        if not value:
            raise _refuse("must not be empty.")
        if len(value) > LONGEST or any(ord(char) < 32 and char not in "\t\r\n" for char in value):
            raise _refuse(f"must be text without control characters, of at most {LONGEST:,} characters.")
        return Secret(value, reference)

    def encode(self, secret: Secret, _purpose: str) -> JSON:
        """The reference, or the mask."""
        return secret.reference or MASK


class SealedSecrets:
    """Secrets in a stored document: ``{"sealed": ..., "reference": ...}``."""

    def __init__(self, vault: Sealing) -> None:
        self._vault = vault

    def decode(self, value: JSON, purpose: str) -> Secret:
        """Open it. Raises `Invalid` where the form is broken, `SecretError` where the key is another."""
        match value:
            case {"sealed": str(sealed), "reference": str(reference)}:
                return self._vault.open(sealed, purpose, reference)
        raise _refuse("is not in the stored form of a secret.")

    def encode(self, secret: Secret, purpose: str) -> JSON:
        """Seal it."""
        return {"sealed": self._vault.seal(secret, purpose), "reference": secret.reference}


def connection_purpose(name: str) -> str:
    """What a connection's secrets are sealed for; the setting's name is appended."""
    return f"connection/{name}"


def webhook_purpose(name: str) -> str:
    """What a webhook's secrets are sealed for; the setting's path is appended."""
    return f"webhook/{name}"


def destination_purpose(name: str) -> str:
    """What a destination's secrets are sealed for; the setting's path is appended."""
    return f"destination/{name}"


def transfer_purpose(name: str) -> str:
    """What a transfer's secrets are sealed for; the setting's path is appended."""
    return f"transfer/{name}"
