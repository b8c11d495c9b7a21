"""Repeated calls: one key, one effect, and what everybody else with the key is told."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hookstation.core.events import Mark, MarkState, State
from hookstation.engine import repeats
from hookstation.engine.repeats import Claim, Repeats, answer_of
from hookstation.errors import StoreError, StoreUnavailable, Terminal, UnknownOutcome
from hookstation.ports.connector import Written
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore
from tests.support.engine import Engine, engine, webhook

KEYED: Any = {"duplicates": {"key": "header:webhook-id", "window": "1h"}}
AWAY, HERE = webhook("away", "far", **KEYED), webhook("here", **KEYED)
COURSE: Any = {"id": "7"}


def blank() -> tuple[Repeats, ManualClock]:
    clock = ManualClock()
    return Repeats(MemoryStore(), clock), clock


def waiting(bench: Engine) -> asyncio.Future[Written]:
    gate: asyncio.Future[Written] = asyncio.get_running_loop().create_future()
    bench.far.outcomes.append(gate)
    return gate


def mark(state: MarkState, digest: bytes = b"d") -> Mark:
    return Mark("courses", "k", digest, "first", state, 0, "run", 200, b"stored")


class Elsewhere(MemoryStore):
    """A journal in which another process holds every key."""

    async def find_mark(self, webhook: str, key: str, now: int) -> Mark | None:
        return mark(MarkState.WORKING)


class TestMarks:
    def test_a_succeeded_one_gives_the_stored_answer(self) -> None:
        answer = answer_of(mark(MarkState.SUCCEEDED), b"d")
        assert answer is not None
        assert (200, b"stored", (("Hookstation-Replayed", "true"),)) == (
            answer.status,
            answer.body,
            answer.headers,
        )

    def test_an_unknown_one_gives_its_status_address(self) -> None:
        answer = answer_of(mark(MarkState.UNKNOWN), b"d")
        assert answer is not None
        assert (202, "/hooks/runs/run") == (answer.status, dict(answer.headers)["Location"])

    def test_a_working_one_gives_nothing_yet(self) -> None:
        assert answer_of(mark(MarkState.WORKING), b"d") is None

    @pytest.mark.parametrize("state", MarkState)
    def test_another_body_is_409_in_every_state(self, state: MarkState) -> None:
        answer = answer_of(mark(state), b"other")
        assert answer is not None
        assert 409 == answer.status


class TestClaims:
    async def test_the_first_has_the_claim_and_nobody_else_until_it_ends(self) -> None:
        repeats, _ = blank()
        claim = repeats.claim_new("w", "k", b"d", "first")
        assert claim is not None
        assert repeats.claim_new("w", "k", b"d", "second") is None
        assert repeats.claim_new("another", "k", b"d", "third") is not None
        claim.release()
        assert isinstance(await repeats.claim("w", "k", b"d", "second", 1), Claim)

    async def test_releasing_twice_lets_nobody_elses_claim_go(self) -> None:
        repeats, _ = blank()
        first = repeats.claim_new("w", "k", b"d", "first")
        assert first is not None
        first.release()
        second = await repeats.claim("w", "k", b"d", "second", 1)
        assert isinstance(second, Claim)
        first.release()
        assert not repeats.forget(first)
        assert repeats.forget(second)

    async def test_a_key_seen_lately_is_asked_for_and_an_old_one_forgotten(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two generations are remembered: the commit finds out about anything older."""
        monkeypatch.setattr(repeats, "MOST_REMEMBERED", 2)
        asked, _ = blank()
        for number in range(5):
            claim = asked.claim_new("w", str(number), b"d", "event")
            assert claim is not None
            claim.release()
        known = [asked.claim_new("w", str(number), b"d", "later") is None for number in (4, 3)]
        assert [True, True] == known
        for number in range(5, 9):
            claim = asked.claim_new("w", str(number), b"d", "event")
            assert claim is not None
            claim.release()
        assert asked.claim_new("w", "0", b"d", "later") is not None

    async def test_a_key_that_another_process_works_on_is_asked_for_ever_less_often(self) -> None:
        clock = ManualClock()
        asked = Repeats(Elsewhere(), clock)
        answering = asyncio.ensure_future(asked.claim("w", "k", b"d", "second", 3.0))
        await clock.advance(5)
        found = await answering
        assert isinstance(found, tuple)
        assert (202, "first") == (found[0].status, found[1])
        assert sorted(clock.pauses[:-1]) == clock.pauses[:-1]
        assert 3.0 == pytest.approx(sum(clock.pauses))


async def test_waiters_get_the_answer_of_the_first_and_there_is_one_call() -> None:
    async with engine(AWAY) as bench:
        gate = waiting(bench)
        calls = [asyncio.ensure_future(bench.post("away", COURSE, webhook_id="k")) for _ in range(5)]
        await bench.clock.settle()
        assert 1 == len(bench.far.executed)
        gate.set_result(Written("1"))
        answers = [await call for call in calls]
        assert [200] * 5 == [answer.status for answer in answers]
        assert 1 == len({dict(answer.headers)["Hookstation-Event-Id"] for answer in answers})
        assert 4 == sum("Hookstation-Replayed" in dict(answer.headers) for answer in answers)
        assert (1, 1) == (len(bench.far.executed), len(await bench.events()))


async def test_when_the_first_fails_one_waiter_tries_and_the_others_wait_for_it() -> None:
    async with engine(AWAY) as bench:
        gate = waiting(bench)
        calls = [asyncio.ensure_future(bench.post("away", COURSE, webhook_id="k")) for _ in range(4)]
        await bench.clock.settle()
        gate.set_exception(Terminal("no"))
        assert [500, 200, 200, 200] == [(await call).status for call in calls]
        assert (2, 2) == (len(bench.far.executed), len(await bench.events()))


