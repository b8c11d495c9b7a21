"""What every connector has to keep, as tests.

A connector's test file subclasses `ConnectorSuite` (or `RemoteSuite`, for a target that is called) and gives a
``bench`` fixture: the connector, and a target with people, an activity entity and one panel behind it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from zoneinfo import ZoneInfo

from hookstation.core.records import ACTIVITY, EntitySpec, Operation, Parent, Record
from hookstation.core.values import Scalar
from hookstation.errors import ActionFailed, HookstationError, NotFound, Terminal
from hookstation.ports.connector import Connector, LookUpVerdict, RemoteConnector, Written

AWKWARD: Final = ("A|B", "|", "C|", "a:b", "a&b=c d+%", "~A|1", "ä ß")
"""Values that a search by address may read as something else."""

AnyConnector = TypeVar("AnyConnector", bound=Connector)


@dataclass(frozen=True, slots=True)
class Bench(Generic[AnyConnector]):
    """A connector and what stands behind it.

    `panel` hangs on a person, has many rows, a text field `code` that may be matched on and a text field `grade`;
    `person` is somebody's id.  `rows` gives what stands in an entity; only a target that is called needs it.
    """

    connector: AnyConnector
    panel: str
    code: str
    grade: str
    person: str
    rows: Callable[[str], Sequence[Mapping[str, object]]] = lambda _: ()

    async def spec(self, entity: str) -> EntitySpec:
        """The entity's field list, fresh."""
        return await self.connector.describe(entity)


async def refusal(call: Awaitable[object]) -> HookstationError:
    """The error that the call ends with; it is a failure of the test where it ends well."""
    try:
        ended = await call
    except HookstationError as error:
        return error
    raise AssertionError(f"it should have been refused, but ended with {ended!r}")


class ConnectorSuite(Generic[AnyConnector]):
    """For every target."""

    async def test_an_activity_needs_a_person_and_a_type(self, bench: Bench[AnyConnector]) -> None:
        """The description of the activity has both as required, mappable fields under their canonical names."""
        for spec in (await bench.spec(ACTIVITY), bench.connector.presumed(ACTIVITY)):
            for name in ("ID", "ACTIVITY_TYPE"):
                assert spec.fields[name].required
                assert not spec.fields[name].read_only
            assert spec.party_field == "ID"

    async def test_a_panel_is_described_with_its_fields(self, bench: Bench[AnyConnector]) -> None:
        """A panel's description knows its person, its fields and that they may be mapped."""
        spec = await bench.spec(bench.panel)
        assert spec.name == bench.panel
        assert spec.parent is Parent.PARTY
        assert spec.party_field in spec.fields
        assert not spec.open
        assert not spec.fields[bench.code].read_only

    async def test_an_entity_that_is_not_there_is_not_found(self, bench: Bench[AnyConnector]) -> None:
        """Asking for an unknown entity says so, in one way for all targets."""
        assert isinstance(await refusal(bench.connector.describe("No_Such_Panel")), NotFound)

    async def test_it_says_what_it_is(self, bench: Bench[AnyConnector]) -> None:
        """Name, zone, operations and the check are there for a person to read."""
        connector = bench.connector
        assert connector.name
        assert ZoneInfo(connector.zone)
        assert connector.operations
        assert (await connector.check()).endswith(".")

    async def test_it_can_be_closed_twice(self, bench: Bench[AnyConnector]) -> None:
        """Closing is safe to repeat."""
        await bench.connector.close()
        await bench.connector.close()


