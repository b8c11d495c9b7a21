"""The hand-out for a vendor: everything a developer needs, and nothing secret."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest

from hookstation.core.definitions import (
    Access,
    Action,
    AnswerMode,
    Authentication,
    Duplicates,
    HmacAuthentication,
    NoAuthentication,
    StandardWebhooksAuthentication,
    TokenAuthentication,
    Webhook,
)
from hookstation.core.handout import handout
from hookstation.core.rates import Rate
from hookstation.core.values import JSON, Number, Secret

URL = "https://hooks.example.org/hooks/abc"
SCHEMA: JSON = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "examples": ["it's"]},
        "n": {"type": "number", "minimum": Number("0.50")},
    },
    "required": ["id"],
}
HOOK = Webhook(
    "courses", NoAuthentication(), Action("insert_activity", "imis", {}), title="Courses *new*", schema=SCHEMA
)
SECRET = "never to be told"


@pytest.mark.parametrize(
    ("authentication", "told"),
    [
        (NoAuthentication(), "whoever knows the URL"),
        (TokenAuthentication("X-Token", Secret(SECRET)), "`X-Token`"),
        (HmacAuthentication("X-Sign", Secret(SECRET), "sha512", "base64", "s="), "HMAC-SHA512"),
        (StandardWebhooksAuthentication(Secret(SECRET)), "300 seconds"),
    ],
)
def test_how_a_call_proves_itself_is_told_and_no_secret(authentication: Authentication, told: str) -> None:
    page = handout(replace(HOOK, authentication=authentication), URL).markdown()
    assert told in page
    assert SECRET not in page
    assert ("| 401 |" in page) == (not isinstance(authentication, NoAuthentication))


def test_a_sample_that_fits_is_made_where_none_is_given() -> None:
    assert {"id": "it's", "n": 1} == handout(HOOK, URL).sample
    assert {"id": "own"} == handout(HOOK, URL, {"id": "own"}).sample
    assert None is handout(replace(HOOK, schema=False), URL).sample


def test_the_call_for_a_shell_can_be_pasted() -> None:
    words = shlex.split(handout(HOOK, URL).curl().replace("\\\n", ""))
    assert [
        "curl",
        "-X",
        "POST",
        URL,
        "-H",
        "Content-Type: application/json",
        "-d",
        '{"id":"it\'s","n":1}',
    ] == words


def test_repeats_and_limits_are_told() -> None:
    plain = handout(HOOK, URL).markdown()
    assert ("Each call is a new event" in plain, "| 409 |" in plain, "| 403 |" in plain) == (
        True,
        False,
        False,
    )
    strict = replace(
        HOOK, duplicates=Duplicates("body:id", 90), access=Access(("203.0.113.0/24",), Rate(5, 60))
    )  # fmt: skip
    page = handout(strict, URL).markdown()
    for said in (
        "`id` in the body",
        "90 seconds",
        "| 409 |",
        "| 403 |",
        "203.0.113.0/24",
        "5 calls in 1 minute",
    ):
        assert said in page


def test_the_page_is_markdown_that_a_title_cannot_break() -> None:
    page = handout(HOOK, URL).markdown()
    assert page.startswith("# Courses \\*new\\*\n")
    assert '"minimum":0.50' in page
    assert page == handout(HOOK, URL).as_json()["markdown"]


@pytest.mark.parametrize(
    ("webhook", "told"),
    [
        (replace(HOOK, answer=AnswerMode.QUEUED), (200, '{"error": false, "id": "…", "queueTime": "…"}')),
        (replace(HOOK, answer=AnswerMode.QUEUED, acknowledge=202, omit_body=True), (202, "")),
        (replace(HOOK, answer=AnswerMode.POLL), (202, '{"id": "…", "status": "queued"}')),
    ],
)
def test_the_answers_are_those_of_the_mode(webhook: Webhook, told: tuple[int, str]) -> None:
    answers = handout(webhook, URL).answers
    assert told == (answers[0].status, answers[0].body)
    assert {'{"error": true, "message": "…"}'} == {
        one.body for one in answers if one.status in (413, 415, 429, 500, 503)
    }
    assert ['{"success": false}'] == [one.body for one in answers if one.status == 404]


def test_that_a_sender_may_ask_not_to_wait_is_told() -> None:
    page = handout(replace(HOOK, respond_async=True), URL).markdown()
    assert "Prefer: respond-async" in page
