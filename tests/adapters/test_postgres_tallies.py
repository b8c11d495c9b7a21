"""Roll-ups on one PostgreSQL that several nodes have open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial

import asyncpg
import pytest

from hookstation.adapters.store.postgres.driver import PostgresStore, open_postgres
from hookstation.core.tallies import HOUR, MINUTE, STATION, Span, Tally, total
from hookstation.engine.membership import Membership
from hookstation.engine.recount import UNTOLD, Recount
from hookstation.engine.tallying import CallCounts, Tallying
from hookstation.testing.clock import ManualClock
from hookstation.testing.store_cases.making import NOW, journal
from hookstation.testing.store_cases.tallying import finding
from tests.support.engine import Journalled

BEGAN = NOW - NOW % HOUR


@pytest.fixture
async def nodes(database: str) -> AsyncIterator[tuple[PostgresStore, PostgresStore]]:
    first, second = [await open_postgres(database) for _ in range(2)]
    yield first, second
    await first.close()
    await second.close()


def tally(webhook: str, **counts: int) -> Tally:
    return Tally(webhook, Span.HOUR, BEGAN, counts)


def _ignore(_: int) -> None:
    """The clock of these tests is right."""


async def test_nodes_add_up(nodes: tuple[PostgresStore, PostgresStore], database: str) -> None:
    """What nodes tell at the same moment is in rows of their own, and comes back as one."""
    told = [tally(name, succeeded=1) for name in ("a", "b", STATION)]
    await asyncio.gather(*(node.add_tallies(told) for node in nodes for _ in range(10)))
    connection = await asyncpg.connect(database)
    rows = await connection.fetchval("SELECT count(*) FROM tallies WHERE webhook = 'a'")
    await connection.close()

    for node in nodes:
        assert {20} == {one.counts["succeeded"] for one in await node.list_tallies(Span.HOUR, 0, BEGAN + 1)}
    assert len({node._slot for node in nodes}) == rows


async def test_a_finding_is_everybodys(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    """What one node noticed can be dismissed at another, and stays so when the first one writes it again."""
    first, second = nodes
    await first.save_findings([finding("1")])
    await second.dismiss_finding("1", "anna", NOW)
    await first.save_findings([finding("1")])

    assert ["anna"] == [one.dismissed_by for one in await first.list_findings(9)]


async def test_another_node_counts_for_a_dead_one(nodes: tuple[PostgresStore, PostgresStore]) -> None:
    """What a node had not told is counted again from the journal, and what the other one told stays as it is."""
    first, second = nodes
    clock = ManualClock(NOW)
    members = [
        Membership(
            store, clock, Journalled(), partial(str, name), _ignore, role="all", address="", version="1"
        )
        for store, name in ((first, "one"), (second, "two"))
    ]  # fmt: skip
    tellers = [
        Tallying(store, CallCounts(), member, clock) for store, member in zip(nodes, members, strict=True)
    ]
    for member in members:
        await member.join()
    for teller in tellers:
        await teller.tell()
    for number in range(8):
        await journal(nodes[number % 2], number)
    await tellers[1].tell()
    await first.leave("one")
    await clock.advance((3 * MINUTE + UNTOLD) / 1e6)
    await Recount(second, members[1], clock).among_others()

    for name in ("courses", STATION):
        for span in Span:
            found = await second.list_tallies(span, 0, NOW + HOUR, [name])
            assert 8 == total(one.counts for one in found)["succeeded"]
    assert ["two"] == list(await second.list_tellers())
