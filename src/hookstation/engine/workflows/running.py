"""One run under a lease: command after command, each result written before the next one begins.

What touches nothing outside is done at once, and its result, what follows from it and, with the last step, the end of
the run are one turn.  Calls are made in tasks of their own, so that several may be under way; one that may have an
effect begins after the turn that holds its intent.  Only the loop here touches the history.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final, NamedTuple

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
    Run,
    RunChange,
    RunState,
)
from hookstation.engine.workflows.closing import goes_on, over, rests
from hookstation.engine.workflows.entries import done_entry, failed_entry, failure_of, input_of, waiting_entry
from hookstation.engine.workflows.flights import Flights
from hookstation.engine.workflows.long_work import LEASE
from hookstation.engine.workflows.parts import Parts
from hookstation.engine.workflows.plans import Plan, put_record
from hookstation.engine.workflows.tasks import (
    Done,
    Failed,
    Heard,
    Here,
    Long,
    Lost,
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

KEEP_EVERY: Final = 2.0
"""Seconds between two turns while calls are under way, by which it is noticed that somebody ended the run."""

STORE_PAUSE: Final = 0.5
SHORT: Final = 24
"""Entries of a history that is told anew to find out what follows from an effect that does not stand yet."""

BROKEN: Final = "The station failed at this step; its log says more."

log = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    """A step for our own database, until its turn comes."""

    command: Command
    here: Here
    shown: str
    began: int


class _Made(NamedTuple):
    """What a turn writes for one result of its effect; without a history what follows is not found out yet."""

    end: TurnEnd
    parts: Parts
    decision: Decision
    history: History | None = None


class Running:
    """A run that this node holds."""

    def __init__(self, shop: Workshop, item: LeasedRun) -> None:
        self._shop, self._item = shop, item
        self.run: Run = item.run
        self._change: RunChange | None = None
        self._heres: deque[_Waiting] = deque()
        self._parts = Parts()
        self._flights = Flights(shop, self.run, item.leased.lease)
        self._history: History
        self._plan: Plan
        self._signals = list(item.signals)
        self._known: dict[str, Entry] | None = {entry.path: entry for entry in item.entries}

    async def advance(self, plan: Plan) -> None:
        """Go on until the run waits, has ended, or is not ours any more. Raises `StoreError`."""
        self._plan = plan
        self._begin(self._shop.clock.now())
        if plan.calls:
            await self._shop.calls.ready()
        self._history = self._retold(self._item.entries)
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
        now, telling = self._shop.clock.now(), self._shop.telling
        written = over(self.run, end, self._parts, self._change, telling, now)
        turned = await self._shop.store.turn(Turn(self._item.leased.lease, lambda _: written, self.run.id))
        if turned.held:
            telling.end(self.run, end, now)

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
            parts = self._parts
            parts.entries += decision.entries
            for command in commands:
                self._take_up(command, clock.now())
            if not parts and not self._heres and decision.end is None and self._flights.count:
                decision = await self._hear(decision)
                continue
            if self._heres and decision.end is None:
                decision, is_written = await self._with_effect(self._heres.popleft())
                if not is_written:
                    continue
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
        following = self._told(self._parts, now)
        self._parts.entries += following.entries
        return following

    def _told(self, parts: Parts, now: int) -> Decision:
        add = self._history.add
        for entry, output in parts.results:
            if self._plan.fetches and output is not MISSING:
                put_record(self._history, entry, output)
            add(entry, output)
        return decide(self._plan.compiled, self._history, now)

    def _retold(self, entries: Iterable[Entry]) -> History:
        """The history as whoever takes the run over has it."""
        history = History(self._plan.compiled, self.run, entries, self._signals)
        if self._plan.fetches:
            for entry in entries:
                put_record(history, entry, read_text(entry.output))
        return history

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
                self._heres.append(_Waiting(command, way, shown, began))
            case Outside():
                self._flights.take(command, way, shown, now, parts)
            case Long():
                self._flights.take_long(command, way, shown, now, parts)

    # Turns.

    async def _with_effect(self, one: _Waiting) -> tuple[Decision, bool]:
        """A turn whose last result is known only inside its transaction.

        What follows from that, and whether it is written already.
        """
        made: dict[EffectResult | None, _Made] = {}

        def end(result: EffectResult | None) -> TurnEnd:
            if result not in made:
                made[result] = self._ended_by(result, one)
            return made[result].end

        turned = await self._turn(
            Turn(self._item.leased.lease, end, self.run.id, one.here.effect), again=False
        )
        stands = made[turned.effect]
        self._parts = stands.parts
        if stands.history is None:
            following = self._told(stands.parts, self._shop.clock.now())
            self._after(Decision())
            return following, False
        self._history = stands.history
        self._after(stands.decision)
        return stands.decision, True

    def _ended_by(self, result: EffectResult | None, one: _Waiting) -> _Made:
        """What the turn writes. It touches nothing, since the store may ask for it with results that do not stand.

        Of a short history what follows from the result is found out at once, so that the end of the run is not one more
        turn.
        """
        now, parts = self._shop.clock.now(), self._parts.copy()
        outcome = one.here.end(result)
        if isinstance(outcome, Done):
            parts.result(done_entry(one.command, outcome, one.shown, one.began, now), outcome.output)
            parts.take(outcome)
            parts.emissions += one.here.emissions
            parts.starts += one.here.starts
        else:
            chance = self._shop.chance()
            parts.result(failed_entry(one.command, outcome, one.shown, one.began, now, chance))
        if self._known is None or self._heres or self._flights.count:
            return _Made(self._end_of(Decision(commands=[one.command]), parts, now), parts, Decision())
        history = self._retold({**self._known, **{entry.path: entry for entry in parts.entries}}.values())
        decision = decide(self._plan.compiled, history, now)
        parts.entries += decision.entries
        return _Made(self._end_of(decision, parts, now), parts, decision, history)

    async def _write(self, decision: Decision) -> None:
        """A turn that only writes down."""
        end = self._end_of(decision, self._parts, self._shop.clock.now())
        only_entries = not (end.starts or end.emissions or end.accepts)
        await self._turn(Turn(self._item.leased.lease, lambda _: end, self.run.id), again=only_entries)
        self._after(decision)

    async def _turn(self, turn: Turn, *, again: bool) -> Turned:
        """Write a turn; one that may be written twice is, while the database cannot commit.

        What calls came to is known only here.
        """
        store = self._shop.store
        turned = await (self._patient(turn) if again else store.turn(turn))
        if not turned.held:
            raise Lost
        return turned

    async def _patient(self, turn: Turn) -> Turned:
        while True:
            try:
                return await self._shop.store.turn(turn)
            except StoreUnavailable as failure:
                log.error("a run waits for the database: %s", failure.message, extra={"run_id": self.run.id})
            await self._shop.clock.sleep(STORE_PAUSE)

    def _end_of(self, decision: Decision, parts: Parts, now: int) -> TurnEnd:
        run, change, telling = self.run, self._change, self._shop.telling
        if decision.end is not None:
            return over(run, decision.end, parts, change, telling, now)
        again: Job | None = None
        if self._flights.given_back and not self._flights.count:
            again = structs.replace(self._item.leased.job, delay=0)
        elif self._rests(decision):
            change, again = rests(decision, self._item.leased.job, change, now)
        elif self._hands_back:
            again = structs.replace(self._item.leased.job, delay=0)
        seen = len(self._signals)
        return goes_on(run, parts, change, telling, again=again, keep=LEASE, seen=seen, now=now)

    def _after(self, decision: Decision) -> None:
        """A turn is written: what it was the intent of begins."""
        self._change = None
        parts, self._parts = self._parts, Parts()
        if self._known is not None:
            self._known.update((entry.path, entry) for entry in parts.entries)
            if len(self._known) > SHORT:
                self._known = None
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
        for signal in (await self._shop.store.list_signals(self.run.id))[len(self._signals) :]:
            self._signals.append(signal)
            self._history.signal(signal)
