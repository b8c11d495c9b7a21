"""The SQLite driver keeps every promise of the Store port."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hookstation.adapters.store.sqlite import SqliteStore, open_sqlite
from hookstation.testing.store_suite import StoreSuite


class TestSqliteStore(StoreSuite):
    """The suite over a file."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SqliteStore]:
        opened = await open_sqlite(tmp_path / "hookstation.db")
        yield opened
        await opened.close()
