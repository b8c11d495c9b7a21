"""One call for each row, whose answer may be written down in a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from msgspec import structs

from hookstation.core.definitions import Action
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.outgoing.trees import Make, compile_tree
from hookstation.core.records import (
    ACTIVITY,
    Effect,
    EffectVerdict,
    Operation,
    Record,
)
from hookstation.core.template import MISSING, Template
from hookstation.core.template.scope import text_of
from hookstation.core.transfers.definitions import HttpTarget
from hookstation.core.transfers.pipeline import digest_after
from hookstation.core.transfers.progress import Progress
from hookstation.core.values import JSON
from hookstation.core.workflows.scope import RunScope, compile_run_template
from hookstation.engine.settlements import REFUSALS
from hookstation.engine.targets import Targets
from hookstation.engine.transfers.outcalls import REPEATABLE, OutCalls
from hookstation.engine.transfers.taking import Job
from hookstation.engine.workflows.fitting import Fitting, Place
from hookstation.errors import ActionFailed, BodyRefused, Busy, MappingFailed, Terminal
from hookstation.ports.api import ApiAnswer
from hookstation.ports.rows import Row

KIND: Final = "application/json"
_NOT_KEPT: Final = "Row {number:,} was sent, but its answer could not be written down: {why}"
OTHER_ROWS: Final = (
    "The source gives other rows than before the break, so it is not known which of them have been sent. Look at the "
    "destination, then run the transfer anew."
)


class EachRow:
    """Calls row by row; how far it came is written after each one that cannot be repeated."""

    lags = False

    def __init__(
        self, job: Job, target: HttpTarget, calls: OutCalls, targets: Targets, fitting: Fitting
    ) -> None:
        self._job, self._target, self._calls = job, target, calls
        self._place = compile_run_template(target.path if target.connection else target.url)
        self._headers = {name: compile_run_template(one) for name, one in target.headers.items()}
        self._body: Make | None = None
        if target.body is not None:
            self._body = compile_tree(target.body, compile_run_template)
        self._then = None if target.then is None else _Then(job, target.then, targets, fitting)
        self._repeatable = target.method in REPEATABLE and self._then is None

    async def begin(self, progress: Progress) -> Progress:
        """Behind the last row that was sent."""
        return progress

    async def take(self, rows: Sequence[Row], before: Progress, after: Progress) -> Progress:
        """A call for each row that has not been sent."""
        _check(rows, before)
        of, at, told = self._job.scope.rows(), before, False
        for index in range(before.within, len(rows)):
            moved = _behind(at, rows[index])
            if not self._repeatable and not told:
                await self._job.tell(structs.replace(moved, back=at), None)
            row = dict(rows[index])
            scope = of(row, before.read + index)
            size, answer = await self._call(row, scope, moved.rows)
            at = structs.replace(moved, bytes=at.bytes + size)
            told = await self._written(at, rows[index + 1 : index + 2], scope, answer)
        return structs.replace(
            after, rows=at.rows, chunks=before.chunks + 1, bytes=at.bytes, within=0, sent=""
        )

    async def keep(self, progress: Progress) -> Progress:
        """The calls were made already."""
        return progress

    async def end(self, progress: Progress) -> Progress:
        """Every call was made already."""
        return progress

    async def leave(self) -> None:
        """Nothing is open."""

    async def give_up(self, progress: Progress) -> None:
        """What was taken over there stays."""

    async def _written(
        self, at: Progress, following: Sequence[Row], scope: RunScope, answer: ApiAnswer
    ) -> bool:
        """Keep that the row has been sent, and what its answer says; whether the next call is announced with it."""
        if self._repeatable:
            return False
        said = structs.replace(_behind(at, following[0]), back=at) if following else at
        if self._then is not None:
            await self._then.write(scope, answer, at, said)
        elif following:
            await self._job.tell(said, None)
        return bool(following)

    async def _call(self, row: dict[str, JSON], scope: RunScope, number: int) -> tuple[int, ApiAnswer]:
        place = _text(self._place, scope)
        headers = {name: _text(one, scope) for name, one in self._headers.items()}
        headers = {"Idempotency-Key": f"{self._job.run.id}-{number}", **headers}
        content: JSON = row
        if self._body is not None:
            made = self._body(scope)
            content = None if made is MISSING else made
        body = dump_json(content).encode()
        try:
            return len(body), await self._calls.call(self._target, place, headers, body, KIND)
        except ActionFailed as failed:
            raise _at_row(failed, number) from failed


def _behind(at: Progress, row: Row) -> Progress:
    """Where one stands when this row too has been sent."""
    return structs.replace(at, within=at.within + 1, rows=at.rows + 1, sent=digest_after(at.sent, (row,)))


def _check(rows: Sequence[Row], before: Progress) -> None:
    """Raises `Terminal` where the rows of the chunk that have been sent are not the same any more."""
    sent = ""
    for row in rows[: before.within]:
        sent = digest_after(sent, (row,))
    if sent != before.sent or len(rows) < before.within:
        raise Terminal(OTHER_ROWS)


@dataclass(frozen=True, slots=True)
class _Wanted:
    place: Place
    record: Record


class _Then:
    """What is written after each call."""

    def __init__(self, job: Job, action: Action, targets: Targets, fitting: Fitting) -> None:
        self._job, self._action, self._targets, self._fitting = job, action, targets, fitting
        self._fields = compile_tree(dict(action.fields), compile_run_template)
        self._match = compile_tree(dict(action.match), compile_run_template)
        self._operation = Operation(action.type.partition("_")[0])

    async def write(self, scope: RunScope, answer: ApiAnswer, at: Progress, said: Progress) -> None:
        """Write the record and keep `said`: at once where the record is ours, else after the record stands."""
        wanted = self._wanted(scope, answer, at)
        record, spec = wanted.record, wanted.place.spec
        if self._targets.local(wanted.place.connection) is not None:
            effect = Effect(spec, record.operation, record.fields, record.match)
            result = await self._job.tell(said, effect)
            if result is not None and result.verdict is not EffectVerdict.WRITTEN:
                why = REFUSALS[result.verdict].format(entity=record.entity)
                raise Terminal(_NOT_KEPT.format(number=at.rows, why=why))
            return
        remote = self._targets.remote(wanted.place.connection)
        if remote is None:
            raise Terminal(f"The connection “{wanted.place.connection}” holds no activities and no panels.")
        try:
            await remote.execute(record, spec)
        except ActionFailed as failed:  # to try it again would send the row again
            raise Terminal(
                _NOT_KEPT.format(number=at.rows, why=failed.message), detail=failed.detail
            ) from failed
        await self._job.tell(said, None)

    def _wanted(self, scope: RunScope, answer: ApiAnswer, at: Progress) -> _Wanted:
        headers: dict[str, JSON] = dict(answer.headers)
        told: JSON = {"status": answer.status, "headers": headers, "body": _read(answer.body)}
        knowing = RunScope({**scope.names, "answer": told}, scope.behind, scope.received_at)
        entity = self._action.panel or ACTIVITY
        place = self._fitting.place(self._action.connection, entity)
        try:
            record = self._fitting.record(
                place,
                self._operation,
                _object(self._fields, knowing),
                _object(self._match, knowing),
                self._job.run.created_at,
            )
        except MappingFailed as failed:
            raise Terminal(_NOT_KEPT.format(number=at.rows, why=failed.message)) from failed
        return _Wanted(place, record)


def _object(make: Make, scope: RunScope) -> dict[str, JSON]:
    made = make(scope)
    return made if isinstance(made, dict) else {}


def _read(body: bytes) -> JSON:
    if not body.strip():
        return None
    try:
        return parse_json(body).value
    except BodyRefused:
        return body.decode(errors="replace")


def _text(template: Template, scope: RunScope) -> str:
    return text_of(template.evaluate(scope))


def _at_row(failed: ActionFailed, number: int) -> ActionFailed:
    """The same failure, naming the row."""
    said = f"Row {number:,}: {failed.message}"
    if isinstance(failed, Busy):
        return Busy(said, detail=failed.detail, seconds=failed.seconds)
    return type(failed)(said, detail=failed.detail)
