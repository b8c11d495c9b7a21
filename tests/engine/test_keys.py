"""API keys: told once, known again, never stored."""

from __future__ import annotations

import pytest

from hookstation.engine.keys import LONGEST_NAME, Keys, digest
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def keys(store: MemoryStore) -> Keys:
    return Keys(store, ManualClock(5_000_000))


async def test_a_key_is_known_again_and_only_its_digest_is_stored(keys: Keys, store: MemoryStore) -> None:
    key = await keys.add("deploy", "administrator")
    found = await keys.find(key)
    assert found is not None
    assert ("deploy", "administrator", 5_000_000) == (found.name, found.role, found.created_at)
    [stored] = await store.keys()
    assert (digest(key), False) == (stored.digest, key in repr(stored))


async def test_every_key_is_another_one(keys: Keys) -> None:
    made = [await keys.add(str(number), "administrator") for number in range(20)]
    assert 20 == len({*made})
    assert {"hsk_"} == {key[:4] for key in made}
    assert min(map(len, made)) >= 4 + 43


async def test_anything_else_is_nobodys_key(keys: Keys) -> None:
    key = await keys.add("deploy", "administrator")
    for other in ("", key[:-1], key + "x", key.upper(), digest(key), "é"):
        assert await keys.find(other) is None


async def test_a_name_is_given_once(keys: Keys) -> None:
    await keys.add("deploy", "administrator")
    with pytest.raises(Conflict, match="deploy"):
        await keys.add("deploy", "administrator")
    assert ["deploy"] == [one.name for one in await keys.list()]


async def test_a_revoked_key_opens_nothing_and_its_name_is_free(keys: Keys) -> None:
    key, other = await keys.add("deploy", "administrator"), await keys.add("other", "administrator")
    await keys.revoke("deploy")
    assert [None, "other"] == [await keys.find(key), getattr(await keys.find(other), "name", "")]
    with pytest.raises(NotFound, match="deploy"):
        await keys.revoke("deploy")
    assert key != await keys.add("deploy", "administrator")


@pytest.mark.parametrize("name", ["", "x" * (LONGEST_NAME + 1), "a\nb", "a/b"])
async def test_a_name_that_cannot_be_shown_is_refused(keys: Keys, name: str) -> None:
    with pytest.raises(Invalid, match="name: must have 1 to 64"):
        await keys.add(name, "administrator")


async def test_a_role_that_is_not_there_is_refused(keys: Keys) -> None:
    with pytest.raises(Invalid, match="role: must be one of administrator"):
        await keys.add("deploy", "viewer")
