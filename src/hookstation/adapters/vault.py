"""Secrets at rest: AES-256-GCM under the station's master key."""

from __future__ import annotations

import base64
import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hookstation.core.values import Secret
from hookstation.errors import SecretError

KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
_FORM: Final = "v1."


class AesVault:
    """Implements `ports.secrets.Vault`. A sealed text is ``v1.`` and base64 of nonce and ciphertext."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise SecretError(f"The master key must be {KEY_BYTES} bytes, written as base64.")
        self._cipher = AESGCM(key)
        self._fingerprint = sha256(b"hookstation master key\0" + key).hexdigest()[:16]

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that name the key and do not help to find it."""
        return self._fingerprint

    def seal(self, secret: Secret, purpose: str) -> str:
        """Encrypt with a fresh nonce; `purpose` is authenticated with it."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher.encrypt(nonce, secret.reveal().encode(), purpose.encode())
        return _FORM + base64.b64encode(nonce + sealed).decode()

    def open(self, sealed: str, purpose: str, reference: str = "") -> Secret:
        """Decrypt. Raises `SecretError` for another key, another purpose or a damaged text."""
        if not sealed.startswith(_FORM):
            raise SecretError("A sealed secret has a form that this version does not know.")
        try:
            raw = base64.b64decode(sealed[len(_FORM) :], validate=True)
            opened = self._cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], purpose.encode())
        except (InvalidTag, ValueError) as failure:
            raise SecretError from failure
        return Secret(opened.decode(), reference)


def read_key(text: str) -> bytes:
    """The master key from its base64 text. Raises `SecretError` where it is not one."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError as failure:
        raise SecretError("The master key must be base64 of 32 bytes (openssl rand -base64 32).") from failure
    if len(key) != KEY_BYTES:
        raise SecretError(f"The master key must be base64 of {KEY_BYTES} bytes; this one has {len(key)}.")
    return key


def key_file(path: Path) -> bytes:
    """The key in `path`, made there with mode 0600 when the file does not exist yet."""
    try:
        return read_key(path.read_text())
    except FileNotFoundError:
        key = os.urandom(KEY_BYTES)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(base64.b64encode(key).decode() + "\n")
            file.flush()
            os.fsync(file.fileno())
        return key
