"""Calls to targets outside our database, and how each ends.

A call runs in a task of its own: the sender's time limit may pass, the sender may go away, and it is still settled.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hookstation.core.events import DueWork, Settlement, State
from hookstation.core.jsontext import dump_json
from hookstation.core.records import EntitySpec, Record
from hookstation.engine.lanes import Lanes
from hookstation.engine.settlements import after_failure, failure, success
from hookstation.errors import ActionFailed, StoreError, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.connector import RemoteConnector
from hookstation.ports.log import EventLog
from hookstation.ports.store import Finish, Journal

FIRST_LOOK_UP: Final = 2.0
"""Seconds after an unknown outcome until it is first looked up."""

STORE_PAUSE: Final = 0.5
"""Seconds between tries to settle while the database cannot commit."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One record on its way: everything that the call and its settling need. `since`: microseconds, when it began.

    `stands`: how the event stood before this attempt, where an attempt that surely failed does not change that: a
    record that was written stays written.
    """

    event_id: str
    webhook: str
    remote: RemoteConnector
    spec: EntitySpec
    record: Record
    marker: str
    run_id: str
    since: int
    attempt: int = 1
    stands: Settlement | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """Whom to tell when the job has been settled."""

    tell: Callable[[], None]


class Executor:
    """Runs jobs in tasks and knows which are under way.

    Who starts a job has had its turn in `lanes`; its end gives the turn on, unless the outcome is not known.
    """

    def __init__(self, journal: Journal, clock: Clock, event_log: EventLog) -> None:
        self.lanes = Lanes()
        self._journal, self._clock, self._event_log = journal, clock, event_log
        self._under_way: dict[str, asyncio.Task[Settlement]] = {}

    def start(self, job: Job, ready: Ready) -> asyncio.Task[Settlement]:
        """Begin the call of a job whose intent is committed."""
        task = asyncio.get_running_loop().create_task(self._run(job, ready), name=f"send {job.event_id}")
        self._under_way[job.event_id] = task
        task.add_done_callback(lambda _: self._under_way.pop(job.event_id, None))
        return task

    def is_under_way(self, event_id: str) -> bool:
        """Whether this process makes the event's call now."""
        return event_id in self._under_way

    async def drain(self, seconds: float) -> int:
        """Wait for the calls under way, at most `seconds`; return how many did not end.

        What does not end stays *sending* in the journal and is settled by look-up at the next start.
        """
        if self._under_way:
            await asyncio.wait(set(self._under_way.values()), timeout=seconds)
        left = [task for task in self._under_way.values() if not task.done()]
        for task in left:
            task.cancel()
        return len(left)

    async def _run(self, job: Job, ready: Ready) -> Settlement:
        started, clock_started = self._clock.now(), time.perf_counter_ns()
        try:
            settlement = await self._call(job)
            await self._settle(job, settlement, started)
            if settlement.state is not State.UNKNOWN:
                self.lanes.leave(job.event_id)
        finally:
            ready.tell()
        self._event_log.write(
            "attempt_ended",
            event_id=job.event_id,
            run_id=job.run_id,
            webhook=job.webhook,
            connection=job.record.connection,
            entity=job.record.entity,
            attempt=job.attempt,
            state=settlement.state.value,
            record_key=settlement.record_key,
            error=settlement.error,
            duration_us=(time.perf_counter_ns() - clock_started) // 1000,
        )
        return settlement

    async def _call(self, job: Job) -> Settlement:
        try:
            written = await job.remote.execute(job.record, job.spec)
        except UnknownOutcome as unknown:
            return Settlement(State.UNKNOWN, error=unknown.message)
        except ActionFailed as refusal:
            if refusal.detail:
                log.warning(
                    "action failed: %s",
                    refusal.detail,
                    extra={"event_id": job.event_id, "run_id": job.run_id},
                )
            return (
                failure(refusal.message) if job.stands is None else after_failure(job.stands, refusal.message)
            )
        except Exception:
            log.exception("the connector broke", extra={"event_id": job.event_id, "run_id": job.run_id})
            return Settlement(
                State.UNKNOWN, error="The call to the target broke off; its outcome is not known."
            )
        return success(written.key)

    async def _settle(self, job: Job, settlement: Settlement, started: int) -> None:
        """Commit how the call ended; while the database cannot, keep trying: the truth is known only here."""
        finish = Finish(
            job.event_id,
            frozenset({State.SENDING}),
            lambda _: settlement,
            self._clock.now(),
            due=self._look_up_later(job) if settlement.state is State.UNKNOWN else None,
            attempt_started_at=started,
        )
        while True:
            try:
                await self._journal.finish(finish)
            except StoreError as failed:
                log.error("event not settled yet: %s", failed.message, extra={"event_id": job.event_id})
                await self._clock.sleep(STORE_PAUSE)
            else:
                return

    def _look_up_later(self, job: Job) -> DueWork:
        now = self._clock.now()
        return DueWork(
            job.event_id,
            now + int(FIRST_LOOK_UP * 1_000_000),
            now,
            0,
            dump_json(job.record.as_json()),
            job.marker,
        )
