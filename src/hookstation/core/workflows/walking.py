"""One walk along the lines of a run: past what is at its end, up to what has to be done or waited for."""

from __future__ import annotations

from typing import Final

from msgspec import structs

from hookstation.core.condition.truth import worth_of
from hookstation.core.definitions import Fault
from hookstation.core.jsontext import dump_json
from hookstation.core.retrying import pause_after
from hookstation.core.template import MISSING, Value
from hookstation.core.values import JSON, kind_of
from hookstation.core.workflows.compiled import CompiledStep
from hookstation.core.workflows.decisions import Act, Command, Decision
from hookstation.core.workflows.definitions import Rule, Then, WhenUnknown
from hookstation.core.workflows.history import Halt, History, Open, read_output
from hookstation.core.workflows.lines import Block, Branches, Choice, Line, Turns
from hookstation.core.workflows.paths import in_block, signal_path
from hookstation.core.workflows.scope import RunScope
from hookstation.core.workflows.scoping import ERROR
from hookstation.core.workflows.values import LARGEST_RUN, Entry, EntryState
from hookstation.errors import MappingFailed

MOST_ENTRIES: Final = 100_000
"""Tries of steps in one run."""

MOST_REPEATS: Final = 10
"""Tries of a step that may be repeated though its outcome is not known."""

MOST_TRIES: Final = 1_000
"""Tries of one step, whatever asks for them."""

SWITCHED_OFF: Final = "The step is switched off."
NOT_MEANT: Final = "Its condition does not hold."
JUMPED_OVER: Final = "It was jumped over."
NOT_DONE: Final = "A person said that it did not happen."
SECOND: Final = 1_000_000


