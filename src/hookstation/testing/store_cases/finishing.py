"""Finishing an event, again and later: attempts and marks."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.core.events import Attempt, MarkState, Settlement, State
from hookstation.core.records import RECORDS, EffectResult
from hookstation.ports.store import Acceptance, Store
from hookstation.testing.store_cases.making import (
    COURSES,
    DAY,
    NOW,
    SECOND,
    Settle,
    ends,
    entry,
    event_id,
    fails,
    insert,
    journal,
    mark,
    move,
    sends,
    succeeds,
    unknown,
)


class FinishingCases:
    """What `finish` and `owner_of` owe; what they owe to jobs is said in `holding`."""

    async def test_only_from_an_expected_state(self, store: Store) -> None:
        """An event in another state, or none at all, is left alone and `settle` is not asked."""
        await journal(store, 1)

        done = await move(store, 1, State.SENDING, _never)
        nobody = await move(store, 2, State.SENDING, _never)

        assert (None, None) == (done.settlement, nobody.settlement)
        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.SUCCEEDED is event.state

    async def test_a_key_that_is_claimed_anew_is_kept(self, store: Store) -> None:
        """An event that claims a key when it is finished names that one from then on."""
        await store.accept(Acceptance(entry(1, dedup_key="k1"), fails))

        await move(store, 1, State.FAILED, succeeds, mark=mark(1, "k2"))

        event = await store.get_event(event_id(1))
        assert event is not None
        assert "k2" == event.dedup_key
        assert await store.find_mark("courses", "k2", NOW) is not None

    async def test_each_settlement_speaks_for_itself(self, store: Store) -> None:
        """Error and reason are those of the last settlement: given anew by each, gone when it gives none."""
        await store.accept(Acceptance(entry(1, reason="mapping"), fails))
        later = Settlement(State.FAILED, 400, b"{}", "amount is missing", reason="schema")

        await move(store, 1, State.FAILED, lambda _: later)
        failed = await store.get_event(event_id(1))
        await move(store, 1, State.FAILED, succeeds)
        succeeded = await store.get_event(event_id(1))

        assert failed is not None
        assert succeeded is not None
        assert ("amount is missing", "schema") == (failed.error, failed.reason)
        assert ("", "") == (succeeded.error, succeeded.reason)

    async def test_settles_what_was_sent(self, store: Store) -> None:
        """A sent event ends with its answer, record, times and one attempt."""
        await store.accept(Acceptance(entry(1, connection="imis", entity="Activity"), sends))

        done = await move(
            store, 1, State.SENDING, ends(State.SUCCEEDED, 200, b"ok"), NOW + 9, attempt_started_at=NOW + 3
        )

        assert done.settlement is not None
        event = await store.get_event(event_id(1))
        assert event is not None
        assert (State.SUCCEEDED, 200, b"ok") == (event.state, event.answer_status, event.answer_body)
        assert (1, NOW + 3, NOW + 9) == (event.attempts, event.started_at, event.settled_at)
        assert ("imis", "Activity") == (event.connection, event.entity)
        expected = [Attempt(1, NOW + 3, NOW + 9, State.SUCCEEDED, "", "")]
        assert expected == list(await store.list_attempts(event_id(1)))

    async def test_unknown_keeps_no_attempt(self, store: Store) -> None:
        """An outcome that becomes unknown is still the same attempt."""
        await store.accept(Acceptance(entry(1), sends, mark=mark(1)))

        await move(store, 1, State.SENDING, unknown, NOW + 5, run_id="RUN1")

        event = await store.find_run("RUN1")
        assert event is not None
        assert (State.UNKNOWN, 0, 1) == (event.state, event.settled_at, event.attempts)
        assert [] == list(await store.list_attempts(event_id(1)))
        held = await store.find_mark("courses", "k1", NOW)
        assert held is not None
        assert (MarkState.UNKNOWN, "RUN1") == (held.state, held.run_id)

    async def test_mark_follows_to_success(self, store: Store) -> None:
        """When an unknown outcome turns out well, its mark holds the final answer."""
        await store.accept(Acceptance(entry(1), unknown, mark=mark(1)))

        await move(store, 1, State.UNKNOWN, succeeds)

        held = await store.find_mark("courses", "k1", NOW)
        assert held is not None
        assert (MarkState.SUCCEEDED, 200) == (held.state, held.answer_status)

    async def test_failure_frees_the_key(self, store: Store) -> None:
        """When a sent event fails, its key is free again for any body."""
        await store.accept(Acceptance(entry(1), sends, mark=mark(1)))

        await move(store, 1, State.SENDING, fails)

        assert await store.find_mark("courses", "k1", NOW) is None
        done = await store.accept(Acceptance(entry(2), succeeds, mark=mark(2)))
        assert done.conflict is None

    async def test_replay_claims_its_key_again(self, store: Store) -> None:
        """A failed event that a replay brings to success holds the key it claims, so that a repeat gets its answer."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))

        await move(store, 1, State.FAILED, succeeds, mark=mark(1, "k2"))

        held = await store.find_mark("courses", "k2", NOW)
        assert held is not None
        assert (event_id(1), MarkState.SUCCEEDED, 200) == (held.event_id, held.state, held.answer_status)
        assert await store.find_mark("courses", "k1", NOW) is None
        repeated = await store.accept(Acceptance(entry(2), succeeds, mark=mark(2, "k2")))
        assert held == repeated.conflict

    async def test_replay_that_claims_nothing(self, store: Store) -> None:
        """A replay that claims no key leaves the freed one free."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))

        await move(store, 1, State.FAILED, succeeds)

        assert await store.find_mark("courses", "k1", NOW) is None

    async def test_replay_that_fails_again(self, store: Store) -> None:
        """A replay that claims its key and fails frees it again."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))

        await move(store, 1, State.FAILED, sends, mark=mark(1))
        sending = await store.find_mark("courses", "k1", NOW)
        await move(store, 1, State.SENDING, fails)

        assert sending is not None
        assert MarkState.WORKING is sending.state
        assert await store.find_mark("courses", "k1", NOW) is None

    async def test_replay_under_the_key_of_another(self, store: Store) -> None:
        """A replay that claims a key which another event holds by now writes nothing, and is told whose it is."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))
        await store.accept(Acceptance(entry(2), succeeds, mark=mark(2)))

        done = await move(store, 1, State.FAILED, _never, mark=mark(1), effect=insert(COURSES, ID="7"))

        assert done.settlement is None
        assert done.conflict is not None
        assert event_id(2) == done.conflict.event_id
        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.FAILED is event.state
        assert 0 == await store.count_records(COURSES.name)

    async def test_replay_of_a_success_keeps_its_key(self, store: Store) -> None:
        """A succeeded event that is replayed and claims its own key keeps it, for as long as it now asks."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1)))

        done = await move(store, 1, State.SUCCEEDED, succeeds, mark=mark(1, expires_at=NOW + 2 * DAY))

        assert done.settlement is not None
        held = await store.find_mark("courses", "k1", NOW + DAY)
        assert held is not None
        assert event_id(1) == held.event_id

    async def test_claim_and_call_at_once(self, store: Store) -> None:
        """Of a replay that claims a key and a call that brings it at the same moment, one gets it."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))

        replayed, called = await asyncio.gather(
            move(store, 1, State.FAILED, succeeds, mark=mark(1)),
            store.accept(Acceptance(entry(2), succeeds, mark=mark(2))),
        )

        assert 1 == (replayed.settlement is not None) + (called.settlement is not None)
        assert 1 == (replayed.conflict is not None) + (called.conflict is not None)

    async def test_replay_into_the_records(self, store: Store) -> None:
        """A replay writes its record in the same commit and is a second attempt; the first stays in the history."""
        await journal(store, 1, fails)
        began = NOW + 20 * SECOND

        done = await move(
            store, 1, State.FAILED, succeeds, began + 5, effect=insert(COURSES, ID="7"), attempt_started_at=began,
            connection=RECORDS, entity=COURSES.name,
        )  # fmt: skip

        assert done.effect is not None
        assert "7|1" == done.effect.key
        first = Attempt(1, NOW + SECOND, NOW + SECOND, State.FAILED, "off-line", "")
        second = Attempt(2, began, began + 5, State.SUCCEEDED, "", "7|1")
        assert [first, second] == list(await store.list_attempts(event_id(1)))
        event = await store.get_event(event_id(1))
        assert event is not None
        assert (2, RECORDS, COURSES.name, "7|1") == (
            event.attempts,
            event.connection,
            event.entity,
            event.record_key,
        )

    async def test_replay_of_what_is_sent(self, store: Store) -> None:
        """A replay that is sent first counts when it is sent, and is kept when it has ended."""
        await journal(store, 1, fails)

        await move(store, 1, State.FAILED, sends, NOW + 10, attempt_started_at=NOW + 10)
        under_way = list(await store.list_attempts(event_id(1)))
        await move(store, 1, State.SENDING, succeeds, NOW + 12)

        assert [1] == [attempt.number for attempt in under_way]
        attempts = await store.list_attempts(event_id(1))
        assert [(1, State.FAILED), (2, State.SUCCEEDED)] == [(one.number, one.state) for one in attempts]
        assert (NOW + 10, NOW + 12) == (attempts[1].started_at, attempts[1].ended_at)

    async def test_failing_settle_leaves_the_event(self, store: Store) -> None:
        """Where `settle` raises, the event stays as it was and no record is written."""
        await journal(store, 1, fails)

        [refused] = await asyncio.gather(
            move(store, 1, State.FAILED, _never, effect=insert(COURSES, ID="7")), return_exceptions=True
        )

        assert isinstance(refused, AssertionError)
        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.FAILED is event.state
        assert 0 == await store.count_records(COURSES.name)

    async def test_only_one_of_two_finishes(self, store: Store) -> None:
        """Of several finishes from one state that come at once, one is written."""
        await journal(store, 1, sends)

        done = await asyncio.gather(
            *(move(store, 1, State.SENDING, succeeds, effect=insert(COURSES, ID="7")) for _ in range(5))
        )

        assert 1 == sum(one.settlement is not None for one in done)
        assert 1 == await store.count_records(COURSES.name)

    async def test_owner_of_a_record(self, store: Store) -> None:
        """The event that wrote a record is found by the record's key, in any target."""
        written = ends(State.SUCCEEDED, 200)
        await store.accept(Acceptance(entry(1, connection="imis", entity="Activity"), _with_key("4711")))
        await store.accept(
            Acceptance(entry(2, connection=RECORDS, entity=COURSES.name), written, insert(COURSES, ID="7"))
        )
        await store.accept(Acceptance(entry(3, connection="imis", entity="Activity"), written))

        assert event_id(1) == await store.owner_of("imis", "Activity", "4711")
        assert event_id(2) == await store.owner_of(RECORDS, COURSES.name, "7|1")
        assert "" == await store.owner_of("imis", "Activity", "")
        assert "" == await store.owner_of("imis", COURSES.name, "4711")
        assert "" == await store.owner_of(RECORDS, COURSES.name, "7|2")


def _never(effect: EffectResult | None) -> Settlement:
    raise AssertionError(effect)


def _with_key(key: str) -> Settle:
    return lambda _: Settlement(State.SUCCEEDED, 200, record_key=key)
