"""Encrypting a stream, and reading it with the key that it is for."""

from __future__ import annotations

import tracemalloc
from collections.abc import AsyncIterator

import pytest
from pysequoia import Tsk, decrypt

from hookstation.adapters.pgp import PRIVATE, UNREADABLE, PgpEncrypting
from hookstation.errors import Terminal

ANNA = Tsk.generate("Anna <anna@example.org>")
BERT = Tsk.generate("Bert <bert@example.org>")


def public(key: Tsk) -> str:
    return str(key.extract_certificate())


async def stream(*pieces: bytes, then: Exception | None = None) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece
    if then is not None:
        raise then


async def test_each_of_its_readers_reads_the_same() -> None:
    """In pieces, for two keys at once, and nothing of it in the clear."""
    pieces = [b"ID,Name\n", "1,Ä\n".encode() * 200_000]
    keys = [public(ANNA), public(BERT)]
    encrypted = b"".join([piece async for piece in PgpEncrypting().encrypt(stream(*pieces), keys)])
    assert b"ID,Name" not in encrypted
    for key in (ANNA, BERT):
        assert b"".join(pieces) == decrypt(encrypted, key.decryptor()).bytes


async def test_forty_megabytes_pass_in_flat_memory() -> None:
    """Neither side waits for the whole."""
    block = bytes(range(256)) * 4096
    tracemalloc.start()
    try:
        passing = PgpEncrypting().encrypt(stream(*[block] * 40), [public(ANNA)])
        size = sum([len(piece) async for piece in passing])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size > 0
    assert peak < 16_000_000


async def test_what_the_source_raises_is_passed_on() -> None:
    """And the stream does not end as if it were whole."""
    with pytest.raises(ZeroDivisionError):
        async for _ in PgpEncrypting().encrypt(
            stream(b"x" * 1_000, then=ZeroDivisionError()), [public(ANNA)]
        ):
            pass


async def test_who_stops_reading_leaves_nothing_behind() -> None:
    """The process ends with the generator."""
    passing = PgpEncrypting().encrypt(stream(*[b"x" * 1_000_000] * 10), [public(ANNA)])
    await anext(passing)
    await passing.aclose()


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (public(ANNA), ""),
        ("nonsense", UNREADABLE),
        ("", UNREADABLE),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----", PRIVATE),
    ],
)
def test_a_key_is_looked_at_before_it_is_used(key: str, problem: str) -> None:
    """What is pasted instead of a public key is told apart."""
    assert problem == PgpEncrypting().problem(key)


async def test_without_a_usable_key_nothing_is_encrypted() -> None:
    """None at all, no key, and one beside a good one."""
    for keys in ([], ["nonsense"], [public(ANNA), "nonsense"]):
        with pytest.raises(Terminal):
            await anext(PgpEncrypting().encrypt(stream(b"x"), keys))
