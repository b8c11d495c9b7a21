"""Fixtures for stations on PostgreSQL: a real server, a database on it, and how a station is told of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.support.cluster import new_master_key
from tests.support.postgres import database, postgres

__all__ = ["database", "postgres", "shared"]


@pytest.fixture
def shared(database: str) -> Mapping[str, str]:
    """What every node and every command is told: the database, and the master key."""
    return {"HOOKSTATION_DATABASE_URL": database, "HOOKSTATION_MASTER_KEY": new_master_key()}
