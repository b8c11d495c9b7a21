from __future__ import annotations

import asyncio

import pytest

from hookstation.engine.outgoing.slots import Slots


async def waiting(slots: Slots, entered: list[int], number: int) -> None:
    if not slots.take():
        await slots.wait()
    entered.append(number)


async def step(times: int = 3) -> None:
    """Let whoever can go on do so."""
    for _ in range(times):
        await asyncio.sleep(0)


async def test_there_are_as_many_places_as_there_are() -> None:
    slots = Slots(2)
    assert [True, True, False] == [slots.take() for _ in range(3)]


async def test_who_waits_the_longest_has_the_next_place() -> None:
    slots, entered = Slots(1), list[int]()
    tasks = [asyncio.ensure_future(waiting(slots, entered, number)) for number in range(3)]
    await step()
    slots.give()
    await step()
    assert [0, 1] == entered
    slots.give()
    await asyncio.gather(*tasks)
    assert [0, 1, 2] == entered


async def test_a_place_that_was_given_up_while_somebody_waits_is_nobody_elses() -> None:
    slots, entered = Slots(1), list[int]()
    tasks = [asyncio.ensure_future(waiting(slots, entered, number)) for number in range(2)]
    await step()
    slots.give()
    assert not slots.take()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("gives_first", [False, True])
async def test_a_place_is_not_lost_with_who_waited_for_it(gives_first: bool) -> None:
    """Cancelled before the place is given, or after it was and before anybody took it."""
    slots, entered = Slots(1), list[int]()
    tasks = [asyncio.ensure_future(waiting(slots, entered, number)) for number in range(3)]
    await step()
    for act in (slots.give, tasks[1].cancel)[:: 1 if gives_first else -1]:
        act()
    await asyncio.wait({tasks[1], tasks[2]})
    assert ([0, 2], True) == (entered, tasks[1].cancelled())
    slots.give()
    assert slots.take()
