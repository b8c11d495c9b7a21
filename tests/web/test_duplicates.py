"""Repeated calls: one key, one effect, and the stored answer for everybody who asks again."""

from __future__ import annotations

import asyncio
import json
import uuid

import aiohttp
import pytest

from tests.support.station import Station, until
from tests.support.wire import Heard, ask, post

BIG = 2**70


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def course(key: str, **more: object) -> dict[str, object]:
    return {"memberId": "10420", "note": key, **more}


def test_a_repeat_gets_the_stored_answer_and_has_no_effect(lane: Station, key: str) -> None:
    first, second = (post(lane.hook("by-header"), course(key), Webhook_Id=key) for _ in range(2))
    assert (first.status, first.body) == (second.status, second.body) == (200, b'{"success": true}')
    assert ("true", None) == (
        second.headers.get("hookstation-replayed"),
        first.headers.get("hookstation-replayed"),
    )
    assert first.event_id == second.event_id
    assert 1 == len(lane.records("Activity", NOTE=key))


def test_another_body_under_the_key_of_a_succeeded_call_is_409(lane: Station, key: str) -> None:
    assert 200 == post(lane.hook("by-header"), course(key), Webhook_Id=key).status
    heard = post(lane.hook("by-header"), course(key, count=1), Webhook_Id=key)
    assert (409, False) == (heard.status, heard.document["success"])
    assert 1 == len(lane.records("Activity", NOTE=key))


@pytest.mark.parametrize("headers", [{}, {"webhook-id": ""}, {"webhook-id": "  "}])
def test_a_call_without_the_key_is_new(lane: Station, key: str, headers: dict[str, str]) -> None:
    sent = json.dumps(course(key))
    assert [200, 200] == [ask(lane.hook("by-header"), sent, headers=headers).status for _ in range(2)]
    assert 2 == len(lane.records("Activity", NOTE=key))


def test_without_a_dedup_key_every_call_is_new(lane: Station, key: str) -> None:
    answers = [post(lane.hook("plain"), course(key), Webhook_Id=key) for _ in range(2)]
    assert 2 == len({one.event_id for one in answers})


def test_keys_of_one_webhook_are_not_those_of_another(lane: Station, key: str) -> None:
    for name in ("by-header", "long"):
        assert "hookstation-replayed" not in post(lane.hook(name), {"memberId": "1"}, Webhook_Id=key).headers


def test_the_body_itself_may_be_the_key(lane: Station, key: str) -> None:
    first, second, other = (
        ask(lane.hook("by-hash"), json.dumps(course(key)) + space) for space in ("", "", " ")
    )
    assert (first.event_id, "true") == (second.event_id, second.headers["hookstation-replayed"])
    assert "hookstation-replayed" not in other.headers
    assert 2 == len(lane.records("Activity", NOTE=key))


def test_a_property_may_be_the_key(lane: Station, key: str) -> None:
    assert 200 == post(lane.hook("by-path"), course(key)).status
    assert "true" == post(lane.hook("by-path"), course(key)).headers["hookstation-replayed"]
    assert 409 == post(lane.hook("by-path"), course(key, count=1)).status


def test_a_call_that_lacks_the_property_is_new(lane: Station) -> None:
    answers = [post(lane.hook("by-path"), {"memberId": "10420"}) for _ in range(2)]
    assert 2 == len({one.event_id for one in answers})


def test_after_a_400_any_body_tries_again(lane: Station, key: str) -> None:
    answers = [post(lane.hook("by-header"), one, Webhook_Id=key) for one in ({}, course(key), course(key))]
    assert [400, 200, 200] == [one.status for one in answers]
    assert [None, None, "true"] == [one.headers.get("hookstation-replayed") for one in answers]


def test_after_a_500_of_the_mapping_any_body_tries_again(lane: Station, key: str) -> None:
    bodies = [{"memberId": "1", "note": "x" * 99}, {"memberId": "1", "note": "short"}]
    assert [500, 200] == [post(lane.hook("long"), one, Webhook_Id=key).status for one in bodies]


def test_after_a_500_of_the_target_any_body_tries_again(lane: Station, key: str) -> None:
    lane.fault("validation-error")
    bodies = [course(key), course(key, count=2), course(key, count=2)]
    answers = [post(lane.hook("imis"), one, Webhook_Id=key) for one in bodies]
    assert [500, 200, 200] == [one.status for one in answers]
    assert "true" == answers[2].headers["hookstation-replayed"]
    assert 1 == len(lane.rows(SOURCE_CODE=answers[1].event_id))


async def test_a_hundred_calls_at_once_with_one_key_are_one_record(lane: Station, key: str) -> None:
    answers = await together(lane, "by-header", [course(key)] * 100, key)
    assert {(200, b'{"success": true}')} == {(one.status, one.body) for one in answers}
    assert 1 == len({one.event_id for one in answers})
    assert 99 == len([one for one in answers if "hookstation-replayed" in one.headers])
    assert 1 == len(lane.records("Activity", NOTE=key))


