"""What the page about polls shows works as it stands there."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final
from urllib.parse import unquote

import pytest
import yaml

from tests.support.polls import LOOPBACK, PollBench, poll_bench
from tests.support.receiver import Answer, Receiver

PAGE: Final = Path(__file__).parents[3] / "docs" / "how-to" / "poll-a-source.md"


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[PollBench]:
    async with poll_bench(tmp_path) as one:
        yield one


async def test_its_configuration_polls(bench: PollBench) -> None:
    """As it is written, but for the address: what is there stays away, what is added or changed comes once."""
    document = yaml.safe_load(PAGE.read_text().partition("```yaml\n")[2].partition("```")[0])
    first = {"id": "a", "memberId": "10420", "updatedAt": "2026-11-22T09:00:00Z"}
    later = {**first, "updatedAt": "2026-11-22T10:00:00Z"}
    async with Receiver(answer(first)) as receiver:
        document["connections"][0] |= {"url": receiver.url, "networks": LOOPBACK}
        del document["version"]
        await bench.apply(**document)
        assert [] == await bench.come("certifications")
        receiver.usual = answer(first, later)
        assert [later] == await bench.come("certifications")
        assert "/credentials?since=2026-11-22T09:00:00Z" == unquote(receiver.calls[-1].path)
        assert 1 == await bench.waiting()


def answer(*items: object) -> Answer:
    return Answer(200, body=json.dumps({"data": {"items": items}}).encode())
