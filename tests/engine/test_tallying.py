"""Counting calls: what is told adds up to the journal, also after a node died before it told."""

from __future__ import annotations

import pytest

from hookstation.core.tallies import HOUR, MINUTE, STATION, Span, Tally, figures, is_event, total
from hookstation.engine.recount import MOST_LOST, UNTOLD
from hookstation.engine.tallying import TELL_AT_REST, TELL_EVERY
from hookstation.errors import Conflict, NeedsAuth, NotFound, StoreUnavailable, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict
from hookstation.testing.store_cases.tallying import finding
from tests.support.engine import Engine, Shared, engine, webhook

HERE = webhook()
FAR = webhook("far", "far", marked=True)
HOLDS = webhook("holds", "far", hold=True)
REPEATS = webhook("repeats", duplicates={"key": "body-hash"})


async def told(bench: Engine, name: str, span: Span = Span.EVER) -> dict[str, int]:
    """Everything that was told of a webhook."""
    return total(one.counts for one in await bench.store.list_tallies(span, 0, 10**17, [name]))


def ends(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if is_event(name)}


async def journal(bench: Engine, name: str) -> dict[str, int]:
    """How the events of a webhook stand."""
    counted = await bench.store.recount(0, 10**17)
    return ends(total(one.counts for one in counted if one.webhook == name))


async def test_calls_are_told_as_they_stand() -> None:
    """Every span, and the station, say what became of calls, how they were answered, when and from where."""
    async with engine(HERE, REPEATS) as bench:
        await bench.post("courses", {"id": "1"})
        await bench.post("courses", {"id": 7})
        await bench.post("courses", b"{")
        await bench.post("repeats", {"id": "1"})
        await bench.post("repeats", {"id": "1"})
        await bench.tallying.tell()

        now = bench.clock.now()
        size = len(b'{"id": "1"}') + len(b'{"id": 7}') + len(b"{")
        calls = {
            "succeeded": 1, "rejected:schema": 1, "rejected:body": 1, "2xx": 1, "4xx": 2, "took:0": 3,
            "bytes": size, "last": now,
        }  # fmt: skip
        assert calls == await told(bench, "courses") == await told(bench, "courses", Span.HOUR)
        assert {**calls, "from:203.0.113.9": 1} == await told(bench, "courses", Span.MINUTE)
        assert 5 == figures(await told(bench, STATION)).calls
        read = figures(await told(bench, "repeats"))
        assert (2, 1, 1) == (read.calls, read.succeeded, read.repeated)


async def test_what_is_settled_later_moves() -> None:
    """An event is counted where it was received, under how it stands now."""
    async with engine(FAR) as bench:
        bench.far.outcomes.append(UnknownOutcome("No answer came."))
        bench.far.found.append(LookUp(LookUpVerdict.FOUND, ["1"]))
        await bench.post("far", {"id": "1"})
        await bench.tallying.tell()
        before = ends(await told(bench, "far", Span.HOUR))
        [event] = await bench.events()
        await bench.clock.advance(2 * HOUR / 1e6)
        await bench.membership.join()
        await bench.worker.take()
        await bench.worker.drain(1)
        await bench.tallying.tell()

        hours = await bench.store.list_tallies(Span.HOUR, 0, 10**17, ["far"])
        assert {"unknown": 1} == before
        assert [(event.received_at - event.received_at % HOUR, {"succeeded": 1})] == [
            (one.at, ends(dict(one.counts))) for one in hours
        ]


async def test_refused_credentials_are_counted() -> None:
    async with engine(HOLDS) as bench:
        bench.far.outcomes.append(NeedsAuth("The password is wrong."))
        await bench.post("holds", {"id": "1"})
        await bench.tallying.tell()

        assert 1 == (await told(bench, "holds"))["credentials"]


async def test_rejected_calls_beyond_the_journal_are_counted() -> None:
    """The journal takes so many rejected calls a second; the figures have all of them."""
    async with engine(HERE) as bench:
        for _ in range(300):
            await bench.post("courses", b"{")
        await bench.tallying.tell()

        assert 200 == (await journal(bench, "courses"))["rejected:body"]
        assert 300 == (await told(bench, "courses"))["rejected:body"]


async def test_what_cannot_be_told_is_kept() -> None:
    """While the database cannot commit nothing is lost, and nothing is told twice."""
    async with engine(HERE) as bench:
        await bench.post("courses", {"id": "1"})
        bench.store.unavailable = "The disk is full."
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await bench.tallying.tell()
        bench.store.unavailable = ""
        await bench.post("courses", {"id": "2"})
        await bench.tallying.tell()
        await bench.tallying.tell()

        assert {"succeeded": 2} == ends(await told(bench, "courses"))


async def test_a_node_at_rest_says_so_seldom() -> None:
    """Who counted nothing writes once a minute, so that little has to be counted again for it."""
    async with engine() as bench:
        await bench.tallying.tell()
        first = dict(await bench.store.list_tellers())
        await bench.clock.advance(TELL_EVERY)
        await bench.tallying.tell()
        same = dict(await bench.store.list_tellers())
        await bench.clock.advance(TELL_AT_REST)
        await bench.tallying.tell()

        assert first == same
        assert [bench.clock.now()] == [*(await bench.store.list_tellers()).values()]
        await bench.tallying.stop()
        assert {} == await bench.store.list_tellers()


