"""Secrets at rest: sealed for one purpose under one key, and nothing else opens them."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.adapters.vault import KEY_BYTES, AesVault, key_file, read_key
from hookstation.core.values import Secret
from hookstation.errors import SecretError

VAULT = AesVault(bytes(range(KEY_BYTES)))
OTHER = AesVault(bytes(KEY_BYTES))
TEXT = some.text(some.characters(exclude_categories=["Cs"]))


@given(TEXT, TEXT, TEXT)
def test_what_is_sealed_opens_for_its_purpose(text: str, purpose: str, reference: str) -> None:
    opened = VAULT.open(VAULT.seal(Secret(text), purpose), purpose, reference)
    assert (text, reference) == (opened.reveal(), opened.reference)


@given(TEXT.filter(bool))
def test_it_opens_for_nothing_else(purpose: str) -> None:
    sealed = VAULT.seal(Secret("s"), purpose)
    for vault, other in ((VAULT, purpose + "x"), (VAULT, ""), (OTHER, purpose)):
        with pytest.raises(SecretError, match="cannot be opened"):
            vault.open(sealed, other)


def test_the_same_secret_is_sealed_differently_each_time_and_never_shows() -> None:
    sealed = {VAULT.seal(Secret("the secret itself"), "p") for _ in range(50)}
    assert 50 == len(sealed)
    raw = b"".join(base64.b64decode(one.removeprefix("v1.")) for one in sealed)
    assert b"secret" not in raw


@pytest.mark.parametrize(
    "sealed", ["", "plain", "v2.AAAA", "v1.", "v1.?", "v1.AAAA", "v1." + "A" * 400, "v1.é"]
)
def test_what_was_never_sealed_is_refused(sealed: str) -> None:
    with pytest.raises(SecretError):
        VAULT.open(sealed, "p")


@given(some.integers(0, 43), some.integers(1, 255))
def test_one_changed_byte_is_refused(position: int, change: int) -> None:
    raw = bytearray(base64.b64decode(VAULT.seal(Secret("sixteen letters."), "p").removeprefix("v1.")))
    raw[position] ^= change
    with pytest.raises(SecretError):
        VAULT.open("v1." + base64.b64encode(raw).decode(), "p")


def test_a_fingerprint_names_the_key_and_is_not_it() -> None:
    again = AesVault(bytes(range(KEY_BYTES)))
    assert VAULT.fingerprint == again.fingerprint
    assert VAULT.fingerprint != OTHER.fingerprint
    assert 16 == len(bytes.fromhex(VAULT.fingerprint)) * 2
    assert bytes(range(KEY_BYTES)).hex()[:16] != VAULT.fingerprint


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(SecretError, match="32 bytes"):
        AesVault(bytes(size))
    with pytest.raises(SecretError, match="32 bytes"):
        read_key(base64.b64encode(bytes(size)).decode())


@pytest.mark.parametrize("text", ["no base64!", "é", "a"])
def test_a_key_that_is_no_base64_is_refused(text: str) -> None:
    with pytest.raises(SecretError, match="base64"):
        read_key(text)


def test_a_key_file_is_made_once_for_the_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    key = key_file(path)
    assert (KEY_BYTES, 0o600) == (len(key), stat.S_IMODE(path.stat().st_mode))
    assert key == key_file(path)
    assert key == read_key(path.read_text())


def test_a_damaged_key_file_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    path.write_text("damaged")
    with pytest.raises(SecretError):
        key_file(path)
    assert "damaged" == path.read_text()
