"""The sending side on both stores of one machine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.sending import SendingBench, sending


@pytest.fixture(params=["twin", "sqlite"])
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SendingBench]:
    """A bench whose clock stands still."""
    file = tmp_path / "hookstation.db" if request.param == "sqlite" else None
    async with sending(file) as made:
        yield made
