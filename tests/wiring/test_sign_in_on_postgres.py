"""Signing in where the database is particular about texts, and is that of several nodes."""

from __future__ import annotations

import pytest

from hookstation.adapters.log import JsonLog
from hookstation.adapters.passwords import Argon2Passwords
from hookstation.adapters.store.postgres.driver import open_postgres
from hookstation.core.throttle import OF_ACCOUNT
from hookstation.engine.keys import Keys
from hookstation.engine.sign_in import Browser, SignIn
from hookstation.errors import AuthenticationFailed, TryLater
from hookstation.testing.clock import ManualClock


@pytest.mark.parametrize("email", ["a\0b@example.org", "a\ud800b@example.org"])
async def test_a_name_that_no_database_takes_is_nobodys(database: str, email: str) -> None:
    """Who types it is told what everybody is told, and counted as everybody is."""
    store = await open_postgres(database)
    try:
        sign_in = SignIn(store, Argon2Passwords(8, 1), ManualClock(), JsonLog())
        for _ in range(OF_ACCOUNT.free):
            with pytest.raises(AuthenticationFailed):
                await sign_in.sign_in(email, "four plain words", Browser("203.0.113.7"))
        with pytest.raises(TryLater):
            await sign_in.sign_in(email, "four plain words", Browser("203.0.113.7"))
    finally:
        await store.close()


async def test_a_key_that_one_node_revokes_opens_nothing_on_another(database: str) -> None:
    here, there = await open_postgres(database), await open_postgres(database)
    try:
        mine, theirs = Keys(here, ManualClock()), Keys(there, ManualClock())
        key = await mine.add("deploy", "administrator")
        assert await theirs.find(key) is not None
        await mine.revoke("deploy")
        assert await theirs.find(key) is None
    finally:
        await here.close()
        await there.close()
