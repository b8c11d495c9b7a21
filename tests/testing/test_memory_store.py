"""The in-memory twin keeps every promise of the Store port."""

import pytest

from hookstation.testing.memory_store import MemoryStore
from hookstation.testing.store_suite import StoreSuite


class TestMemoryStore(StoreSuite):
    """The suite over the twin."""

    @pytest.fixture
    def store(self) -> MemoryStore:
        return MemoryStore()
