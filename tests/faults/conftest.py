"""Fixtures of the fault tests on PostgreSQL: a real server, a database on it, and rounds that take long."""

import pytest

from tests.support.postgres import crashing, database, postgres

__all__ = ["crashing", "database", "postgres"]


@pytest.fixture
def long_rounds(rounds: int) -> int:
    """How often a test repeats itself of which a round takes ten seconds and more: a third as often as others."""
    return max(1, rounds // 3)
