"""The time-out of a delivery."""

from __future__ import annotations

import asyncio

import pytest

from hookstation.adapters.sender.deadline import Deadline


async def test_what_takes_too_long_ends_in_a_time_out() -> None:
    """The task goes on and is not cancelled."""
    with pytest.raises(TimeoutError), Deadline(asyncio.get_running_loop(), 0.01):
        await asyncio.Event().wait()
    task = asyncio.current_task()
    assert task is not None
    assert not task.cancelling()


async def test_what_is_done_in_time_is_left_alone() -> None:
    """Its clock stops: what the task waits for afterwards is not cut short."""
    loop, later = asyncio.get_running_loop(), asyncio.Event()
    with Deadline(loop, 0.01):
        loop.call_later(0.02, later.set)
    assert await later.wait()


async def test_who_cancels_the_task_is_heard_as_such() -> None:
    """It is no time-out."""
    begun = asyncio.Event()

    async def wait() -> None:
        with Deadline(asyncio.get_running_loop(), 60):
            begun.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_its_own_is_not_hidden() -> None:
    """It leaves the block as it is."""
    with pytest.raises(ValueError, match="ours"), Deadline(asyncio.get_running_loop(), 60):
        raise ValueError("ours")
