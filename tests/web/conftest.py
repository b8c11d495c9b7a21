"""One station and one iMIS stand-in for all tests of the lane."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.station import Station, process, station
from tests.support.webhooks import lane_document


@pytest.fixture(scope="session")
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """The station that `lane_document` describes."""
    folder = tmp_path_factory.mktemp("lane")
    with (
        process(folder / "sandbox.log", "sandbox", "--port", "0") as sandbox,
        station(folder / "data", lane_document(sandbox.url), sandbox.url) as running,
    ):
        yield running
