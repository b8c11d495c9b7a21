"""One run under a lease: command after command, each result written before the next one begins.

What touches nothing outside is done at once, and its result, what follows from it and, with the last step, the end of
the run are one turn.  Calls are made in tasks of their own, so that several may be under way; one that may have an
effect begins after the turn that holds its intent.  Only the loop here touches the history.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import structs

from hookstation.core.jobs import Job
from hookstation.core.records import EffectResult
from hookstation.core.template import MISSING
from hookstation.core.values import JSON
from hookstation.core.workflows.decide import decide
from hookstation.core.workflows.decisions import Act, Command, Decision, RunEnd
from hookstation.core.workflows.history import History
from hookstation.core.workflows.run_rules import changed
from hookstation.core.workflows.values import (
    Entry,
    EntryState,
    EventEnd,
    Run,
    RunChange,
    RunState,
)
from hookstation.engine.workflows import endings
from hookstation.engine.workflows.entries import done_entry, failed_entry, failure_of, input_of, waiting_entry
from hookstation.engine.workflows.flights import Flights
from hookstation.engine.workflows.parts import Parts
from hookstation.engine.workflows.plans import FETCH, Plan
from hookstation.engine.workflows.tasks import (
    Done,
    Failed,
    Heard,
    Here,
    Outside,
    Pause,
    Rows,
    Task,
    Way,
    no_rows,
)
from hookstation.engine.workflows.texts import read_text
from hookstation.errors import ActionFailed, MappingFailed, StoreUnavailable
from hookstation.ports.runs import LeasedRun, Turn, Turned, TurnEnd

if TYPE_CHECKING:
    from hookstation.engine.workflows.advance import Workshop

LEASE: Final = 60.0
"""Seconds for which a run is leased from each of its turns on."""

KEEP_EVERY: Final = 2.0
"""Seconds between two turns while calls are under way, by which it is noticed that somebody ended the run."""

STORE_PAUSE: Final = 0.5
NEVER: Final = 20 * 365 * 86_400 * 1_000_000
"""Microseconds until the job of a run is due that waits for a signal alone."""

BROKEN: Final = "The station failed at this step; its log says more."

log = logging.getLogger(__name__)


class Lost(Exception):
    """The run is not ours any more: it was cancelled, or another node has it."""


class Running:
    """A run that this node holds."""

    def __init__(self, shop: Workshop, item: LeasedRun) -> None:
        self._shop, self._item = shop, item
        self.run: Run = item.run
        self._signals = len(item.signals)
        self._change: RunChange | None = None
        self._heres: deque[tuple[Command, Here, str, int]] = deque()
        self._parts = Parts()
        self._flights = Flights(shop, self.run)
        self._history: History
        self._plan: Plan
        self._made: tuple[EffectResult | None, TurnEnd, Decision] | None = None

    async def advance(self, plan: Plan) -> None:
        """Go on until the run waits, has ended, or is not ours any more. Raises `StoreError`."""
        self._plan = plan
        self._begin(self._shop.clock.now())
        if plan.calls:
            await self._shop.calls.ready()
        self._history = History(plan.compiled, self.run, self._item.entries, self._item.signals)
        for entry in self._item.entries if plan.fetches else ():
            self._fetched(entry, read_text(entry.output))
        try:
            await self._work(decide(plan.compiled, self._history, self._shop.clock.now()))
        except Lost:
            self._shop.event_log.write(
                "run_left", run_id=self.run.id, workflow=self.run.workflow, node=self._item.leased.lease.node
            )
        finally:
            self._flights.break_off()

    async def give_up(self, end: RunEnd) -> None:
        """End the run, of which nothing can be done."""
        self._begin(self._shop.clock.now())
        turned = await self._shop.store.turn(
            Turn(self._item.leased.lease, lambda _: self._over(end, ()), self.run.id)
        )
        if turned.held:
            self._shop.telling.end(self.run, end, self._shop.clock.now())

    def break_off(self) -> None:
        """Somebody ended the run: what is under way is of no use any more."""
        self._flights.break_off()

    def _begin(self, now: int) -> None:
        if not self.run.started_at:
            self._change = RunChange(RunState.RUNNING, started_at=now)
        elif self.run.state is not RunState.RUNNING:
            self._change = RunChange(RunState.RUNNING)
        if self._change is not None:
            self.run = changed(self.run, self._change)

    async def _work(self, decision: Decision) -> None:
        """Turn after turn."""
        clock = self._shop.clock
        while True:
            commands, decision.commands = decision.commands, []
            for command in commands:
                self._take_up(command, clock.now())
            parts = self._parts
            parts.entries += decision.entries
            if not parts and not self._heres and decision.end is None and self._flights.count:
                decision = await self._hear(decision)
                continue
            if self._heres and decision.end is None:
                decision = await self._with_effect(self._heres.popleft())
            else:
                following = self._apply(decision, clock.now())
                await self._write(following)
                decision = following
            if decision.end is not None or self._rests(decision) or self._hands_back:
                return
            decision.entries = []

    @property
    def _hands_back(self) -> bool:
        """Whether somebody else is to go on with the run, since this node stops."""
        return self._shop.stopping and not self._flights.count

    def _rests(self, decision: Decision) -> bool:
        """Whether nothing is left to do just now."""
        return not (decision.commands or self._heres or self._flights.count)

    def _apply(self, decision: Decision, now: int) -> Decision:
        """Tell the history what its commands came to; what follows from that."""
        if decision.end is not None or not self._parts.results:
            return decision
        add = self._history.add
        for entry, output in self._parts.results:
            if self._plan.fetches and output is not MISSING:
                self._fetched(entry, output)
            add(entry, output)
        following = decide(self._plan.compiled, self._history, now)
        self._parts.entries += following.entries
        return following

    def _fetched(self, entry: Entry, answer: JSON) -> None:
        """The full record of a change belongs to what triggered the run."""
        trigger = self._history.root.frame.trigger
        done = entry.path == FETCH and entry.state is EntryState.DONE
        if done and isinstance(trigger, dict) and isinstance(answer, dict):
            trigger["record"] = answer.get("body")

    # One command.

    def _take_up(self, command: Command, now: int) -> None:
        """Begin a try; what is done at once is in the parts of the next turn."""
        shown = ""
        try:
            step = command.step
            settings = self._settings(command)
            shown = input_of(step, settings)
            rows: Rows = step.per_row(command.scope) if step.row_templates else no_rows
            task = Task(self.run, step.step, command.path, command.attempt, settings, now, rows)
            way = self._way(command, task)
        except (ActionFailed, MappingFailed) as refused:
            way = failure_of(refused)
        except Exception:
            log.exception("a step broke", extra={"run_id": self.run.id, "path": command.path})
            way = Failed(BROKEN)
        self._follow(command, way, shown, now)

    def _settings(self, command: Command) -> dict[str, JSON]:
        """The step's settings, filled; the one-time URLs are those of the turn in which it stands."""
        if self._plan.calls:
            known = self._history.root.frame.names["run"]
            if isinstance(known, dict):
                known["calls"] = self._shop.calls.urls(self._plan.calls, self.run.id, command.path)
        return command.step.fill(command.scope)

    def _way(self, command: Command, task: Task) -> Way:
        runner = self._shop.runners[command.step.type]
        if command.act is not Act.RESUME:
            return runner.begin(task)
        assert command.entry is not None
        if not isinstance(runner, Heard):
            return Failed(f"A step of type “{command.step.type}” does not wait.")
        return runner.resume(task, command.entry, command.signal)

    def _follow(self, command: Command, way: Way, shown: str, now: int) -> None:
        parts, began = self._parts, now if command.entry is None else command.entry.started_at or now
        match way:
            case Done():
                entry = done_entry(command, way, shown, began, now)
                parts.result(entry, way.output)
                parts.take(way)
            case Failed():
                entry = failed_entry(command, way, shown, began, now, self._shop.chance())
                parts.result(entry)
                self._flights.log(command, entry)
            case Pause():
                parts.result(waiting_entry(command, way, shown, began))
                parts.starts += way.starts
                if way.wait is not None:
                    parts.waits.append(way.wait)
                    parts.emissions += self._shop.telling.asked(self.run, command.step, way.wait)
                if way.notice is not None:
                    self._flights.notices.append(way.notice)
            case Here():
                self._heres.append((command, way, shown, began))
            case Outside():
                self._flights.take(command, way, shown, now, parts)

    # Turns.

    async def _with_effect(self, one: tuple[Command, Here, str, int]) -> Decision:
        """A turn whose last result is known only inside its transaction."""
        command, here, shown, began = one
        self._made = None
        turn = Turn(
            self._item.leased.lease,
            lambda result: self._ended_by(result, command, here, shown, began),
            self.run.id,
            here.effect,
        )
        await self._turn(turn, again=False)
        following = self._following()
        self._after(following)
        return following

    def _following(self) -> Decision:
        assert self._made is not None
        return self._made[2]

    def _ended_by(
        self, result: EffectResult | None, command: Command, here: Here, shown: str, began: int
    ) -> TurnEnd:
        """What the turn writes; asked again with the same result, the same."""
        if self._made is not None:
            if self._made[0] == result:
                return self._made[1]
            raise Lost  # nothing is written, and whoever leases the run next goes on from what is stored
        now, parts = self._shop.clock.now(), self._parts
        outcome = here.end(result)
        if isinstance(outcome, Done):
            parts.result(done_entry(command, outcome, shown, began, now), outcome.output)
            parts.take(outcome)
            parts.emissions += here.emissions
            parts.starts += here.starts
        else:
            parts.result(failed_entry(command, outcome, shown, began, now, self._shop.chance()))
        following = self._apply(Decision(), now)
        end = self._end_of(following)
        self._made = (result, end, following)
        return end

    async def _write(self, decision: Decision) -> None:
        """A turn that only writes down."""
        end = self._end_of(decision)
        only_entries = not (end.starts or end.emissions or end.accepts)
        await self._turn(Turn(self._item.leased.lease, lambda _: end, self.run.id), again=only_entries)
        self._after(decision)

    async def _turn(self, turn: Turn, *, again: bool) -> Turned:
        """Write a turn; one that may be written twice is, while the database cannot commit.

        What calls came to is known only here.
        """
        while True:
            try:
                turned = await self._shop.store.turn(turn)
            except StoreUnavailable as failure:
                if not again:
                    raise
                log.error("a run waits for the database: %s", failure.message, extra={"run_id": self.run.id})
                await self._shop.clock.sleep(STORE_PAUSE)
                continue
            if not turned.held:
                raise Lost
            return turned

    def _end_of(self, decision: Decision) -> TurnEnd:
        if decision.end is not None:
            return self._over(decision.end, self._parts.entries)
        parts, change = self._parts, self._change
        again: Job | None = None
        if self._rests(decision):
            change, again = self._waiting(decision)
        elif self._hands_back:
            again = structs.replace(self._item.leased.job, delay=0)
        return TurnEnd(
            _once(parts.entries),
            change,
            again,
            0.0 if again is not None else LEASE,
            self._signals,
            self._unknown_event(change),
            tuple(parts.starts),
            (),
            tuple(parts.waits),
            (*parts.emissions, *self._shop.telling.of_unknown(self.run, change)),
            hashes=parts.hashes,
        )

    def _waiting(self, decision: Decision) -> tuple[RunChange, Job]:
        """The run is let go until something comes for it."""
        started = 0 if self._change is None else self._change.started_at
        error = (
            "A step may have had its effect; say whether it did."
            if decision.state is RunState.UNKNOWN
            else None
        )
        change = RunChange(decision.state, started, due_at=decision.wake_at, error=error)
        now = self._shop.clock.now()
        delay = max(decision.wake_at - now, 0) if decision.wake_at else NEVER
        return change, structs.replace(self._item.leased.job, delay=delay, tries=0)

    def _unknown_event(self, change: RunChange | None) -> EventEnd | None:
        """An event whose run waits for a person's word is unknown meanwhile."""
        if change is None or change.state is not RunState.UNKNOWN:
            return None
        return endings.event_end(
            self.run, RunEnd(RunState.UNKNOWN, change.error or ""), self._shop.clock.now()
        )

    def _over(self, end: RunEnd, entries: Sequence[Entry]) -> TurnEnd:
        """The last turn: the run, what it finishes, and who waits for it."""
        now, parts, run = self._shop.clock.now(), self._parts, self.run
        started = 0 if self._change is None else self._change.started_at
        event = endings.event_end(run, end, now)
        change = RunChange(
            end.state, started, now, error=end.error, output=end.output or None, answer=end.answer or None
        )
        return TurnEnd(
            _once(entries),
            change,
            event=event,
            starts=tuple(parts.starts),
            signals=endings.parent_signal(run, end, now),
            waits=tuple(parts.waits),
            emissions=(*parts.emissions, *self._shop.telling.of_end(run, end, event)),
            hashes=parts.hashes,
            outcomes=endings.outcomes(run, end, now),
        )

    def _after(self, decision: Decision) -> None:
        """A turn is written: what it was the intent of begins."""
        self._change = None
        parts, self._parts = self._parts, Parts()
        for launch in parts.launches:
            launch()
        self._flights.tell()
        if decision.end is not None:
            self._shop.telling.end(self.run, decision.end, self._shop.clock.now())
        elif decision.state is RunState.UNKNOWN and self._rests(decision):
            self._shop.ended.tell(structs.replace(self.run, state=RunState.UNKNOWN))

    async def _hear(self, decision: Decision) -> Decision:
        """Wait for calls under way; and meanwhile keep the lease, and see what else has come."""
        clock = self._shop.clock
        wait = KEEP_EVERY
        if decision.wake_at:
            wait = min(wait, max(decision.wake_at - clock.now(), 0) / 1e6)
        if await self._flights.gather(wait, self._parts):
            return Decision()
        await self._turn(
            Turn(
                self._item.leased.lease, lambda _: TurnEnd(run=self._change, keep_seconds=LEASE), self.run.id
            ),
            again=True,
        )
        self._change = None
        await self._look_for_signals()
        return decide(self._plan.compiled, self._history, clock.now())

    async def _look_for_signals(self) -> None:
        if not any(
            place.entry and place.entry.state is EntryState.WAITING for place in self._history.open.values()
        ):
            return
        for signal in (await self._shop.store.list_signals(self.run.id))[self._signals :]:
            self._signals += 1
            self._history.signal(signal)


def _once(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Of each try what was said of it last."""
    if len(entries) < 2:
        return tuple(entries)
    return tuple({(entry.path, entry.attempt): entry for entry in entries}.values())
