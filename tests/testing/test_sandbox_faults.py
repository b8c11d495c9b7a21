"""The sandbox's faults over real HTTP, its control address, and its command."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import pytest

from hookstation.testing.sandbox import KINDS, Fault, Sandbox, running_sandbox
from tests.testing.sandbox_client import Answer, Client, activity, key_of, row

SOURCE = Path(__file__).parents[2] / "src"


async def switch_on(client: Client, **fault: object) -> Answer:
    return await client.call("POST", "/_sandbox/faults", fault)


def written(client: Client) -> int:
    return len(client.sandbox.rows("Activity"))


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until it holds; server and client live in the same one."""
    while not holds():  # noqa: ASYNC110  the sandbox has no event for a row that was written
        await asyncio.sleep(0)


class TestAnswersInstead:
    @pytest.mark.parametrize("status", [401, 403, 404, 408, 409, 429, 500, 501, 502, 503, 504])
    async def test_status_is_answered_once_and_nothing_executed(self, client: Client, status: int) -> None:
        await switch_on(client, kind="status", status=status, times=1)

        struck = await client.add("Activity", activity())
        after = await client.add("Activity", activity())

        assert (struck.status, after.status, written(client)) == (status, 201, 1)

    async def test_429_tells_when_to_come_again(self, client: Client) -> None:
        await switch_on(client, kind="status", status=429, retry_after="7", times=1)

        assert (await client.find("Activity")).headers["Retry-After"] == "7"

    async def test_bad_gateway_is_a_page_and_no_json(self, client: Client) -> None:
        await switch_on(client, kind="status", status=502, times=1)

        assert (await client.find("Activity")).headers["Content-Type"].startswith("text/html")

    async def test_token_can_be_refused_for_a_while(self, stranger: Client) -> None:
        await switch_on(stranger, kind="invalid-grant", path="/token", times=2)

        assert [(await stranger.log_in()).status for _ in range(3)] == [400, 400, 200]

    async def test_validation_error_has_its_messages(self, client: Client) -> None:
        await switch_on(client, kind="validation-error", times=1)

        struck = await client.add("Activity", activity())

        assert (struck.status, struck.errors) == (400, ["The sandbox was told to refuse this."])

    @pytest.mark.parametrize(
        ("variant", "says"),
        [
            ("result", {"Result": None}),
            ("status", {"IsSuccessStatusCode": False}),
            ("valid", {"IsValid": False}),
        ],
    )
    async def test_200_can_mean_failure(self, client: Client, variant: str, says: dict[str, object]) -> None:
        await switch_on(client, kind="ok-with-failure", variant=variant, times=1)

        struck = await client.add("Activity", activity())

        assert struck.status == 200
        assert says.items() <= struck.document.items()
        assert (struck.document["Message"], written(client)) == ("The sandbox was told to fail.", 0)


class TestSavedAlthough:
    async def test_saved_but_500(self, client: Client) -> None:
        await switch_on(client, kind="saved-but-500", method="POST", path="/api/Activity", times=1)

        assert (await client.add("Activity", activity())).status == 500
        assert written(client) == 1

    async def test_saved_but_dropped(self, client: Client) -> None:
        await switch_on(client, kind="saved-but-dropped", times=1)

        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.add("Activity", activity())

        assert written(client) == 1
        assert (await client.find("Activity")).status == 200

    async def test_dropped_is_not_executed(self, client: Client) -> None:
        await switch_on(client, kind="dropped", times=1)

        with pytest.raises(aiohttp.ServerDisconnectedError):
            await client.add("Activity", activity())

        assert written(client) == 0

    async def test_saved_with_another_status(self, client: Client) -> None:
        await switch_on(client, kind="saved-with-status", status=202, times=1)

        accepted = await client.add("Activity", activity())

        assert (accepted.status, accepted.document["EntityTypeName"], written(client)) == (202, "Activity", 1)

    async def test_saved_without_a_body(self, client: Client) -> None:
        await switch_on(client, kind="saved-with-status", status=204, times=1)

        assert (await client.add("Activity", activity())).status == 204
        assert written(client) == 1


class TestSlow:
    async def test_slow_answers_after_its_wait(self, client: Client) -> None:
        await switch_on(client, kind="slow", seconds=0.05, times=1)
        start = time.monotonic()

        assert (await client.add("Activity", activity())).status == 201
        assert time.monotonic() - start >= 0.05

    async def test_saved_but_slow_has_saved_before_it_answers(self, client: Client) -> None:
        await switch_on(client, kind="saved-but-slow", seconds=600, times=1)

        call = asyncio.create_task(client.add("Activity", activity()))
        await until(lambda: bool(written(client)))
        assert not call.done()

        client.sandbox.state.closing.set()
        assert (await call).status == 201

    async def test_a_slow_post_lands_although_its_client_has_gone(self, client: Client) -> None:
        await switch_on(client, kind="slow", seconds=600, times=1)
        call = asyncio.create_task(client.add("Activity", activity()))
        await until(lambda: bool(client.sandbox.calls("POST", "/api/Activity")))
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        assert written(client) == 0

        client.sandbox.state.closing.set()
        await until(lambda: bool(written(client)))

    async def test_the_sandbox_ends_although_a_call_waits(self) -> None:
        async with aiohttp.ClientSession() as session, running_sandbox() as sandbox:
            sandbox.fault(Fault("slow", seconds=600))
            call = asyncio.create_task(session.post(sandbox.url + "/token"))
            await until(lambda: bool(sandbox.calls("POST", "/token")))
        await asyncio.gather(call, return_exceptions=True)