async def test_another_body_is_409_while_the_first_works_and_after_it_succeeded() -> None:
    async with engine(AWAY) as bench:
        gate = waiting(bench)
        first = asyncio.ensure_future(bench.post("away", COURSE, webhook_id="k"))
        await bench.clock.settle()
        assert 409 == (await bench.post("away", {"id": "8"}, webhook_id="k")).status
        gate.set_result(Written("1"))
        assert 200 == (await first).status
        assert 409 == (await bench.post("away", {"id": "8"}, webhook_id="k")).status
        assert 1 == len(bench.far.executed)


async def test_after_a_failure_any_body_tries_again() -> None:
    async with engine(AWAY) as bench:
        bench.far.outcomes.append(Terminal("no"))
        assert 500 == (await bench.post("away", COURSE, webhook_id="k")).status
        assert 200 == (await bench.post("away", {"id": "8"}, webhook_id="k")).status


async def test_an_unknown_outcome_is_202_for_the_same_body_and_409_for_another() -> None:
    async with engine(AWAY) as bench:
        bench.far.outcomes.append(UnknownOutcome("dropped"))
        first = await bench.post("away", COURSE, webhook_id="k")
        repeat = await bench.post("away", COURSE, webhook_id="k")
        assert (202, first.body, dict(first.headers)["Location"]) == (
            repeat.status,
            repeat.body,
            dict(repeat.headers)["Location"],
        )
        assert 409 == (await bench.post("away", {"id": "8"}, webhook_id="k")).status
        assert 1 == len(bench.far.executed)


async def test_a_waiter_has_the_status_address_when_its_own_time_is_over() -> None:
    async with engine(webhook("away", "far", limits={"time": "0.02s"}, **KEYED)) as bench:
        gate = waiting(bench)
        answers = await asyncio.gather(*(bench.post("away", COURSE, webhook_id="k") for _ in range(3)))
        run_id = (await bench.last()).run_id
        assert [(202, run_id)] * 3 == [(one.status, json.loads(one.body)["id"]) for one in answers]
        gate.set_result(Written("1"))
        await bench.clock.settle()
        repeat = await bench.post("away", COURSE, webhook_id="k")
        assert (200, "true") == (repeat.status, dict(repeat.headers)["Hookstation-Replayed"])


async def test_a_repeat_after_a_restart_is_known_by_the_journal() -> None:
    async with engine(HERE) as bench:
        await bench.post("here", COURSE, webhook_id="k")
        bench.repeats._lately.clear()
        repeat = await bench.post("here", COURSE, webhook_id="k")
        assert "true" == dict(repeat.headers)["Hookstation-Replayed"]
        bench.repeats._lately.clear()
        assert 409 == (await bench.post("here", {"id": "8"}, webhook_id="k")).status
        assert 1 == len(await bench.records())


@pytest.mark.parametrize("payload", [{"id": 7}, {"note": "no id"}])
async def test_a_known_key_has_the_last_word_over_a_body_that_would_be_refused(payload: Any) -> None:
    """Duplicate comes before schema and mapping on the staircase."""
    async with engine(HERE) as bench:
        await bench.post("here", COURSE, webhook_id="k")
        bench.repeats._lately.clear()
        assert 409 == (await bench.post("here", payload, webhook_id="k")).status


@pytest.mark.parametrize(("payload", "status"), [({"id": 7}, 400), ({"note": "no id"}, 500)])
async def test_a_refused_body_frees_its_key(payload: Any, status: int) -> None:
    async with engine(HERE) as bench:
        assert status == (await bench.post("here", payload, webhook_id="k")).status
        assert 200 == (await bench.post("here", COURSE, webhook_id="k")).status


async def test_a_key_is_new_again_after_its_window() -> None:
    async with engine(HERE) as bench:
        await bench.post("here", COURSE, webhook_id="k")
        await bench.clock.advance(3_600)
        assert 200 == (await bench.post("here", {"id": "8"}, webhook_id="k")).status
        assert 2 == len(await bench.records())


async def test_a_call_without_the_key_is_new_every_time() -> None:
    async with engine(HERE) as bench:
        for _ in range(2):
            assert 200 == (await bench.post("here", COURSE)).status
        assert 2 == len(await bench.records())


async def test_a_database_that_cannot_commit_frees_the_key() -> None:
    async with engine(HERE) as bench:
        bench.store.unavailable = "full"
        assert 503 == (await bench.post("here", COURSE, webhook_id="k")).status
        bench.store.unavailable = ""
        answer = await bench.post("here", COURSE, webhook_id="k")
        assert (200, False) == (answer.status, "Hookstation-Replayed" in dict(answer.headers))
        assert [State.SUCCEEDED] == [event.state for event in await bench.events()]


@pytest.mark.parametrize("failure", [StoreUnavailable("gone"), StoreError("gone in the middle")])
async def test_a_database_that_cannot_be_asked_for_a_key_is_a_503_and_nothing_was_done(
    failure: StoreError,
) -> None:
    async with engine(HERE) as bench:
        await bench.post("here", COURSE, webhook_id="k")
        find_mark = bench.store.find_mark

        async def gone(*_: object) -> Mark | None:
            raise failure

        bench.store.find_mark = gone  # type: ignore[assignment, method-assign]
        answer = await bench.post("here", COURSE, webhook_id="k")
        assert (503, "5") == (answer.status, dict(answer.headers)["Retry-After"])
        bench.store.find_mark = find_mark  # type: ignore[method-assign]
        assert 200 == (await bench.post("here", COURSE, webhook_id="k")).status
        assert 1 == len(await bench.events())
