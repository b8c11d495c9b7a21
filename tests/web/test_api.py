"""The API: every operation with good and bad input, problems as RFC 9457 says, no secret in any answer."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from hookstation.core.control import proof
from hookstation.core.values import JSON
from hookstation.errors import Retriable
from hookstation.ports.store import ConfigurationChange
from hookstation.testing.connector import ScriptedConnector
from hookstation.web.api import asking, build_api
from hookstation.web.api.build import OPERATIONS
from hookstation.web.services import Services
from tests.support.asgi import Answered, Client
from tests.support.engine import PANEL, Engine, connection, engine, upsert, webhook
from tests.support.services import services_of

SECRET, PASSWORD = "the secret of a sender", "the password of a target"
TOKEN: dict[str, JSON] = {"type": "token", "header": "X-Token", "secret": SECRET}
CONTROL = "the control channel's own key"


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A station with one thing of each kind."""
    wanted = [webhook(), webhook("away", "far"), webhook("guarded", authentication=TOKEN), upsert()]
    async with engine(*wanted, connections=[connection(password=PASSWORD)], panels=[PANEL]) as made:
        yield made


@pytest.fixture
def services(bench: Engine) -> Services:
    return services_of(bench, control_key=CONTROL)


@pytest_asyncio.fixture
async def api(services: Services) -> Client:
    key = await services.keys.add("tests", "administrator")
    return Client(build_api(services), {"Authorization": f"Bearer {key}"})


async def got(api: Client, path: str) -> Any:
    answer = await api.ask("GET", f"/api/v1{path}")
    assert 200 == answer.status, answer.body
    assert ("no-store", "nosniff") == kept_by_nobody(answer)
    assert "application/json" == answer.headers["content-type"]
    return answer.document


def kept_by_nobody(answer: Answered) -> tuple[str, str]:
    return answer.headers["cache-control"], answer.headers["x-content-type-options"]


async def sent(api: Client, method: str, path: str, body: Any = None, status: int = 200) -> Any:
    answer = await api.ask(method, f"/api/v1{path}", body)
    assert status == answer.status, answer.body
    return answer.document if answer.body else None


def problem(answer: Answered, status: int, *pointers: str) -> Any:
    """The problem document, which must be one."""
    told = answer.document
    assert (status, "application/problem+json") == (answer.status, answer.headers["content-type"])
    assert ("no-store", "nosniff") == kept_by_nobody(answer)
    assert ("about:blank", status) == (told["type"], told["status"])
    assert told["title"]
    assert told["detail"]
    assert [*pointers] == [one["pointer"] for one in told.get("problems", [])]
    for one in told.get("problems", []):
        assert {"pointer", "message", "severity", "position"} == one.keys()
    return told


class TestKeys:
    @pytest.mark.parametrize("given", [None, "", "Basic abc", "Bearer", "Bearer ", "Bearer hsk_unknown", "x"])
    async def test_every_operation_needs_a_key(self, services: Services, given: str | None) -> None:
        stranger = Client(build_api(services), {} if given is None else {"Authorization": given})
        for one in OPERATIONS:
            answer = await stranger.ask(one.method, "/api/v1" + one.path.replace("{name}", "courses"), b"{")
            problem(answer, 401)
            assert 'Bearer realm="hookstation"' == answer.headers["www-authenticate"]

    async def test_the_scheme_has_no_case_and_the_control_key_opens_too(self, services: Services) -> None:
        control = Client(build_api(services), {"Authorization": f"bearer {CONTROL}"})
        await got(control, "/webhooks")

    async def test_without_a_control_channel_an_empty_key_opens_nothing(self, services: Services) -> None:
        services.control_key = ""
        stranger = Client(build_api(services), {"Authorization": "Bearer "})
        problem(await stranger.ask("GET", "/api/v1/webhooks"), 401)

    async def test_a_key_is_made_shown_once_and_opens_the_api(self, api: Client, services: Services) -> None:
        made = await sent(api, "POST", "/keys", {"name": "deploy", "role": "administrator"}, 201)
        await got(Client(build_api(services), {"Authorization": f"Bearer {made['key']}"}), "/keys")
        listed = await got(api, "/keys")
        assert ["deploy", "tests"] == [one["name"] for one in listed["items"]]
        assert made["key"] not in str(listed)

    async def test_a_revoked_key_opens_nothing_from_then_on(self, api: Client, services: Services) -> None:
        made = await sent(api, "POST", "/keys", {"name": "a deploy", "role": "administrator"}, 201)
        holder = Client(build_api(services), {"Authorization": f"Bearer {made['key']}"})
        await got(holder, "/keys")
        assert 204 == (await holder.ask("DELETE", "/api/v1/keys/a deploy")).status
        problem(await holder.ask("GET", "/api/v1/keys"), 401)
        problem(await api.ask("DELETE", "/api/v1/keys/a deploy"), 404)

    async def test_a_key_that_cannot_be_is_refused(self, api: Client) -> None:
        ask = api.ask
        problem(await ask("POST", "/api/v1/keys", {"name": "x", "role": "viewer"}), 422, "/role")
        problem(await ask("POST", "/api/v1/keys", {"name": "", "role": "administrator"}), 422, "/name")
        problem(await ask("POST", "/api/v1/keys", {"name": 7, "role": "administrator"}), 422, "/name")
        problem(await ask("POST", "/api/v1/keys", {"name": "tests", "role": "administrator"}), 409)


