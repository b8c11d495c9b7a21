"""Whatever workflow, whatever its steps come to, and however often its node dies: a run comes to the one end it has."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from hookstation.core.definitions import Fault, Retry
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.compiled import CompiledWorkflow, compile_workflow
from hookstation.core.workflows.decide import decide
from hookstation.core.workflows.decisions import Act, Command, Decision, RunEnd
from hookstation.core.workflows.definitions import Rule, Step, Steps, Then, WhenUnknown, Workflow
from hookstation.core.workflows.history import History
from hookstation.core.workflows.paths import signal_path
from hookstation.core.workflows.tries import failed
from hookstation.core.workflows.values import ENDED, Entry, EntryState, Run, RunState, Signal

MOST_ROUNDS: Final = 5_000
MINUTE: Final = 60_000_000
WORK: Final = ("set", "http_request", "wait", "emit")
RUN: Final = Run(
    "r", "w", 1, RunState.RUNNING, "manual:test", 1, input='{"n": 1, "list": [1, 2, 3]}', started_at=1
)


@dataclass
class Maker:
    """Makes workflows by chance; each step has a name of its own."""

    chance: Random
    side_by_side: bool
    failures: tuple[JSON, ...]
    made: int = 0

    def line(self, depth: int) -> Steps:
        """One block of steps."""
        count = self.chance.randint(2, 4)
        names = [self._name() for _ in range(count)]
        return tuple(self._step(name, names[place + 1 :], depth) for place, name in enumerate(names))

    def _name(self) -> str:
        self.made += 1
        return f"s{self.made}"

    def _rule(self, later: list[str], usual: Then) -> Rule:
        then = self.chance.choice([usual, *Then])
        if then is Then.GO_TO:
            return Rule(then, self.chance.choice(later)) if later else Rule()
        return Rule(then)

    def _step(self, name: str, later: list[str], depth: int) -> Step:
        blocks = ["if", "for_each", "switch", *(["parallel"] if self.side_by_side else [])]
        types = [
            *WORK * 2,
            "respond",
            "gate",
            *(["stop"] if self.made > 9 else []),
            *(blocks * 2 if depth < 3 else []),
        ]
        kind = self.chance.choice(types)
        step = Step(
            name,
            kind,
            enabled=self.chance.choice([True] * 7 + [False]),
            when=self.chance.choice(["", "", "", "", "", "vars.v == 1", "n == 1", "index > 0"]),
            on_failure=self._rule(later, Then.CONTINUE),
            when_disabled=self._rule(later, Then.CONTINUE),
            when_unknown=self.chance.choice(list(WhenUnknown)),
        )
        return getattr(self, f"_{kind}", self._plain)(step, later, depth)

    def _plain(self, step: Step, _later: list[str], _depth: int) -> Step:
        given: dict[str, JSON] = (
            {"values": {"v": "$$index$$", "o": "$$vars.v$$"}} if step.type == "set" else {}
        )
        retry = Retry(self.chance.randint(1, 3), 5.0, on=frozenset(Fault))
        return with_settings(step, given, retry=retry)

    def _gate(self, step: Step, later: list[str], _depth: int) -> Step:
        ways: list[JSON] = ["fail", "succeed", *later_ways(later)]
        return with_settings(
            step,
            {
                "condition": self.chance.choice(["n == 1", "n == 1", "vars.v == 1"]),
                "otherwise": self.chance.choice(ways),
            },
        )

    def _stop(self, step: Step, _later: list[str], _depth: int) -> Step:
        return with_settings(step, {"as": self.chance.choice(["success", "failure"]), "message": "m $$n$$"})

    def _if(self, step: Step, _later: list[str], depth: int) -> Step:
        blocks = {"then": self.line(depth + 1), "else": self.line(depth + 1)}
        return with_settings(step, {"condition": "vars.v == 1 or n == 2"}, blocks)

    def _switch(self, step: Step, _later: list[str], depth: int) -> Step:
        blocks = {"one": self.line(depth + 1), "default": self.line(depth + 1)}
        return with_settings(step, {"value": "$$vars.v$$", "cases": [{"name": "one", "value": 1}]}, blocks)

    def _parallel(self, step: Step, _later: list[str], depth: int) -> Step:
        return with_settings(step, {}, {"a": self.line(depth + 1), "b": self.line(depth + 1)})

    def _for_each(self, step: Step, _later: list[str], depth: int) -> Step:
        given: dict[str, JSON] = {
            "items": self.chance.choice(["$$list$$"] * 5 + ["$$n$$", []]),
            "at_once": self.chance.randint(1, 3) if self.side_by_side else 1,
            "failures": self.chance.choice(self.failures),
        }
        return with_settings(step, given, {"steps": self.line(depth + 1)})


def later_ways(later: list[str]) -> list[JSON]:
    return [{"go_to": name} for name in later]


def with_settings(
    step: Step, given: dict[str, JSON], blocks: dict[str, Steps] | None = None, retry: Retry | None = None
) -> Step:
    return Step(
        step.name,
        step.type,
        enabled=step.enabled,
        settings=given,
        when=step.when,
        on_failure=step.on_failure,
        when_disabled=step.when_disabled,
        when_unknown=step.when_unknown,
        retry=retry or step.retry,
        blocks=blocks or {},
    )


ANY_RULE: Final[tuple[JSON, ...]] = ("stop", "continue", {"most": 1})


def workflow_of(
    number: int, *, side_by_side: bool = True, failures: tuple[JSON, ...] = ANY_RULE
) -> CompiledWorkflow:
    return compile_workflow(Workflow("w", Maker(Random(number), side_by_side, failures).line(1)))


@dataclass
class World:
    """A store, a node that may die, and steps whose results follow from their path, their try and a seed alone."""

    workflow: CompiledWorkflow
    seed: int
    chance: Random
    crashes: float = 0.0
    now: int = 2
    entries: dict[str, Entry] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    flying: list[Command] = field(default_factory=list)
    begun: list[tuple[str, int]] = field(default_factory=list)
    history: History = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The node dies: all that it was told is forgotten, all that is stored is there."""
        self.flying = []
        entries = list(self.entries.values())
        self.chance.shuffle(entries)
        self.history = History(self.workflow, RUN, entries, self.signals.values())

    def run(self) -> RunEnd:
        for _ in range(MOST_ROUNDS):
            decision = decide(self.workflow, self.history, self.now)
            self.check(decision)
            if self.chance.random() < self.crashes:
                self.restart()
                continue
            self.store(decision)
            if decision.end is not None:
                return decision.end
            self.step(decision)
        raise AssertionError("the run does not come to an end")

    def store(self, decision: Decision) -> None:
        for entry in decision.entries:
            self.entries[entry.path] = entry
        self.flying += decision.commands

    def check(self, decision: Decision) -> None:
        """No try begins that history has already, and none after it but one that is to be made again."""
        for command in decision.commands:
            known = {**self.entries, **{one.path: one for one in decision.entries}}.get(command.path)
            if command.act is Act.BEGIN:
                assert command.attempt == (1 if known is None else known.attempt + 1)
                assert known is None or (known.state is EntryState.FAILED and 0 < known.due_at <= self.now)

    def step(self, decision: Decision) -> None:
        """One of the things under way goes on; where none is, time passes or somebody says something."""
        if self.flying:
            command = self.flying.pop(self.chance.randrange(len(self.flying)))
            entry = self.result(command)
            self.entries[entry.path] = entry
            self.history.add(entry)
            if entry.state is EntryState.STARTED:
                self.flying.append(structs_started(command, entry))
        elif decision.state is RunState.UNKNOWN or self.waits():
            self.say()
        else:
            assert decision.wake_at or decision.end, "the run stands still"
            self.now = max(self.now, decision.wake_at)

    def waits(self) -> list[Entry]:
        known = self.entries.values()
        asked = (EntryState.WAITING, EntryState.UNKNOWN)
        return [
            one
            for one in known
            if one.state in asked
            and not one.due_at
            and signal_path(one.path, one.attempt) not in self.signals
        ]

    def say(self) -> None:
        for entry in self.waits():
            happened = self.luck(entry.path, entry.attempt, "person") < 0.5
            place = signal_path(entry.path, entry.attempt)
            signal = Signal("r", place, self.now, dump_json({"happened": happened, "output": 7}))
            self.signals[place] = signal
            self.history.signal(signal)

    def luck(self, path: str, attempt: int, what: str) -> float:
        return Random(f"{self.seed} {path} {attempt} {what}").random()

    def result(self, command: Command) -> Entry:
        """How a try goes: begun first where it goes elsewhere, then its end."""
        path, attempt, step = command.path, command.attempt, command.step
        entry = Entry(path, EntryState.DONE, attempt, started_at=self.now, ended_at=self.now)
        luck = self.luck(path, attempt, "result")
        began = command.act is Act.BEGIN and command.entry is None
        if step.type == "http_request" and began:
            return structs.replace(entry, state=EntryState.STARTED, ended_at=0)
        if step.type == "http_request" and luck > 0.9:
            return structs.replace(entry, state=EntryState.UNKNOWN, error="It may have happened.")
        if step.type == "wait" and began:
            return structs.replace(
                entry, state=EntryState.WAITING, due_at=self.now + MINUTE if luck < 0.5 else 0
            )
        if luck < 0.15:
            return failed(step.step, entry, "It failed.", Fault.OFFLINE.value, self.now, 0.5)
        output = command.step.fill(command.scope).get("values", str(luck))
        return structs.replace(entry, output=dump_json(output))


