"""The settings of a webhook that answers before the work is done: what they mean, and what is refused."""

from __future__ import annotations

import pytest

from hookstation.core.definitions import AnswerMode, Check, Fault, Poison, Retry, Webhook, Work
from hookstation.core.documents import decode_webhook, encode_webhook
from hookstation.core.values import JSON, Secret
from tests.core.test_documents import PERSON, webhook, webhook_problems
from tests.support.configurations import webhook_document


class Revealed:
    """Writes secrets as a person would."""

    def encode(self, secret: Secret, _purpose: str) -> JSON:
        return secret.reveal()


REVEALED = Revealed()


def test_what_is_left_out_is_as_it_ever_was() -> None:
    found = webhook()
    assert (AnswerMode.OUTCOME, 200, False, Check.BEFORE, False, Work()) == (
        found.answer,
        found.acknowledge,
        found.omit_body,
        found.check,
        found.respond_async,
        found.work,
    )


def test_every_setting_is_read() -> None:
    found = webhook(
        answer="queued",
        acknowledge=202,
        omit_body=True,
        check="later",
        respond_async=True,
        work={
            "concurrency": 3,
            "order": "$$memberId$$",
            "poison": "skip",
            "skip_after": 2,
            "time": "2h",
            "retry": {
                "attempts": 4,
                "first": "1.5s",
                "factor": 2,
                "most": "1m",
                "jitter": "5%",
                "on": ["offline", "refused"],
            },
        },
    )
    retry = Retry(4, 1.5, 2, 60, 0.05, frozenset({Fault.OFFLINE, Fault.REFUSED}))
    assert Work(3, "$$memberId$$", Poison.SKIP, 2, 7_200, retry) == found.work
    assert (AnswerMode.QUEUED, 202, True, Check.LATER, True) == (
        found.answer,
        found.acknowledge,
        found.omit_body,
        found.check,
        found.respond_async,
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"answer": "poll"},
        {"answer": "queued", "acknowledge": 202, "work": {"order": "$$a$$", "poison": "drop"}},
        {"respond_async": True, "work": {"retry": {"attempts": 1, "on": ["unknown"]}}},
    ],
)
def test_what_is_written_back_means_the_same(changes: dict[str, JSON]) -> None:
    first = webhook(**changes)
    written = encode_webhook(first, REVEALED)
    again, problems = decode_webhook(written, PERSON)
    assert (first, []) == (again, problems)
    assert changes.items() <= written.items()


@pytest.mark.parametrize("defaults", [False, True])
def test_the_defaults_of_work_are_those_of_its_value(defaults: bool) -> None:
    found, _ = decode_webhook({**webhook_document(), "answer": "poll", "work": {"concurrency": 1}}, PERSON)
    assert isinstance(found, Webhook)
    assert Work(concurrency=1) == found.work
    assert defaults == ("retry" in str(encode_webhook(found, REVEALED, defaults=defaults)))


ONLY_LATER = (
    "is for events that are answered before the work is done; set “answer” to “queued” or “poll”, or “respond_async” "
    "to true, or leave this out."
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"answer": "queued", "acknowledge": 201}, "acknowledge: must be 200 or 202."),
        (
            {"answer": "poll", "acknowledge": 202},
            "acknowledge: is for “answer: queued” alone; set that, or leave this out.",
        ),
        ({"omit_body": True}, "omit_body: is for “answer: queued” alone; set that, or leave this out."),
        ({"check": "later"}, f"check: {ONLY_LATER}"),
        ({"work": {"concurrency": 2}}, f"work: {ONLY_LATER}"),
        (
            {"answer": "queued", "work": {"poison": "drop"}},
            "work.poison: says who may pass whom, so it needs an order: write `order`, or leave this out.",
        ),
        (
            {
                "answer": "queued",
                "work": {"order": "$$a$$", "poison": "skip", "skip_after": 5, "retry": {"attempts": 5}},
            },
            "work.skip_after: must be less than retry.attempts, which is 5: nobody would pass before the last try.",
        ),
        (
            {"answer": "queued", "work": {"retry": {"on": ["offlin"]}}},
            "work.retry.on.0: “offlin” is no fault; choose among offline, busy, credentials, refused or unknown. "
            "Did you mean “offline”?",
        ),
        (
            {"answer": "queued", "work": {"retry": {"first": "2h"}}},
            "work.retry.first: must not be longer than `most`, the longest pause.",
        ),
        (
            {"answer": "queued", "work": {"retry": {"jitter": "a fifth"}}},
            "work.retry.jitter: “a fifth” is not allowed here: it must be whole per cent, like 20%.",
        ),
        ({"answer": "queued", "work": {"concurrency": 0}}, "work.concurrency: must be at least 1."),
    ],
)
def test_what_cannot_be_is_refused_with_an_instruction(changes: dict[str, JSON], expected: str) -> None:
    assert expected in webhook_problems(**changes)


def test_an_order_that_is_no_template_is_refused_at_its_place() -> None:
    [problem] = webhook_problems(answer="queued", work={"order": "{% if %}"})
    assert problem.startswith("work.order: ")