class TestWebhooks:
    async def test_a_webhook_is_shown_with_its_url(self, api: Client, bench: Engine) -> None:
        shown = await got(api, "/webhooks/courses")
        line = bench.switchboard.named("courses")
        assert line is not None
        assert (f"/hooks/{line.token}", f"https://hooks.example.org/hooks/{line.token}") == (
            shown["path"],
            shown["url"],
        )
        assert ("courses", "", "active", "outcome") == tuple(
            shown[name] for name in ("name", "title", "state", "answer")
        )

    async def test_it_is_made_changed_rotated_and_deleted(self, api: Client, bench: Engine) -> None:
        made = await sent(api, "POST", "/webhooks", webhook("new"), 201)
        assert "new" == made["name"]
        changed = await sent(api, "PUT", "/webhooks/new", {**made, "title": "Changed"})
        assert ("Changed", made["url"]) == (changed["title"], changed["url"])
        rotated = await sent(api, "POST", "/webhooks/new/rotate")
        assert made["url"] != rotated["url"]
        await sent(api, "DELETE", "/webhooks/new", status=204)
        problem(await api.ask("GET", "/api/v1/webhooks/new"), 404)
        assert bench.switchboard.named("new") is None

    async def test_put_takes_the_name_of_the_address_and_no_other(self, api: Client) -> None:
        nameless = {name: value for name, value in webhook().items() if name != "name"}  # type: ignore[union-attr]
        assert "fresh" == (await sent(api, "PUT", "/webhooks/fresh", nameless))["name"]
        problem(await api.ask("PUT", "/api/v1/webhooks/other", webhook()), 422, "/name")

    async def test_a_name_that_is_taken_is_a_conflict(self, api: Client) -> None:
        problem(await api.ask("POST", "/api/v1/webhooks", webhook()), 409)

    @pytest.mark.parametrize("method", ["POST", "PUT"])
    @pytest.mark.parametrize(
        ("body", "status", "pointers"),
        [
            (b"", 400, []),
            (b"{", 400, []),
            (b'{"a": 1, "a": 2}', 400, []),
            ([], 422, [""]),
            ("x", 400, []),
            ({**webhook("bad"), "state": "on"}, 422, ["/state"]),  # type: ignore[dict-item]
            ({**webhook("bad"), "unknown": 1}, 422, ["/unknown"]),  # type: ignore[dict-item]
            (webhook("bad", fields={"Nope": "x", "ID": "$$nope$$"}), 422, None),
            (webhook("bad", connection="nobody"), 422, ["/action/connection"]),
            (webhook("bad", schema_file="x.json"), 422, ["/schema_file"]),
            (webhook("bad", authentication={**TOKEN, "secret": "${env:X}"}), 422, ["/authentication/secret"]),
        ],
    )
    async def test_what_cannot_stand_is_refused_at_its_place(
        self, api: Client, method: str, body: Any, status: int, pointers: list[str] | None
    ) -> None:
        path = {"POST": "/api/v1/webhooks", "PUT": "/api/v1/webhooks/bad"}[method]
        answer = await api.ask(method, path, body)
        expected = pointers if pointers is not None else ["/action/fields/ID", "/action/fields/Nope"]
        problem(answer, status, *expected)
        problem(await api.ask("GET", "/api/v1/webhooks/bad"), 404)

    async def test_a_template_mistake_has_its_position(self, api: Client) -> None:
        answer = await api.ask("PUT", "/api/v1/webhooks/bad", webhook("bad", fields={"Note": "ab {{ x"}))
        told = problem(answer, 422, "/action/fields/Note")
        assert type(told["problems"][0]["position"]) is int

    async def test_a_payload_is_tried_in_each_form(self, api: Client, bench: Engine) -> None:
        for body in (
            {"payload": {"id": "7"}},
            {"body": '{"id": "7"}'},
            {
                "body_base64": base64.b64encode(b'{"id": "7"}').decode(),
                "headers": {"X-A": "b"},
                "query": "a=b",
            },
        ):
            tried = await sent(api, "POST", "/webhooks/courses/test", body)
            assert ("accepted", "7") == (tried["verdict"], tried["record"]["fields"]["ID"])
        assert [] == await bench.records()

    @pytest.mark.parametrize(
        ("body", "pointer"),
        [
            (None, ""),
            ({}, ""),
            ({"payload": 1, "body": "1"}, ""),
            ({"payloads": 1}, "/payloads"),
            ({"body": 1}, "/body"),
            ({"body_base64": "?"}, "/body_base64"),
            ({"payload": 1, "headers": []}, "/headers"),
            ({"payload": 1, "headers": {"a": 1}}, "/headers"),
            ({"payload": 1, "query": None}, "/query"),
            ([], ""),
        ],
    )
    async def test_a_trial_that_cannot_be_is_refused(self, api: Client, body: Any, pointer: str) -> None:
        problem(await api.ask("POST", "/api/v1/webhooks/courses/test", body), 422, pointer)

    async def test_a_webhook_that_is_not_there_is_404(self, api: Client) -> None:
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/rotate"),
        ):
            problem(await api.ask(method, f"/api/v1/webhooks/nobody{path}"), 404)
        problem(await api.ask("POST", "/api/v1/webhooks/nobody/test", {"payload": 1}), 404)

    async def test_one_damaged_webhook_is_listed_as_such_with_the_others(
        self, api: Client, bench: Engine
    ) -> None:
        row = replace(bench.board.stored.webhooks["away"], document="{")
        change = ConfigurationChange(
            webhooks={"away": row}, connections={"worse": "{"}, panels={"Worse": "{"}
        )
        await bench.store.save_configuration(change, await bench.store.revision())
        await bench.board.refresh()
        listed = {one["name"]: one for one in (await got(api, "/webhooks"))["items"]}
        assert {"courses", "away", "guarded", "panel"} == listed.keys()
        assert ("unreadable", "") == (listed["away"]["state"], listed["away"]["url"])
        assert listed["away"]["problem"]
        assert ["far", "records"] == [one["name"] for one in (await got(api, "/connections"))["items"]]
        assert ["Courses"] == [one["name"] for one in (await got(api, "/panels"))["items"]]
        await got(api, "/config/export")


