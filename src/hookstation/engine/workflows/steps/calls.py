"""Calls of HTTP interfaces: with a connection's credentials, or without any, behind the same address guard."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Final, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

from hookstation.core.jsontext import dump_json
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.core.workflows.catalog.spec import SAFE_METHODS
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.answers import answered, checked
from hookstation.engine.workflows.steps.paging import Paging, all_items
from hookstation.engine.workflows.steps.reading import MOST_ROWS, flag, mapping, needed, size, text
from hookstation.engine.workflows.tasks import Done, Outside, Task, Way
from hookstation.errors import AddressRefused, Retriable, Terminal
from hookstation.ports.api import ApiAnswer, ApiCall, ApiConnector
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpClient, HttpRequest

LARGEST: Final = 1024 * 1024
USUAL_SECONDS: Final = 30.0
JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"


class HttpStep:
    """``http_request``."""

    def __init__(self, targets: Targets, http: HttpClient, clock: Clock) -> None:
        self._targets, self._http, self._clock = targets, http, clock

    def begin(self, task: Task) -> Way:
        """A call; a look where the method is a safe one."""
        settings = task.settings
        connection = text(settings, "connection")
        call = call_of(task, "path" if connection else "url", USUAL_SECONDS)
        paging = Paging.of(settings.get("pages"))
        shape = text(settings, "response", "json")
        if connection:
            target: ApiConnector = api_of(self._targets, connection)
            send = target.call
        else:
            check_host(call.path, settings)
            send = self._plain

        async def run() -> Done:
            if paging is not None:
                return Done({"status": 200, "headers": {}, "body": await all_items(send, call, paging)})
            return Done(answered(await send(call), shape, call.path))

        return Outside(run, reads=call.method in SAFE_METHODS, connection=connection)

    async def _plain(self, call: ApiCall) -> ApiAnswer:
        """Call an address without a connection."""
        headers = dict(call.headers)
        if call.content_type:
            headers["Content-Type"] = call.content_type
        query = urlencode(call.query)
        url = f"{call.path}{'&' if '?' in call.path else '?'}{query}" if query else call.path
        request = HttpRequest(
            call.method, url, headers, call.body, call.timeout, largest_answer=call.largest_answer
        )
        try:
            answer = await self._http.send(request)
        except AddressRefused as refused:
            raise Terminal(
                "The station may not call this address. Make an http connection, which can permit private networks.",
                detail=refused.message,
            ) from None
        return checked(ApiAnswer(answer.status, answer.headers, answer.body), call.method, self._clock.now())


class ImisCall:
    """``imis_call``: one call, or the items of all pages."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def begin(self, task: Task) -> Way:
        """A call; a look where the method is a safe one."""
        connection = needed(task.settings, "connection")
        target = api_of(self._targets, connection)
        call = call_of(task, "path", 0.0)
        call = replace(call, path="/api/" + call.path.lstrip("/").removeprefix("api/"))
        every = flag(task.settings, "all_pages")

        async def run() -> Done:
            if every:
                return Done(await _gathered(target, call))
            return Done(answered(await target.call(call), "json", call.path))

        return Outside(run, reads=call.method in SAFE_METHODS, connection=connection)


def call_of(task: Task, place: str, seconds: float) -> ApiCall:
    """The call that a step's settings ask for."""
    settings = task.settings
    body, kind = _body(settings)
    path, query = needed(settings, place), tuple(_pairs(mapping(settings, "query")))
    if place == "path" and "?" in path:
        path, _, written = path.partition("?")
        query = (*parse_qsl(written, keep_blank_values=True), *query)
    headers = {name: _header(name, value) for name, value in mapping(settings, "headers").items()}
    types = [headers.pop(name) for name in list(headers) if name.lower() == "content-type"]
    return ApiCall(
        text(settings, "method", "GET").upper(),
        path,
        query,
        headers,
        body,
        types[0] if types else kind,
        task.step.time or seconds,
        size(settings, "largest", LARGEST),
    )


def api_of(targets: Targets, connection: str) -> ApiConnector:
    """The connection, which has to be one that is called."""
    target = targets.connectors.get(connection)
    if target is None:
        raise Retriable(f"The connection “{connection}” is not configured any more.")
    if not isinstance(target, ApiConnector):
        raise Terminal(f"The connection “{connection}” has no HTTP interface.")
    return target


def check_host(url: str, settings: Mapping[str, JSON]) -> None:
    """Raises `Terminal` where the step's list of hosts does not have the URL's."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
    except ValueError:
        host = ""
    if not host or parts.scheme not in ("http", "https"):
        raise Terminal("“url” is no address that begins with http:// or https:// and names a host.")
    allowed = settings.get("hosts")
    if isinstance(allowed, list) and not any(_fits(host, text_of(one).lower()) for one in allowed):
        raise Terminal(f"The host “{host}” is not on this step's list “hosts”.")


def _fits(host: str, allowed: str) -> bool:
    return host.endswith(allowed[1:]) if allowed.startswith("*.") else host == allowed


def _pairs(query: Mapping[str, JSON]) -> list[tuple[str, str]]:
    """A list repeats its name; null leaves its parameter out."""
    pairs: list[tuple[str, str]] = []
    for name, value in query.items():
        values = value if isinstance(value, list) else [value]
        pairs += [(name, text_of(one)) for one in values if one is not None]
    return pairs


def _header(name: str, value: JSON) -> str:
    written = text_of(value)
    if "\r" in written or "\n" in written:
        raise Terminal(f"The header “{name}” has a line break.")
    return written


def _body(settings: Mapping[str, JSON]) -> tuple[bytes, str]:
    """The body and its media type."""
    form, body = mapping(settings, "form"), settings.get("body")
    if form:
        return urlencode(_pairs(form)).encode(), FORM_TYPE
    if body is None:
        return b"", ""
    if isinstance(body, str):
        return body.encode(), "text/plain; charset=utf-8"
    return dump_json(body).encode(), JSON_TYPE


async def _gathered(target: ApiConnector, call: ApiCall) -> JSON:
    found: list[JSON] = []
    async with aclosing(target.pages(call)) as pages:  # type: ignore[type-var]
        async for page in pages:
            found += page
            if len(found) > MOST_ROWS:
                raise Terminal(f"More than {MOST_ROWS} items came. Ask for fewer, or use a transfer.")
    return cast("JSON", found)