def structs_started(command: Command, entry: Entry) -> Command:
    return Command(command.act, command.path, command.attempt, command.step, command.scope, entry)


QUICK = settings(max_examples=250, deadline=None)
NUMBERS = st.integers(0, 2**32)


@QUICK
@given(number=NUMBERS, seed=NUMBERS)
def test_every_run_comes_to_an_end_whatever_its_steps_come_to(number: int, seed: int) -> None:
    world = World(workflow_of(number), seed, Random(seed), crashes=0.2)
    assert world.run().state in ENDED


@QUICK
@given(number=NUMBERS, seed=NUMBERS)
def test_a_run_whose_node_dies_again_and_again_ends_as_if_it_had_not(number: int, seed: int) -> None:
    """One step after the other; what was begun when a node died can be looked up."""
    workflow = workflow_of(number, side_by_side=False)
    quiet = World(workflow, seed, Random(0))
    stormy = World(workflow, seed, Random(seed), crashes=0.3)
    expected = quiet.run()
    assert expected == stormy.run()
    assert facts(quiet) == facts(stormy)


def facts(world: World) -> dict[str, tuple[EntryState, int, str, str]]:
    return {path: (one.state, one.attempt, one.output, one.error) for path, one in world.entries.items()}


@QUICK
@given(number=NUMBERS, seed=NUMBERS)
def test_whoever_takes_a_run_over_comes_to_the_same_open_steps(number: int, seed: int) -> None:
    """A turn that began and of which nothing is stored yet does not begin again where another has stopped its loop."""
    workflow = workflow_of(number, failures=("continue",))
    world = World(workflow, seed, Random(seed))
    ended = False
    while not ended:
        decision = decide(workflow, world.history, world.now)
        world.store(decision)
        other = History(workflow, RUN, world.entries.values(), world.signals.values())
        again = decide(workflow, other, world.now)
        ended = decision.end is not None
        halting = world.history.halt is not None
        assert halting or (decision.end, []) == (again.end, again.entries)
        assert halting or set(world.history.open) == set(other.open)
        world.step(decision)