class TestConnectionsAndPanels:
    async def test_each_is_made_changed_and_deleted(self, api: Client) -> None:
        other = connection("other", "http://other")
        panel = {**PANEL, "name": "Other"}
        for kind, wanted, change in (
            ("connections", other, {"url": "http://moved"}),
            ("panels", panel, {"instances": "single"}),
        ):
            name = wanted["name"]  # type: ignore[call-overload, index]
            made = await sent(api, "PUT", f"/{kind}/{name}", wanted)
            assert made == await got(api, f"/{kind}/{name}")
            changed = await sent(api, "PUT", f"/{kind}/{name}", {**made, **change})
            assert change.items() <= changed.items()
            await sent(api, "DELETE", f"/{kind}/{name}", status=204)
            problem(await api.ask("GET", f"/api/v1/{kind}/{name}"), 404)
            problem(await api.ask("DELETE", f"/api/v1/{kind}/{name}"), 404)

    async def test_each_is_made_under_a_name_that_is_free(self, api: Client) -> None:
        for kind, wanted in (("connections", connection("other")), ("panels", {**PANEL, "name": "Other"})):
            made = await sent(api, "POST", f"/{kind}", wanted, 201)
            assert made == await got(api, f"/{kind}/{made['name']}")
            told = problem(await api.ask("POST", f"/api/v1/{kind}", wanted), 409)
            assert "change it with PUT" in told["detail"]
            problem(await api.ask("POST", f"/api/v1/{kind}", []), 422, "")
            problem(await api.ask("POST", f"/api/v1/{kind}", {**made, "name": "9 x"}), 422, "/name")

    async def test_the_built_in_records_are_always_there_and_stay_as_they_are(self, api: Client) -> None:
        records = {"name": "records", "type": "records"}
        assert ["far", "records"] == [one["name"] for one in (await got(api, "/connections"))["items"]]
        assert records == await got(api, "/connections/records")
        problem(await api.ask("PUT", "/api/v1/connections/records", records), 409)
        problem(await api.ask("POST", "/api/v1/connections", records), 409)
        problem(await api.ask("DELETE", "/api/v1/connections/records"), 409)

    async def test_what_is_default_is_shown(self, api: Client) -> None:
        fields = {"ActivityType": "TEST", "ID": "1"}
        plain = {
            "name": "bare",
            "authentication": {"type": "none"},
            "duplicates": {"key": "body-hash"},
            "action": {"type": "insert_activity", "connection": "records", "fields": fields},
        }
        shown = await sent(api, "POST", "/webhooks", plain, 201)
        assert (True, {"body": "1MiB", "time": "25s"}, {"key": "body-hash", "window": "7d"}, False) == tuple(
            shown[name] for name in ("schema", "limits", "duplicates", "keep_rejected_bodies")
        )
        panel = await got(api, "/panels/Courses")
        assert ("party", "multi", False) == (
            panel["parent"],
            panel["instances"],
            panel["fields"]["Grade"]["required"],
        )
        exported = await got(api, "/config/export")
        assert "limits" not in str(exported["webhooks"])
        assert "parent" not in exported["panels"][0]

    async def test_what_get_gave_can_be_put_back_and_changes_nothing(
        self, api: Client, bench: Engine
    ) -> None:
        whsec = f"whsec_{base64.b64encode(bytes(32)).decode()}"
        proofs: list[dict[str, JSON]] = [
            {"type": "hmac", "header": "X-Signature", "secret": SECRET},
            {"type": "standard-webhooks", "secret": whsec},
        ]
        for one in proofs:
            more: dict[str, Any] = {"duplicates": {"key": "body-hash"}, "access": {"rate": "5/s"}}
            made = webhook(str(one["type"]), authentication=one, **more)
            await sent(api, "PUT", f"/webhooks/{one['type']}", made)
        before = await bench.store.revision()
        for kind in (
            "connections/far",
            "panels/Courses",
            *(f"webhooks/{name}" for name in bench.board.stored.webhooks),
        ):
            shown = await got(api, f"/{kind}")
            assert shown == await sent(api, "PUT", f"/{kind}", shown)
        assert before == await bench.store.revision()

    async def test_what_a_webhook_uses_is_not_deleted(self, api: Client) -> None:
        problem(await api.ask("DELETE", "/api/v1/connections/far"), 409)
        problem(await api.ask("DELETE", "/api/v1/panels/Courses"), 409)

    async def test_what_cannot_stand_is_refused_at_its_place(self, api: Client) -> None:
        unfit = connection("other", "no address")
        problem(await api.ask("PUT", "/api/v1/connections/other", unfit), 422, "/url")
        wide = {**PANEL, "fields": {"Code": {"type": "wide"}}}
        problem(await api.ask("PUT", "/api/v1/panels/Courses", wide), 422, "/fields/Code/type")

    async def test_checking_a_connection_tells_what_was_reached(self, api: Client) -> None:
        expected = {"name": "far", "reached": "Reached far.", "entities": ["Activity"]}
        assert expected == await sent(api, "POST", "/connections/far/check")
        assert [] == (await sent(api, "POST", "/connections/records/check"))["entities"]
        problem(await api.ask("POST", "/api/v1/connections/nobody/check"), 404)

    async def test_a_target_that_cannot_be_reached_is_502(self, api: Client, bench: Engine) -> None:
        made = bench.targets.connectors["far"]
        assert isinstance(made, ScriptedConnector)
        made.refusal = Retriable("The target is off-line.", detail="at 10.0.0.7")
        answer = await api.ask("POST", "/api/v1/connections/far/check")
        assert "The target is off-line." == problem(answer, 502)["detail"]
        assert b"10.0.0.7" not in answer.body


