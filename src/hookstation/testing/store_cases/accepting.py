"""Accepting an event: all of it in one commit, or nothing."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio

from hookstation.core.events import Event, JournalEntry, MarkState, Settlement, State
from hookstation.core.jobs import EVENTS
from hookstation.core.records import RECORDS, EffectResult
from hookstation.errors import Conflict
from hookstation.ports.store import Acceptance, Committed, EventFilter, Finish, Payload, Store
from hookstation.testing.store_cases.making import (
    ACTIVITIES,
    COURSES,
    NOW,
    ends,
    entry,
    event_id,
    event_job,
    fails,
    insert,
    journal,
    mark,
    rejects,
    sends,
    succeeds,
)


class AcceptingCases:
    """What `accept` owes."""

    async def test_event_comes_back_whole(self, store: Store) -> None:
        """Every field of an accepted event is read back as it was given."""
        given = JournalEntry(
            event_id(1), "courses", NOW, "203.0.113.9", 9, {"x-a": "ä"}, "a=1", b"\x00\xff body", "", "imis",
            "Activity", "RUN1", {"map": 12, "read": 2**40},
        )  # fmt: skip
        settlement = Settlement(State.FAILED, 500, b"\x00{}", "It is “off”.", "77")

        await store.accept(Acceptance(given, lambda _: settlement))

        expected = Event(
            event_id(1), "courses", State.FAILED, NOW, "203.0.113.9", 9, 500, b"\x00{}", "It is “off”.", "", "imis",
            "Activity", "77", "RUN1", NOW, NOW, 1, {"map": 12, "read": 2**40}, {"x-a": "ä"}, "a=1",
        )  # fmt: skip
        assert expected == await store.get_event(event_id(1))
        assert expected == await store.find_run("RUN1")
        assert Payload(event_id(1), b"\x00\xff body") == await store.get_payload(event_id(1))

    async def test_a_listener_that_breaks(self, store: Store) -> None:
        """Whoever listens hears of each commit; where it breaks, its caller and the next ones are answered."""
        heard = list[str]()

        def listen(unit: Acceptance | Finish, _committed: Committed) -> None:
            heard.append(unit.entry.id if isinstance(unit, Acceptance) else unit.event_id)
            raise RuntimeError("broken on purpose")

        store.observe(listen)
        for number in (1, 2):
            async with asyncio.timeout(10):
                await store.accept(Acceptance(entry(number), succeeds))

        assert [event_id(1), event_id(2)] == heard
        events = await store.list_events(EventFilter(), 9)
        assert [event_id(2), event_id(1)] == [one.id for one in events.items]

    async def test_body_that_is_not_kept(self, store: Store) -> None:
        """A rejected event without its body is journalled; it has no payload, no attempts, and keeps its reason."""
        await store.accept(Acceptance(entry(1, body=None, reason="access"), rejects))

        event = await store.get_event(event_id(1))
        assert event is not None
        assert (State.REJECTED, "access", 0) == (event.state, event.reason, event.attempts)
        assert await store.get_payload(event_id(1)) is None
        assert [] == list(await store.list_attempts(event_id(1)))

    async def test_key_is_kept_with_its_event(self, store: Store) -> None:
        """An event names its dedup key: the mark's, or where it holds none the one that the call named."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1, "k1")))
        await store.accept(Acceptance(entry(2), fails, mark=mark(2, "k2")))
        await store.accept(Acceptance(entry(3, dedup_key="k3"), rejects))
        await journal(store, 4)

        events = (await store.list_events(EventFilter(), 9)).items
        assert ["", "k3", "k2", "k1"] == [event.dedup_key for event in events]
        assert await store.find_mark("courses", "k3", NOW) is None

    async def test_empty_body_is_a_body(self, store: Store) -> None:
        """A body of no bytes is kept as one."""
        await store.accept(Acceptance(entry(1, body=b""), rejects))

        assert Payload(event_id(1), b"") == await store.get_payload(event_id(1))

    async def test_nothing_is_there_under_another_name(self, store: Store) -> None:
        """What was never journalled is not found, and an empty run id is no name."""
        await journal(store, 1)

        assert await store.get_event("nobody") is None
        assert await store.get_payload("nobody") is None
        assert await store.find_run("") is None
        assert await store.find_run("nobody") is None
        assert [] == list(await store.list_attempts("nobody"))

    async def test_effect_and_event_are_one(self, store: Store) -> None:
        """`settle` hears what the effect did, and its word is what stands in the journal and in the answer."""
        heard: list[EffectResult | None] = []

        def settle(effect: EffectResult | None) -> Settlement:
            heard.append(effect)
            return succeeds(effect)

        done = await store.accept(
            Acceptance(entry(1, connection=RECORDS, entity="Activity"), settle, insert(ACTIVITIES, ID="7"))
        )

        assert done.effect == heard[-1]
        assert done.settlement == succeeds(done.effect)
        event = await store.get_event(event_id(1))
        assert event is not None
        assert event.record_key
        record = await store.get_record("Activity", event.record_key)
        assert record is not None
        assert event_id(1) == record.event_id

    async def test_failing_settle_leaves_nothing(self, store: Store) -> None:
        """Where `settle` raises, its caller gets that error and neither event, record nor mark was written."""

        def settle(effect: EffectResult | None) -> Settlement:
            raise LookupError(effect)

        refused = await _refused(store, Acceptance(entry(1), settle, insert(COURSES, ID="7"), mark(1)))

        assert LookupError is type(refused)
        assert await store.get_event(event_id(1)) is None
        assert 0 == await store.count_records(COURSES.name)
        assert await store.find_mark("courses", "k1", NOW) is None

    async def test_one_failure_spares_the_others(self, store: Store) -> None:
        """Of events accepted at once, the one that cannot be written fails alone, whatever was wrong with it."""
        await journal(store, 5)

        def settle(effect: EffectResult | None) -> Settlement:
            raise LookupError(effect)

        def acceptance(number: int) -> Acceptance:
            chosen = settle if number == 3 else succeeds
            return Acceptance(
                entry(number), chosen, insert(COURSES, ID="7", N=number), mark(number, f"k{number}")
            )

        done = await asyncio.gather(
            *(store.accept(acceptance(n)) for n in range(1, 9)), return_exceptions=True
        )

        wrong = {index + 1: type(one) for index, one in enumerate(done) if isinstance(one, Exception)}
        assert {3: LookupError, 5: Conflict} == wrong
        records = await store.list_records(COURSES.name, 20)
        assert {1, 2, 4, 6, 7, 8} == {record.fields["N"] for record in records}
        assert {1, 2, 3, 4, 5, 6} == {record.fields["Ordinal"] for record in records}

    async def test_many_at_once(self, store: Store) -> None:
        """Hundreds of events accepted at once are all there afterwards, each with a record of its own."""
        await asyncio.gather(
            *(store.accept(Acceptance(entry(n), succeeds, insert(ACTIVITIES, ID=str(n)))) for n in range(600))
        )

        assert 600 == await store.count_records("Activity")
        records = await store.list_records("Activity", 1000)
        assert {str(n) for n in range(600)} == {record.fields["ID"] for record in records}
        assert 600 == len({record.key for record in records})

    async def test_an_id_is_used_once(self, store: Store) -> None:
        """A second event under the same id is a `Conflict`, and the first stays as it was."""
        await journal(store, 1, fails)

        assert Conflict is type(
            await _refused(store, Acceptance(entry(1), succeeds, insert(COURSES, ID="7")))
        )

        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.FAILED is event.state
        assert 0 == await store.count_records(COURSES.name)

    async def test_noted_calls(self, store: Store) -> None:
        """A noted call is there after the next commit, though nobody waited for it, and none was lost."""
        for number in range(5):
            store.note(Acceptance(entry(number, reason="access"), rejects))

        await journal(store, 9)

        assert 6 == len((await store.list_events(EventFilter(), 10)).items)
        assert 0 == store.noted_lost

    async def test_noted_call_that_cannot_be_written(self, store: Store) -> None:
        """A noted call that cannot be written is counted and harms nobody."""
        await journal(store, 1)
        store.note(Acceptance(entry(1), rejects))

        await journal(store, 2)

        assert 1 == store.noted_lost
        event = await store.get_event(event_id(1))
        assert event is not None
        assert State.SUCCEEDED is event.state

    async def test_noted_call_after_the_end(self, store: Store) -> None:
        """A call noted after the store was closed is counted as lost and raises nothing."""
        await store.close()

        store.note(Acceptance(entry(1), rejects))

        assert 1 == store.noted_lost