class TestSwitching:
    async def test_a_fault_meets_only_its_method_and_path(self, client: Client) -> None:
        await switch_on(client, kind="status", status=503, method="post", path="/api/ABC_")

        assert (await client.add("Activity", activity())).status == 201
        assert (await client.find("ABC_Courses")).status == 200
        assert (await client.add("ABC_Courses", row("ABC_Courses", "1", CourseCode="X"))).status == 503

    async def test_faults_strike_in_the_order_they_were_switched_on(self, client: Client) -> None:
        await switch_on(client, kind="status", status=503, times=1)
        await switch_on(client, kind="status", status=500, times=1)

        assert [(await client.find("Activity")).status for _ in range(3)] == [503, 500, 200]

    async def test_faults_are_listed_and_cleared(self, client: Client) -> None:
        first = (await switch_on(client, kind="slow", seconds=2)).document
        await switch_on(client, kind="dropped")

        listed = (await client.call("GET", "/_sandbox/faults")).document
        removed = await client.call("DELETE", f"/_sandbox/faults/{first['id']}")
        again = await client.call("DELETE", f"/_sandbox/faults/{first['id']}")
        await client.call("DELETE", "/_sandbox/faults")

        assert [fault["kind"] for fault in listed["items"]] == ["slow", "dropped"]
        assert (removed.status, again.status) == (204, 404)
        assert (await client.call("GET", "/_sandbox/faults")).document == {"items": [], "count": 0}

    @pytest.mark.parametrize(
        ("fault", "named"),
        [
            ({"kind": "other"}, "saved-but-500"),
            ({}, "kind"),
            ({"kind": "status", "status": 200}, "400 to 599"),
            ({"kind": "ok-with-failure", "variant": "x"}, "result, status, valid"),
            ({"kind": "dropped", "times": 0}, "times"),
            ({"kind": "dropped", "often": 3}, "often"),
        ],
    )
    async def test_a_fault_that_cannot_be_is_refused_with_what_can(
        self, client: Client, fault: dict[str, object], named: str
    ) -> None:
        refused = await switch_on(client, **fault)

        assert refused.status == 400
        assert named in refused.document["Message"]

    async def test_the_overview_tells_what_each_kind_does(self, client: Client) -> None:
        shown = (await client.call("GET", "/_sandbox")).document

        assert shown["fault_kinds"] == KINDS
        assert shown["rows"]["Party"] == 500


