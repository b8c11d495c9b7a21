"""Each group of steps against something real: an HTTP server, a SQLite file, a folder, the built-in records."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import apsw
import pytest

from hookstation.adapters.clock import SystemClock
from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import CATALOGUE, build_connector
from hookstation.connectors.outside import Outside
from hookstation.core.documents.connection import decode_connection
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Run, RunState
from hookstation.engine.workflows.steps.answers import checked
from hookstation.errors import Busy, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiAnswer, ApiCall
from hookstation.ports.connector import Connector
from hookstation.testing.connector import ScriptedConnector
from tests.support.receiver import CUT, Answer, Receiver
from tests.support.running import Bench, bench, insert, output, step, workflow

ANN: JSON = {"ID": "1", "Name": "Ann"}
ROWS: JSON = [ANN, {"ID": "2", "Name": "Bob"}]


@dataclass
class World:
    """Systems outside, real ones on this machine."""

    receiver: Receiver
    folder: Path
    connectors: dict[str, Connector] = field(default_factory=dict)

    async def run(self, *steps: dict[str, Any], input_: JSON = None) -> tuple[Run, dict[str, JSON]]:
        """A run of these steps, and what each put out."""
        async with bench(workflow(*steps), connectors=self.connectors) as made:
            run = await made.run("w", input_)
            return run, {path: output(one) for path, one in (await made.entries(run.id)).items()}


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    database = tmp_path / "crm.db"
    opened = apsw.Connection(str(database))
    opened.execute("CREATE TABLE members (ID TEXT PRIMARY KEY, Name TEXT, Age INTEGER)")
    opened.close()
    sender, http = HttpSender(), GuardedHttpClient()
    outside = Outside(http, SystemClock(), sender, (tmp_path,))
    async with Receiver() as receiver:
        made = World(receiver, tmp_path)
        documents: tuple[JSON, ...] = (
            {"name": "crm", "type": "sql", "engine": "sqlite", "file": str(database)},
            {"name": "drop", "type": "folder", "path": str(tmp_path)},
            {"name": "api", "type": "http", "url": receiver.url, "networks": ["127.0.0.0/8"]},
        )
        for document in documents:
            decoded, problems = decode_connection(document, CATALOGUE, PersonSecrets())
            assert decoded is not None, problems
            made.connectors[decoded.name] = build_connector(decoded, outside)
        yield made
        for connector in made.connectors.values():
            await connector.close()
    await sender.close()
    await http.close()


def said(document: JSON, status: int = 200) -> Answer:
    """An answer in JSON."""
    return Answer(status, (("Content-Type", "application/json"),), json.dumps(document).encode())


class TestData:
    async def test_columns_are_chosen_renamed_made_and_constants_added(self, world: World) -> None:
        columns = [
            {"name": "member", "from": "ID"},
            {"name": "label", "value": "$$Name$$ ($$index$$)"},
            {"name": "Name"},
        ]
        made = step(
            "pick", "select", rows="$$trigger$$", columns=columns, constants={"source": "$$run.workflow$$"}
        )
        _, found = await world.run(made, input_=ROWS)
        assert [
            {"member": "1", "label": "Ann (0)", "Name": "Ann", "source": "w"},
            {"member": "2", "label": "Bob (1)", "Name": "Bob", "source": "w"},
        ] == found["pick"]

    async def test_rows_become_text_and_text_rows(self, world: World) -> None:
        write = step("write", "convert", data="$$trigger$$", to="csv", options={"line_end": "lf"})
        read = step("read", "convert", text="$$steps.write.text$$", **{"from": "csv"})
        _, found = await world.run(write, read, input_=ROWS)
        assert ("ID,Name\n1,Ann\n2,Bob\n", ROWS) == (found["write"], found["read"])

    async def test_records_that_were_found_become_lines_whatever_optional_fields_each_has(
        self, file: Path | None
    ) -> None:
        fields = {"ID": "$$item.id$$", "Course": "$$item.course$$", "Note": "$$item.note$$"}
        one = step("one", "insert_panel", connection="records", panel="Courses", fields=fields)
        loop = {**step("each", "for_each", items="$$trigger$$"), "steps": [one]}
        find = step("find", "find_panels", connection="records", panel="Courses", match={"Course": "A"})
        write = step("write", "convert", data="$$steps.find.records$$", to="csv", options={"line_end": "lf"})
        async with bench(workflow(loop, find, write), file=file) as made:
            given: JSON = [{"id": "1", "course": "A"}, {"id": "2", "course": "A", "note": "late"}]
            run = await made.run("w", given)
            assert RunState.SUCCEEDED is run.state, run.error
            [head, *lines] = str(output((await made.entries(run.id))["write"])).splitlines()
            place = head.split(",").index("Note")
            assert ["", "late"] == sorted(line.split(",")[place] for line in lines)

    async def test_only_what_changed_since_the_last_run_that_succeeded_comes_out(
        self, file: Path | None
    ) -> None:
        steps = (
            step("new", "delta", rows="$$trigger.rows$$", key=["ID"]),
            step("gate", "gate", condition="trigger.good == true"),
        )
        async with bench(workflow(*steps), file=file) as made:

            async def new(rows: JSON, *, good: bool = True) -> JSON:
                run = await made.run("w", {"rows": rows, "good": good})
                return output((await made.entries(run.id))["new"])

            assert ROWS == await new(ROWS, good=False)
            assert ROWS == await new(ROWS)
            assert [] == await new(ROWS)
            changed: JSON = [ANN, {"ID": "2", "Name": "Bobby"}]
            assert [{"ID": "2", "Name": "Bobby"}] == await new(changed)

    async def test_a_wrong_kind_of_setting_is_refused_in_words(self, world: World) -> None:
        run, _ = await world.run(
            step("pick", "select", rows="$$trigger$$", constants={"a": "b"}), input_={"a": 1}
        )
        assert "pick: “rows” is an object, and has to be an array." == run.error


class TestRecords:
    async def test_records_are_upserted_found_and_deleted_here(self, file: Path | None) -> None:
        common = {"connection": "records", "panel": "Courses"}
        steps = (
            step("put", "upsert_panel", **common, match={"ID": "$$trigger$$"}, fields={"Course": "B"}),
            step("look", "find_panels", **common, match={"ID": "$$trigger$$"}),
            step("drop", "delete_panel", **common, match={"ID": "$$trigger$$"}),
            step("gone", "find_panels", **common, match={"ID": "$$trigger$$"}),
        )
        keep = step("keep", "set", values={"course": "A"})
        first = workflow(keep, insert(), name="first")
        async with bench(first, workflow(*steps), file=file) as made:
            await made.run("first", {"id": "7"})
            run = await made.run("w", "7")
            assert RunState.SUCCEEDED is run.state, run.error
            entries = await made.entries(run.id)
            put, look = output(entries["put"]), output(entries["look"])
            assert isinstance(put, dict)
            assert isinstance(look, list)
            assert (False, [("7", "B")]) == (
                put["inserted"],
                [(one["ID"], one["Course"]) for one in look if isinstance(one, dict)],
            )
            assert [] == output(entries["gone"])

    async def test_a_value_that_does_not_fit_its_field_fails_the_step(self, file: Path | None) -> None:
        keep = step("keep", "set", values={"course": "$$trigger.course$$"})
        async with bench(workflow(keep, insert()), file=file) as made:
            run = await made.run("w", {"id": "1", "course": "x" * 41})
            assert run.error.startswith("insert: Course: ")
            assert [] == await made.records()


class TestRows:
    async def test_rows_are_inserted_upserted_updated_and_read(self, world: World) -> None:
        common = {"connection": "crm", "table": "members"}
        _, found = await world.run(
            step("add", "sql_insert", **common, rows="$$trigger$$"),
            step("put", "sql_upsert", **common, match=["ID"], fields={"ID": "2", "Name": "Bo", "Age": 40}),
            step("change", "sql_update", **common, match=["ID"], rows=[{"ID": "1", "Age": 30}]),
            step(
                "read",
                "sql_select",
                **common,
                where={"Age": {">=": 30}},
                order=["-ID"],
                columns=["ID", "Name"],
            ),
            input_=ROWS,
        )
        assert (2, 1, 1) == (found["add"], found["put"], found["change"])
        assert [{"ID": "2", "Name": "Bo"}, {"ID": "1", "Name": "Ann"}] == found["read"]

    async def test_a_statement_reads_with_bound_values(self, world: World) -> None:
        asked = "select :who as who"
        made = step(
            "read", "sql_select", connection="crm", statement=asked, parameters={"who": "$$trigger$$"}
        )
        _, found = await world.run(made, input_="x'; drop table members")
        assert [{"who": "x'; drop table members"}] == found["read"]


class TestFiles:
    async def test_a_file_is_written_read_as_text_and_fetched_as_it_is(self, world: World) -> None:
        run, found = await world.run(
            step("put", "upload", connection="drop", path="out/a.csv", content="$$trigger$$"),
            step("text", "download", connection="drop", path="out/a.csv"),
            step("file", "download", connection="drop", path="out/a.csv", response="file"),
            step("copy", "upload", connection="drop", path="out/b.csv", file="$$steps.file.content$$"),
            input_="ID\n1\n",
        )
        assert RunState.SUCCEEDED is run.state, run.error
        assert "ID\n1\n" == found["text"] == (world.folder / "out" / "b.csv").read_text()

    async def test_a_file_that_is_not_there_is_told(self, world: World) -> None:
        run, _ = await world.run(step("get", "download", connection="drop", path="none.csv"))
        assert "none.csv" in run.error


class TestCalls:
    async def test_a_call_sends_json_and_puts_out_the_answer(self, world: World) -> None:
        world.receiver.plan(said({"id": "1042"}, 201))
        made = step(
            "call",
            "http_request",
            connection="api",
            path="/members/$$trigger.id$$",
            method="POST",
            query={"a": ["1", "2"]},
            headers={"X-Run": "$$run.workflow$$", "content-type": "application/vnd.api+json"},
            body={"id": "$$trigger.id$$"},
        )
        run, found = await world.run(made, input_={"id": "7"})
        assert RunState.SUCCEEDED is run.state, run.error
        [call] = world.receiver.calls
        assert ("POST", "/members/7?a=1&a=2", b'{"id":"7"}', "w", ["application/vnd.api+json"]) == (
            call.method,
            call.path,
            call.body,
            call.header("X-Run"),
            [value for name, value in call.headers if name.lower() == "content-type"],
        )
        answer = found["call"]
        assert isinstance(answer, dict)
        assert (201, {"id": "1042"}) == (answer["status"], answer["body"])

    async def test_what_a_call_was_refused_with_is_there_for_the_steps_after_it(self, world: World) -> None:
        world.receiver.plan(said({"code": "gone"}, 404))
        call = {**step("call", "http_request", connection="api", path="/m"), "on_failure": "continue"}
        known = step(
            "known",
            "set",
            values={"at": "$$steps.call.answer.status$$", "why": "$$steps.call.answer.body.code$$"},
        )
        run, found = await world.run(call, known)
        assert RunState.SUCCEEDED is run.state, run.error
        assert {"at": 404, "why": "gone"} == found["known"]

    async def test_an_answer_that_is_no_json_and_does_not_say_so_is_text(self, world: World) -> None:
        plain = (("Content-Type", "text/plain"),)
        world.receiver.plan(Answer(200, plain, b"ok"), said(None), Answer(200, (), b'{"id": 1}'))
        calls = (step(name, "http_request", connection="api", path="/m", method="POST") for name in "abc")
        run, found = await world.run(*calls)
        assert RunState.SUCCEEDED is run.state, run.error
        assert ["ok", None, {"id": 1}] == [one["body"] for one in found.values() if isinstance(one, dict)]

    async def test_a_call_that_is_cut_off_is_unknown_and_not_made_again(self, world: World) -> None:
        world.receiver.plan(CUT)
        made = step("call", "http_request", connection="api", path="/orders", method="POST", body={"a": 1})
        run, _ = await world.run(made)
        assert (RunState.UNKNOWN, 1) == (run.state, len(world.receiver.calls))

    async def test_a_look_that_is_cut_off_has_failed(self, world: World) -> None:
        world.receiver.plan(*[CUT] * 9)
        run, _ = await world.run(step("call", "http_request", connection="api", path="/orders"))
        assert RunState.FAILED is run.state

    async def test_all_pages_are_gathered(self, world: World) -> None:
        world.receiver.plan(said({"data": [1, 2], "next": "c1"}), said({"data": [3]}))
        pages = {"type": "cursor", "parameter": "after", "path": "next", "items": "data"}
        _, found = await world.run(step("call", "http_request", connection="api", path="/m", pages=pages))
        answer = found["call"]
        assert isinstance(answer, dict)
        assert [1, 2, 3] == answer["body"]
        assert ["/m", "/m?after=c1"] == [call.path for call in world.receiver.calls]

    async def test_without_a_connection_private_addresses_and_unlisted_hosts_are_not_called(
        self, world: World
    ) -> None:
        run, _ = await world.run(step("call", "http_request", url=f"{world.receiver.url}/x"))
        assert "call: The station may not call this address." in run.error
        listed = step("call", "http_request", url="http://$$trigger$$/x", hosts=["*.example.org"])
        run, _ = await world.run(listed, input_="example.com")
        assert "call: The host “example.com” is not on this step's list “hosts”." == run.error
        assert [] == list(world.receiver.calls)


@pytest.mark.parametrize(
    ("status", "method", "error"),
    [
        (401, "GET", NeedsAuth),
        (404, "GET", Terminal),
        (429, "POST", Busy),
        (500, "GET", Retriable),
        (302, "GET", Terminal),
        (422, "POST", Terminal),
        (500, "POST", UnknownOutcome),
        (500, "PUT", Retriable),
        (501, "POST", Terminal),
        (503, "POST", Busy),
        (504, "POST", UnknownOutcome),
        (504, "GET", Retriable),
    ],
)
def test_what_a_status_means(status: int, method: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(status)):
        checked(ApiAnswer(status, {"retry-after": "7"}, b"why"), method, 0)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("7", 7.0),
        ("Sun, 22 Nov 2026 12:00:30 GMT", 30.0),
        ("Sunday, 22-Nov-26 12:00:30 GMT", 30.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        ("Sun, 22 Nov 2099 12:00:00 GMT", 86_400.0),
        ("9" * 18, 86_400.0),
        ("soon", 0.0),
    ],
)
def test_a_target_without_a_connection_is_left_in_peace_for_as_long_as_it_asks(
    said: str, seconds: float
) -> None:
    """In seconds or by a date (RFC 9110, 10.2.3), as deliveries hear it: at most for a day."""
    noon = 1_795_348_800 * 1_000_000
    with pytest.raises(Busy) as failure:
        checked(ApiAnswer(429, {"retry-after": said}, b""), "POST", noon)
    assert seconds == failure.value.seconds


class Api(ScriptedConnector):
    """A system with an HTTP interface."""

    def __init__(self) -> None:
        super().__init__("imis")
        self.calls: list[ApiCall] = []

    async def call(self, call: ApiCall) -> ApiAnswer:
        """The same record for every path."""
        self.calls.append(call)
        return ApiAnswer(200, {"content-type": "application/json"}, b'{"City": "Austin"}')

    async def pages(self, call: ApiCall) -> AsyncIterator[list[JSON]]:
        """Two pages."""
        self.calls.append(call)
        yield [1, 2]
        yield [3]


async def test_a_run_of_a_change_begins_with_the_full_record(file: Path | None) -> None:
    api = Api()
    trigger = {"type": "change", "connection": "imis"}
    keep = step(
        "keep", "set", values={"city": "$$trigger.record.City$$"}, _when='trigger.record.City == "Austin"'
    )
    async with bench(workflow(keep, trigger=trigger), file=file, connectors={"imis": api}) as made:
        run = await made.run("w", {"entity": "Party", "action": "Updated", "key": "81"})
        assert RunState.SUCCEEDED is run.state, run.error
        assert ["/api/Party/81"] == [one.path for one in api.calls]
        assert {"city": "Austin"} == output((await made.entries(run.id))["keep"])


async def test_all_pages_of_an_api_are_one_list(file: Path | None) -> None:
    api = Api()
    every = step("all", "imis_call", connection="imis", path="Party", all_pages=True)
    async with bench(workflow(every), file=file, connectors={"imis": api}) as made:
        run = await made.run("w")
        assert [1, 2, 3] == output((await made.entries(run.id))["all"])


@pytest.mark.parametrize(("what", "told"), [("update_panel", "update"), ("delete_panel", "delete")])
async def test_a_record_that_is_not_there_is_told_by_what_was_to_be_done(what: str, told: str) -> None:
    fields: dict[str, JSON] = {"fields": {"Note": "n"}} if told == "update" else {}
    made = step("it", what, connection="records", panel="Courses", match={"ID": "none"}, **fields)
    async with bench(workflow(made)) as station:
        run = await station.run("w")
        assert f"it: Courses: no row matches, so there is nothing to {told}." == run.error


async def test_what_is_written_beside_the_run_is_there_once(file: Path | None) -> None:
    """A step that fails after a record was written leaves the record, and the run says which step failed."""
    async with bench(
        workflow(
            step("keep", "set", values={"course": "A"}),
            insert(),
            step("no", "gate", condition="trigger.id == 2"),
        ),
        file=file,
    ) as made:
        assert isinstance(made, Bench)
        run = await made.run("w", {"id": "1"})
        assert "no: The gate's condition does not hold." == run.error
        assert 1 == len(await made.records())