class MarkCases:
    """What a dedup mark owes."""

    async def test_mark_of_a_success(self, store: Store) -> None:
        """A succeeded event's mark holds the answer that the next caller gets."""
        await store.accept(Acceptance(entry(1, run_id="RUN1"), succeeds, mark=mark(1)))

        held = await store.find_mark("courses", "k1", NOW)
        assert held is not None
        assert (MarkState.SUCCEEDED, 200, b'{"success": true}') == (
            held.state,
            held.answer_status,
            held.answer_body,
        )
        assert (event_id(1), b"digest of 1", "RUN1") == (held.event_id, held.body_digest, held.run_id)

    async def test_mark_of_an_open_event(self, store: Store) -> None:
        """An event under way or of unknown outcome holds its key, but no answer is stored, whatever was told."""
        expected = {
            State.WORKING: MarkState.WORKING,
            State.SENDING: MarkState.WORKING,
            State.HELD: MarkState.UNKNOWN,
            State.UNKNOWN: MarkState.UNKNOWN,
        }
        for number, state in enumerate(expected):
            await store.accept(
                Acceptance(entry(number), ends(state, 202, b"later"), mark=mark(number, state.value))
            )

        held = {state: await store.find_mark("courses", state.value, NOW) for state in expected}
        assert expected == {state: one and one.state for state, one in held.items()}
        assert {(0, b"")} == {(one.answer_status, one.answer_body) for one in held.values() if one}

    async def test_no_mark_of_a_failure(self, store: Store) -> None:
        """A failed or rejected event leaves its key free: another body under it is accepted."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))
        await store.accept(Acceptance(entry(2), rejects, mark=mark(2)))
        assert await store.find_mark("courses", "k1", NOW) is None

        done = await store.accept(Acceptance(entry(3), succeeds, mark=mark(3)))

        assert done.conflict is None

    async def test_conflict_writes_nothing(self, store: Store) -> None:
        """Under a held key nothing is written, and the caller is told whose key it is."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1)))

        done = await store.accept(
            Acceptance(entry(2), succeeds, insert(COURSES, ID="7"), mark(2), event_job(2))
        )

        assert done.settlement is None
        assert done.conflict is not None
        assert (event_id(1), MarkState.SUCCEEDED, 200) == (
            done.conflict.event_id,
            done.conflict.state,
            done.conflict.answer_status,
        )
        assert await store.get_event(event_id(2)) is None
        assert await store.find_job(EVENTS, event_id(2)) is None
        assert 0 == await store.count_records(COURSES.name)

    async def test_conflict_also_of_what_would_fail(self, store: Store) -> None:
        """An event that would fail meets a held key all the same."""
        await store.accept(Acceptance(entry(1), sends, mark=mark(1)))

        done = await store.accept(Acceptance(entry(2), fails, mark=mark(2)))

        assert done.conflict is not None
        assert await store.get_event(event_id(2)) is None

    async def test_same_key_at_once(self, store: Store) -> None:
        """Of many events that come at once with one key exactly one is written."""
        done = await asyncio.gather(
            *(
                store.accept(Acceptance(entry(n), succeeds, insert(COURSES, ID="7"), mark(n)))
                for n in range(20)
            ),
            *(store.accept(Acceptance(entry(n), succeeds, mark=mark(n, f"other{n}"))) for n in range(20, 40)),
        )

        assert 1 == sum(one.settlement is not None for one in done[:20])
        assert 1 == await store.count_records(COURSES.name)
        winner = next(one.settlement for one in done[:20] if one.settlement)
        assert 19 == sum(one.conflict is not None for one in done[:20])
        assert State.SUCCEEDED is winner.state
        assert all(one.settlement for one in done[20:])

    async def test_a_key_belongs_to_its_webhook(self, store: Store) -> None:
        """The same key under another webhook is another key."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1)))

        done = await store.accept(Acceptance(entry(2, "shop"), succeeds, mark=mark(2, webhook="shop")))

        assert done.conflict is None

    async def test_expired_mark(self, store: Store) -> None:
        """An expired mark is as if it were not there, and its key can be taken."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1, expires_at=NOW + 60_000_000)))
        assert await store.find_mark("courses", "k1", NOW + 59_999_999) is not None
        assert await store.find_mark("courses", "k1", NOW + 60_000_000) is None

        done = await store.accept(Acceptance(entry(60), succeeds, mark=mark(60)))

        assert done.conflict is None
        held = await store.find_mark("courses", "k1", NOW + 60_000_000)
        assert held is not None
        assert event_id(60) == held.event_id


async def _refused(store: Store, acceptance: Acceptance) -> BaseException | None:
    [outcome] = await asyncio.gather(store.accept(acceptance), return_exceptions=True)
    return outcome if isinstance(outcome, BaseException) else None
