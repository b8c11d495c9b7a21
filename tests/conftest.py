"""What holds for every test: no network but loopback, no settings from outside, enough examples."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from tests.support import network, scratch

SOAK = "soak"
QUICK = "quick"

settings.register_profile(QUICK, derandomize=True, deadline=None, max_examples=60, database=None)
settings.register_profile(SOAK, deadline=None, max_examples=5_000, print_blob=True)


def wants_soak(config: pytest.Config) -> bool:
    """Whether this run was asked for the long counts (``-m soak``)."""
    return str(config.getoption("markexpr", "")).strip() == SOAK


def pytest_configure(config: pytest.Config) -> None:
    """Shut the network, forget the person's own settings, choose examples and a place for files."""
    network.shut()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell in the background has them ignored
    for name in [name for name in os.environ if name.startswith("HOOKSTATION_") and "SOAK" not in name]:
        del os.environ[name]
    settings.load_profile(SOAK if wants_soak(config) else QUICK)
    if not wants_soak(config):
        scratch.choose()


def grows(item: pytest.Item) -> bool:
    """Whether a test does more of the same in a soak run: a property, or one that takes `rounds`."""
    is_property = getattr(getattr(item, "obj", None), "is_hypothesis_test", False)
    return bool(is_property) or "rounds" in getattr(item, "fixturenames", ())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """In a soak run whatever grows counts as a soak test."""
    if wants_soak(config):
        for item in filter(grows, items):
            item.add_marker(SOAK)


@pytest.fixture
def rounds() -> int:
    """How often a test that kills, floods or fuzzes repeats itself; HOOKSTATION_SOAK_ROUNDS sets it."""
    return int(os.environ.get("HOOKSTATION_SOAK_ROUNDS") or 2)