class TestConfiguration:
    async def test_a_plan_changes_nothing_and_applying_does(self, api: Client, bench: Engine) -> None:
        wanted = {"document": {"version": 1, "webhooks": [webhook("new")]}}
        planned = await sent(api, "POST", "/config/plan", wanted)
        assert 1 == planned["changed"]
        assert bench.switchboard.named("new") is None
        assert planned == await sent(api, "POST", "/config/apply", wanted)
        assert bench.switchboard.named("new") is not None
        assert 0 == (await sent(api, "POST", "/config/apply", wanted))["changed"]

    async def test_pruning_takes_away_what_the_document_leaves_out(self, api: Client, bench: Engine) -> None:
        wanted = {"document": {"version": 1, "webhooks": [webhook()]}, "prune": True}
        await sent(api, "POST", "/config/apply", wanted)
        assert ["courses"] == [*bench.board.stored.webhooks]

    async def test_a_bad_document_is_planned_with_its_problems_and_not_applied(self, api: Client) -> None:
        wanted = {"document": {"version": 1, "webhooks": [webhook(), webhook("bad", "nobody")]}}
        planned = await sent(api, "POST", "/config/plan", wanted)
        pointer = "/webhooks/1/action/connection"
        assert [(pointer, "error")] == [(one["pointer"], one["severity"]) for one in planned["problems"]]
        problem(await api.ask("POST", "/api/v1/config/apply", wanted), 422, pointer)

    @pytest.mark.parametrize("path", ["/config/plan", "/config/apply"])
    async def test_a_request_that_cannot_be_is_refused(self, api: Client, path: str) -> None:
        for body, pointer in (
            ({"document": {"version": 1}, "prune": "yes"}, "/prune"),
            ({"document": {"version": 1}, "references": []}, "/references"),
            ({"doc": {}}, "/doc"),
        ):
            problem(await api.ask("POST", f"/api/v1{path}", body), 422, pointer)

    async def test_an_export_can_be_applied_again(self, api: Client) -> None:
        exported = await got(api, "/config/export")
        assert (
            0 == (await sent(api, "POST", "/config/apply", {"document": exported, "prune": True}))["changed"]
        )


