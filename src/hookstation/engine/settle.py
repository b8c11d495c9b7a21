"""Unknown outcomes are settled: looked up until the target has told, or left to a person.

With a marker the look-up is certain: one hit is done, and none after the target's own time-out is surely not done, so
the call may be made again; several hits are a double that a person must look at.  Without one, a hit counts only where
no other event owns the record, and "none" never allows a repeat.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hookstation.core.answers import shorten
from hookstation.core.events import DueWork, Event, Settlement, State
from hookstation.core.records import EntitySpec
from hookstation.core.recordtext import read_record
from hookstation.engine.execute import Executor, Job, Ready
from hookstation.engine.lanes import OCCUPIED
from hookstation.engine.process import LEFT_BEHIND, nothing
from hookstation.engine.settlements import success
from hookstation.engine.targets import Targets
from hookstation.errors import ActionFailed, StoreError
from hookstation.ports.clock import Clock
from hookstation.ports.connector import LookUp, LookUpVerdict, RemoteConnector
from hookstation.ports.log import EventLog
from hookstation.ports.store import Finish, Store

PAUSE: Final = 0.5
"""Seconds between looks at the due work."""

BATCH: Final = 20
FOR_EVER: Final = 2**62
EVERYTHING: Final = 2**31 - 1
LONGEST_PAUSE: Final = 60.0
LEFT_TO_A_PERSON: Final = (
    "The target was asked and does not say whether the record was written. Look there: replay the event with --again "
    "if the record is missing, or leave it if it stands."
)
DOUBLED: Final = (
    "The target holds several records with this event's marker: it doubled the write, or somebody copied the record. "
    "Look there and remove what is too much; do not replay the event. Their keys: {keys}"
)

BROKE: Final = "The look-up of the record broke off; it is tried again."

log = logging.getLogger(__name__)


class Settler:
    """Works off the due work of this station, one task."""

    def __init__(
        self, store: Store, targets: Targets, executor: Executor, clock: Clock, event_log: EventLog
    ) -> None:
        self._store, self._targets, self._executor = store, targets, executor
        self._clock, self._event_log = clock, event_log

    async def take_turns(self) -> None:
        """When the station is opened: whatever an earlier process left unsettled has the turn at its row."""
        for work in await self._store.due(FOR_EVER, EVERYTHING):
            if work.record:
                self._executor.lanes.stand(read_record(work.record), work.event_id)

    async def run(self) -> None:
        """Until cancelled. A failure is logged and the work stays due."""
        while True:
            try:
                done = await self.settle_due()
            except StoreError as failure:
                log.error("due work cannot be read: %s", failure.message)
                done = 0
            if done < BATCH:
                await self._clock.sleep(PAUSE)

    async def settle_due(self) -> int:
        """Settle what is due now; return how many events were looked at."""
        due = await self._store.due(self._clock.now(), BATCH)
        for work in due:
            try:
                await self._settle_one(work)
            except StoreError as failure:
                log.error("event not settled: %s", failure.message, extra={"event_id": work.event_id})
        return len(due)

    async def _settle_one(self, work: DueWork) -> None:
        """A look-up that breaks is put off like one that is refused, and holds up no other event."""
        try:
            await self._settle(work)
        except StoreError:
            raise
        except Exception:
            log.exception("the look-up broke", extra={"event_id": work.event_id})
            event = await self._store.get_event(work.event_id)
            if event is not None:
                await self._later(event, work, BROKE)

    async def _settle(self, work: DueWork) -> None:
        event = await self._store.get_event(work.event_id)
        if event is not None and event.state is State.SENDING:
            await self._left_behind(event, work)
        if event is None or event.state is not State.UNKNOWN:
            return
        remote = self._targets.remote(event.connection)
        if remote is None:
            await self._later(event, work, f"The connection “{event.connection}” is not configured any more.")
            return
        spec = self._targets.spec(event.connection, event.entity)
        record = read_record(work.record)
        try:
            found = await remote.look_up(record, spec, work.marker)
        except ActionFailed as refusal:
            await self._later(event, work, refusal.message)
            return
        key = await self._owned(found, event, work)
        old_enough = self._clock.now() >= work.since + int(remote.settle_after * 1_000_000)
        if key:
            await self._succeeded(event, key)
        elif work.marker and found.verdict is LookUpVerdict.SEVERAL:
            await self._to_a_person(event, shorten(DOUBLED.format(keys=", ".join(found.keys))))
        elif not old_enough:
            await self._later(event, work, event.error, remote.settle_after)
        elif work.marker and found.verdict is LookUpVerdict.NONE:
            await self._send_again(event, work, remote, spec)
        else:
            await self._to_a_person(event, LEFT_TO_A_PERSON)

    async def _left_behind(self, event: Event, work: DueWork) -> None:
        """An intent that nobody carries out, because its commit came too late for its caller: look it up."""
        now = self._clock.now()
        if self._executor.is_under_way(event.id):
            settlement, later = Settlement(State.SENDING), now + LEFT_BEHIND
        else:
            settlement, later = Settlement(State.UNKNOWN, error="The call was not made in time."), now
        due = replace(work, due_at=later)
        await self._store.finish(
            Finish(event.id, frozenset({State.SENDING}), lambda _: settlement, now, due=due)
        )

    async def _owned(self, found: LookUp, event: Event, work: DueWork) -> str:
        """The key of the record that this event wrote, empty where that cannot be said."""
        if found.verdict is LookUpVerdict.NONE:
            return ""
        if work.marker:
            return found.keys[0] if found.verdict is LookUpVerdict.FOUND else ""
        free = []
        for key in found.keys:
            owner = await self._store.owner_of(event.connection, event.entity, key)
            if owner in ("", event.id):
                free.append(key)
        return free[0] if len(free) == 1 else ""

    async def _succeeded(self, event: Event, key: str) -> None:
        settlement = success(key)
        await self._finish(event, lambda _: settlement, None)
        self._log(event, "settled", settlement)

    async def _later(self, event: Event, work: DueWork, why: str, settle_after: float = 0.0) -> None:
        """Ask again, ever less often, but once exactly when a look-up that finds nothing may be believed."""
        now = self._clock.now()
        pause = min(2.0 * 2 ** min(work.tries, 10), LONGEST_PAUSE)
        believed = work.since + int(settle_after * 1_000_000)
        at = now + int(pause * 1_000_000)
        if now < believed < at:
            at = believed
        settlement = Settlement(State.UNKNOWN, error=why)
        await self._finish(event, lambda _: settlement, replace(work, due_at=at, tries=work.tries + 1))

    async def _to_a_person(self, event: Event, why: str) -> None:
        settlement = Settlement(State.UNKNOWN, error=why)
        await self._finish(event, lambda _: settlement, None)
        self._log(event, "left_to_a_person", settlement)

    async def _send_again(
        self, event: Event, work: DueWork, remote: RemoteConnector, spec: EntitySpec
    ) -> None:
        """The marker proves that nothing was written: commit the intent anew, then call."""
        record = read_record(work.record)
        if not self._executor.lanes.stand(record, event.id):
            await self._later(event, work, OCCUPIED)
            return
        now = self._clock.now()
        intent = Settlement(State.SENDING)
        if not await self._finish(
            event, lambda _: intent, replace(work, due_at=now + LEFT_BEHIND, since=now)
        ):
            return
        job = Job(
            event.id, event.webhook, remote, spec, record, work.marker, event.run_id, now, event.attempts + 1
        )
        self._executor.start(job, Ready(nothing))

    async def _finish(
        self, event: Event, settle: Callable[[object], Settlement], due: DueWork | None
    ) -> bool:
        finish = Finish(event.id, frozenset({State.UNKNOWN}), settle, self._clock.now(), due=due)
        committed = await self._store.finish(finish)
        if due is None and committed.settlement is not None:
            self._executor.lanes.leave(event.id)
        return committed.settlement is not None

    def _log(self, event: Event, happened: str, settlement: Settlement) -> None:
        self._event_log.write(
            happened,
            event_id=event.id,
            run_id=event.run_id,
            webhook=event.webhook,
            connection=event.connection,
            entity=event.entity,
            state=settlement.state.value,
            record_key=settlement.record_key,
        )