async def lose(bench: Engine) -> None:
    """Tell, then take calls and die before these are told."""
    await bench.post("courses", {"id": "1"})
    await bench.tallying.tell()
    await bench.clock.advance(2)
    for person in range(3):
        await bench.post("courses", {"id": str(person)})
    await bench.post("courses", b"{")


async def test_counted_again_at_the_start() -> None:
    """A station that is alone counts what was lost before it takes calls, and only once."""
    async with engine(HERE) as bench:
        await lose(bench)
        await bench.dies()
        born = await bench.another_node()
        await born.recount.at_start()
        counts = [ends(await told(born, "courses", span)) for span in Span]
        await born.recount.at_start()

        expected = {"succeeded": 4, "rejected:body": 1}
        assert expected == await journal(born, "courses")
        assert [expected] * 3 == counts
        assert [expected] * 2 == [ends(await told(born, name)) for name in ("courses", STATION)]
        assert {} == await born.store.list_tellers()


async def test_counted_again_among_others() -> None:
    """Where another node works, it is done once every node has told what it counted of that time."""
    async with engine(HERE) as bench:
        await lose(bench)
        await bench.another_node()
        other = await bench.another_node()
        await bench.dies()
        await other.recount.at_start()
        await other.post("courses", {"id": "9"})
        await other.recount.among_others()
        early = ends(await told(other, "courses"))
        await other.tallying.tell()
        await other.clock.advance((2 * MINUTE + UNTOLD) / 1e6 + 60)
        await other.recount.among_others()

        assert {"succeeded": 1} == early
        assert await journal(other, "courses") == ends(await told(other, "courses"))
        assert {other.membership.node_id} == set(await other.store.list_tellers())


async def test_unfinished_hours_are_counted_again() -> None:
    """The end of an event that was received long ago may have been lost too."""
    async with engine(HERE) as bench:
        await bench.post("courses", {"id": "1"})
        await bench.tallying.tell()
        began = bench.clock.now() - bench.clock.now() % HOUR
        lost = {"succeeded": -1, "unknown": 1}
        await bench.store.add_tallies([Tally(n, Span.HOUR, began, lost) for n in ("courses", STATION)])
        await bench.clock.advance(3 * HOUR / 1e6)
        await bench.recount.unfinished()

        assert {"succeeded": 1} == ends(await told(bench, "courses", Span.HOUR))
        assert {"succeeded": 1} == ends(await told(bench, STATION, Span.HOUR))


async def test_what_is_counted_again_is_bounded() -> None:
    """A node that died long ago does not have the whole journal read."""
    async with engine(HERE) as bench:
        await bench.store.add_tallies([], "long-dead", 0)
        asked: list[int] = []
        recount = bench.store.recount

        async def noted(since: int, until: int) -> object:
            asked.append(until - since)
            return await recount(since, until)

        bench.store.recount = noted  # type: ignore[assignment, method-assign]
        await bench.recount.at_start()

        assert MOST_LOST + MINUTE >= sum(asked)
        assert max(asked) <= MINUTE


async def test_the_dashboard_reads_them() -> None:
    """The whole, each hour, the busiest webhooks, and what is shown beside a webhook in the list."""
    async with engine(HERE, REPEATS) as bench:
        await bench.post("courses", {"id": "1"})
        await bench.clock.advance(HOUR / 1e6)
        await bench.post("courses", {"id": "1"})
        await bench.post("courses", {"id": 2})
        await bench.post("repeats", {"id": "1"})
        await bench.tallying.tell()

        shown = await bench.glance.dashboard(24)
        days = await bench.glance.last_day(["courses", "unknown"])
        course = await bench.glance.figures("courses", 1)

        assert (4, 3, 24, [1, 3]) == (
            shown.course.whole.calls,
            shown.course.whole.succeeded,
            len(shown.course.points),
            [one.figures.calls for one in shown.course.points[-2:]],
        )
        assert [("courses", 3), ("repeats", 1)] == [(name, one.calls) for name, one in shown.busiest]
        day = days["courses"]
        assert (bench.clock.now(), 3, 1, (1, 2), (0, 1)) == (
            day.last_call, day.calls, day.failures, day.by_hour[-2:], day.failed_by_hour[-2:]
        )  # fmt: skip
        assert (0, 0, (0,) * 24) == (
            days["unknown"].last_call,
            days["unknown"].calls,
            days["unknown"].by_hour,
        )
        assert (60, MINUTE, 2) == (len(course.points), course.step, course.points[-1].figures.calls)


async def test_dismissing() -> None:
    """What is dismissed is not shown any more; what is over or not there cannot be dismissed."""
    bench = Engine(Shared())
    await bench.store.save_findings([finding("1"), finding("2", closed_at=5)])
    before = await bench.glance.dashboard()
    await bench.glance.dismiss("1", "anna@example.org")
    after = await bench.glance.dashboard()

    assert ["1"] == [one.id for one in before.needs]
    assert [] == after.needs
    with pytest.raises(Conflict, match="over"):
        await bench.glance.dismiss("2", "anna@example.org")
    with pytest.raises(NotFound):
        await bench.glance.dismiss("3", "anna@example.org")
