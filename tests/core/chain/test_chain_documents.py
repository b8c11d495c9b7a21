"""Polls, transfers and schedules as documents: they come back as they were, and mistakes are said where they are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given

from hookstation.core.documents import (
    PersonSecrets,
    decode_poll,
    decode_schedule,
    decode_transfer,
    encode_poll,
    encode_schedule,
    encode_transfer,
)
from hookstation.core.polling.definitions import Poll
from hookstation.core.schedules.definitions import Schedule
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.values import JSON, Secret
from hookstation.errors import Problem
from tests.support.chain import INSERT, poll, polls, schedule, schedules, transfer, transfers

PERSON = PersonSecrets()


class Revealed:
    """Writes secrets as a person would."""

    def encode(self, secret: Secret, _purpose: str) -> JSON:
        return secret.reveal()


@given(polls)
def test_a_poll_is_the_same_after_it_was_written_and_read(one: Poll) -> None:
    assert (one, []) == decode_poll(encode_poll(one))
    assert (one, []) == decode_poll(encode_poll(one, defaults=True))


@given(transfers)
def test_a_transfer_is_the_same_after_it_was_written_and_read(one: Transfer) -> None:
    assert (one, []) == decode_transfer(encode_transfer(one, Revealed()), PERSON)
    assert (one, []) == decode_transfer(encode_transfer(one, Revealed(), defaults=True), PERSON)


@given(schedules)
def test_a_schedule_is_the_same_after_it_was_written_and_read(one: Schedule) -> None:
    assert (one, []) == decode_schedule(encode_schedule(one))
    assert (one, []) == decode_schedule(encode_schedule(one, defaults=True))


def refused(decode: Callable[[JSON], tuple[object, list[Problem]]], document: JSON, said: str) -> None:
    thing, problems = decode(document)
    assert thing is None
    assert any(said in str(problem) for problem in problems), [str(problem) for problem in problems]


STATEMENT = {"type": "sql", "connection": "a", "watermark": "ID"}
CHANGED = {"type": "http", "url": "https://a.example.org/", "cursor": {"type": "changed"}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": {"type": "htpp"}}, "is not a known type"),
        ({"source": {"type": "http"}}, "needs “connection” or “url”"),
        ({"source": {"type": "http", "connection": "a", "url": "https://a.example"}}, "source.url"),
        (
            {"source": {"type": "sql", "connection": "a", "watermark": "ID"}},
            "needs one of “table” and “statement”",
        ),
        ({"source": {"type": "files", "connection": "a", "after": "burn"}}, "must be keep, delete"),
        ({"source": {"type": "rss", "url": "https://a.example", "path": "/x"}}, "source.path"),
        ({"first": "never"}, "must be now, everything"),
        ({"first": {"since": "yesterday"}}, "must be now, everything"),
        ({"workflow": "w"}, "cannot stand beside “action”"),
        (
            {"source": {**STATEMENT, "statement": "select * from t where ID > :watermark"}},
            "source.parameters: needs “watermark”",
        ),
        ({"source": {**CHANGED, "pages": {"type": "page"}}}, "source.pages: cannot stand beside a cursor"),
        ({"source": CHANGED, "first": {"since": "2026-01-01"}}, "first: must be now or everything"),
        ({"action": None}, "or write “workflow”"),
        ({"action": {**INSERT, "fields": {"ID": []}}}, "action.fields.ID"),  # type: ignore[dict-item]
        ({"key": "$$id"}, "key"),
        ({"most": 0}, "most"),
        ({"schema": None}, "is empty: write the schema"),
        ({"work": {"order": "$$x"}}, "work.order"),
        ({"authentication": {"type": "none"}}, "is not a known setting"),
    ],
)
def test_a_mistake_in_a_poll_is_said_where_it_is(changes: dict[str, Any], said: str) -> None:
    refused(decode_poll, poll(**changes), said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": {"type": "sql", "connection": "a"}}, "needs one of “table” and “statement”"),
        ({"source": {"type": "journal", "states": ["fialed"]}}, "Did you mean “failed”?"),
        ({"columns": [{"name": "a", "from": "b", "value": 1}]}, "cannot stand beside “from”"),
        ({"columns": [{"name": "a"}, {"name": "a"}]}, "is there twice"),
        ({"columns": [{"name": "a", "value": "$$b"}]}, "columns.0.value"),
        ({"format": {"type": "xls"}}, "is not a known type"),
        ({"destination": {"type": "http", "url": "https://$$x$$/"}}, "cannot be a template"),
        ({"destination": {"type": "http", "url": "https://a.example", "body": {}}}, "is for “how: rows”"),
        (
            {"destination": {"type": "mail", "connection": "m", "to": ["x"], "path": "p", "subject": "s"}},
            "no",
        ),
        ({"zip": True, "destination": {"type": "http", "url": "https://a.example", "how": "rows"}}, "zip"),
        ({"pgp": {"key": "abc"}}, "it begins with -----BEGIN PGP PUBLIC KEY BLOCK-----"),
        ({"alerts": {"connection": "m", "to": ["a@b.example"], "on": ["fail"]}}, "alerts.on.0"),
        ({"delta": {}}, "“key” is missing"),
    ],
)
def test_a_mistake_in_a_transfer_is_said_where_it_is(changes: dict[str, Any], said: str) -> None:
    refused(lambda document: decode_transfer(document, PERSON), transfer(**changes), said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"poll": "p"}, "cannot stand beside “transfer”"),
        ({"transfer": None}, "needs one of workflow, transfer and poll"),
        ({"every": "5m"}, "cannot stand beside “cron”"),
        ({"cron": None}, "needs one of cron, at and every"),
        ({"cron": "61 * * * *"}, "cron: "),
        ({"cron": "* * *"}, "must be five fields"),
        ({"cron": "0 0 31 2 *"}, "cron: never comes"),
        ({"cron": None, "at": "tomorrow"}, "is not a time"),
        ({"cron": None, "at": "2026-12-01T09:00Z"}, "leave the offset out"),
        ({"cron": None, "every": "1.5s"}, "must be whole seconds"),
        ({"zone": "Berlin"}, "is not a time zone"),
        ({"input": {}}, "is for a workflow"),
        ({"starts": "1.1.2026"}, "must be a date like"),
        ({"starts": "2026-02-01", "ends": "2026-01-01"}, "lies before “starts”"),
        ({"except": ["2026-13-01"]}, "except.0"),
        ({"except": [{"from": "2026-02-01", "to": "2026-01-01"}]}, "lies before “from”"),
        ({"except": "2026-01-01"}, "must be a list"),
        ({"overlap": "both"}, "overlap"),
        ({"clock_change": {"repeated": "never"}}, "clock_change.repeated"),
    ],
)
def test_a_mistake_in_a_schedule_is_said_where_it_is(changes: dict[str, Any], said: str) -> None:
    refused(decode_schedule, schedule(**changes), said)
