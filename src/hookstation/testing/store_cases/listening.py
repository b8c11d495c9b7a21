"""Captures: URLs that listen for a while."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from dataclasses import replace

from hookstation.errors import Conflict
from hookstation.ports.captures import (
    CAPTURES_CHANGED,
    MOST_BYTES,
    MOST_CALLS,
    MOST_CAPTURES,
    Capture,
    CapturedCall,
)
from hookstation.ports.store import Store
from hookstation.testing.store_cases.making import NOW

CAPTURE = Capture("one", "sealed", "anna", "courses", NOW, NOW + 100)
CALL = CapturedCall("one", 0, NOW + 1, "203.0.113.9", b'\0"\xff', {"x-odd": "“ü”"}, "a=1&b")


class CaptureCases:
    """What captures owe."""

    async def test_a_capture_comes_back(self, store: Store) -> None:
        """A capture is found until it is closed, and listed until its time is over, the oldest first."""
        earlier = replace(CAPTURE, id="two", opened_at=NOW - 1, until=NOW + 10, status=500)
        await store.open_capture(CAPTURE, NOW)
        await store.open_capture(earlier, NOW)

        assert [earlier, CAPTURE] == [*await store.open_captures(NOW)]
        assert [CAPTURE] == [*await store.open_captures(NOW + 10)]
        assert (earlier, None) == (await store.get_capture("two"), await store.get_capture("none"))
        assert (True, False) == (await store.close_capture("one"), await store.close_capture("one"))
        assert None is await store.get_capture("one")

    async def test_calls_come_back(self, store: Store) -> None:
        """Calls are kept whole and in their order, and those that somebody has seen are left out."""
        await store.open_capture(CAPTURE, NOW)

        assert [1, 2] == [await store.keep_call(CALL), await store.keep_call(replace(CALL, body=b""))]
        expected = [replace(CALL, number=1), replace(CALL, number=2, body=b"")]
        assert expected == [*await store.captured_calls("one")]
        assert expected[1:] == [*await store.captured_calls("one", 1)]
        assert [] == [*await store.captured_calls("none")]

    async def test_a_capture_has_an_end(self, store: Store) -> None:
        """A capture that is over, closed, or has the most calls keeps no more of them."""
        await store.open_capture(CAPTURE, NOW)

        assert 0 == await store.keep_call(replace(CALL, received_at=CAPTURE.until))
        assert 0 == await store.keep_call(replace(CALL, capture="none"))
        numbers = await asyncio.gather(*(store.keep_call(CALL) for _ in range(MOST_CALLS + 5)))
        assert [0] * 5 + [*range(1, MOST_CALLS + 1)] == sorted(numbers)
        assert MOST_CALLS == len(await store.captured_calls("one"))

    async def test_what_a_capture_keeps_is_bounded(self, store: Store) -> None:
        """The bytes of a capture's bodies are counted together, also of calls that come at once."""
        await store.open_capture(CAPTURE, NOW)
        half = replace(CALL, body=b"x" * (MOST_BYTES // 2 - 1))

        numbers = await asyncio.gather(*(store.keep_call(half) for _ in range(4)))
        assert [0, 0, 1, 2] == sorted(numbers)
        assert [3, 0] == [await store.keep_call(replace(CALL, body=b"xx")), await store.keep_call(CALL)]
        assert [MOST_BYTES] == [sum(len(one.body) for one in await store.captured_calls("one"))]

    async def test_open_captures_are_bounded(self, store: Store) -> None:
        """One capture more than may be open at once is a `Conflict`; one that is over does not count."""
        for number in range(MOST_CAPTURES):
            await store.open_capture(replace(CAPTURE, id=f"{number:02}"), NOW)
        [refused] = await asyncio.gather(store.open_capture(CAPTURE, NOW), return_exceptions=True)
        assert isinstance(refused, Conflict)
        assert str(MOST_CAPTURES) in refused.message
        await store.open_capture(replace(CAPTURE, until=NOW + 300), CAPTURE.until)

        assert ["one"] == [one.id for one in await store.open_captures(CAPTURE.until)]

    async def test_what_is_over_is_forgotten(self, store: Store) -> None:
        """Captures that are over go with their calls, and no others."""
        await store.open_capture(CAPTURE, NOW)
        await store.open_capture(replace(CAPTURE, id="two", until=NOW + 200), NOW)
        await store.keep_call(CALL)
        await store.keep_call(replace(CALL, capture="two"))

        assert 0 == await store.forget_captures(NOW + 99)
        assert 1 == await store.forget_captures(NOW + 100)
        assert (None, 1) == (await store.get_capture("one"), len(await store.captured_calls("two")))
        assert [] == [*await store.captured_calls("one")]

    async def test_everybody_hears_of_captures(self, store: Store) -> None:
        """Who listens is told that a capture was opened and closed."""
        told: list[str] = []
        heard = asyncio.Event()

        def listen(hint: str) -> None:
            told.append(hint)
            heard.set()

        stop = store.subscribe(listen)
        await store.open_capture(CAPTURE, NOW)
        await asyncio.wait_for(heard.wait(), 20)
        stop()

        assert CAPTURES_CHANGED in told
