"""The stores on which runs are tried: the twin, and SQLite in a file."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(params=["twin", "sqlite"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Path | None:
    """Where the bench has its store; ``None``: in memory."""
    return tmp_path / "runs.db" if request.param == "sqlite" else None