class TestEventsAndRecords:
    async def test_events_are_listed_newest_first_by_page_and_filter(
        self, api: Client, bench: Engine
    ) -> None:
        for number in range(5):
            await bench.clock.advance(1)
            await bench.post("courses" if number % 2 else "away", {"id": str(number)})
        ids = [event.id for event in await bench.events()][::-1]
        first = await got(api, "/events?limit=2")
        second = await got(api, f"/events?limit=3&after={first['next']}")
        assert (ids, None) == ([one["id"] for one in first["items"] + second["items"]], second["next"])
        assert 2 == len((await got(api, "/events?webhook=courses"))["items"])
        assert 5 == len((await got(api, "/events?status=succeeded,failed"))["items"])
        assert [] == (await got(api, "/events?status=rejected"))["items"]
        assert [] == (await got(api, "/events?since=2099-01-01"))["items"]
        assert 5 == len((await got(api, "/events?until=2099-01-01T00:00:00Z"))["items"])
        assert 5 == len((await got(api, "/events?since=999999999d"))["items"])
        assert [] == (await got(api, "/events?until=999999999d"))["items"]

    @pytest.mark.parametrize(
        ("query", "pointer"),
        [
            ("limit=0", "/limit"),
            ("limit=1001", "/limit"),
            ("limit=-1", "/limit"),
            ("limit=x", "/limit"),
            ("limit=", "/limit"),
            ("limit=99999999999999", "/limit"),
            ("status=succeded", "/status"),
            ("since=yesterday", "/since"),
            ("until=soon", "/until"),
            ("since=99999999999d", "/since"),
        ],
    )
    async def test_a_query_that_cannot_be_is_refused_by_its_name(
        self, api: Client, query: str, pointer: str
    ) -> None:
        problem(await api.ask("GET", f"/api/v1/events?{query}"), 422, pointer)

    @pytest.mark.parametrize("path", ["/events", "/deliveries", "/events-out", "/runs", "/webhooks"])
    async def test_a_filter_that_is_not_known_is_refused_and_does_not_find_everything(
        self, api: Client, path: str
    ) -> None:
        problem(await api.ask("GET", f"/api/v1{path}?stat=dead"), 422, "/stat")

    async def test_an_event_is_shown_with_everything_that_is_kept(self, api: Client, bench: Engine) -> None:
        await bench.post("guarded", {"id": "7"}, x_token=SECRET)
        shown = await got(api, f"/events/{(await bench.last()).id}")
        assert ("succeeded", 200, "203.0.113.9") == (
            shown["state"],
            shown["answer_status"],
            shown["sender"],
        )
        assert ('{"id": "7"}', None, '{"success": true}') == (
            shown["body"],
            shown["body_base64"],
            shown["answer"],
        )
        assert {"connection": "records", "entity": "Activity", "key": "1"} == shown["record"]
        assert [(1, "succeeded")] == [(one["attempt"], one["state"]) for one in shown["history"]]

    async def test_a_body_that_is_no_text_is_shown_as_base64(self, api: Client, bench: Engine) -> None:
        await sent(api, "PUT", "/webhooks/courses", webhook(keep_rejected_bodies=True))
        await bench.post("courses", b"\xff")
        shown = await got(api, f"/events/{(await bench.last()).id}")
        assert (None, "/w==", "body") == (shown["body"], shown["body_base64"], shown["reason"])

    async def test_an_event_is_replayed_where_it_may_be(self, api: Client, bench: Engine) -> None:
        await bench.post("courses", {"id": "7"})
        path = f"/events/{(await bench.last()).id}/replay"
        problem(await api.ask("POST", f"/api/v1{path}"), 409)
        problem(await api.ask("POST", f"/api/v1{path}", {"again": "yes"}), 422, "/again")
        problem(await api.ask("POST", f"/api/v1{path}", {"agian": True}), 422, "/agian")
        replayed = await sent(api, "POST", path, {"again": True})
        assert (2, "2") == (replayed["attempts"], replayed["record"]["key"])
        for target in ("/events/nobody", "/events/nobody/replay"):
            method = {"/events/nobody": "GET"}.get(target, "POST")
            problem(await api.ask(method, f"/api/v1{target}"), 404)

    async def test_records_are_listed_in_order_and_counted(self, api: Client, bench: Engine) -> None:
        for number in range(4):
            await bench.post("courses", {"id": str(number)})
        first = await got(api, "/records/activity?limit=2")
        second = await got(api, f"/records/Activity?limit=2&after={first['next']}")
        keys = [one["key"] for one in first["items"] + second["items"]]
        assert (["1", "2", "3", "4"], None) == (keys, second["next"])
        assert {"count": 4} == await got(api, "/records/ACTIVITY/count")
        assert {"count": 0} == await got(api, "/records/courses/count")
        problem(await api.ask("GET", "/api/v1/records/Nope"), 404)
        problem(await api.ask("GET", "/api/v1/records/Nope/count"), 404)
        problem(await api.ask("GET", "/api/v1/records/Activity?limit=x"), 422, "/limit")


