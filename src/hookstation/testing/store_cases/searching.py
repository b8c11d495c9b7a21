"""The index of words: what it finds, how it is filled, and what it forgets."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

from collections.abc import Sequence

from hookstation.core.events import Settlement, State
from hookstation.core.searching import event_words, payload_words
from hookstation.ports.search import Reached, Search, Unsearched
from hookstation.ports.store import Acceptance, EventFilter, Retention, Store
from hookstation.testing.store_cases.making import (
    NOW,
    SECOND,
    Settle,
    entry,
    event_id,
    fails,
    mark,
    move,
    sends,
    succeeds,
)


async def put(store: Store, number: int, body: bytes, settle: Settle = succeeds, **more: object) -> str:
    """Journal an event with this body."""
    kept: dict[str, object] = {"body": body, **more}
    webhook = str(kept.pop("webhook", "courses"))
    await store.accept(Acceptance(entry(number, webhook, **kept), settle))
    return event_id(number)


async def fill(store: Search, limit: int = 100) -> None:
    """Put everything into the index that is not in it, and come as far as the newest event."""
    before, newest = await store.reached()
    looked = await store.look_for_unsearched("", newest, limit)
    words = [(one.id, payload_words(one.body or b"") | _own(one)) for one in looked.events]
    assert await store.add_words(words, before, Reached(newest, ""))


def _own(one: Unsearched) -> frozenset[str]:
    return event_words(one.webhook, one.sender, one.dedup_key, one.record_key)


async def found(store: Store, **asked: object) -> list[str]:
    """The ids that a filter finds."""
    page = await store.list_events(EventFilter(**asked), 100)  # type: ignore[arg-type]
    return [event.id for event in page.items]


def ids(*numbers: int) -> list[str]:
    """The ids of these events."""
    return [event_id(number) for number in numbers]


class SearchCases:
    """What the index of words owes."""

    async def test_words_of_payloads_find_their_events(self, store: Store) -> None:
        """All words must be there, in any case and order; the last one may be the beginning of one."""
        await put(store, 1, b'{"name": "Ada Lovelace", "mail": "ada@example.org"}')
        await put(store, 2, '{"name": "Grace Hopper", "n": 4711, "city": "Zürich"}'.encode())
        await put(store, 3, b'{"name": "Ada Hopper"}')
        await fill(store)

        for text, expected in (
            ("ada", ids(3, 1)),
            ("LOVELACE ada", ids(1)),
            ("ada@example.org", ids(1)),
            ("ada hop", ids(3)),
            ("hop ada", []),
            ("4711", ids(2)),
            ("zÜr", ids(2)),
            ("name", []),
            ("'ada' & \"x\" OR", []),
        ):
            assert expected == await found(store, text=text), text

    async def test_a_beginning_of_few_words_and_of_many_finds_all_of_them(self, store: Store) -> None:
        """However a store looks for them."""
        await put(store, 1, f'"{" ".join(f"abc{number:03}" for number in range(70))}"'.encode())
        await put(store, 2, b'"abcd"')
        await put(store, 3, b'"abce ada"')
        await fill(store)

        assert ids(3, 2, 1) == await found(store, text="abc")
        assert ids(1) == await found(store, text="abc01")
        assert ids(3) == await found(store, text="ada abc")
        assert [] == await found(store, text="abcf")

    async def test_text_goes_with_every_other_filter(self, store: Store) -> None:
        """Webhook, state, time, sender and the beginning of the id cut what the words find."""
        for number in range(12):
            await put(
                store,
                number,
                b'{"name": "Ada"}',
                (succeeds, fails)[number % 2],
                webhook=("courses", "shop")[number % 3 == 0],
            )
        await put(store, 12, b'{"name": "Grace"}')
        await fill(store)

        assert ids(9, 3) == await found(store, text="ada", webhook="shop", states=frozenset({State.FAILED}))
        assert ids(5, 4) == await found(store, text="ada", since=NOW + 4 * SECOND, until=NOW + 6 * SECOND)
        assert ids(7) == await found(store, text="ada", event_id=event_id(7)[:26].lower())
        assert [] == await found(store, text="ada", sender="203.0.113.10")
        assert 12 == len(await found(store, text="ada", sender="203.0.113.9"))

    async def test_pages_of_what_is_found(self, store: Store) -> None:
        """Following `next` gives every event once, newest first."""
        for number in range(7):
            await put(store, number, b'{"name": "Ada"}')
        await fill(store)

        seen: list[str] = []
        after = ""
        for _ in range(4):
            page = await store.list_events(EventFilter(text="ada"), 2, after)
            seen += [event.id for event in page.items]
            after = page.next
        assert (ids(6, 5, 4, 3, 2, 1, 0), "") == (seen, after)

    async def test_dedup_key_and_record_key(self, store: Store) -> None:
        """An event is found by what its call named, and by the record that it wrote, also since it was indexed."""
        await store.accept(Acceptance(entry(1, dedup_key="k1"), succeeds, None, mark(1)))
        await put(store, 2, b"{}", sends, connection="far", entity="Activity")
        await put(store, 3, b"{}", sends, connection="near", entity="Courses")
        await fill(store)
        for number in (2, 3):
            await move(store, number, State.SENDING, _wrote)

        assert ids(1) == await found(store, dedup_key="k1")
        assert [] == await found(store, dedup_key="k")
        assert ids(3, 2) == await found(store, record_key="41")
        assert ids(2) == await found(store, record_key="41", webhook="courses", event_id=event_id(2))

    async def test_an_id_is_found_by_its_beginning(self, store: Store) -> None:
        """Without the index, in either case."""
        for number in range(3):
            await put(store, number, b"{}")
        assert ids(1) == await found(store, event_id=event_id(1).lower())
        assert ids(2, 1, 0) == await found(store, event_id=event_id(1)[:4])
        assert [] == await found(store, event_id="ZZ")

    async def test_filling(self, store: Store) -> None:
        """Looking passes over what is indexed and says how far it came; only one of two additions counts."""
        for number in range(5):
            await put(store, number, b'{"name": "Ada"}')
        nothing, newest = await store.reached()
        assert (Reached(), event_id(4)) == (nothing, newest)
        first = await store.look_for_unsearched("", newest, 2)
        assert (ids(0, 1), event_id(1)) == (_ids(first.events), first.until)
        words = [(one.id, payload_words(one.body or b"")) for one in first.events]

        assert await store.add_words(words, nothing, Reached(first.until, ""))
        assert not await store.add_words(words, nothing, Reached(newest, ""))
        assert Reached(first.until, "") == (await store.reached())[0]
        assert ids(1, 0) == await found(store, text="ada")

        again = await store.look_for_unsearched("", newest, 4)
        assert (ids(2, 3), event_id(3)) == (_ids(again.events), again.until)
        rest = await store.look_for_unsearched(again.until, newest, 4)
        assert (ids(4), newest) == (_ids(rest.events), rest.until)

    async def test_what_is_gone_or_indexed_already_is_passed_over(self, store: Store) -> None:
        """An addition that comes late does no harm."""
        await put(store, 1, b'{"name": "Ada"}')
        await fill(store)
        before, _ = await store.reached()
        late = [(event_id(1), frozenset({"grace"})), (event_id(2), frozenset({"grace"}))]
        assert await store.add_words(late, before, before)
        assert ([], ids(1)) == (await found(store, text="grace"), await found(store, text="ada"))

    async def test_pruned_events_are_not_found(self, store: Store) -> None:
        """With the event its words go, and an event that loses its body is not found by it."""
        for number in range(3):
            await put(store, number, b'{"name": "Ada"}')
        await store.accept(Acceptance(entry(3, body=b'{"name": "Ada"}'), succeeds, None, mark(3)))
        await fill(store)

        assert 1 == await store.prune(Retention(before=NOW + SECOND, now=NOW), 10)
        assert ids(3, 2, 1) == await found(store, text="ada")
        await store.prune(Retention(most_bytes=1, now=NOW), 10)
        assert [] == await found(store, text="ada")

    async def test_odd_payloads(self, store: Store) -> None:
        """Bytes that are no text, a NUL, and a body that is not kept, are no obstacle."""
        await put(store, 1, b"\xff\xfe Ada \x00 Grace")
        await put(store, 2, b'"\\u0000 Ada"')
        await store.accept(Acceptance(entry(3, body=None), succeeds))
        await fill(store)
        assert ids(2, 1) == await found(store, text="ada")
        assert ids(3, 2, 1) == await found(store, sender="203.0.113.9")


def _ids(events: Sequence[Unsearched]) -> list[str]:
    return [event.id for event in events]


def _wrote(_effect: object) -> Settlement:
    return Settlement(State.SUCCEEDED, 200, b"{}", record_key="41")
