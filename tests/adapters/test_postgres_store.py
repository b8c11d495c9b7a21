"""The PostgreSQL driver keeps every promise of the Store port."""

from collections.abc import AsyncIterator

import pytest

from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.testing.store_suite import StoreSuite


@pytest.fixture
async def store(database: str) -> AsyncIterator[PostgresStore]:
    opened = await open_postgres(database)
    yield opened
    await opened.close()


class TestPostgresStore(StoreSuite):
    """The suite over a server."""
