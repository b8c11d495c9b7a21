"""Argon2id: digests that fit one password, in a thread, a few at a time."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.adapters.passwords import MEMORY_KIB, MOST_WAITING, PASSES, Argon2Passwords
from hookstation.errors import TryLater

WORDS = "four plain words"


@pytest.fixture
def passwords() -> Argon2Passwords:
    return Argon2Passwords(8, 1)


async def test_a_digest_fits_its_password_only(passwords: Argon2Passwords) -> None:
    digest = await passwords.hash(WORDS)
    assert digest.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert await passwords.verify(digest, WORDS)
    for other in ("", WORDS + " ", WORDS.upper(), digest):
        assert not await passwords.verify(digest, other)


async def test_the_same_password_has_another_digest_each_time(passwords: Argon2Passwords) -> None:
    assert await passwords.hash(WORDS) != await passwords.hash(WORDS)


async def test_a_letter_may_be_composed_either_way(passwords: Argon2Passwords) -> None:
    assert await passwords.verify(await passwords.hash("caf\u00e9 caf\u00e9 x"), "cafe\u0301 cafe\u0301 x")


async def test_nobody_has_the_empty_digest_and_no_digest_breaks_it(passwords: Argon2Passwords) -> None:
    for digest in ("", "nonsense", "$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA"):
        assert not await passwords.verify(digest, WORDS)


async def test_the_costs_of_production_are_told_from_older_ones(passwords: Argon2Passwords) -> None:
    real = Argon2Passwords()
    digest = await real.hash(WORDS)
    assert f"$m={MEMORY_KIB},t={PASSES},p=1$" in digest
    assert (False, True) == (real.is_outdated(digest), real.is_outdated(await passwords.hash(WORDS)))


async def test_beyond_what_may_wait_one_is_sent_away(passwords: Argon2Passwords) -> None:
    hashing = [asyncio.ensure_future(passwords.hash(WORDS)) for _ in range(MOST_WAITING + 3)]
    ended = await asyncio.gather(*hashing, return_exceptions=True)
    assert 3 == len([one for one in ended if isinstance(one, TryLater)])
    assert await passwords.hash(WORDS)
