"""A station behind the balancer: whom it believes, and how it leaves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.support.balancer import Balancer, balancing
from tests.support.station import Station, station
from tests.support.webhooks import webhook
from tests.support.wire import Heard, ask

BODY: Final = '{"memberId": "1"}'
CLAIMED: Final = {"X-Forwarded-For": "203.0.113.7"}


@dataclass
class Behind:
    """A running station, and the balancer before it."""

    station: Station
    balancer: Balancer

    def post(self, name: str, **headers: str) -> Heard:
        """A call of a webhook through the balancer."""
        return ask(self.balancer.url + self.station.paths[name], BODY, headers=headers)


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    (data / "hookstation.toml").write_text('trusted_proxies = ["127.0.0.1"]\n')
    webhooks = [webhook("all"), webhook("some", access={"allow": ["203.0.113.0/24"]})]
    with (
        station(data, {"version": 1, "webhooks": webhooks}) as running,
        balancing(running.url.removeprefix("http://")) as balancer,
    ):
        yield Behind(running, balancer)


def test_an_address_that_a_caller_claims_opens_nothing(behind: Behind) -> None:
    """The station believes the header, as its answer to a direct call shows; the balancer is what makes it true."""
    assert 200 == ask(behind.station.hook("some"), BODY, headers=CLAIMED).status
    assert 403 == behind.post("some", **CLAIMED).status


def test_a_record_that_is_written_through_the_balancer_is_the_stations_answer(behind: Behind) -> None:
    heard = behind.post("all")
    assert (200, {"success": True}) == (heard.status, heard.document)
    assert "succeeded" == behind.station.event(heard)["state"]


def test_a_station_that_has_left_is_out_of_the_line_and_nobody_is_told_200(behind: Behind) -> None:
    assert 200 == behind.post("all").status
    assert 0 == behind.station.process.end()
    assert 503 == behind.post("all").status
    behind.balancer.await_state("DOWN", "node1")
    heard = behind.post("all")
    assert (503, "5") == (heard.status, heard.headers["retry-after"])
