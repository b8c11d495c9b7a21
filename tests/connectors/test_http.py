"""Any HTTP interface as a system that is called."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hookstation.adapters.http import GuardedHttpClient
from hookstation.adapters.sender import HttpSender
from hookstation.connectors import CATALOGUE, build_connector
from hookstation.connectors.http import HttpConnector
from hookstation.connectors.http.paging import at
from hookstation.connectors.outside import Outside, below
from hookstation.core.documents.connection import decode_connection
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.values import JSON
from hookstation.errors import Busy, Invalid, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiCall, ApiConnector
from hookstation.testing.connector_suite import refusal
from tests.connectors.imis_bench import Watch
from tests.support.receiver import CUT, HANG, Answer, Call, Receiver

Make = Callable[..., HttpConnector]


def said(document: object, status: int = 200, **headers: str) -> Answer:
    given = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Answer(status, (("Content-Type", "application/json"), *given), json.dumps(document).encode())


def document(url: str, **more: Any) -> JSON:
    return {"name": "crm", "type": "http", "url": url, "networks": ["127.0.0.0/8"], **more}


def made(url: str, sender: HttpSender, **more: Any) -> HttpConnector:
    decoded, problems = decode_connection(document(url, **more), CATALOGUE, PersonSecrets())
    assert decoded is not None, problems
    connector = build_connector(decoded, Outside(GuardedHttpClient(), Watch(), sender))
    assert isinstance(connector, HttpConnector)
    return connector


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with Receiver() as one:
        yield one


@pytest.fixture
async def make(receiver: Receiver) -> AsyncIterator[Make]:
    sender = HttpSender()
    yield lambda **more: made(f"{receiver.url}/v1", sender, **more)
    await sender.close()


def get(path: str = "", **query: str) -> ApiCall:
    return ApiCall("GET", path, tuple(query.items()))


async def all_items(connector: HttpConnector, call: ApiCall) -> list[JSON]:
    async with aclosing(connector.pages(call)) as pages:  # type: ignore[type-var]
        return [item async for page in pages for item in page]


async def test_a_call_goes_below_the_url_with_what_the_connection_says(
    receiver: Receiver, make: Make
) -> None:
    receiver.plan(said({"id": 7}, 201, X_Kind="new"))
    connector = make(headers={"X-Tenant": "north"}, authentication="bearer", token="t0ken")
    assert isinstance(connector, ApiConnector)
    call = ApiCall(
        "post", "members/ä b", (("q", "a&b"), ("q", "c")), {"X-Tenant": "south"}, b"{}", "application/json"
    )
    answer = await connector.call(call)
    assert (201, "new", b'{"id": 7}') == (answer.status, answer.headers["x-kind"], answer.body)
    [came] = receiver.calls
    assert ("POST", "/v1/members/%C3%A4%20b?q=a%26b&q=c") == (came.method, came.path)
    assert ("south", "Bearer t0ken") == (came.header("X-Tenant"), came.header("Authorization"))
    assert ("application/json", b"{}") == (came.header("Content-Type"), came.body)


@pytest.mark.parametrize(("settings", "header", "value"), [
    ({"authentication": "basic", "username": "ann", "password": "p:w"}, "Authorization", "Basic YW5uOnA6dw=="),
    ({"authentication": "api_key", "header": "X-Key", "key": "k"}, "X-Key", "k"), ({}, "Authorization", ""),
])  # fmt: skip
async def test_credentials_go_as_they_are_chosen_and_no_call_replaces_them(
    receiver: Receiver, make: Make, settings: dict[str, str], header: str, value: str
) -> None:
    given = {header: "mine"} if value else {}
    await make(**settings).call(replace(get(), headers=given))
    assert [value] == [one for name, one in receiver.calls[0].headers if name == header] or value == ""


async def test_a_token_is_fetched_once_kept_and_fetched_anew_when_it_is_refused(
    receiver: Receiver, make: Make
) -> None:
    tokens = iter(["a", "b"])

    def answer(call: Call) -> Answer:
        if call.path == "/token":
            return said({"access_token": next(tokens), "token_type": "Bearer", "expires_in": 3600})
        return said([]) if call.header("Authorization") in usable else said({}, 401)

    usable = {"Bearer a"}
    receiver.usual = answer
    oauth = {
        "authentication": "oauth2",
        "token_url": f"{receiver.url}/token",
        "client_id": "i",
        "client_secret": "s",
    }
    connector = make(**oauth)
    await connector.call(get())
    await connector.call(get())
    usable = {"Bearer b"}
    await connector.call(get())
    assert ["/token", "/v1", "/v1", "/v1", "/token", "/v1"] == [call.path for call in receiver.calls]
    receiver.usual = said({"error": "invalid_client"}, 401)
    assert isinstance(await refusal(make(**oauth).call(get())), NeedsAuth)
    await connector.close()


@pytest.mark.parametrize(("answer", "method", "kind"), [
    (said({}, 401), "GET", NeedsAuth), (said({}, 403), "GET", Terminal), (said({}, 404), "POST", Terminal),
    (said({}, 429, Retry_After="7"), "POST", Busy), (said({}, 503, Retry_After="7"), "POST", Busy),
    (said({}, 503), "GET", Busy), (said({}, 503), "POST", UnknownOutcome), (said({}, 500), "GET", Retriable),
    (said({}, 500), "PATCH", UnknownOutcome), (said({}, 501), "POST", Terminal),
    (said({}, 302, Location="/x"), "GET", Terminal),
    (CUT, "GET", Retriable), (CUT, "POST", UnknownOutcome), (HANG, "PUT", Retriable), (HANG, "POST", UnknownOutcome),
])  # fmt: skip
async def test_each_end_of_a_call_is_an_instruction(
    receiver: Receiver, make: Make, answer: Answer, method: str, kind: type[Exception]
) -> None:
    receiver.usual = answer
    failure = await refusal(make().call(ApiCall(method, "x", timeout=0.2)))
    assert kind is type(failure)
    assert "127.0.0.1" not in failure.message
    assert kind is not Busy or 7 == getattr(failure, "seconds", 7) or method == "GET"


async def test_what_is_not_modified_is_an_answer_and_what_is_too_large_none(
    receiver: Receiver, make: Make
) -> None:
    receiver.plan(Answer(304), said("x" * 100))
    assert 304 == (await make().call(get())).status
    assert isinstance(await refusal(make().call(replace(get(), largest_answer=50))), Terminal)


async def test_a_closed_door_was_not_called_and_a_forbidden_one_is_not_knocked_at(make: Make) -> None:
    sender = HttpSender()
    assert isinstance(
        await refusal(made("http://127.0.0.1:1", sender, ports=[1]).call(ApiCall("POST", "x"))), Retriable
    )
    assert isinstance(await refusal(made("http://localhost:1", sender, networks=[]).call(get())), Terminal)
    await sender.close()
    with pytest.raises(Invalid, match="networks"):
        make(networks=[])


@pytest.mark.parametrize("path", ["../x", "a/../../x", "a/%2e%2E/x", "https://example.org/x", "x#y", "a\\b"])
async def test_no_path_leads_out_of_the_url(receiver: Receiver, make: Make, path: str) -> None:
    connector = make(authentication="bearer", token="t")
    assert isinstance(await refusal(connector.call(get(path))), Terminal)
    assert [] == receiver.calls


async def test_a_path_that_looks_like_a_host_or_has_a_query_stays_below_the_url(
    receiver: Receiver, make: Make
) -> None:
    await make().call(get("//example.org/x?a=1", b="2"))
    assert ["/v1/example.org/x?a=1&b=2"] == [call.path for call in receiver.calls]


def page_of(call: Call, name: str) -> int:
    return int(parse_qs(urlsplit(call.path).query).get(name, ["0"])[0])


async def test_pages_by_number_go_on_until_one_is_empty(receiver: Receiver, make: Make) -> None:
    receiver.usual = lambda call: said(
        {"data": {1: ["a", "b"], 2: ["c"], 3: ["d"]}.get(page_of(call, "page"), [])}
    )
    connector = make(pages={"type": "page", "items": "data", "size_parameter": "per", "size": 2})
    assert ["a", "b", "c", "d"] == await all_items(connector, get("list", kind="x"))
    assert "/v1/list?kind=x&per=2&page=1" == receiver.calls[0].path
    assert ["c", "d"] == await all_items(connector, get("list", page="2"))


async def test_pages_by_offset_go_on_by_what_really_came(receiver: Receiver, make: Make) -> None:
    rows = list(range(7))
    receiver.usual = lambda call: said(rows[page_of(call, "skip") : page_of(call, "skip") + 3])
    connector = make(pages={"type": "offset", "parameter": "skip", "size_parameter": "top", "size": 100})
    assert rows == await all_items(connector, get("list"))


async def test_pages_by_cursor_go_on_until_there_is_none(receiver: Receiver, make: Make) -> None:
    def answer(call: Call) -> Answer:
        number = page_of(call, "after")
        return said({"items": [number], "meta": {"next": number + 1 if number < 3 else None}})

    receiver.usual = answer
    connector = make(pages={"type": "cursor", "items": "items", "field": "meta.next", "parameter": "after"})
    assert [0, 1, 2, 3] == await all_items(connector, get("list"))


async def test_pages_by_link_are_followed_in_the_header_and_in_the_body(
    receiver: Receiver, make: Make
) -> None:
    receiver.plan(
        said(["a"], Link='</v1/list?at=x%261>; rel="prev next", </v1/z>; rel=last'),
        said(["b"]),
        said({"items": ["c"], "next": f"{receiver.url}/v1/list?at=2"}),
        said({"items": ["d"], "next": None}),
    )
    assert ["a", "b"] == await all_items(make(pages={"type": "next_link"}), get("list"))
    rule = {"type": "next_link", "items": "items", "field": "next"}
    assert ["c", "d"] == await all_items(make(pages=rule), get("list"))
    assert ["/v1/list", "/v1/list?at=x%261", "/v1/list", "/v1/list?at=2"] == [
        call.path for call in receiver.calls
    ]


@pytest.mark.parametrize(
    "link", ["https://example.org/v1/list", "/admin", "//example.org/", "/v1/../admin", "?at=0"]
)
async def test_a_link_that_leads_elsewhere_or_back_is_refused(
    receiver: Receiver, make: Make, link: str
) -> None:
    receiver.usual = said({"items": ["a"], "next": link})
    connector = make(pages={"type": "next_link", "items": "items", "field": "next"})
    assert isinstance(await refusal(all_items(connector, get("list", at="0"))), Terminal)
    assert all(call.path.startswith("/v1") for call in receiver.calls)


async def test_a_link_takes_the_place_of_path_and_query(receiver: Receiver, make: Make) -> None:
    for link in ("?at=2", "/v1/list?at=2", f"{receiver.url}/v1/list?at=2"):
        await make().call(replace(get("list", at="1"), link=link))
    assert ["/v1/list?at=2"] * 3 == [call.path for call in receiver.calls]
    assert isinstance(await refusal(make().call(replace(get(), link="https://example.org/"))), Terminal)


async def test_what_is_no_page_is_not_taken_for_an_empty_one(receiver: Receiver, make: Make) -> None:
    for body in (b"<html>", b'{"items": {"a": 1}}', b'"x"'):
        receiver.plan(Answer(200, (), body))
        assert isinstance(
            await refusal(all_items(make(pages={"type": "none", "items": "items"}), get())), Terminal
        )
    receiver.plan(said({"total": 0}))
    assert [] == await all_items(make(pages={"type": "none", "items": "items"}), get())


async def test_the_check_says_what_was_reached(receiver: Receiver, make: Make) -> None:
    receiver.plan(Answer(204), said({}, 404), said({}, 401))
    assert "Reached; it answered with status 204." == await make(check_path="me").check()
    assert "status 404" in await make().check()
    assert isinstance(await refusal(make().check()), NeedsAuth)


@pytest.mark.parametrize(("settings", "path"), [
    ({"authentication": "basic", "username": "a"}, "password"), ({"authentication": "bearer", "token": "a b"}, "token"),
    ({"headers": {"Authorization": "x"}, "authentication": "bearer", "token": "t"}, "headers"),
    ({"tls_certificate": "no pem"}, "tls_certificate"), ({"proxy": "socks://x"}, "proxy"),
    ({"headers": {"A": 1}}, "headers"),
])  # fmt: skip
def test_settings_that_do_not_fit_together_are_named(settings: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        made("http://127.0.0.1:1", HttpSender.__new__(HttpSender), **settings)
    assert path == refused.value.problems[0].path[0]


def test_paths_are_found_in_documents() -> None:
    held: JSON = {"a": [{"b": 1}], "": 2}
    assert (1, None, None, held) == (at(held, "a.0.b"), at(held, "a.1.b"), at(held, "a.b"), at(held, ""))


def test_a_link_below_the_url_is_its_path_and_query() -> None:
    assert ("/list", (("a", ""), ("b", "1"))) == below("http://h/v1", "http://H/v1/list?a=&b=1")
