"""Activities and panel records: in the built-in records within the run's own transaction, elsewhere by a call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, runtime_checkable

from hookstation.core.records import (
    ACTIVITY,
    Effect,
    EffectResult,
    EffectVerdict,
    EntitySpec,
    Operation,
    Record,
)
from hookstation.core.values import JSON, Scalar
from hookstation.engine.settlements import REFUSALS
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.fitting import Fitting, Place
from hookstation.engine.workflows.steps.reading import mapping, needed, text, whole
from hookstation.engine.workflows.tasks import Done, Failed, Here, Outside, Task, Way
from hookstation.errors import Terminal
from hookstation.ports.connector import RemoteConnector
from hookstation.ports.store import RecordsDatabase

MOST_FOUND: Final = 10_000
"""Records that one look finds."""

OPERATIONS: Final[Mapping[str, tuple[Operation, str]]] = {
    f"{operation.value}_{what}": (operation, what)
    for operation in Operation
    for what in ("activity", "panel")
}
NOTHING_TO_DELETE: Final = "{entity}: no row matches, so there is nothing to delete."
FINDS: Final = ("find_activities", "find_panels")


@runtime_checkable
class Finding(Protocol):
    """A target that can be asked for records."""

    async def find(
        self, spec: EntitySpec, match: Mapping[str, Scalar], limit: int
    ) -> Sequence[Mapping[str, JSON]]:
        """Records whose fields have these values. Raises as `RemoteConnector.execute`."""
        ...


class WriteRecord:
    """Inserts, updates, upserts or deletes one record."""

    def __init__(self, operation: Operation, what: str, targets: Targets, fitting: Fitting) -> None:
        self._operation, self._what, self._targets, self._fitting = operation, what, targets, fitting

    def begin(self, task: Task) -> Way:
        """An effect where the target is our own database, else a call."""
        settings = task.settings
        place = place_of(self._fitting, settings, self._what)
        if self._operation is not Operation.INSERT and not settings.get("match"):
            raise Terminal("“match” is empty: it says by which fields the record is found.")
        fields = {} if self._operation is Operation.DELETE else mapping(settings, "fields")
        match = {} if self._operation is Operation.INSERT else mapping(settings, "match")
        record = self._fitting.record(place, self._operation, fields, match, task.run.created_at)
        if self._targets.local(place.connection) is not None:
            return _here(place, record)
        remote = self._targets.remote(place.connection)
        if remote is None:
            raise Terminal(f"The connection “{place.connection}” holds no activities and no panels.")
        if self._operation not in remote.operations and self._what == "panel":
            raise Terminal(
                f"The connection “{place.connection}” cannot {self._operation.value} panel records."
            )
        return self._call(task, place, record, remote)

    def _call(self, task: Task, place: Place, record: Record, remote: RemoteConnector) -> Outside:
        spec = place.spec
        marker = next((name for name, value in record.fields.items() if value == task.marker), "")

        async def call() -> Done:
            written = await remote.execute(record, spec)
            return done(record, written.key, inserted=written.inserted)

        return Outside(
            call,
            look_up=(lambda: remote.look_up(record, spec, marker)) if marker else None,
            settle_after=remote.settle_after,
            found=lambda key: done(record, key, inserted=record.operation is Operation.INSERT),
            connection=place.connection,
        )


class FindRecords:
    """Finds records by the values of their fields."""

    def __init__(self, what: str, targets: Targets, fitting: Fitting, store: RecordsDatabase) -> None:
        self._what, self._targets, self._fitting, self._store = what, targets, fitting, store

    def begin(self, task: Task) -> Way:
        """A look into our database, or into the target's."""
        settings = task.settings
        place = place_of(self._fitting, settings, self._what)
        match = self._fitting.values(place, mapping(settings, "match"))
        limit = min(whole(settings, "limit", MOST_FOUND) or MOST_FOUND, MOST_FOUND)
        target = self._targets.connectors[place.connection]

        async def look_here() -> Done:
            found = await self._store.find_records(place.spec.name, match, limit)
            return Done([{"key": one.key, **one.fields} for one in found])

        if self._targets.local(place.connection) is not None:
            return Outside(look_here, reads=True)
        if not isinstance(target, Finding):
            raise Terminal(f"Records of the connection “{place.connection}” cannot be looked for.")

        async def look_there() -> Done:
            return Done([dict(row) for row in await target.find(place.spec, match, limit)])

        return Outside(look_there, reads=True, connection=place.connection)


def place_of(fitting: Fitting, settings: Mapping[str, JSON], what: str) -> Place:
    """The entity that a step names."""
    entity = ACTIVITY if what == "activity" else needed(settings, "panel")
    return fitting.place(text(settings, "connection", "records"), entity)


def done(record: Record, key: str, *, inserted: bool) -> Done:
    """A record that stands."""
    return Done({"connection": record.connection, "entity": record.entity, "key": key, "inserted": inserted})


def _found_none_to_delete(record: Record, result: EffectResult) -> bool:
    return record.operation is Operation.DELETE and result.verdict is EffectVerdict.NONE_FOUND


def _here(place: Place, record: Record) -> Here:
    def end(result: EffectResult | None) -> Done | Failed:
        assert result is not None
        if result.verdict is EffectVerdict.WRITTEN:
            return done(record, result.key, inserted=result.inserted)
        told = NOTHING_TO_DELETE if _found_none_to_delete(record, result) else REFUSALS[result.verdict]
        return Failed(told.format(entity=record.entity), "refused")

    return Here(end, Effect(place.spec, record.operation, record.fields, record.match))