class Walk:
    """What one decision does with a history. `now`: microseconds since the epoch."""

    def __init__(self, history: History, now: int, decision: Decision) -> None:
        self._history, self._now, self._decision = history, now, decision
        self._blocks: list[Block] = []

    def go(self) -> None:
        """Go on with every line that can, until none can.

        Turns of which history has nothing begin only when all that it has was walked past: it may hold the failure
        after which no more begin.
        """
        ready = self._history.ready
        while ready or self._blocks:
            while ready:
                self._along(ready.pop())
            blocks, self._blocks = self._blocks, []
            for block in blocks:
                self._begin(block, anew=True)

    def _along(self, line: Line) -> None:
        while line.at < len(line.steps):
            step = line.steps[line.at]
            path = line.prefix + step.name
            found = self._history.take(path)
            if found is None and self._history.halt is not None:
                return
            if line.goal and line.goal != step.name:
                if found is None:
                    self._write(path, EntryState.SKIPPED, error=JUMPED_OVER)
                line.at += 1
                continue
            line.goal = ""
            if not self._step(line, step, path, found):
                return
        if line.block is not None:
            line.block.ended(line)
            self._block(line.block)

    def _step(self, line: Line, step: CompiledStep, path: str, found: tuple[Entry, Value] | None) -> bool:
        """Whether the line goes on behind this step, or is at its end; else it stands here."""
        if found is None:
            skipped = self._skipped(line, step)
            if skipped:
                self._pass_by(line, step, self._write(path, EntryState.SKIPPED, error=skipped))
                return True
            if self._is_full():
                return False
        if step.spec.holds_steps and (found is None or found[0].state is not EntryState.SKIPPED):
            if found is not None:
                self._history.stored[path] = found
            return self._open(line, step, path)
        if found is None:
            return self._first(line, step, path)
        return self._stored(line, step, found[0], found[1])

    def _skipped(self, line: Line, step: CompiledStep) -> str:
        if not step.step.enabled:
            return SWITCHED_OFF
        if step.when is not None and not step.when.holds(line.frame.trigger, line.frame.names):
            return NOT_MEANT
        return ""

    def _is_full(self) -> bool:
        """Whether the run is over a limit, so that it comes to a halt before anything new begins."""
        history = self._history
        if history.entries >= MOST_ENTRIES:
            said = f"The run has {MOST_ENTRIES:,} tries of steps; let it do less, or several runs do it."
        elif history.characters > LARGEST_RUN:
            size = LARGEST_RUN // 1024 // 1024
            said = f"The steps put out more than {size} MiB; let them put out less, or several runs do it."
        else:
            return False
        self._halt(Halt(said, line=history.root))
        return True

    def _first(self, line: Line, step: CompiledStep, path: str) -> bool:
        match step.type:
            case "gate":
                return self._gate(line, step, path)
            case "stop":
                return self._stop(line, step, path)
        return self._ask(line, step, path, 1)

    def _gate(self, line: Line, step: CompiledStep, path: str) -> bool:
        holds = step.condition is None or step.condition.holds(line.frame.trigger, line.frame.names)
        if not holds and step.otherwise.then is Then.FAIL:
            entry = self._write(path, EntryState.FAILED, error="The gate's condition does not hold.")
        else:
            entry = self._write(path, EntryState.DONE, "true" if holds else "false")
        return self._stored(line, step, entry, holds)

    def _stop(self, line: Line, step: CompiledStep, path: str) -> bool:
        try:
            message = step.fill_one("message", line.frame.scope())
        except MappingFailed as failed:
            entry = self._write(path, EntryState.FAILED, error=failed.message)
        else:
            entry = self._write(path, EntryState.DONE, dump_json(message))
        return self._stored(line, step, entry, MISSING, kept=False)

    # What is stored of a step.

    def _stored(
        self, line: Line, step: CompiledStep, entry: Entry, output: Value, *, kept: bool = True
    ) -> bool:
        match entry.state:
            case EntryState.SKIPPED:
                self._pass_by(line, step, entry)
                return True
            case EntryState.DONE:
                self._done(line, step, entry, output, kept=kept)
                return True
            case EntryState.WAITING:
                return self._waiting(line, step, entry)
            case EntryState.STARTED:
                return self._begun(line, step, entry)
            case EntryState.UNKNOWN:
                return self._unknown(line, step, entry)
        if entry.due_at and entry.attempt < MOST_TRIES:
            return self._again(line, step, entry)
        self._failed(line, step, entry)
        return True

    def _pass_by(self, line: Line, step: CompiledStep, entry: Entry) -> None:
        if step.step.enabled:
            line.at += 1
        else:
            self._follow(line, step.step.when_disabled, f"{step.name}: {entry.error}")

    def _done(self, line: Line, step: CompiledStep, entry: Entry, output: Value, *, kept: bool) -> None:
        value = read_output(entry.output) if output is MISSING else output
        self._put_out(line, step, entry.output, value)
        match step.type:
            case "gate" if value is False:
                self._follow(line, step.otherwise, "")
                return
            case "stop":
                failed = step.static.get("as") == "failure"
                said = str(value) if value else "The step says that the run has failed."
                self._halt(Halt(f"{step.name}: {said}" if failed else None, value, line, kept))
                line.end()
                return
        line.at += 1

    def _put_out(self, line: Line, step: CompiledStep, text: str, value: JSON) -> None:
        frame = line.frame
        if step.type == "set" and isinstance(value, dict):
            frame.set_vars(value)
        if step.type == "respond":
            frame.answer = text
        if step.output:
            frame.add(step.name, {step.output: value})
            frame.last = text

    def _failed(self, line: Line, step: CompiledStep, entry: Entry, output: JSON = None) -> None:
        """`output`: what it put out all the same, where that is at hand."""
        rule = step.step.on_failure
        if rule.then is not Then.FAIL:
            value: dict[str, JSON] = {ERROR: entry.error}
            if step.output and entry.output:
                value[step.output] = read_output(entry.output) if output is None else output
            line.frame.add(step.name, value)
        self._follow(line, rule, f"{step.name}: {entry.error}")

    def _follow(self, line: Line, rule: Rule, error: str) -> None:
        match rule.then:
            case Then.CONTINUE:
                line.at += 1
            case Then.GO_TO:
                line.at += 1
                line.goal = rule.step
            case Then.SUCCEED:
                line.quits = True
                line.end()
            case Then.FAIL:
                line.error = error
                line.end()

    def _waiting(self, line: Line, step: CompiledStep, entry: Entry) -> bool:
        place = signal_path(entry.path, entry.attempt)
        signal = self._history.signals.get(place)
        if signal is not None and place not in self._history.used:
            self._history.used.add(place)
        elif not entry.due_at or entry.due_at > self._now:
            self._history.stand(entry.path, Open(line, step, entry))
            return False
        else:
            signal = None
        return self._tell(
            line, Command(Act.RESUME, entry.path, entry.attempt, step, line.frame.scope(), entry, signal)
        )

    def _begun(self, line: Line, step: CompiledStep, entry: Entry) -> bool:
        if entry.due_at > self._now:
            self._history.stand(entry.path, Open(line, step, entry))
            return False
        return self._tell(
            line, Command(Act.LOOK_UP, entry.path, entry.attempt, step, line.frame.scope(), entry)
        )

    def _unknown(self, line: Line, step: CompiledStep, entry: Entry) -> bool:
        signal = self._history.signals.get(signal_path(entry.path, entry.attempt))
        if signal is not None:
            return self._resolved(line, step, entry, read_output(signal.payload))
        rule = step.step.when_unknown
        if rule is WhenUnknown.ASK:
            self._history.stand(entry.path, Open(line, step, entry))
            self._history.unknown.add(entry.path)
            return False
        fault = Fault.UNKNOWN.value
        if rule is WhenUnknown.REPEAT and entry.attempt < MOST_REPEATS:
            pause = pause_after(step.step.retry, entry.attempt, 0.5)
            due = self._now + int(pause * SECOND) + 1
            change = structs.replace(entry, state=EntryState.FAILED, fault=fault, due_at=due)
        else:
            change = structs.replace(entry, state=EntryState.FAILED, fault=fault, due_at=0)
        return self._changed(line, step, change)

    def _resolved(self, line: Line, step: CompiledStep, entry: Entry, said: JSON) -> bool:
        answer = said if isinstance(said, dict) else {}
        if step.spec.goes_on:
            told = dump_json({"happened": answer.get("happened") is True})
            change = structs.replace(entry, state=EntryState.FAILED, output=told, due_at=self._now)
        elif answer.get("happened") is True:
            output = dump_json(answer.get("output"))
            change = structs.replace(
                entry, state=EntryState.DONE, output=output, error="", fault="", due_at=0
            )
        else:
            change = structs.replace(
                entry, state=EntryState.FAILED, error=NOT_DONE, fault=Fault.UNKNOWN.value, due_at=self._now
            )
        return self._changed(line, step, change)

    def _changed(self, line: Line, step: CompiledStep, entry: Entry) -> bool:
        entry = structs.replace(entry, ended_at=self._now)
        self._history.wrote(entry, anew=False)
        self._decision.entries.append(entry)
        return self._stored(line, step, entry, MISSING)

    def _again(self, line: Line, step: CompiledStep, entry: Entry) -> bool:
        if entry.due_at > self._now:
            self._history.stand(entry.path, Open(line, step, entry))
            return False
        before = entry if step.spec.goes_on else None
        return self._ask(line, step, entry.path, entry.attempt + 1, before)

    def _ask(
        self, line: Line, step: CompiledStep, path: str, attempt: int, before: Entry | None = None
    ) -> bool:
        return self._tell(line, Command(Act.BEGIN, path, attempt, step, line.frame.scope(), before))

    def _tell(self, line: Line, command: Command) -> bool:
        place = Open(line, command.step, command.entry, command.attempt, self._now)
        self._history.stand(command.path, place)
        self._decision.commands.append(command)
        return False

    # Blocks.

    def _open(self, line: Line, step: CompiledStep, path: str) -> bool:
        try:
            block = self._made(line, step, path, line.frame.scope())
        except MappingFailed as failed:
            return self._closed(Block(step, path, line, error=failed.message))
        return self._block(block, line)

    def _made(self, line: Line, step: CompiledStep, path: str, scope: RunScope) -> Block:
        match step.type:
            case "if":
                holds = step.condition is None or step.condition.holds(line.frame.trigger, line.frame.names)
                return _choice(step, path, line, "then" if holds else "else")
            case "switch":
                worth = worth_of(step.fill_one("value", scope))
                ways = (name for value, name in step.cases if worth is not None and worth_of(value) == worth)
                return _choice(step, path, line, next(ways, "default"))
            case "for_each":
                return self._turns(line, step, path, step.fill_one("items", scope))
        return Branches(step, path, line, prefixes=tuple(in_block(path, name) for name in step.blocks))

    def _turns(self, line: Line, step: CompiledStep, path: str, items: JSON) -> Turns:
        if not isinstance(items, list):
            raise MappingFailed("items", f"must be a list, but is {kind_of(items)}.")
        most = step.static.get("most")
        if isinstance(most, int) and len(items) > most:
            raise MappingFailed(
                "items", f"has {len(items):,} elements, but at most {most:,} are allowed; shorten the list."
            )
        at_once = step.static.get("at_once")
        return Turns(
            step,
            path,
            line,
            items=items,
            at_once=at_once if isinstance(at_once, int) else 1,
            allowed=step.failures,
            seen=self._history.seen.get(path, -1),
        )

    def _block(self, block: Block, line: Line | None = None) -> bool:
        """Begin its next lines, or, where it is over, close it; whether `line` goes on at once."""
        if self._begin(block, anew=False) or not block.is_over:
            self._blocks.append(block)
            return False
        self._closed(block)
        if line is None:
            self._history.ready.append(block.line)
        return True

    def _begin(self, block: Block, *, anew: bool) -> bool:
        begun = block.lines(anew=anew)
        self._history.ready.extend(reversed(begun))
        return bool(begun)

    def _closed(self, block: Block) -> bool:
        line, step, path = block.line, block.step, block.path
        results = block.results() if isinstance(block, Turns) else None
        found = self._history.take(path)
        if found is not None:
            entry = found[0]
        else:
            text = _written(block, results)
            state = EntryState.DONE if block.error is None else EntryState.FAILED
            entry = self._write(path, state, text, block.error or "")
        known: JSON = None if results is None else {**results, "last": _last_steps(block)}
        if entry.state is EntryState.FAILED:
            self._failed(line, step, entry, known)
            return True
        if results is not None:
            self._put_out(line, step, entry.output, known)
        line.at += 1
        if block.quits:
            line.quits = True
            line.end()
        return True

    def _halt(self, halt: Halt) -> None:
        before = self._history.halt
        if before is None or (halt.kept and not before.kept):
            self._history.halt = halt

    def _write(self, path: str, state: EntryState, output: str = "", error: str = "") -> Entry:
        entry = Entry(path, state, started_at=self._now, ended_at=self._now, output=output, error=error)
        self._history.wrote(entry, anew=True)
        self._decision.entries.append(entry)
        return entry


def _choice(step: CompiledStep, path: str, line: Line, way: str) -> Choice:
    return Choice(step, path, line, way=way, prefix=in_block(path, way))


def _last_steps(block: Block) -> dict[str, JSON]:
    """What the steps of a loop's last turn put out, by name."""
    return block.last.frame.added if isinstance(block, Turns) and block.last is not None else {}


def _written(block: Block, results: JSON) -> str:
    if isinstance(block, Choice):
        return dump_json(block.way)
    return "" if results is None else dump_json(results)
