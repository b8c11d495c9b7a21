"""The wizard's thinking over HTTP: each operation with good and bad input, from samples to the hand-out."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from hookstation.engine import wizard
from hookstation.errors import Retriable
from hookstation.web.api import build_api
from hookstation.web.api.build import OPERATIONS
from tests.support.asgi import Client
from tests.support.engine import PANEL, Engine, connection, engine, webhook
from tests.support.services import services_of
from tests.web.test_api import CONTROL, SECRET, TOKEN, problem, sent

SAMPLE = {"memberId": "10420", "course": {"code": "ETH-1"}, "completed_at": "2026-11-20T16:45:12Z"}
SCHEMA = {"type": "object", "properties": {"memberId": {"type": "string"}}, "required": ["memberId"]}
ACTION = {
    "type": "insert_activity",
    "connection": "records",
    "fields": {"ID": "$$memberId$$", "ActivityType": "LMS"},
}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    wanted = [webhook(title="Courses"), webhook("away", "far"), webhook("guarded", authentication=TOKEN)]
    async with engine(*wanted, connections=[connection()], panels=[PANEL]) as made:
        yield made


@pytest.fixture
def api(bench: Engine) -> Client:
    return Client(build_api(services_of(bench, control_key=CONTROL)), {"Authorization": f"Bearer {CONTROL}"})


async def test_from_a_sample_to_a_mapping_that_is_proven(api: Client) -> None:
    """The whole way that the wizard's pages go, without a line of schema written by hand."""
    drafted = await sent(api, "POST", "/draft", {"samples": [SAMPLE]})
    assert ["", "memberId", "course", "course.code", "completed_at"] == [
        one["path"] for one in drafted["rows"]
    ]
    (question,) = drafted["questions"]
    answers = {question["key"]: "digits"}
    schema = (await sent(api, "POST", "/draft", {"samples": [SAMPLE], "answers": answers}))["schema"]
    edit = {"pointer": "/properties/memberId", "max_length": 10, "min_length": 1}
    schema = (await sent(api, "POST", "/draft/table", {"schema": schema, "edits": [edit]}))["schema"]
    asked = {"schema": schema, "connection": "records", "samples": [SAMPLE]}
    proposed = await sent(api, "POST", "/propose", asked)
    fields = {one["name"]: one["proposals"][0]["template"] for one in proposed["fields"] if one["proposals"]}
    assert ("$$memberId$$", "$$completed_at$$") == (fields["ID"], fields["TRANSACTION_DATE"])
    action: Any = {**ACTION, "fields": {**fields, "ActivityType": "LMS"}}
    body = {"schema": schema, "action": action, "samples": [SAMPLE]}
    proof = await sent(api, "POST", "/prove", body)
    assert "can-fail" == proof["verdict"]
    for certain in [one["certain"] for one in proof["fields"] if one["certain"] is not None]:
        wanted = {"schema": body["schema"], "action": body["action"], "change": certain}
        changed = await sent(api, "POST", "/prove/change", wanted)
        body = {**body, **changed}
    assert "cannot-fail" == (await sent(api, "POST", "/prove", body))["verdict"]


