"""Fixtures of the fault tests: a real PostgreSQL, rounds that take long, and how much is under way at once."""

import os

import pytest

from tests.conftest import wants_soak
from tests.support.postgres import crashing, database, postgres

__all__ = ["crashing", "database", "postgres"]


@pytest.fixture
def rounds() -> int:
    """How often a test of this folder repeats itself: once in `make test`, since each has its twin on the other store.

    HOOKSTATION_SOAK_ROUNDS sets it.
    """
    return int(os.environ.get("HOOKSTATION_SOAK_ROUNDS") or 1)


@pytest.fixture
def long_rounds(rounds: int) -> int:
    """How often a test repeats itself of which a round takes ten seconds and more: a third as often as others."""
    return max(1, rounds // 3)


@pytest.fixture
def in_flight_at_once(request: pytest.FixtureRequest) -> int:
    """How many deliveries wait when the first kill comes."""
    return 100_000 if wants_soak(request.config) else 1_500
