"""The time-out of a delivery."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.adapters.sender.deadline import LOOK_EVERY, Deadline, Deadlines


async def test_what_takes_too_long_ends_in_a_time_out() -> None:
    """The task goes on and is not cancelled."""
    with pytest.raises(TimeoutError), Deadline(Deadlines(asyncio.get_running_loop()), 0.01):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_what_is_done_in_time_is_left_alone() -> None:
    """Its clock stops: what the task waits for afterwards is not cut short."""
    loop, later = asyncio.get_running_loop(), asyncio.Event()
    with Deadline(Deadlines(loop), LOOK_EVERY / 2):
        loop.call_later(LOOK_EVERY * 2, later.set)
    assert await later.wait()


async def test_who_cancels_the_task_is_heard_as_such() -> None:
    """It is no time-out."""
    begun = asyncio.Event()

    async def wait() -> None:
        with Deadline(Deadlines(asyncio.get_running_loop()), 60):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_its_own_is_not_hidden() -> None:
    """It leaves the block as it is."""
    with pytest.raises(ValueError, match="ours"), Deadline(Deadlines(asyncio.get_running_loop()), 60):
        raise ValueError("ours")


async def test_each_ends_in_its_own_time() -> None:
    """Of many under way at once, those whose time is over end, the others go on; later ones are watched anew."""
    deadlines, open_ = Deadlines(asyncio.get_running_loop()), asyncio.Event()

    async def wait(seconds: float) -> str:
        try:
            with Deadline(deadlines, seconds):
                await open_.wait()
        except TimeoutError:
            return "over"
        return "in time"

    patient = [asyncio.create_task(wait(60)) for _ in range(3)]
    assert ["over"] * 3 == await asyncio.gather(*(wait(0.001) for _ in range(3)))
    open_.set()
    assert ["in time"] * 3 == await asyncio.gather(*patient)
    open_.clear()
    assert "over" == await wait(0.001)
