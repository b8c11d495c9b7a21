"""Lists, pages and pruning."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

from dataclasses import replace

from msgspec import structs

from hookstation.core.events import State
from hookstation.ports.store import Acceptance, EventFilter, Retention, Store
from hookstation.testing.store_cases.making import (
    COURSES,
    DAY,
    NOW,
    SECOND,
    do,
    ends,
    entry,
    event_id,
    fails,
    insert,
    journal,
    mark,
    move,
    rejects,
    sends,
    succeeds,
    unknown,
)

_ENDS = (succeeds, fails, rejects, sends)
_STATES = (State.SUCCEEDED, State.FAILED, State.REJECTED, State.SENDING)
_WEBHOOKS = ("courses", "shop", "members")


class HistoryCases:
    """What lists and pruning owe."""

    async def test_newest_first_in_pages(self, store: Store) -> None:
        """Following `next` gives every event once, newest first, and ends with an empty `next`."""
        for number in (3, 0, 4, 1, 2):
            await journal(store, number)

        first = await store.list_events(EventFilter(), 2)
        second = await store.list_events(EventFilter(), 2, first.next)
        third = await store.list_events(EventFilter(), 2, second.next)

        seen = [event.id for page in (first, second, third) for event in page.items]
        assert [event_id(number) for number in (4, 3, 2, 1, 0)] == seen
        assert "" == third.next
        assert "" == (await store.list_events(EventFilter(), 5)).next

    async def test_every_filter(self, store: Store) -> None:
        """Webhook, states and times filter alone and together, the first moment included, the last one not."""
        for number in range(24):
            await journal(store, number, _ENDS[number % 4], _WEBHOOKS[number % 3])

        def fits(number: int, which: EventFilter) -> bool:
            at = NOW + number * SECOND
            return (
                which.webhook in ("", _WEBHOOKS[number % 3])
                and (not which.states or _STATES[number % 4] in which.states)
                and at >= which.since
                and (not which.until or at < which.until)
            )

        filters = [
            EventFilter(webhook, frozenset(states), since, until)
            for webhook in ("", "shop", "nobody")
            for states in ((), (State.FAILED,), (State.SUCCEEDED, State.REJECTED), (State.UNKNOWN,))
            for since in (0, NOW + 5 * SECOND)
            for until in (0, NOW + 20 * SECOND)
        ]
        expected = [[event_id(n) for n in range(23, -1, -1) if fits(n, which)] for which in filters]
        found = [[event.id for event in (await store.list_events(which, 100)).items] for which in filters]
        assert expected == found

    async def test_filtered_pages(self, store: Store) -> None:
        """A filtered list is paged without gaps."""
        for number in range(12):
            await journal(store, number, _ENDS[number % 4])
        which = EventFilter("courses", frozenset({State.FAILED, State.SENDING}))

        first = await store.list_events(which, 4)
        second = await store.list_events(which, 4, first.next)

        assert [event_id(n) for n in (11, 9, 7, 5)] == [event.id for event in first.items]
        assert [event_id(n) for n in (3, 1)] == [event.id for event in second.items]

    async def test_events_on_the_edge_of_a_time(self, store: Store) -> None:
        """An event whose id was made a moment before or after it was received is filtered by when it was received."""
        for number, shift in ((1, -SECOND), (2, SECOND)):
            kept = entry(number)
            await store.accept(
                Acceptance(structs.replace(kept, received_at=kept.received_at + shift), succeeds)
            )

        early = await store.list_events(EventFilter(until=NOW + SECOND), 9)
        late = await store.list_events(EventFilter(since=NOW + 3 * SECOND), 9)

        assert [event_id(1)] == [event.id for event in early.items]
        assert [event_id(2)] == [event.id for event in late.items]

    async def test_prune_by_age(self, store: Store) -> None:
        """Settled events go by their age, rejected ones by theirs, open ones never; records stay."""
        for number, settle in enumerate((succeeds, fails, rejects, sends, unknown, ends(State.HELD))):
            await journal(store, number, settle)
        await do(store, 6, insert(COURSES, ID="7"))
        await journal(store, 9)

        settled = await store.prune(Retention(before=NOW + 8 * SECOND), 100)
        rejected = await store.prune(Retention(rejected_before=NOW + 8 * SECOND), 100)

        assert (3, 1) == (settled, rejected)
        left = [event.id for event in (await store.list_events(EventFilter(), 100)).items]
        assert [event_id(n) for n in (9, 5, 4, 3)] == left
        assert 1 == await store.count_records(COURSES.name)

    async def test_prune_takes_all_that_hangs_on_an_event(self, store: Store) -> None:
        """Payload, attempts, mark and status address go with their event."""
        await store.accept(Acceptance(entry(1, run_id="RUN1"), fails, mark=mark(1)))
        await move(store, 1, State.FAILED, succeeds, NOW + 2 * SECOND)

        assert 1 == await store.prune(Retention(before=NOW + DAY, now=NOW + DAY), 100)

        assert await store.get_event(event_id(1)) is None
        assert await store.get_payload(event_id(1)) is None
        assert await store.find_run("RUN1") is None
        assert await store.find_mark("courses", "k1", NOW) is None
        assert [] == list(await store.list_attempts(event_id(1)))

    async def test_prune_by_age_waits_for_the_mark(self, store: Store) -> None:
        """An old event stays as it is while its mark is alive, and goes with it when the mark has expired."""
        await store.accept(Acceptance(entry(1), succeeds, mark=mark(1)))
        await journal(store, 2)
        rule = Retention(before=NOW + 9 * SECOND, now=NOW + 10 * SECOND)

        assert 1 == await store.prune(rule, 100)

        held = await store.find_mark("courses", "k1", NOW + 10 * SECOND)
        assert held is not None
        assert (event_id(1), 200, b'{"success": true}') == (
            held.event_id,
            held.answer_status,
            held.answer_body,
        )
        assert await store.get_payload(event_id(1)) is not None
        assert 1 == await store.prune(replace(rule, now=NOW + DAY), 100)
        assert await store.get_event(event_id(1)) is None

    async def test_prune_by_bytes_leaves_the_mark(self, store: Store) -> None:
        """An event with a living mark gives its body for the bytes once, and keeps the mark and the stored answer."""
        await store.accept(Acceptance(entry(1, body=b"x" * 50), succeeds, mark=mark(1)))
        await store.accept(Acceptance(entry(2, body=b"x" * 50), succeeds))
        rule = Retention(most_bytes=10, now=NOW + 3 * SECOND)

        assert [2, 0] == [await store.prune(rule, 100) for _ in range(2)]

        held = await store.find_mark("courses", "k1", NOW + 3 * SECOND)
        assert held is not None
        assert 200 == held.answer_status
        event = await store.get_event(event_id(1))
        assert event is not None
        assert {"content-type": "application/json"} == event.headers
        assert await store.get_payload(event_id(1)) is None
        assert await store.get_event(event_id(2)) is None
        repeat = await store.accept(Acceptance(entry(3), succeeds, mark=mark(3)))
        assert repeat.conflict is not None

    async def test_prune_passes_many_that_stay(self, store: Store) -> None:
        """However many old events stay for their marks, what lies behind them goes, in steps of at most `limit`."""
        for number in range(1, 700):
            await store.accept(Acceptance(entry(number), succeeds, mark=mark(number, f"k{number}")))
        for number in range(700, 703):
            await journal(store, number)
        rule = Retention(before=NOW + DAY, now=NOW + DAY - 1)

        assert [2, 1, 0] == [await store.prune(rule, 2) for _ in range(3)]

        assert 699 == len((await store.list_events(EventFilter(), 1_000)).items)

    async def test_prune_leaves_the_key_of_another(self, store: Store) -> None:
        """Pruning an event whose key another one holds leaves the key to that one."""
        await store.accept(Acceptance(entry(1), fails, mark=mark(1)))
        await store.accept(Acceptance(entry(2), succeeds, mark=mark(2)))

        await store.prune(Retention(before=NOW + 2 * SECOND), 100)

        assert await store.find_mark("courses", "k1", NOW) is not None

    async def test_prune_in_small_steps(self, store: Store) -> None:
        """At most `limit` events go at a time, the oldest first, over all rules together."""
        for number in range(6):
            await journal(store, number, fails if number % 2 else succeeds)
        await journal(store, 6, rejects)
        rules = Retention(before=NOW + DAY, rejected_before=NOW + DAY)

        assert 4 == await store.prune(rules, 4)

        left = [event.id for event in (await store.list_events(EventFilter(), 100)).items]
        assert [event_id(n) for n in (6, 5, 4)] == left
        assert [3, 0] == [await store.prune(rules, 4) for _ in range(2)]

    async def test_prune_rejected_by_number(self, store: Store) -> None:
        """Rejected events beyond the newest so many go; others do not count."""
        for number in range(10):
            await journal(store, number, rejects if number % 2 else succeeds)

        assert 3 == await store.prune(Retention(most_rejected=2), 100)

        rejected = await store.list_events(EventFilter(states=frozenset({State.REJECTED})), 100)
        assert [event_id(9), event_id(7)] == [event.id for event in rejected.items]
        assert 0 == await store.prune(Retention(most_rejected=2), 100)

    async def test_prune_by_bytes(self, store: Store) -> None:
        """The oldest settled events with a body go until all bodies are no more than so many bytes."""
        await store.accept(Acceptance(entry(0, body=b"x" * 50), sends))
        await store.accept(Acceptance(entry(1, body=None), rejects))
        for number in range(2, 6):
            await store.accept(Acceptance(entry(number, body=b"x" * 100), succeeds))

        assert 2 == await store.prune(Retention(most_bytes=250), 100)

        left = [event.id for event in (await store.list_events(EventFilter(), 100)).items]
        assert [event_id(n) for n in (5, 4, 1, 0)] == left
        assert 0 == await store.prune(Retention(most_bytes=250), 100)

    async def test_no_rule_prunes_nothing(self, store: Store) -> None:
        """With every rule off nothing goes."""
        await journal(store, 1)

        assert 0 == await store.prune(Retention(), 100)
