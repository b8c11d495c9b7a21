"""The calls of one run that are under way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from msgspec import structs

from hookstation.core.jobs import Lease
from hookstation.core.template import MISSING, Value
from hookstation.core.workflows.decisions import Act, Command
from hookstation.core.workflows.values import Entry, EntryState, Run
from hookstation.engine.workflows.entries import done_entry, failed_entry, failure_of, started_entry
from hookstation.engine.workflows.long_work import Telling, begun_entry, work_of
from hookstation.engine.workflows.looking_up import asked_later, look_up
from hookstation.engine.workflows.parts import Parts
from hookstation.engine.workflows.tasks import Done, Failed, GivenBack, Long, Lost, Outside
from hookstation.errors import (
    ActionFailed,
    AddressRefused,
    HookstationError,
    MappingFailed,
    NeedsAuth,
    NotFound,
    StoreError,
    UnknownOutcome,
)

if TYPE_CHECKING:
    from hookstation.engine.workflows.advance import Workshop

LONGEST_CALL: Final = 600.0
"""Seconds that a call may take whose step does not say."""

BROKE_OFF: Final = "The call to the target broke off; its outcome is not known."
GUARDED: Final = "The station may not call this target's address; its log says what to permit."
NOT_IN_TIME: Final = "There was no answer within {seconds:g} s."

log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Landed:
    """How a call ended. `done`: what the step puts out besides its entry."""

    command: Command
    entry: Entry
    output: Value = MISSING
    done: Done | None = None


class Flights:
    """Begins calls and hears how they end.

    `notices`: what is told people once the turn stands that says so.  `given_back`: what is under way is for others to
    go on with.
    """

    def __init__(self, shop: Workshop, run: Run, lease: Lease) -> None:
        self._shop, self._run, self._lease = shop, run, lease
        self.given_back = False
        self._tasks: set[asyncio.Task[_Landed]] = set()
        self._intended = 0
        self.notices: list[Callable[[], Awaitable[None]]] = []

    @property
    def count(self) -> int:
        """Calls that are under way, or begin with the turn that is written."""
        return len(self._tasks) + self._intended

    def take(self, command: Command, way: Outside, shown: str, now: int, parts: Parts) -> None:
        """Begin a call, or, where it may have an effect, have it begin once the turn with its intent stands."""
        if way.reads:
            self._launch(self._call(command, way, shown, now, _seconds(command)))
            return
        if command.act is Act.LOOK_UP:
            self._launch(self._look_up(command, way, shown, now))
            return
        parts.result(started_entry(command, shown, now))
        self._intended += 1
        parts.launches.append(partial(self._begin, command, way, shown, now))

    def take_long(self, command: Command, way: Long, shown: str, now: int, parts: Parts) -> None:
        """Begin long work once the turn with its intent stands, or go on with it."""
        if command.act is Act.LOOK_UP:
            self._launch(self._long(command, way, shown, now))
            return
        parts.result(begun_entry(command, shown, now))
        self._intended += 1
        parts.launches.append(partial(self._begin_long, command, way, shown, now))

    async def gather(self, seconds: float, parts: Parts) -> bool:
        """Wait for calls, and put into `parts` what they came to; whether any ended.

        Raises `Lost` where one of them found that the run is not ours any more.
        """
        done, _ = await asyncio.wait(self._tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if isinstance(task.exception(), GivenBack):
                self._tasks.discard(task)
                self.given_back = True
                continue
            landed = task.result()
            if landed.done is not None and landed.done.hashes is not None and parts.hashes is not None:
                continue  # a turn keeps the hashes of one step; this one has its own turn
            self._tasks.discard(task)
            parts.result(landed.entry, landed.output)
            if landed.done is not None:
                parts.take(landed.done)
            self.log(landed.command, landed.entry)
        return bool(done)

    def tell(self) -> None:
        """Tell people what they are waited for; nobody waits for that."""
        for notice in self.notices:
            task = asyncio.get_running_loop().create_task(self._tell(notice))
            self._shop.notices.add(task)
            task.add_done_callback(self._shop.notices.discard)
        self.notices.clear()

    def break_off(self) -> None:
        """Nobody wants to know any more how they end."""
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()

    def _begin(self, command: Command, way: Outside, shown: str, now: int) -> None:
        self._intended -= 1
        self._launch(self._call(command, way, shown, now, _seconds(command)))

    def _begin_long(self, command: Command, way: Long, shown: str, now: int) -> None:
        self._intended -= 1
        self._launch(self._long(command, way, shown, now))

    async def _long(self, command: Command, way: Long, shown: str, began: int) -> _Landed:
        """Do long work to its end, or to where this try of it ends: its entry says how far that is."""
        hands = Telling(self._shop, self._run, self._lease, begun_entry(command, shown, began))
        call = partial(work_of, way, command, hands, self._shop, self._run)
        step = command.step.step
        landed = await self._call(
            command, Outside(call, connection=way.connection), shown, began, step.time or None
        )
        if landed.done is not None:
            return landed
        landed.entry = structs.replace(landed.entry, detail=hands.detail)
        if landed.entry.state is EntryState.FAILED and not landed.entry.due_at:
            await way.give_up(hands.detail)
        return landed

    def _launch(self, call: Coroutine[object, object, _Landed]) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(call))

    async def _call(
        self, command: Command, way: Outside, shown: str, began: int, seconds: float | None
    ) -> _Landed:
        """Make the call; every end of it is an entry, unless it is for others to go on with."""
        clock = self._shop.clock
        try:
            async with asyncio.timeout(seconds):
                done = await way.call()
        except (Lost, GivenBack):
            raise
        except UnknownOutcome as unknown:
            entry = self._unknown(command, way, unknown.message, shown, began)
        except (ActionFailed, MappingFailed, StoreError, AddressRefused, NotFound) as refused:
            failed, chance = self._refused(way, refused), self._shop.chance()
            entry = failed_entry(command, failed, shown, began, clock.now(), chance)
        except TimeoutError:
            entry = self._unknown(command, way, NOT_IN_TIME.format(seconds=seconds or 0.0), shown, began)
        except Exception:
            log.exception("a step broke", extra={"run_id": self._run.id, "path": command.path})
            entry = self._unknown(command, way, BROKE_OFF, shown, began)
        else:
            if way.connection:
                self._shop.works(way.connection)
            return _Landed(command, done_entry(command, done, shown, began, clock.now()), done.output, done)
        return _Landed(command, entry)

    def _refused(self, way: Outside, refused: HookstationError) -> Failed:
        """How a call failed that surely changed nothing; what people need to know of it stands in the log."""
        match refused:
            case NeedsAuth() if way.connection:
                self._shop.refused(way.connection, refused.message)
            case AddressRefused():
                log.warning("step failed: %s", refused.message, extra={"run_id": self._run.id})
                return Failed(GUARDED, "refused")
            case StoreError():
                return Failed(refused.message, "offline")
        if not isinstance(refused, ActionFailed | MappingFailed):
            return Failed(refused.message, "refused")
        if isinstance(refused, ActionFailed) and refused.detail:
            log.warning("step failed: %s", refused.detail, extra={"run_id": self._run.id})
        return failure_of(refused)

    def _unknown(self, command: Command, way: Outside, error: str, shown: str, began: int) -> Entry:
        """What changes nothing there has failed; of the rest it is not known."""
        now = self._shop.clock.now()
        if way.reads:
            failed = Failed(error, "offline")
            return failed_entry(command, failed, shown, began, now, self._shop.chance())
        return asked_later(command, way, error, shown, began, now)

    async def _look_up(self, command: Command, way: Outside, shown: str, now: int) -> _Landed:
        try:
            entry = await look_up(command, way, shown, now, self._shop.chance())
        except Exception:
            log.exception("a look-up broke", extra={"run_id": self._run.id, "path": command.path})
            entry = asked_later(command, way, BROKE_OFF, shown, now, now)
        return _Landed(command, entry)

    async def _tell(self, notice: Callable[[], Awaitable[None]]) -> None:
        try:
            await notice()
        except ActionFailed as failed:
            log.error("a person could not be told: %s", failed.message, extra={"run_id": self._run.id})
        except Exception:
            log.exception("a person could not be told", extra={"run_id": self._run.id})

    def log(self, command: Command, entry: Entry) -> None:
        """One line for a try of a step."""
        run = self._run
        self._shop.event_log.write(
            "step_ended",
            run_id=run.id,
            workflow=run.workflow,
            event_id=run.event_id,
            path=command.path,
            type=command.step.type,
            attempt=command.attempt,
            state=entry.state.value,
            fault=entry.fault,
            error=entry.error,
            took_us=max(entry.ended_at - entry.started_at, 0),
        )


def _seconds(command: Command) -> float:
    return command.step.step.time or LONGEST_CALL