class TestControl:
    async def test_rows_are_listed_plainly_and_counted(self, client: Client) -> None:
        for code in ("E1", "E2", "E1"):
            await client.add("Activity", activity(SOURCE_CODE=code))

        some = (await client.call("GET", "/_sandbox/rows/Activity", SOURCE_CODE="E1")).document

        assert some["count"] == 2
        assert some["items"][1] == {
            "SEQN": 3,
            "PartyId": "10420",
            "ACTIVITY_TYPE": "TEST",
            "SOURCE_CODE": "E1",
        }
        assert (await client.call("GET", "/_sandbox/rows/Nope")).status == 404

    async def test_calls_are_counted_by_method_and_path(self, client: Client) -> None:
        await client.add("Activity", activity())
        await client.call("GET", "/api/Activity/1")
        await client.call("GET", "/api/Activity/2")
        await client.call("POST", "/api/Activity/_validate", activity())

        listed = (await client.call("GET", "/_sandbox/calls")).document["items"]
        await client.call("DELETE", "/_sandbox/calls")

        assert [(each["method"], each["path"], each["count"]) for each in listed] == [
            ("POST", "/token", 1),
            ("POST", "/api/Activity", 1),
            ("GET", "/api/Activity/{id}", 2),
            ("POST", "/api/Activity/_validate", 1),
        ]
        assert client.sandbox.calls("POST", "/token") == 0

    async def test_a_changed_password_refuses_the_old_one(self, client: Client) -> None:
        changed = await client.call("PUT", "/_sandbox/settings", {"password": "new"})

        assert (await client.call("GET", "/_sandbox/settings")).document == changed.document
        assert (await client.log_in()).document["error"] == "invalid_grant"
        assert (await client.log_in("new")).status == 200

    async def test_revoked_tokens_are_401_until_a_new_one_is_fetched(self, client: Client) -> None:
        await client.call("DELETE", "/_sandbox/tokens")
        revoked = await client.find("Activity")
        await client.log_in()

        assert (revoked.status, (await client.find("Activity")).status) == (401, 200)

    @pytest.mark.parametrize(
        "settings", [{"nope": 1}, {"token_life": "long"}, {"party_property": "Id"}, {"largest_page": 0}, []]
    )
    async def test_settings_that_cannot_be_are_refused(self, client: Client, settings: object) -> None:
        assert (await client.call("PUT", "/_sandbox/settings", settings)).status == 400

    async def test_a_panel_can_be_added_at_run_time(self, client: Client) -> None:
        fields = {"Seat": {"type": "string", "length": 4, "required": True}, "Price": {"type": "decimal"}}
        document = {"parent": "party", "instances": "single", "fields": fields}

        made = await client.call("PUT", "/_sandbox/entities/ABC_Seats", document)
        added = await client.add("ABC_Seats", row("ABC_Seats", "10001", Seat="12A"))
        queried = await client.call("GET", "/api/query", queryname="$/Sandbox/ABC_Seats")

        price = made.document["Properties"]["$values"][-1]
        assert price["Name"] == "Price"
        assert "Scale" not in price
        assert (made.document["ObjectTypeName"], added.status) == ("Single", 201)
        assert [item["Seat"] for item in queried.items] == ["12A"]

    @pytest.mark.parametrize(
        ("document", "named"),
        [
            ({}, "fields"),
            ({"parent": "event", "fields": {"A": {}}}, "party, standalone"),
            ({"fields": {"A": {"type": "float"}}}, "fields.A.type"),
            ({"fields": {"A": "string"}}, "fields.A"),
            ({"fields": {"A": {"length": "4"}}}, "length"),
        ],
    )
    async def test_a_panel_that_cannot_be_is_refused_with_the_place(
        self, client: Client, document: object, named: str
    ) -> None:
        refused = await client.call("PUT", "/_sandbox/entities/ABC_Seats", document)

        assert refused.status == 400
        assert named in refused.document["Message"]

    async def test_a_single_standalone_panel_has_one_row(self, client: Client) -> None:
        document = {"parent": "standalone", "instances": "single", "fields": {"Name": {"type": "string"}}}
        await client.call("PUT", "/_sandbox/entities/ABC_Site", document)

        statuses = [(await client.add("ABC_Site", row("ABC_Site", "", Name="x"))).status for _ in range(2)]

        assert statuses == [201, 409]

    async def test_people_and_queries_can_be_added(self, client: Client) -> None:
        person = {"first": "Zoe", "last": "Zander", "email": "zoe@example.org", "major_key": "Z-1"}
        await client.call("PUT", "/_sandbox/people/900", person)
        await client.call("PUT", "/_sandbox/queries", {"name": "$/Mine/People", "entity": "Party"})
        refused = await client.call("PUT", "/_sandbox/queries", {"name": "Mine", "entity": "Party"})

        assert [each["Id"] for each in (await client.find("Party", email="zoe@example.org")).items] == ["900"]
        assert (await client.call("GET", "/api/query", queryname="$/Mine/People")).document[
            "TotalCount"
        ] == 501
        assert refused.status == 400

    async def test_reset_forgets_everything(self, client: Client) -> None:
        await client.add("Activity", activity())
        await client.call("PUT", "/_sandbox/settings", {"password": "new"})
        await switch_on(client, kind="dropped")

        await client.call("POST", "/_sandbox/reset")

        assert (await client.find("Activity")).status == 401
        assert (await client.log_in()).status == 200
        assert key_of((await client.add("Activity", activity())).document) == ["1"]


async def test_many_activities_stay_quick_to_find(sandbox: Sandbox) -> None:
    """A find by equality touches only the rows that it gives, whatever else is there."""
    table = sandbox.state.tables["Activity"]
    for number in range(20_000):
        table.insert({"PartyId": "10001", "ACTIVITY_TYPE": "TEST", "SOURCE_CODE": f"E{number}"})
    async with aiohttp.ClientSession() as session:
        client = Client(sandbox, session)
        await client.log_in()

        found = await client.find("Activity", SOURCE_CODE="E19999", ACTIVITY_TYPE="TEST")

    assert key_of(found.items[0]) == ["20000"]


async def test_a_million_nested_lists_are_refused(client: Client) -> None:
    """A body that is nested without end is answered with 400."""
    headers = {"Authorization": f"Bearer {client.token}", "Content-Type": "application/json"}
    url = client.sandbox.url + "/api/Activity"
    async with client.session.post(url, data=b"[" * 1_000_000, headers=headers) as answer:
        assert answer.status == 400


COMMAND = """
import asyncio
from hookstation.testing.sandbox import serve_sandbox
asyncio.run(serve_sandbox("127.0.0.1", 0, lambda url: print(url, flush=True)))
"""


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT])
async def test_the_command_ends_cleanly_when_told(end: signal.Signals) -> None:
    """`serve_sandbox` says its URL when it listens and returns on SIGTERM and SIGINT."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        COMMAND,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().strip()
    async with aiohttp.ClientSession() as session, session.get(url + "/_sandbox") as answer:
        assert answer.status == 200

    process.send_signal(end)

    assert await process.wait() == 0
