"""The dry run: the verdict of each stage as production would give it, and nothing written."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from hookstation.core.definitions import HmacAuthentication
from hookstation.core.signing import sign_hmac
from hookstation.core.values import Secret
from hookstation.engine.dryrun import Trial
from hookstation.errors import NotFound
from hookstation.ports.store import ConfigurationChange
from tests.support.engine import Engine, engine, webhook

GOOD = b'{"id": "7", "note": "a"}'
HMAC: Any = {"type": "hmac", "header": "X-Signature", "secret": "s"}


def verdicts(trial: Trial) -> dict[str, str]:
    return {stage.stage: stage.verdict for stage in trial.stages}


def trial(bench: Engine, body: bytes = GOOD, **headers: str) -> Trial:
    return bench.dry_run.test(
        "courses", body, {name.replace("_", "-"): text for name, text in headers.items()}
    )


async def test_a_good_payload_shows_the_record_and_writes_nothing() -> None:
    async with engine(webhook(fields={"Note": "$$note$$"})) as bench:
        told = trial(bench)
        expected = {
            "state": "passed",
            "length": "passed",
            "authentication": "passed",
            "body": "passed",
            "duplicate": "skipped",
            "schema": "passed",
            "mapping": "passed",
            "write": "skipped",
        }
        assert expected == verdicts(told)
        shown: Any = told.as_json()
        assert ("accepted", 200, {"success": True}) == (shown["verdict"], shown["status"], shown["answer"])
        assert ("records", "Activity", "7", "a") == (
            shown["record"]["connection"],
            shown["record"]["entity"],
            shown["record"]["fields"]["ID"],
            shown["record"]["fields"]["NOTE"],
        )
        assert ([], []) == (await bench.events(), await bench.records())


@pytest.mark.parametrize(
    ("body", "headers", "stage", "status"),
    [
        (b"x" * 101, {}, "length", 413),
        (GOOD, {"content_type": "text/xml"}, "body", 415),
        (GOOD, {"content_encoding": "gzip"}, "body", 415),
        (b"{", {}, "body", 400),
        (b'{"id": 7}', {}, "schema", 400),
        (b'{"note": "a"}', {}, "mapping", 500),
    ],
)
async def test_each_refusal_ends_the_run_at_its_stage_with_the_answer_of_a_real_call(
    body: bytes, headers: dict[str, str], stage: str, status: int
) -> None:
    async with engine(webhook(limits={"body": 100})) as bench:
        told = trial(bench, body, **headers)
        assert (stage, "rejected") == (told.stages[-1].stage, told.stages[-1].verdict)
        assert (False, status, None) == (told.accepted, told.answer.status, told.record)
        real = await bench.post("courses", body, content_length=str(len(body)), **headers)
        assert (real.status, real.body) == (told.answer.status, told.answer.body)


async def test_authentication_is_proven_where_headers_are_given_and_skipped_where_none_are() -> None:
    async with engine(webhook(authentication=HMAC)) as bench:
        signed = sign_hmac(HmacAuthentication("x_signature", Secret("s")), GOOD)
        assert "skipped" == verdicts(trial(bench))["authentication"]
        assert "passed" == verdicts(trial(bench, GOOD, **signed))["authentication"]
        refused = trial(bench, b"{}", **signed)
        assert (401, "rejected") == (refused.answer.status, verdicts(refused)["authentication"])


async def test_the_dedup_key_is_told() -> None:
    async with engine(webhook(duplicates={"key": "header:webhook-id"})) as bench:
        told = {stage.stage: stage.detail for stage in trial(bench, webhook_id="k1").stages}
        assert "key k1" == told["duplicate"]
        told = {stage.stage: stage.detail for stage in trial(bench).stages}
        assert "treated as new" in told["duplicate"]


async def test_a_webhook_that_is_not_active_can_be_tried_and_says_so() -> None:
    async with engine(webhook(state="disabled")) as bench:
        told = trial(bench)
        assert ("skipped", True) == (verdicts(told)["state"], told.accepted)


async def test_a_webhook_that_cannot_be_compiled_tells_its_owner_why() -> None:
    async with engine(webhook()) as bench:
        row = replace(bench.board.stored.webhooks["courses"], document='{"name": "courses"}')
        await bench.store.save_configuration(
            ConfigurationChange(webhooks={"courses": row}), await bench.store.revision()
        )
        await bench.board.refresh()
        told = trial(bench)
        assert (500, "configuration") == (told.answer.status, told.stages[-1].stage)
        assert "action" in told.stages[-1].detail
        assert b"action" not in told.answer.body


async def test_a_webhook_that_is_not_there_is_not_found() -> None:
    async with engine() as bench:
        with pytest.raises(NotFound, match="courses"):
            trial(bench)


async def test_the_document_of_a_trial_is_json() -> None:
    async with engine(webhook(fields={"Units": "$$units$$"}, schema=True)) as bench:
        told = trial(bench, b'{"id": "7", "units": 1.50}')
        assert "1.50" == str(told.record and told.record.fields["UNITS"])
        shown: Any = told.as_json()
        assert {"verdict", "status", "answer", "stages", "record"} == shown.keys()
        assert json.dumps(shown["stages"])


async def test_in_mode_queued_it_shows_the_acknowledgement_and_whom_the_event_would_follow() -> None:
    async with engine(webhook(answer="queued", work={"order": "$$id$$"})) as bench:
        told = trial(bench)
        answer = json.loads(told.answer.body)
        assert (True, 200, ["error", "id", "queueTime"]) == (
            told.accepted,
            told.answer.status,
            list(answer),
        )
        assert "after the others of “7”" == {one.stage: one.detail for one in told.stages}["order"]
        refused = trial(bench, b"{")
        assert (400, True) == (refused.answer.status, json.loads(refused.answer.body)["error"])


async def test_what_is_checked_later_is_rejected_though_its_sender_gets_an_acknowledgement() -> None:
    async with engine(webhook(answer="poll", check="later")) as bench:
        told = trial(bench, b'{"id": 7}')
        assert (False, 202, "rejected") == (told.accepted, told.answer.status, verdicts(told)["schema"])
        assert "rejected" == told.as_json()["verdict"]


async def test_an_answer_without_a_body_is_shown_as_none() -> None:
    async with engine(webhook(answer="queued", omit_body=True)) as bench:
        assert None is trial(bench).as_json()["answer"]
