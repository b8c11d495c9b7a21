"""Tokens of OAuth 2.0: fetched once for all who wait, kept until shortly before their end, renewed when refused."""

from __future__ import annotations

import json
from base64 import b64decode
from urllib.parse import parse_qs

import pytest

from hookstation.core.outgoing.values import DeliveryState, Trouble
from hookstation.core.values import JSON
from tests.support.receiver import Answer, Call
from tests.support.sending import SendingBench, subscription


class Bank:
    """Gives out tokens, and takes those that it gave out last."""

    def __init__(self, lasts: object = 3600) -> None:
        self.given, self.lasts = 0, lasts
        self.good: set[str] = set()
        self.broken: Answer | None = None

    def __call__(self, call: Call) -> Answer:
        if call.path == "/token":
            if self.broken is not None:
                return self.broken
            self.given += 1
            self.good = {f"Bearer token-{self.given}"}
            told = {"access_token": f"token-{self.given}", "token_type": "Bearer", "expires_in": self.lasts}
            return Answer(200, body=json.dumps(told).encode())
        return Answer(200 if call.header("Authorization") in self.good else 401)


@pytest.fixture
async def bank(bench: SendingBench) -> Bank:
    """A destination that wants tokens of this bank."""
    made = Bank()
    bench.receiver.usual = made
    await configured(bench)
    return made


async def configured(bench: SendingBench, *, in_body: bool = False) -> None:
    wanted: JSON = {
        "type": "oauth2",
        "token_url": f"{bench.receiver.url}/token",
        "client_id": "we:",
        "client_secret": "gehe%im",
        "scope": "write",
        "in_body": in_body,
    }
    await bench.configure(
        destinations=[bench.destination(authentication=wanted)], subscriptions=[subscription()]
    )


async def sent(bench: SendingBench, count: int = 1) -> None:
    for _ in range(count):
        await bench.raised()
    await bench.deliver()


async def test_a_token_is_fetched_once_for_all_that_wait_for_it(bench: SendingBench, bank: Bank) -> None:
    await sent(bench, 5)
    (asked,) = bench.calls("token")
    assert {"grant_type": ["client_credentials"], "scope": ["write"]} == parse_qs(asked.body.decode())
    assert b"we%3A:gehe%25im" == b64decode(asked.header("Authorization").removeprefix("Basic "))
    assert {"Bearer token-1"} == {call.header("Authorization") for call in bench.calls()}
    await sent(bench)
    assert (1, 6) == (bank.given, len(bench.calls()))


async def test_a_token_is_fetched_anew_shortly_before_its_end(bench: SendingBench, bank: Bank) -> None:
    await sent(bench)
    await bench.clock.advance(3600 - 61)
    await sent(bench)
    assert 1 == bank.given
    await bench.clock.advance(2)
    await sent(bench)
    assert 2 == bank.given


async def test_a_refused_token_is_fetched_anew_once_within_the_attempt(
    bench: SendingBench, bank: Bank
) -> None:
    await sent(bench)
    bank.good = set()
    await sent(bench)
    last = (await bench.deliveries())[-1]
    assert (DeliveryState.DELIVERED, 1, 2) == (last.state, last.attempts, bank.given)
    assert 3 == len(bench.calls())


async def test_a_fresh_token_that_is_refused_fails_the_attempt(bench: SendingBench, bank: Bank) -> None:
    bench.receiver.usual = lambda call: bank(call) if call.path == "/token" else Answer(401)
    await sent(bench)
    delivery = await bench.only()
    assert (DeliveryState.WAITING, Trouble.REFUSED, 401) == (
        delivery.state,
        delivery.trouble,
        delivery.status,
    )
    assert (2, 2) == (bank.given, len(bench.calls()))


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(400, body=b'{"error": "invalid_client"}'), "answered 400: invalid_client."),
        (Answer(200, body=b"<html>"), "not with a bearer token"),
        (Answer(200, body=b'{"access_token": "a b"}'), "not with a bearer token"),
        (Answer(200, body=b'{"access_token": "a", "token_type": "mac"}'), "not with a bearer token"),
        (Answer(302, (("Location", "/elsewhere"),)), "answered 302"),
        (Answer(cut=True), "could not be fetched"),
    ],
)
async def test_without_a_token_nothing_is_sent_and_the_attempt_says_why(
    bench: SendingBench, bank: Bank, answer: Answer, said: str
) -> None:
    bank.broken = answer
    await sent(bench)
    delivery = await bench.only()
    assert (DeliveryState.WAITING, Trouble.CREDENTIALS, []) == (
        delivery.state,
        delivery.trouble,
        bench.calls(),
    )
    assert said in delivery.error
    bank.broken = None
    await bench.after(5)
    assert DeliveryState.DELIVERED == (await bench.only()).state


async def test_the_secret_may_go_in_the_form_and_is_seen_nowhere(bench: SendingBench, bank: Bank) -> None:
    await configured(bench, in_body=True)
    await sent(bench)
    (asked,) = bench.calls("token")
    assert (["gehe%im"], "") == (
        parse_qs(asked.body.decode())["client_secret"],
        asked.header("Authorization"),
    )
    kept = repr([bench.log.lines, await bench.attempts()])
    assert [] == [word for word in ("gehe", "token-1") if word in kept]


async def test_neither_a_token_nor_what_it_is_got_with_is_kept_where_it_is_sent_back(
    bench: SendingBench, bank: Bank
) -> None:
    await sent(bench)
    bench.receiver.usual = lambda call: Answer(
        503, (("X-Echo", call.header("Authorization")),), call.header("Authorization").encode()
    )
    await bench.after(0)
    await sent(bench)
    bench.receiver.usual = bank
    bank.broken = Answer(400, body=b'{"error": "gehe%im", "error_description": "no\\n\\u0000 gehe%im"}')
    await bench.clock.advance(7200)
    await sent(bench)
    kept = [await bench.store.list_delivery_attempts(one.id) for one in await bench.deliveries()]
    assert [Trouble.CREDENTIALS] == [one.trouble for one in await bench.deliveries() if one.trouble][-1:]
    assert [False] * 4 == [
        secret in told for secret in ("token-1", "gehe%im") for told in (repr(kept), repr(bench.log.lines))
    ]
    assert "\\n" not in repr([one.error for tries in kept for one in tries])
