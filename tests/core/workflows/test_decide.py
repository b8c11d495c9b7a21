"""What comes next in a run: steps in their order, blocks, rules for failures, waits, limits, and how a run ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import pytest
from msgspec import structs

from hookstation.core.definitions import Fault, Retry
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows import walking
from hookstation.core.workflows.compiled import compile_workflow
from hookstation.core.workflows.decide import GIVEN_UP, decide
from hookstation.core.workflows.decisions import Act, Command, Decision
from hookstation.core.workflows.definitions import Rule, Step, Steps, Then, WhenUnknown, Workflow
from hookstation.core.workflows.history import History
from hookstation.core.workflows.tries import failed
from hookstation.core.workflows.values import Entry, EntryState, Run, RunState, Signal
from hookstation.errors import Invalid

SECOND: Final = 1_000_000
FAILS: Final = Rule()
RUN: Final = Run("r", "w", 1, RunState.RUNNING, "manual:ann", 1, input='{"n": 1, "list": ["a", "b", "c"]}')


def emit(name: str, *, on_failure: Rule = FAILS, **more: JSON) -> Step:
    return Step(name, "emit", settings={"type": "t", **more}, on_failure=on_failure)


def keep(name: str, **values: JSON) -> Step:
    return Step(name, "set", settings={"values": values})


def each(name: str, *steps: Step, items: JSON = "$$list$$", **more: JSON) -> Step:
    return Step(name, "for_each", settings={"items": items, **more}, blocks={"steps": steps})


@dataclass
class Play:
    """A run that is played by hand: each command gets the result that the test gives it."""

    steps: Steps
    time: float = 0.0
    results: Mapping[str, JSON] = field(default_factory=dict)
    fails: frozenset[str] = frozenset()
    now: int = 10
    entries: dict[str, Entry] = field(default_factory=dict)
    signals: list[Signal] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.workflow = compile_workflow(Workflow("w", self.steps, time=self.time))
        self.history = History(self.workflow, RUN)

    def decide(self) -> Decision:
        decision = decide(self.workflow, self.history, self.now)
        self.entries.update({entry.path: entry for entry in decision.entries})
        self.begun += [command.path for command in decision.commands]
        return decision

    def add(self, path: str, state: EntryState, attempt: int = 1, **more: object) -> Decision:
        entry = structs.replace(Entry(path, state, attempt, started_at=self.now), **more)
        self.entries[path] = entry
        self.history.add(entry)
        return self.decide()

    def again(self) -> Decision:
        """Somebody else takes the run over."""
        self.history = History(self.workflow, RUN, self.entries.values(), self.signals)
        return self.decide()

    def say(self, path: str, payload: JSON) -> Decision:
        signal = Signal("r", path, self.now, dump_json(payload), "ann")
        self.signals.append(signal)
        self.history.signal(signal)
        return self.decide()

    def through(self) -> Decision:
        """Every step is done, or fails where the test says so, until the run has ended or waits."""
        decision = self.decide()
        while decision.commands:
            for command in decision.commands:
                entry = self.result(command)
                self.entries[entry.path] = entry
                self.history.add(entry)
            decision = self.decide()
        return decision

    def result(self, command: Command) -> Entry:
        entry = Entry(command.path, EntryState.DONE, command.attempt)
        if command.path in self.fails:
            return structs.replace(entry, state=EntryState.FAILED, error="no")
        filled = command.step.fill(command.scope)
        output = self.results.get(command.path, filled.get("values", command.path))
        return structs.replace(entry, output=dump_json(output))

    def states(self) -> dict[str, str]:
        return {path: entry.state.value for path, entry in self.entries.items()}


def done(decision: Decision) -> tuple[RunState, str, str]:
    assert decision.end is not None
    return decision.end.state, decision.end.error, decision.end.output


def test_steps_go_one_after_the_other_and_the_last_output_is_the_runs() -> None:
    play = Play((emit("a"), emit("b")))
    assert (RunState.SUCCEEDED, "", '"b"') == done(play.through())
    assert ["a", "b"] == play.begun


def test_each_command_is_given_once() -> None:
    play = Play((emit("a"),))
    assert [["a"], []] == [[one.path for one in play.decide().commands] for _ in range(2)]


def test_a_step_whose_condition_does_not_hold_is_skipped() -> None:
    play = Play((replace(emit("a"), when="n == 2"), replace(emit("b"), when="trigger.n == 1")))
    play.through()
    assert {"a": "skipped", "b": "done"} == play.states()


@pytest.mark.parametrize(
    ("rule", "state", "begun"),
    [
        (Rule(Then.CONTINUE), RunState.SUCCEEDED, ["b", "c"]),
        (Rule(Then.GO_TO, "c"), RunState.SUCCEEDED, ["c"]),
        (Rule(Then.SUCCEED), RunState.SUCCEEDED, []),
        (Rule(Then.FAIL), RunState.FAILED, []),
    ],
)
def test_a_step_that_is_switched_off_is_followed_by_what_its_rule_says(
    rule: Rule, state: RunState, begun: list[str]
) -> None:
    play = Play((replace(emit("a"), enabled=False, when_disabled=rule), emit("b"), emit("c")))
    assert state == done(play.through())[0]
    assert begun == play.begun


@pytest.mark.parametrize(
    ("rule", "ended", "begun"),
    [
        (Rule(Then.CONTINUE), (RunState.SUCCEEDED, "", '"c"'), ["a", "b", "c"]),
        (Rule(Then.GO_TO, "c"), (RunState.SUCCEEDED, "", '"c"'), ["a", "c"]),
        (Rule(Then.SUCCEED), (RunState.SUCCEEDED, "", ""), ["a"]),
        (Rule(Then.FAIL), (RunState.FAILED, "a: no", ""), ["a"]),
    ],
)
def test_a_step_that_failed_is_followed_by_what_its_rule_says(
    rule: Rule, ended: tuple[RunState, str, str], begun: list[str]
) -> None:
    play = Play((emit("a", on_failure=rule), emit("b"), emit("c")), fails=frozenset({"a"}))
    assert ended == done(play.through())
    assert begun == play.begun


def test_what_a_failed_step_said_can_be_read_behind_it() -> None:
    steps = (emit("a", on_failure=Rule(Then.CONTINUE)), keep("b", why="$$steps.a.error$$"))
    play = Play(steps, fails=frozenset({"a"}))
    play.through()
    assert '{"why":"no"}' == play.entries["b"].output


def test_a_failed_try_is_made_again_when_it_is_due_and_not_before() -> None:
    step = replace(emit("a"), retry=Retry(attempts=2, first=5.0, jitter=0.0))
    play = Play((step,))
    play.decide()
    entry = failed(step, Entry("a", EntryState.FAILED), "off", Fault.OFFLINE.value, play.now, 0.5)
    waiting = play.add("a", EntryState.FAILED, due_at=entry.due_at, error="off")
    assert ([], 5 * SECOND + 11, RunState.WAITING) == (waiting.commands, waiting.wake_at, waiting.state)
    play.now = waiting.wake_at
    assert [(Act.BEGIN, 2)] == [(one.act, one.attempt) for one in play.decide().commands]


@pytest.mark.parametrize(
    ("attempt", "fault", "due"),
    [(1, "offline", True), (2, "offline", False), (1, "refused", False), (1, "", False)],
)
def test_only_faults_of_the_policy_are_tried_again_and_only_so_often(
    attempt: int, fault: str, due: bool
) -> None:
    step = replace(emit("a"), retry=Retry(attempts=2))
    entry = failed(step, Entry("a", EntryState.STARTED, attempt), "x", fault, 10, 0.5)
    assert due == bool(entry.due_at)


def test_a_target_that_asks_for_peace_is_left_in_peace() -> None:
    step = replace(emit("a"), retry=Retry(attempts=2, first=1.0))
    assert 90 * SECOND < failed(step, Entry("a", EntryState.STARTED), "x", "busy", 0, 0.5, least=90.0).due_at


@pytest.mark.parametrize(("n", "way"), [("n == 1", "then"), ("n == 2", "else")])
def test_an_if_takes_one_of_its_two_ways(n: str, way: str) -> None:
    blocks = {"then": (emit("a"),), "else": (emit("b"),)}
    play = Play((Step("check", "if", settings={"condition": n}, blocks=blocks),))
    play.through()
    assert [f"check/{way}/{'a' if way == 'then' else 'b'}"] == play.begun
    assert dump_json(way) == play.entries["check"].output


@pytest.mark.parametrize(("value", "begun"), [("$$n$$", "which/one/a"), ("$$none$$", "which/default/b")])
def test_a_switch_takes_the_case_with_the_same_value_else_the_default(value: str, begun: str) -> None:
    blocks = {"one": (emit("a"),), "default": (emit("b"),)}
    step = Step(
        "which", "switch", settings={"value": value, "cases": [{"name": "one", "value": 1}]}, blocks=blocks
    )
    play = Play((step,))
    play.through()
    assert [begun] == play.begun


def test_a_loop_takes_its_turns_in_order_and_says_how_they_ended() -> None:
    play = Play(
        (each("loop", keep("a", v="$$item$$ $$index$$")), keep("z", last="$$steps.loop.results.count$$"))
    )
    play.through()
    assert ["loop[0]/a", "loop[1]/a", "loop[2]/a", "z"] == play.begun
    assert '{"count":3,"succeeded":3,"failed":0,"errors":[]}' == play.entries["loop"].output
    assert '{"last":3}' == play.entries["z"].output


def test_turns_one_after_the_other_see_the_variables_of_those_before() -> None:
    play = Play((each("loop", keep("a", sum="$$vars.sum$$$$item$$")), keep("z", sum="$$vars.sum$$")))
    play.through()
    assert '{"sum":"abc"}' == play.entries["z"].output


def test_turns_side_by_side_begin_n_at_a_time_and_see_nothing_of_one_another() -> None:
    play = Play(
        (each("loop", keep("a", sum="$$vars.sum$$$$item$$"), at_once=2), keep("z", sum="$$vars.sum$$"))
    )
    assert ["loop[0]/a", "loop[1]/a"] == [one.path for one in play.decide().commands]
    following = play.add("loop[1]/a", EntryState.DONE, output='{"sum":"b"}')
    assert ["loop[2]/a"] == [one.path for one in following.commands]
    play.add("loop[0]/a", EntryState.DONE, output='{"sum":"a"}')
    play.add("loop[2]/a", EntryState.DONE, output='{"sum":"c"}')
    play.through()
    assert '{"sum":"c"}' == dump_json(play.history.root.frame.set)


@pytest.mark.parametrize(
    ("failures", "begun", "error"),
    [
        ("stop", 1, "a: 1 of 1 turns failed; the first one that did: b: no"),
        ({"most": 1}, 2, "a: 2 of 2 turns failed; the first one that did: b: no"),
        ("continue", 3, ""),
    ],
)
def test_a_loop_bears_as_many_failed_turns_as_it_says(failures: JSON, begun: int, error: str) -> None:
    fails = frozenset({"a[0]/b", "a[1]/b", "a[2]/b"})
    play = Play((each("a", emit("b"), failures=failures),), fails=fails)
    decision = play.through()
    assert (begun, error) == (len(play.begun), done(decision)[1])


def test_what_the_steps_of_the_last_turn_put_out_can_be_read_behind_the_loop() -> None:
    play = Play((each("loop", emit("a")), keep("z", last="$$steps.loop.results.last.a.event_id$$")))
    play.through()
    assert '{"last":"loop[2]/a"}' == play.entries["z"].output


def test_a_step_that_quits_a_turn_with_success_ends_that_turn_alone() -> None:
    gate = Step("g", "gate", settings={"condition": "index > 0", "otherwise": "succeed"})
    play = Play((each("loop", gate, emit("a")),))
    assert RunState.SUCCEEDED == done(play.through())[0]
    assert ["loop[1]/a", "loop[2]/a"] == play.begun


@pytest.mark.parametrize(
    ("items", "error"),
    [
        ("$$n$$", "loop: items: must be a list, but is integer."),
        ("$$nothing$$", "loop: items: must be a list, but is null."),
        ("$$list$$", "loop: items: has 3 elements, but at most 2 are allowed; shorten the list."),
    ],
)
def test_a_loop_over_what_is_no_list_or_too_long_fails_before_its_first_turn(items: str, error: str) -> None:
    play = Play((each("loop", emit("a"), items=items, most=2),))
    assert (RunState.FAILED, error, "") == done(play.through())


def test_branches_begin_together_and_see_one_another_only_behind_the_block() -> None:
    branches = {"x": (keep("a", v="$$vars.w$$"),), "y": (keep("b", w="$$n$$"),)}
    play = Play((Step("both", "parallel", blocks=branches), keep("z", w="$$vars.w$$")))
    assert ["both/x/a", "both/y/b"] == [one.path for one in play.decide().commands]
    play.history = History(play.workflow, RUN)
    play.through()
    assert ("{}", '{"w":1}') == (play.entries["both/x/a"].output, play.entries["z"].output)


def test_a_branch_that_fails_fails_the_block_when_the_others_have_ended() -> None:
    branches = {"x": (emit("a"),), "y": (emit("b"), emit("c"))}
    play = Play((Step("both", "parallel", blocks=branches),), fails=frozenset({"both/x/a"}))
    assert (RunState.FAILED, "both: a: no", "") == done(play.through())
    assert "done" == play.states()["both/y/c"]


def test_a_block_that_failed_is_followed_by_what_its_own_rule_says() -> None:
    block = replace(each("loop", emit("a")), on_failure=Rule(Then.GO_TO, "z"))
    play = Play((block, emit("y"), emit("z")), fails=frozenset({"loop[0]/a"}))
    assert RunState.SUCCEEDED == done(play.through())[0]
    assert ["loop[0]/a", "z"] == play.begun


@pytest.mark.parametrize(
    ("otherwise", "ended", "begun"),
    [
        ("fail", (RunState.FAILED, "g: The gate's condition does not hold."), []),
        ("succeed", (RunState.SUCCEEDED, ""), []),
        ({"go_to": "b"}, (RunState.SUCCEEDED, ""), ["b"]),
    ],
)
def test_a_gate_that_does_not_hold_is_followed_by_what_it_says(
    otherwise: JSON, ended: tuple[RunState, str], begun: list[str]
) -> None:
    gate = Step("g", "gate", settings={"condition": "n == 2", "otherwise": otherwise})
    play = Play((gate, emit("a"), emit("b")))
    assert ended == done(play.through())[:2]
    assert begun == play.begun


def test_a_stop_ends_the_run_from_within_and_waits_only_for_what_may_have_an_effect() -> None:
    stop = Step("end", "stop", settings={"as": "failure", "message": "No $$n$$."})
    wait = Step("w", "wait", settings={"call": True})
    branches = {"x": (emit("a"), stop), "y": (wait,), "z": (emit("b"), emit("c"))}
    play = Play((Step("all", "parallel", blocks=branches),))
    play.decide()
    play.add("all/y/w", EntryState.WAITING)
    play.add("all/z/b", EntryState.STARTED)
    assert None is play.add("all/x/a", EntryState.DONE, output="1").end
    decision = play.add("all/z/b", EntryState.DONE, output="2")
    assert (RunState.FAILED, "end: No 1.", "1") == done(decision)
    assert ("cancelled", []) == (play.states()["all/y/w"], [one for one in play.begun if "c" in one])


def test_behind_a_stop_nothing_more_is_done_in_a_loop_either() -> None:
    play = Play((each("loop", emit("a"), Step("end", "stop")), emit("z")))
    assert (RunState.SUCCEEDED, "", '"loop[0]/a"') == done(play.through())
    assert {"loop[0]/a": "done", "loop[0]/end": "done"} == play.states()


def test_a_stop_in_a_turn_ends_the_run_with_what_was_said_in_that_turn() -> None:
    answer: JSON = {"status": 201, "headers": {}, "body": 1}
    play = Play((each("loop", Step("r", "respond"), Step("end", "stop")),), results={"loop[0]/r": answer})
    end = play.through().end
    assert end is not None
    assert dump_json(answer) == end.answer


def test_what_respond_said_is_the_runs_answer() -> None:
    respond = Step("r", "respond", settings={"status": 201, "body": {"n": "$$n$$"}})
    play = Play((respond, emit("a")), results={"r": {"status": 201, "headers": {}, "body": {"n": 1}}})
    decision = play.through()
    assert decision.end is not None
    assert ('{"status":201,"headers":{},"body":{"n":1}}', '"a"') == (decision.end.answer, decision.end.output)


def test_a_step_that_waits_goes_on_when_its_moment_has_come() -> None:
    play = Play((Step("w", "wait", settings={"for": "1m"}),))
    play.decide()
    assert 70 == play.add("w", EntryState.WAITING, due_at=70).wake_at
    play.now = 70
    assert [(Act.RESUME, None)] == [(one.act, one.signal) for one in play.decide().commands]


def test_a_step_that_waits_goes_on_with_its_signal_and_whoever_takes_over_sees_it_too() -> None:
    play = Play((Step("w", "wait", settings={"call": True}),))
    play.decide()
    assert RunState.WAITING is play.add("w", EntryState.WAITING).state
    first = play.say("w", {"x": 1}).commands
    again = play.again().commands
    assert [['{"x":1}'], ['{"x":1}']] == [[c.signal.payload for c in cs if c.signal] for cs in (first, again)]


def test_what_another_node_had_begun_is_looked_up_and_not_begun_again() -> None:
    play = Play((emit("a"),))
    play.decide()
    play.add("a", EntryState.STARTED)
    assert [(Act.LOOK_UP, "a", 1)] == [(one.act, one.path, one.attempt) for one in play.again().commands]


def test_a_look_up_that_is_to_be_made_later_is_made_later() -> None:
    play = Play((emit("a"),))
    play.decide()
    assert 99 == play.add("a", EntryState.STARTED, due_at=99).wake_at
    play.now = 99
    assert [Act.LOOK_UP] == [one.act for one in play.decide().commands]


@pytest.mark.parametrize(
    ("said", "state", "attempts"),
    [({"happened": True, "output": 7}, "done", []), ({"happened": False}, "failed", [2])],
)
def test_a_person_says_what_became_of_an_unknown_step(said: JSON, state: str, attempts: list[int]) -> None:
    play = Play((emit("a"),))
    play.decide()
    assert RunState.UNKNOWN is play.add("a", EntryState.UNKNOWN, error="?").state
    decision = play.say("a", said)
    assert (state, attempts) == (play.states()["a"], [one.attempt for one in decision.commands])


def test_a_second_try_that_is_unknown_asks_anew() -> None:
    play = Play((emit("a"),))
    play.decide()
    play.add("a", EntryState.UNKNOWN)
    play.say("a", {"happened": False})
    assert RunState.UNKNOWN is play.add("a", EntryState.UNKNOWN, 2).state
    assert RunState.SUCCEEDED == done(play.say("a#2", {"happened": True}))[0]


def test_a_step_that_may_be_repeated_is_repeated_but_not_for_ever() -> None:
    step = replace(emit("a"), when_unknown=WhenUnknown.REPEAT)
    play = Play((step,))
    decision = play.decide()
    for attempt in range(1, walking.MOST_REPEATS + 1):
        play.now = max(play.now, decision.wake_at)
        play.decide()
        decision = play.add("a", EntryState.UNKNOWN, attempt, error="?")
    assert (RunState.FAILED, "a: ?", "") == done(decision)


def test_an_unknown_step_may_count_as_failed() -> None:
    play = Play((replace(emit("a"), when_unknown=WhenUnknown.FAIL),))
    play.decide()
    assert (RunState.FAILED, "a: ?", "") == done(play.add("a", EntryState.UNKNOWN, error="?"))


def test_a_run_that_takes_too_long_fails_and_what_was_begun_is_unknown() -> None:
    play = Play((emit("a"),), time=2.0)
    assert 2 * SECOND + 1 == play.decide().wake_at
    play.add("a", EntryState.STARTED)
    play.now = 3 * SECOND
    assert (RunState.FAILED, "The run took longer than the 2 s that its workflow gives it.", "") == done(
        play.decide()
    )
    assert {"a": "unknown"} == play.states()


def test_a_safe_call_that_is_under_way_when_the_time_is_over_says_so_in_the_history() -> None:
    """Its intent is not stored, since it may be made again: without this entry nobody would see that it was tried."""
    play = Play((emit("a"),), time=2.0)
    play.decide()
    play.now = 3 * SECOND
    assert [Entry("a", EntryState.CANCELLED, 1, 0, 10, 3 * SECOND, error=GIVEN_UP)] == play.decide().entries


def test_a_second_try_that_is_under_way_when_the_time_is_over_is_the_one_that_says_so() -> None:
    play = Play((replace(emit("a"), retry=Retry(3, 1.0, jitter=0.0)),), time=2.0)
    play.decide()
    play.add("a", EntryState.FAILED, due_at=SECOND)
    play.now = SECOND
    play.decide()
    play.now = 3 * SECOND
    assert [("a", 2, EntryState.CANCELLED)] == [
        (one.path, one.attempt, one.state) for one in play.decide().entries
    ]


def test_what_was_to_begin_when_the_time_is_over_leaves_nothing() -> None:
    play = Play((emit("a"),), time=2.0)
    play.now = 3 * SECOND
    assert [] == play.decide().entries


def test_a_run_with_too_many_tries_comes_to_a_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "MOST_ENTRIES", 2)
    play = Play((each("loop", emit("a")),))
    state, error, _ = done(play.through())
    assert (RunState.FAILED, "The run has 2 tries of steps") == (state, error.partition(";")[0])


def test_a_run_whose_steps_put_out_too_much_comes_to_a_halt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walking, "LARGEST_RUN", 1)
    play = Play((emit("a"), emit("b")))
    state, error, _ = done(play.through())
    assert (RunState.FAILED, "The steps put out more than") == (state, error[:27])


@pytest.mark.parametrize(
    ("steps", "path"),
    [
        ((emit("a"), emit("a")), ("steps", 1, "name")),
        ((Step("a", "nothing"),), ("steps", 0, "type")),
        ((emit("a", on_failure=Rule(Then.GO_TO, "a")),), ("steps", 0, "on_failure")),
        (
            (each("l", Step("g", "gate", settings={"condition": "n =="})),),
            ("steps", 0, "steps", 0, "with", "condition"),
        ),
        ((emit("a", payload={"x": ["$$oops"]}),), ("steps", 0, "with", "payload", "x", 0)),
        ((replace(each("l", emit("a")), retry=Retry(attempts=2)),), ("steps", 0, "retry")),
        ((replace(emit("a"), when="("),), ("steps", 0, "when")),
        (
            (Step("g", "gate", settings={"condition": "n == 1", "otherwise": {"go_to": "x"}}),),
            ("steps", 0, "with", "otherwise"),
        ),
    ],
)
def test_what_cannot_run_is_refused_at_its_place(steps: Steps, path: tuple[str | int, ...]) -> None:
    with pytest.raises(Invalid) as refusal:
        compile_workflow(Workflow("w", steps))
    assert [path] == [problem.path for problem in refusal.value.problems]


def test_blocks_stand_inside_one_another_only_so_deep() -> None:
    step = emit("a")
    for number in range(16):
        step = each(f"l{number}", step)
    with pytest.raises(Invalid, match="16 deep"):
        compile_workflow(Workflow("w", (step,)))