async def test_a_target_that_cannot_be_asked_gives_the_last_fields_that_are_known(
    api: Client, bench: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def off_line(_self: object, _entity: str) -> None:
        raise Retriable("off-line")

    monkeypatch.setattr(type(bench.far), "describe", off_line)
    told = await sent(api, "POST", "/propose", {"schema": SCHEMA, "connection": "far"})
    assert "could not be asked for its fields (off-line)" in told["warning"]
    assert told["fields"]
    action = {**ACTION, "connection": "far"}
    assert (await sent(api, "POST", "/prove", {"schema": SCHEMA, "action": action}))["warning"]


async def test_a_panel_s_own_fields_are_listed_with_type_and_length(api: Client) -> None:
    told = await sent(
        api, "POST", "/propose", {"schema": SCHEMA, "connection": "records", "panel": "Courses"}
    )
    code = next(one for one in told["fields"] if one["name"] == "Code")
    assert ("string", 5, True) == (code["type"], code["length"], code["required"])
    problem(
        await api.ask(
            "POST", "/api/v1/propose", {"schema": SCHEMA, "connection": "records", "panel": "Nope"}
        ),
        404,
    )


async def test_a_webhook_s_own_proof_of_its_sender_is_read_by_no_template(api: Client) -> None:
    action = {**ACTION, "fields": {**ACTION["fields"], "Note": "$$headers.x-token$$"}}  # type: ignore[dict-item]
    body = {"schema": SCHEMA, "action": action}
    await sent(api, "POST", "/prove", body)
    told = problem(
        await api.ask("POST", "/api/v1/prove", {**body, "webhook": "guarded"}), 422, "/action/fields/Note"
    )
    assert "proves who the sender is" in told["detail"]


async def test_a_payload_is_previewed_field_by_field_also_where_some_fail(api: Client) -> None:
    fields = {"ID": "$$memberId$$", "ActivityType": "LONGER THAN TEN", "Note": "$$note$$"}
    body = {"schema": True, "action": {**ACTION, "fields": fields}, "payload": {"memberId": "10420"}}
    told = await sent(api, "POST", "/preview", body)
    assert told["fails"]
    assert [("ID", "fits", "10420"), ("ACTIVITY_TYPE", "fails", None), ("NOTE", "left out", None)] == [
        (one["field"], one["fate"], one["value"]) for one in told["fields"]
    ]
    assert "at most 10" in told["fields"][1]["said"]
    mended = {**body, "action": ACTION}
    assert not (await sent(api, "POST", "/preview", mended))["fails"]


async def test_a_preview_asks_for_a_panel_that_was_never_seen(api: Client) -> None:
    action = {"type": "insert_panel", "connection": "records", "panel": "Nope", "fields": {"Code": "1"}}
    problem(await api.ask("POST", "/api/v1/preview", {"schema": True, "action": action, "payload": {}}), 404)


async def test_the_hand_out_has_the_url_and_no_secret(api: Client) -> None:
    told = await sent(api, "GET", "/webhooks/guarded/handout")
    assert told["url"] in told["markdown"]
    assert told["url"] in told["curl"]
    assert SECRET not in str(told)
    problem(await api.ask("GET", "/api/v1/webhooks/nobody/handout"), 404)


async def test_a_name_is_proposed_that_no_webhook_has(api: Client) -> None:
    assert {"name": "courses-2"} == await sent(api, "POST", "/names", {"title": "Courses!"})


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("/draft", {}, "/samples"),
        ("/draft", {"samples": ["text"]}, "/samples/0"),
        ("/draft", {"samples": {}}, "/samples"),
        ("/draft", {"samples": [{}], "answers": {"a": 1}}, "/answers"),
        ("/draft", {"samples": [{}], "answers": {"a": "b"}}, "/answers/a"),
        ("/draft", {"sample": []}, "/sample"),
        ("/draft/table", {}, "/schema"),
        ("/draft/table", {"schema": {}, "edits": [{"pointer": "/nowhere"}]}, "/edits/0/pointer"),
        ("/propose", {"schema": {}, "connection": "nobody"}, "/connection"),
        ("/propose", {"schema": {"type": "txt"}, "connection": "records"}, "/schema/type"),
        ("/prove", {"schema": {}}, "/action"),
        ("/prove", {"schema": {"pattern": "("}, "action": ACTION}, "/schema/pattern"),
        ("/prove", {"schema": {}, "action": {**ACTION, "fields": {"ID": "1"}}}, "/action/fields"),
        ("/prove/change", {"schema": {}, "action": ACTION, "change": 1}, "/change"),
        (
            "/prove/change",
            {
                "schema": {},
                "action": ACTION,
                "change": {"schema": [{"path": [], "keywords": {"type": "txt"}}]},
            },
            "/schema/type",
        ),
        ("/preview", {"schema": True, "action": ACTION}, "/payload"),
        ("/preview", {"schema": True, "payload": {}}, "/action"),
        ("/preview", {"schema": {"type": "txt"}, "action": ACTION, "payload": {}}, "/schema/type"),
        ("/names", {"title": 7}, "/title"),
    ],
)
async def test_a_mistake_is_told_at_its_place(api: Client, path: str, body: Any, pointer: str) -> None:
    answer = await api.ask("POST", "/api/v1" + path, body)
    assert 422 == answer.status, answer.body
    assert pointer in [one["pointer"] for one in answer.document["problems"]]


async def test_a_table_tells_what_is_wrong_with_its_schema(api: Client) -> None:
    told = await sent(api, "POST", "/draft/table", {"schema": {"properties": {"a": {"format": "dat"}}}})
    assert ["warning"] == [one["severity"] for one in told["problems"]]
    wrong = await sent(api, "POST", "/draft/table", {"schema": {"type": "txt"}})
    assert "error" in [one["severity"] for one in wrong["problems"]]


async def test_samples_over_the_limit_are_refused(api: Client) -> None:
    large = [{"a": "x" * wizard.LARGEST_TO_PROVE}]
    told = await api.ask("POST", "/api/v1/prove", {"schema": SCHEMA, "action": ACTION, "samples": large})
    assert "Give fewer or smaller" in problem(told, 422, "/samples")["detail"]


def test_the_wizard_s_operations_are_in_the_description() -> None:
    assert {"/draft", "/draft/table", "/propose", "/prove", "/preview", "/names"} <= {
        one.path for one in OPERATIONS
    }