class TestMethods:
    @pytest.mark.parametrize("path", sorted({one.path for one in OPERATIONS}))
    async def test_a_method_that_is_not_there_is_answered_with_all_that_are(
        self, api: Client, path: str
    ) -> None:
        there = {one.method for one in OPERATIONS if one.path == path}
        answer = await api.ask("COPY", f"/api/v1{path.replace('{name}', 'courses')}")
        problem(answer, 405)
        assert there == {*answer.headers["allow"].split(", ")} - {"HEAD"}


class TestProof:
    async def test_who_knows_the_key_can_see_that_this_station_does(self, services: Services) -> None:
        services.place = "here"
        stranger = Client(build_api(services), {})
        said = (await stranger.ask("GET", "/api/control?nonce=once")).document
        assert {"proof": proof(CONTROL, "here", "once")} == said
        others = {(CONTROL, "here", "twice"), (CONTROL, "there", "once"), ("another key", "here", "once")}
        assert said["proof"] not in {proof(*other) for other in others}

    async def test_nobody_from_elsewhere_may_ask_nor_where_there_is_no_key(self, services: Services) -> None:
        elsewhere = Client(build_api(services), {}, "203.0.113.9")
        problem(await elsewhere.ask("GET", "/api/control?nonce=once"), 404)
        here = Client(build_api(services), {})
        problem(await here.ask("GET", f"/api/control?nonce={'1' * 129}"), 404)
        services.control_key = ""
        problem(await here.ask("GET", "/api/control?nonce=once"), 404)


