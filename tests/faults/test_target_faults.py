"""A target that fails in every way of the answers table: the event ends in the state it should, and never twice."""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import pytest
import pytest_asyncio

from hookstation.testing.sandbox import Fault, Sandbox, running_sandbox
from tests.support.counts import tell
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.raw_http import Received, exchange, post
from tests.support.station_process import StationProcess

ACTIVITY: Final = "/api/Activity"
PANEL: Final = "ABC_Courses"
SETTLE_SECONDS: Final = 60.0
CALLS_A_ROUND: Final = 100

pytestmark = pytest.mark.asyncio(loop_scope="module")


def met(kind: str, **fields: Any) -> Fault:
    """A fault that meets inserts of activities."""
    return Fault(kind, method="POST", path=ACTIVITY, **fields)


@dataclass(slots=True)
class Bench:
    """A station, the sandbox that it writes to, and the paths of its webhooks by name."""

    station: StationProcess
    sandbox: Sandbox
    paths: dict[str, str]

    async def call(self, key: str, webhook: str = "keys", member: str = "10420") -> Received:
        """One event with this key."""
        body = json.dumps({"key": key, "memberId": member}).encode()
        [answer] = await exchange(self.station.url, post(self.paths[webhook], body, f"Webhook-Id: {key}"))
        return answer

    async def event(self, answer: Received) -> dict[str, Any]:
        """The journal's event of an answer."""
        status, event = await self.station.api("GET", f"/events/{answer.headers['hookstation-event-id']}")
        assert 200 == status
        return dict(event)

    def rows(self) -> Counter[str]:
        """How many activities stand in the sandbox, by key."""
        return Counter(str(row["UF_1"]) for row in self.sandbox.rows("Activity"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    """One for all tests: their keys differ."""
    folder = tmp_path_factory.mktemp("faults")
    async with running_sandbox() as sandbox, StationProcess(folder / "data") as station:
        connection = sandbox_connection(sandbox.url, timeout="1s", settle_after="3s")
        nobody = sandbox_connection("http://127.0.0.1:1", name="gone")
        hooks = [
            key_webhook("imis"),
            key_webhook("imis", "hasty", limits={"time": "500ms"}),
            key_webhook("gone", "gone"),
        ]
        await station.configure({"version": 1, "connections": [connection, nobody], "webhooks": hooks})
        paths = {name: await station.hook(name) for name in ("keys", "hasty", "gone")}
        yield Bench(station, sandbox, paths)


@pytest.fixture(autouse=True)
def _well_again(bench: Bench) -> None:
    bench.sandbox.state.faults.clear()


REFUSALS: Final = {
    "401 for ever": (met("status", status=401), "The target refuses our credentials."),
    "validation": (
        met("validation-error"),
        "The target refused the record (400): The sandbox was told to refuse this.",
    ),
    "400": (met("status", status=400), "The target refused the record (400)."),
    "403": (met("status", status=403), "The target does not allow this account to do that (403)."),
    "404": (met("status", status=404), "The target has no such entity or record (404)."),
    "409": (met("status", status=409), "The target already has a record with this key (409)."),
    "429": (met("status", status=429), "The target is busy (429); nothing was done."),
    "501": (met("status", status=501), "The target does not offer this entity or operation (501)."),
    "result null": (met("ok-with-failure", variant="result"), "The target did not save the record"),
    "not a success": (
        met("ok-with-failure", variant="status"),
        "The target did not save the record",
    ),
    "not valid": (met("ok-with-failure", variant="valid"), "The target did not save the record"),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_a_refusal_is_passed_on_and_nothing_stands(bench: Bench, name: str) -> None:
    """500 with the target's reason, the event failed with the same words, no activity; well again, the key is free."""
    fault, reason = REFUSALS[name]
    bench.sandbox.fault(fault)
    answer = await bench.call(name)
    told = json.loads(answer.body)
    event = await bench.event(answer)
    assert (500, False, "failed") == (answer.status, told["success"], event["state"])
    assert told["error"].startswith(reason)
    assert (told["error"], 500) == (event["error"], event["answer_status"])
    assert 0 == bench.rows()[name]

    bench.sandbox.state.faults.clear()
    assert 200 == (await bench.call(name)).status
    assert 1 == bench.rows()[name]


async def test_refused_credentials_fail_the_event_until_they_are_right(bench: Bench) -> None:
    """invalid_grant is 500, and after a person has put it right and tried the connection, 200."""
    bench.sandbox.fault(Fault("invalid-grant", path="/token"))
    bench.sandbox.state.tokens.clear()
    answer = await bench.call("grant")
    assert {"success": False, "error": "The target refuses our credentials."} == json.loads(answer.body)
    assert "failed" == (await bench.event(answer))["state"]
    bench.sandbox.state.faults.clear()
    assert 200 == (await bench.station.api("POST", "/connections/imis/check"))[0]
    assert 200 == (await bench.call("grant")).status
    assert 1 == bench.rows()["grant"]


async def test_a_validation_message_loses_its_addresses(bench: Bench) -> None:
    """The target's message goes on to the sender, but no address in it does."""
    bench.sandbox.state.change(type(bench.sandbox.state.settings)(strict_parties=True))
    answer = await bench.call("party", member="10.0.0.7")
    bench.sandbox.state.change(type(bench.sandbox.state.settings)())
    assert 500 == answer.status
    assert b"10.0.0.7" not in answer.body
    assert "there is no party [address]" in json.loads(answer.body)["error"]


@pytest.mark.parametrize(
    "fault",
    [
        met("status", status=401, times=1),
        met("saved-with-status", status=201, times=1),
        met("saved-with-status", status=202, times=1),
        met("saved-with-status", status=204, times=1),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
async def test_what_the_target_did_is_a_success(bench: Bench, fault: Fault) -> None:
    """A token renewed once, and every status that says done: 200 and one activity."""
    key = f"{fault.kind} {fault.status}"
    bench.sandbox.fault(fault)
    answer = await bench.call(key)
    assert (200, b'{"success":true}') == (answer.status, answer.body.replace(b" ", b""))
    assert "succeeded" == (await bench.event(answer))["state"]
    assert 1 == bench.rows()[key]


async def test_undecided_answers_are_unknown_and_then_settled_once(bench: Bench) -> None:
    """Each answer that does not say is a 202, then a success with one activity: found, or proven missing and sent."""
    faults = [met("status", status=status, times=1) for status in (408, 500, 502, 503, 504)]
    faults += [met(kind, times=1) for kind in ("saved-but-500", "saved-but-dropped", "dropped")]
    answers = {}
    for fault in faults:
        key = f"undecided {fault.kind} {fault.status}"
        bench.sandbox.fault(fault)
        answers[key] = await bench.call(key)
    assert dict.fromkeys(answers, 202) == {key: answer.status for key, answer in answers.items()}
    assert {"unknown"} == {(await bench.event(answer))["state"] for answer in answers.values()}
    repeated = await bench.call(next(iter(answers)))
    assert 202 == repeated.status

    await bench.station.settled(SETTLE_SECONDS)
    events = {key: await bench.event(answer) for key, answer in answers.items()}
    assert dict.fromkeys(answers, "succeeded") == {key: event["state"] for key, event in events.items()}
    assert dict.fromkeys(answers, 1) == {key: bench.rows()[key] for key in answers}
    for answer in answers.values():
        [run] = await exchange(bench.station.url, get(answer.headers["location"]))
        assert "succeeded" == json.loads(run.body)["status"]
    for key in answers:
        stored = await bench.call(key)
        assert (200, "true") == (stored.status, stored.headers["hookstation-replayed"])


async def test_slow_answers_never_double_an_activity(bench: Bench) -> None:
    """Past our patience with the target, and past the sender's time limit: 202, then one activity each."""
    cases = {
        "slow keys": met("slow", seconds=1.5, times=1),
        "late keys": met("saved-but-slow", seconds=1.5, times=1),
        "slow hasty": met("slow", seconds=0.8, times=1),
        "late hasty": met("saved-but-slow", seconds=0.8, times=1),
    }
    answers = {}
    for key, fault in cases.items():
        bench.sandbox.fault(fault)
        answers[key] = await bench.call(key, key.split()[1])
    assert dict.fromkeys(cases, 202) == {key: answer.status for key, answer in answers.items()}
    await bench.station.settled(SETTLE_SECONDS)
    assert {"succeeded"} == {(await bench.event(answer))["state"] for answer in answers.values()}
    assert dict.fromkeys(cases, 1) == {key: bench.rows()[key] for key in cases}


@pytest.mark.parametrize("kind", ["slow", "saved-but-slow"])
async def test_an_upsert_after_an_unknown_one_of_the_same_row_adds_no_second_row(
    bench: Bench, kind: str
) -> None:
    """While the first may still land, the second is not sent; it changes the row once the first was found."""
    path = await row_webhook(bench)
    bench.sandbox.fault(Fault(kind, method="POST", path=f"/api/{PANEL}", seconds=2.5, times=1))
    [first] = await exchange(bench.station.url, post(path, row(kind, "A")))
    [second] = await exchange(bench.station.url, post(path, row(kind, "B")))
    await bench.station.settled(SETTLE_SECONDS)
    assert (202, 200) == (first.status, second.status)
    assert {"succeeded"} == {(await bench.event(answer))["state"] for answer in (first, second)}
    assert ["B"] == [each["Grade"] for each in bench.sandbox.rows(PANEL) if each["CourseCode"] == kind]


async def test_a_target_that_does_not_run_fails_the_event(bench: Bench) -> None:
    """Connection refused: nothing was sent, so it is a 500 and not an unknown outcome."""
    answer = await bench.call("nobody there", "gone")
    assert 500 == answer.status
    assert "failed" == (await bench.event(answer))["state"]
    assert b"127.0.0.1" not in answer.body


async def test_a_target_killed_half_way_is_unknown_until_it_runs_again(bench: Bench) -> None:
    """The call was sent when the target died: 202; started again without the record, it is sent once more."""
    async with asyncio.timeout(SETTLE_SECONDS):
        target, url = await start_sandbox(0)
        await control(
            url, "/faults", {"kind": "slow", "seconds": 30, "times": 1, "method": "POST", "path": ACTIVITY}
        )
        connection = sandbox_connection(url, name="mortal")
        await bench.station.configure(
            {"version": 1, "connections": [connection], "webhooks": [key_webhook("mortal", "mortal")]}
        )
        bench.paths["mortal"] = await bench.station.hook("mortal")
        calling = asyncio.create_task(bench.call("half way", "mortal"))
        await called(url)
        await stop(target)
        answer = await calling
        assert (202, "unknown") == (answer.status, (await bench.event(answer))["state"])

        target, again = await start_sandbox(int(url.rpartition(":")[2]))
        assert url == again
        await bench.station.settled(SETTLE_SECONDS)
        assert "succeeded" == (await bench.event(answer))["state"]
        assert ["half way"] == [row["UF_1"] for row in (await control(url, "/rows/Activity"))["items"]]
        await stop(target)


def any_fault(random_: random.Random) -> Fault:
    """One of all faults, for one call."""
    undecided = [met("status", status=status) for status in (408, 500, 502, 503, 504)]
    refused = [met("status", status=status) for status in (400, 401, 403, 404, 409, 429, 501)]
    saved = [met(kind) for kind in ("saved-but-500", "saved-but-dropped", "dropped")]
    told = [met("ok-with-failure", variant=variant) for variant in ("result", "status", "valid")]
    slow = [met(kind, seconds=1.5) for kind in ("slow", "saved-but-slow")]
    asking = [Fault("status", method="GET", path=ACTIVITY, status=500), Fault("dropped", method="GET")]
    families = random_.choices(
        [undecided, refused, saved, told, slow, asking, [met("validation-error")]],
        [4, 4, 6, 2, 1, 2, 2],
    )[0]
    chosen = random_.choice(families)
    chosen.times = 1
    return chosen


async def test_a_mixture_of_faults_doubles_nothing(bench: Bench, rounds: int) -> None:
    """Whatever happens to calls that are repeated: one row at most a key, and exactly one where it says succeeded."""
    random_ = random.Random(len(bench.rows()) * 7919 + rounds)
    keys = [f"mix {number}" for number in range(CALLS_A_ROUND * rounds)]
    left = list(keys)

    async def sender() -> None:
        while left:
            key = left.pop()
            for _ in range(3):
                if random_.random() < 0.5:
                    bench.sandbox.fault(any_fault(random_))
                answer = await bench.call(key)
                if answer.status in (200, 202):
                    break

    await asyncio.gather(*(sender() for _ in range(8)))
    bench.sandbox.state.faults.clear()
    await bench.station.settled(SETTLE_SECONDS + rounds)
    rows = bench.rows()
    events = await bench.station.items("/events", webhook="keys")
    succeeded = Counter(
        [
            (await bench.station.api("GET", f"/events/{one['id']}"))[1]["headers"]["webhook-id"]
            for one in events
            if one["state"] == "succeeded"
        ]
    )
    doubled = [key for key in keys if rows[key] > 1]
    missing = [key for key in keys if succeeded[key] and not rows[key]]
    untold = [key for key in keys if rows[key] and not succeeded[key]]
    tell("mixture of target faults", rounds, sum(succeeded[key] for key in keys), len(missing), len(doubled))
    assert ([], [], []) == (doubled, missing, untold)
    assert not [one for one in events if one["state"] in ("unknown", "sending", "working")]


async def row_webhook(bench: Bench) -> str:
    """The path of a webhook that upserts a panel's row by person and course."""
    fields = {name: {"type": "string"} for name in ("course", "grade")}
    webhook = {
        "name": "rows",
        "authentication": {"type": "none"},
        "schema": {"type": "object", "properties": fields, "required": [*fields]},
        "action": {
            "type": "upsert_panel",
            "connection": "imis",
            "panel": PANEL,
            "match": {"ID": "10420", "CourseCode": "$$course$$"},
            "fields": {"Grade": "$$grade$$"},
        },
    }
    await bench.station.configure({"version": 1, "webhooks": [webhook]})
    return await bench.station.hook("rows")


def row(course: str, grade: str) -> bytes:
    return json.dumps({"course": course, "grade": grade}).encode()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: station\r\nConnection: close\r\n\r\n".encode()


async def control(url: str, path: str, document: object = None) -> Any:
    """One call of a sandbox's control address."""
    sent = (
        get(f"/_sandbox{path}")
        if document is None
        else post(f"/_sandbox{path}", json.dumps(document).encode())
    )
    [answer] = await exchange(url, sent)
    return json.loads(answer.body)


async def called(url: str) -> None:
    """Wait until an insert has reached the sandbox."""
    while True:
        calls = await control(url, "/calls")
        if any((one["method"], one["path"]) == ("POST", ACTIVITY) for one in calls["items"]):
            return


async def start_sandbox(port: int) -> tuple[subprocess.Popen[str], str]:
    """A sandbox in a process of its own, and its address."""
    command = [sys.executable, "-m", "hookstation", "sandbox", "--port", str(port)]
    process = await asyncio.to_thread(subprocess.Popen, command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = await asyncio.to_thread(process.stdout.readline)
    return process, line.split()[-1]


async def stop(process: subprocess.Popen[str]) -> None:
    """``kill -9``."""
    process.kill()
    await asyncio.to_thread(process.communicate)
