"""Watching: one node looks, tells once when something begins and once when it is over, and remembers what is usual."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from hookstation.core.detect.findings import QUIET, Finding, Kind
from hookstation.core.detect.learning import LEAST_CALLS
from hookstation.core.tallies import HOUR, STATION, WEEK, Span, Tally
from hookstation.engine.watch import SAMPLES, WATCH, WATCH_EVERY, WATCH_LEASE
from hookstation.engine.worker import Worker
from hookstation.errors import NeedsAuth, UnknownOutcome
from tests.support.engine import Engine, engine, webhook

SIGNED = webhook(authentication={"type": "token", "header": "x-token", "secret": "right"})
HOLDS = webhook("holds", "far", hold=True)
FAR = webhook("far", "far", marked=True)


@pytest.fixture
async def bench() -> AsyncIterator[Engine]:
    async with engine(SIGNED, HOLDS, FAR, webhook("open")) as made:
        yield made


async def look(bench: Engine, seconds: float = WATCH_EVERY) -> list[Finding]:
    """Tell, let a minute pass, look; what is open now."""
    await bench.tallying.tell()
    await bench.clock.advance(seconds)
    await bench.watcher.look()
    return list(await bench.store.list_findings(100, is_open=True))


def kinds(found: list[Finding]) -> list[Kind]:
    return [one.signal.kind for one in found]


async def test_a_refused_signature_is_told_once(bench: Engine) -> None:
    """One line when it begins, none while it lasts, one when it is over; then it can happen anew."""
    for _ in range(3):
        await bench.post("courses", {"id": "1"}, x_token="right")
    nothing = await look(bench)
    await bench.post("courses", {"id": "1"}, x_token="wrong")
    first = await look(bench)
    again = await look(bench)
    over = await look(bench, 2 * QUIET[Kind.SIGNATURE] / 1e6 + 60)

    assert ([], [Kind.SIGNATURE], []) == (nothing, kinds(first), over)
    assert [one.id for one in first] == [one.id for one in again]
    [opened] = bench.log.told("finding_opened")
    assert (first[0].id, "signature refused", "courses") == (
        opened["finding"],
        opened["kind"],
        opened["webhook"],
    )
    assert [first[0].id] == [line["finding"] for line in bench.log.told("finding_closed")]


async def test_a_dismissed_finding_stays_away_until_it_happens_anew(bench: Engine) -> None:
    """What goes on is not shown again; what is over and comes again is."""
    bench.far.outcomes.append(NeedsAuth("The password is wrong."))
    await bench.post("holds", {"id": "1"})
    first = await look(bench)
    for one in first:
        await bench.glance.dismiss(one.id, "anna")
    same = await look(bench)

    assert {Kind.HELD, Kind.CREDENTIALS} == set(kinds(first))
    assert {one.id for one in first} == {one.id for one in same}
    assert ([], {"holds": 1}) == ((shown := await bench.glance.dashboard()).needs, dict(shown.held))

    await bench.worker.take()
    await bench.worker.drain(1)
    over = await look(bench, QUIET[Kind.CREDENTIALS] / 1e6 * 2 + 60)
    bench.far.outcomes.append(NeedsAuth("The password is wrong."))
    await bench.post("holds", {"id": "2"})
    anew = await look(bench)

    assert [] == over
    assert {Kind.HELD, Kind.CREDENTIALS} == set(kinds(anew))
    assert 2 == len((await bench.glance.dashboard()).needs)


async def test_unknown_outcomes(bench: Engine) -> None:
    """They are told for their webhook with the oldest event."""
    bench.far.outcomes.append(UnknownOutcome("No answer came."))
    await bench.post("far", {"id": "1"})
    [event] = await bench.events()
    [found] = await look(bench, 1)

    assert (Kind.UNKNOWN, "far") == (found.signal.kind, found.signal.webhook)
    assert {"unknown": 1, "oldest": event.id} == found.signal.figures


async def test_a_burst_against_weeks(bench: Engine) -> None:
    """What is usual comes from the same hour of past weeks; a webhook that is younger has nothing usual."""
    this = bench.clock.now() - bench.clock.now() % HOUR
    weeks = [Tally(name, Span.HOUR, this - week * WEEK, {"succeeded": 20}) for week in range(1, 5)
             for name in ("open", STATION)]  # fmt: skip
    await bench.store.add_tallies([*weeks, Tally("open", Span.HOUR, this, {"succeeded": 500})])
    young = await look(bench, 0)
    stored = bench.board.stored.webhooks
    old = {name: replace(one, created_at=0) for name, one in stored.items()}
    stored.update(old)  # type: ignore[attr-defined]
    bench.watcher._hour = 0
    [found] = await look(bench, 0)

    assert [] == young
    assert (Kind.BURST, "open", 20.0, 4) == (
        found.signal.kind, found.signal.webhook, found.signal.figures["usual"], found.signal.figures["weeks"]
    )  # fmt: skip


async def test_new_addresses_and_fields(bench: Engine) -> None:
    """After enough calls a new address and a new field are told."""
    for person in range(LEAST_CALLS * 2):
        await bench.post("open", {"id": str(person)})
        if person % SAMPLES == 0:
            await look(bench)
    quiet = await look(bench, 120)
    line = bench.switchboard.named("open")
    assert line is not None
    raw = bench.ingest.admit("POST", line.token, {}, "", "198.51.100.7")
    await bench.ingest.receive(raw, b'{"id": "1", "vip": true}')  # type: ignore[arg-type]
    found = await look(bench) + await look(bench, 120)

    assert [] == quiet
    abouts = {(one.signal.kind, one.signal.about) for one in found}
    assert {(Kind.ADDRESS, "198.51.100.7"), (Kind.SHAPE, "vip boolean")} == abouts


async def test_one_node_watches_and_another_goes_on() -> None:
    """Of two nodes one has the job; when it dies, the other one looks."""
    async with engine(webhook("open")) as bench:
        other = await bench.another_node()
        workers = [
            Worker(
                node.store,
                node.membership,
                node.clock,
                WATCH,
                node.watcher,
                at_once=1,
                lease_seconds=WATCH_LEASE,
            )
            for node in (bench, other)
        ]
        for node in (bench, other):
            await node.watcher.begin()
        took = [await worker.take() for worker in workers]
        await bench.store.leave(bench.membership.node_id)
        late = await workers[1].take()
        for worker in workers:
            await worker.drain(1)
        [job] = await bench.store.list_jobs(WATCH, "", 9)

        assert ([1, 0], 1) == (took, late)
        assert WATCH_EVERY * 1_000_000 == job.due_at - bench.clock.now()


async def test_a_webhook_that_takes_no_calls_is_not_silent() -> None:
    """Only what is active is looked at."""
    async with engine(webhook("open", state="paused"), webhook("busy")) as bench:
        this = bench.clock.now() - bench.clock.now() % HOUR
        before = [this - HOUR - week * WEEK for week in range(1, 5)] + [
            this - week * WEEK for week in range(1, 5)
        ]
        names = ("open", "busy", STATION)
        await bench.store.add_tallies(
            [Tally(name, Span.HOUR, at, {"succeeded": 90}) for at in before for name in names]
        )
        for name, one in list(bench.board.stored.webhooks.items()):
            bench.board.stored.webhooks[name] = replace(one, created_at=0)  # type: ignore[index]

        assert [("busy", Kind.SILENCE)] == [
            (one.signal.webhook, one.signal.kind) for one in await look(bench, 0)
        ]