class TestBackup:
    async def test_only_who_may_read_the_data_folder_makes_one(self, api: Client, services: Services) -> None:
        problem(await api.ask("POST", "/api/v1/backup", {"path": "/somewhere"}), 409)
        control = Client(build_api(services), {"Authorization": f"Bearer {CONTROL}"})
        problem(await control.ask("POST", "/api/v1/backup", {"path": "relative"}), 422, "/path")
        expected = {"path": "/x", "bytes": 2, "master_key": None}
        assert expected == await sent(control, "POST", "/backup", {"path": "/x"})
        services.master_key = Path("/data/master.key")
        made = await sent(control, "POST", "/backup", {"path": "/x"})
        assert "/data/master.key" == made["master_key"]


class TestLists:
    @pytest.mark.parametrize("kind", ["webhooks", "connections", "panels"])
    async def test_names_come_in_pages(self, api: Client, kind: str) -> None:
        whole = (await got(api, f"/{kind}"))["items"]
        names: list[str] = []
        after: str | None = ""
        for _ in whole:
            page = await got(api, f"/{kind}?limit=1&after={after}")
            names += [one["name"] for one in page["items"]]
            after = page["next"]
        assert (sorted(one["name"] for one in whole), None) == (names, after)
        problem(await api.ask("GET", f"/api/v1/{kind}?limit=x"), 422, "/limit")


class TestFaults:
    async def test_no_answer_holds_a_secret(self, api: Client, bench: Engine) -> None:
        await bench.post("guarded", {"id": "7"}, x_token=SECRET, authorization="Bearer of news")
        event_id = (await bench.last()).id
        answers = [
            await api.ask("GET", f"/api/v1{path}")
            for path in (
                "/webhooks",
                "/webhooks/guarded",
                "/connections",
                "/connections/far",
                "/config/export",
                "/events",
                f"/events/{event_id}",
                "/keys",
            )
        ]
        shown = webhook("guarded", authentication={**TOKEN, "secret": "********"})
        answers.append(await api.ask("PUT", "/api/v1/webhooks/guarded", shown))
        answers.append(await api.ask("PUT", "/api/v1/connections/far", connection(password="********")))
        assert {200} == {answer.status for answer in answers}
        whole = b"".join(answer.body for answer in answers).decode()
        for secret in (SECRET, PASSWORD, "of news", "sealed"):
            assert secret not in whole
        assert "********" in whole
        assert 200 == (await bench.post("guarded", {"id": "8"}, x_token=SECRET)).status

    async def test_a_database_that_cannot_commit_is_503_with_when_to_ask_again(
        self, api: Client, bench: Engine
    ) -> None:
        bench.store.unavailable = "full"
        answer = await api.ask("PUT", "/api/v1/webhooks/courses", webhook(title="new"))
        problem(answer, 503)
        assert "2" == answer.headers["retry-after"]
        problem(await api.ask("GET", "/readyz"), 503)
        bench.store.unavailable = ""
        assert {"status": "ready"} == (await api.ask("GET", "/readyz")).document

    async def test_a_worker_is_ready_but_not_for_calls(self, api: Client, services: Services) -> None:
        assert 200 == (await api.ask("GET", "/readyz?calls")).status
        services.takes_calls = False
        problem(await api.ask("GET", "/readyz?calls"), 503)
        assert 200 == (await api.ask("GET", "/readyz")).status

    async def test_a_request_that_is_too_large_is_413(
        self, api: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(asking, "LARGEST_REQUEST", 100)
        problem(await api.ask("PUT", "/api/v1/webhooks/courses", b" " * 101), 413)

    async def test_what_is_not_there_is_a_problem_too(self, api: Client) -> None:
        problem(await api.ask("GET", "/api/v1/nothing"), 404)
        answer = await api.ask("PATCH", "/api/v1/webhooks")
        problem(answer, 405)
        assert {"GET", "HEAD", "POST"} >= {*answer.headers["allow"].split(", ")}

    async def test_a_stopping_station_is_alive_and_not_ready(self, api: Client, bench: Engine) -> None:
        assert {"status": "alive"} == (await api.ask("GET", "/healthz")).document
        bench.ingest.stopping = True
        problem(await api.ask("GET", "/readyz"), 503)
        assert 200 == (await api.ask("GET", "/healthz")).status