class RemoteSuite(ConnectorSuite[RemoteConnector]):
    """For a target that is called."""

    async def test_an_inserted_activity_stands_there_once(self, bench: Bench[RemoteConnector]) -> None:
        """An activity that was written is there, and its key is given."""
        written = await bench.connector.execute(_activity(bench, UF_1="one"), await bench.spec(ACTIVITY))
        assert written.key
        assert written.inserted
        assert [row["UF_1"] for row in bench.rows(ACTIVITY)] == ["one"]

    async def test_two_inserts_have_two_keys(self, bench: Bench[RemoteConnector]) -> None:
        """Keys tell records apart."""
        first = await _write(bench, Operation.INSERT, {bench.code: "A"})
        second = await _write(bench, Operation.INSERT, {bench.code: "A"})
        assert first.key != second.key

    async def test_an_update_changes_the_one_match_and_nothing_else(
        self, bench: Bench[RemoteConnector]
    ) -> None:
        """Fields that the record does not name keep their values, and other rows are not touched."""
        await _write(bench, Operation.INSERT, {bench.code: "A", bench.grade: "old"})
        other = await _write(bench, Operation.INSERT, {bench.code: "B", bench.grade: "old"})
        written = await _write(bench, Operation.UPDATE, {bench.grade: "new"}, match={bench.code: "A"})
        assert not written.inserted
        assert written.key != other.key
        assert [(row[bench.code], row[bench.grade]) for row in bench.rows(bench.panel)] == [
            ("A", "new"),
            ("B", "old"),
        ]

    async def test_an_update_without_a_match_or_with_several_is_refused(
        self, bench: Bench[RemoteConnector]
    ) -> None:
        """None and several are terminal, each with a message that names the fields matched on."""
        update = {bench.grade: "new"}
        none = await refusal(_write(bench, Operation.UPDATE, update, match={bench.code: "A"}))
        await _write(bench, Operation.INSERT, {bench.code: "A"})
        await _write(bench, Operation.INSERT, {bench.code: "A"})
        several = await refusal(_write(bench, Operation.UPDATE, update, match={bench.code: "A"}))
        for error in (none, several):
            assert isinstance(error, Terminal)
            assert bench.code in error.message

    async def test_an_upsert_adds_once_and_changes_after(self, bench: Bench[RemoteConnector]) -> None:
        """The second upsert of a match changes the row of the first."""
        match = {"ID": bench.person, bench.code: "A"}
        first = await _write(bench, Operation.UPSERT, {bench.grade: "one"}, match=match)
        second = await _write(bench, Operation.UPSERT, {bench.grade: "two"}, match=match)
        assert (first.inserted, second.inserted) == (True, False)
        assert first.key == second.key
        assert [row[bench.grade] for row in bench.rows(bench.panel)] == ["two"]

    async def test_an_upsert_finds_its_row_again_whatever_its_match_holds(
        self, bench: Bench[RemoteConnector]
    ) -> None:
        """Characters that mean something to the target's search are a value like any other, and match no other row."""
        for other in ("A", "B", "b", "C"):
            await _write(bench, Operation.INSERT, {bench.code: other, bench.grade: "other"})
        for code in AWKWARD:
            match = {"ID": bench.person, bench.code: code}
            first = await _write(bench, Operation.UPSERT, {bench.grade: "one"}, match=match)
            second = await _write(bench, Operation.UPSERT, {bench.grade: "two"}, match=match)
            assert (first.inserted, second.inserted) == (True, False)
            record = _panel(bench, Operation.UPSERT, {bench.grade: "two"}, match)
            found = await bench.connector.look_up(record, await bench.spec(bench.panel), "")
            assert list(found.keys) == [first.key] == [second.key]
        grades = [row[bench.grade] for row in bench.rows(bench.panel)]
        assert grades == ["other"] * 4 + ["two"] * len(AWKWARD)

    async def test_upserts_of_one_match_at_the_same_time_add_one_row(
        self, bench: Bench[RemoteConnector]
    ) -> None:
        """They run one after the other: the first adds, the others change; another spelling is the same match."""
        spellings = ["abc", "ABC", "Abc"] * 4
        writes = [
            _write(bench, Operation.UPSERT, {}, match={"ID": bench.person, bench.code: code})
            for code in spellings
        ]
        ended = await asyncio.gather(*writes)
        assert sum(each.inserted for each in ended) == 1
        assert len(bench.rows(bench.panel)) == 1

    async def test_a_record_without_its_person_is_refused(self, bench: Bench[RemoteConnector]) -> None:
        """Nothing is sent where the target could not know whose row it is."""
        spec = await bench.spec(bench.panel)
        record = Record(bench.connector.name, bench.panel, Operation.INSERT, {bench.code: "A"})
        assert isinstance(await refusal(bench.connector.execute(record, spec)), ActionFailed)
        assert not bench.rows(bench.panel)

    async def test_a_marker_finds_its_record_and_no_other(self, bench: Bench[RemoteConnector]) -> None:
        """With a marker the look-up is certain: its own record, or none."""
        spec = await bench.spec(ACTIVITY)
        mine, other = _activity(bench, UF_1="event-1"), _activity(bench, UF_1="event-2")
        written = await bench.connector.execute(mine, spec)
        found = await bench.connector.look_up(mine, spec, "UF_1")
        assert (found.verdict, list(found.keys)) == (LookUpVerdict.FOUND, [written.key])
        assert (await bench.connector.look_up(other, spec, "UF_1")).verdict is LookUpVerdict.NONE

    async def test_without_a_marker_all_that_look_alike_are_found(
        self, bench: Bench[RemoteConnector]
    ) -> None:
        """Person, type and date do not tell two equal activities apart, and the look-up does not pretend to."""
        spec, record = await bench.spec(ACTIVITY), _activity(bench)
        assert (await bench.connector.look_up(record, spec, "")).verdict is LookUpVerdict.NONE
        first = await bench.connector.execute(record, spec)
        found = await bench.connector.look_up(record, spec, "")
        assert (found.verdict, list(found.keys)) == (LookUpVerdict.FOUND, [first.key])
        second = await bench.connector.execute(record, spec)
        both = await bench.connector.look_up(record, spec, "")
        assert (both.verdict, sorted(both.keys)) == (LookUpVerdict.SEVERAL, sorted([first.key, second.key]))

    async def test_a_panel_row_is_found_by_all_that_was_written(self, bench: Bench[RemoteConnector]) -> None:
        """A row that differs in one field is another row."""
        spec = await bench.spec(bench.panel)
        record = _panel(bench, Operation.INSERT, {bench.code: "A", bench.grade: "one"})
        await _write(bench, Operation.INSERT, {bench.code: "A", bench.grade: "two"})
        assert (await bench.connector.look_up(record, spec, "")).verdict is LookUpVerdict.NONE
        written = await bench.connector.execute(record, spec)
        assert list((await bench.connector.look_up(record, spec, "")).keys) == [written.key]


def _activity(bench: Bench[RemoteConnector], **more: Scalar) -> Record:
    fields = {"ID": bench.person, "ACTIVITY_TYPE": "TEST", "TRANSACTION_DATE": "2026-11-22T09:30:00", **more}
    return Record(bench.connector.name, ACTIVITY, Operation.INSERT, fields)


def _panel(
    bench: Bench[RemoteConnector],
    operation: Operation,
    fields: Mapping[str, Scalar],
    match: Mapping[str, Scalar] | None = None,
) -> Record:
    whose = {} if operation is Operation.UPDATE else {"ID": bench.person}
    return Record(bench.connector.name, bench.panel, operation, {**whose, **fields}, match or {})


async def _write(
    bench: Bench[RemoteConnector],
    operation: Operation,
    fields: Mapping[str, Scalar],
    match: Mapping[str, Scalar] | None = None,
) -> Written:
    record = _panel(bench, operation, fields, match)
    return await bench.connector.execute(record, await bench.spec(bench.panel))