async def test_a_hundred_calls_at_once_into_the_target_are_one_row(lane: Station, key: str) -> None:
    lane.fault("slow", seconds=0.2)
    answers = await together(lane, "imis", [course(key)] * 100, key)
    assert {200} == {one.status for one in answers}
    assert 1 == len(lane.rows(SOURCE_CODE=answers[0].event_id))
    assert 1 == len({one.event_id for one in answers})


async def test_of_two_bodies_at_once_under_one_key_one_wins(lane: Station, key: str) -> None:
    bodies = [course(key, count=number % 2) for number in range(40)]
    answers = await together(lane, "by-header", bodies, key)
    assert {200, 409} == {one.status for one in answers}
    assert 20 == len([one for one in answers if one.status == 200])
    assert 1 == len(lane.records("Activity", NOTE=key))


async def test_after_a_failure_one_of_those_who_waited_is_the_next_first(lane: Station, key: str) -> None:
    lane.fault("validation-error")
    answers = await together(lane, "imis", [course(key)] * 20, key)
    assert [200] * 19 + [500] == sorted(one.status for one in answers)
    assert 1 == len({one.event_id for one in answers if one.status == 200})


def test_another_body_while_the_first_works_is_409(lane: Station, key: str) -> None:
    lane.fault("slow", seconds=1)
    first = post(lane.hook("quick"), course(key), Webhook_Id=key)
    assert 202 == first.status
    assert 409 == post(lane.hook("quick"), course(key, count=1), Webhook_Id=key).status
    lane.ended(first)


def test_a_repeat_while_the_first_works_waits_up_to_the_time_limit(lane: Station, key: str) -> None:
    lane.fault("slow", seconds=1)
    first, second = (post(lane.hook("quick"), course(key), Webhook_Id=key) for _ in range(2))
    assert (202, 202) == (first.status, second.status)
    assert first.headers["location"] == second.headers["location"]
    assert "hookstation-replayed" not in second.headers
    assert "succeeded" == lane.ended(first).document["status"]
    third = post(lane.hook("quick"), course(key), Webhook_Id=key)
    assert (200, "true") == (third.status, third.headers["hookstation-replayed"])
    assert 1 == len(lane.rows(SOURCE_CODE=first.event_id))


def test_a_repeat_of_an_unknown_one_is_202_and_never_a_second_write(lane: Station, key: str) -> None:
    lane.fault("saved-but-500")
    first, second = (post(lane.hook("imis"), course(key), Webhook_Id=key) for _ in range(2))
    assert (202, 202) == (first.status, second.status)
    assert first.headers["location"] == second.headers["location"]
    assert 409 == post(lane.hook("imis"), course(key, count=1), Webhook_Id=key).status
    assert "succeeded" == lane.ended(first).document["status"]
    third = post(lane.hook("imis"), course(key), Webhook_Id=key)
    assert (200, b'{"success": true}', "true") == (
        third.status,
        third.body,
        third.headers["hookstation-replayed"],
    )
    assert 1 == len(lane.rows(SOURCE_CODE=first.event_id))


def test_keys_that_no_column_could_hold_are_told_apart(lane: Station) -> None:
    keys = ["k" * 300, "k" * 301, "\xe9\x80", "sha256:" + "0" * 64]
    for one in keys:
        assert "hookstation-replayed" not in keyed(lane, one).headers
    for one in keys:
        assert "true" == keyed(lane, one).headers["hookstation-replayed"]


def keyed(lane: Station, key: str) -> Heard:
    return ask(lane.hook("by-header"), '{"memberId": "10420"}', headers={"webhook-id": key})


def test_a_number_is_a_key_by_its_digits(lane: Station, key: str) -> None:
    del key
    bodies = [f'{{"memberId": "10420", "note": "{number}"}}' for number in (BIG, BIG + 1, BIG)]
    answers = [ask(lane.hook("by-path"), one) for one in bodies]
    assert [None, None, "true"] == [one.headers.get("hookstation-replayed") for one in answers]


def test_a_failed_event_is_still_in_the_journal(lane: Station, key: str) -> None:
    heard = post(lane.hook("by-header"), {}, Webhook_Id=key)
    assert "rejected" == until(lambda: lane.event(heard)["state"])


async def together(lane: Station, name: str, bodies: list[dict[str, object]], key: str) -> list[Heard]:
    """All these calls at once, each over a connection of its own."""
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def call(body: dict[str, object]) -> Heard:
            async with session.post(lane.hook(name), json=body, headers={"webhook-id": key}) as answer:
                headers = {one.lower(): value for one, value in answer.headers.items()}
                return Heard(answer.status, headers, await answer.read())

        return list(await asyncio.gather(*(call(body) for body in bodies)))
