"""Sources that are asked over HTTP: one answer, or page after page."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from typing import Final, NamedTuple
from urllib.parse import urlencode

from hookstation.core.jsontext import parse_json
from hookstation.core.polling.definitions import Cursor, FeedSource, HttpSource
from hookstation.core.template.scope import text_of
from hookstation.core.values import JSON
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.answers import checked
from hookstation.engine.workflows.steps.calls import api_of
from hookstation.engine.workflows.steps.paging import Paging, following, path_in, with_parameter
from hookstation.errors import AddressRefused, BodyRefused, Terminal
from hookstation.ports.api import ApiAnswer, ApiCall
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpClient, HttpRequest

LARGEST: Final = 16 * 1024 * 1024
SECONDS: Final = 60.0
MOST_PAGES: Final = 1_000
"""Pages that are read one after the other."""


class Page(NamedTuple):
    """One answer. `next`: the call for the page behind it, ``None`` where it is the last; `number`: from 0 on."""

    call: ApiCall
    answer: ApiAnswer
    next: ApiCall | None
    number: int


class Caller:
    """Calls sources, with the credentials of a connection or without any, behind the address guard."""

    def __init__(self, targets: Targets, http: HttpClient, clock: Clock) -> None:
        self._targets, self._http, self._clock = targets, http, clock

    async def send(self, connection: str, call: ApiCall) -> ApiAnswer:
        """One answer, with items or `NOT_MODIFIED`. Raises `ActionFailed`."""
        if connection:
            answer = await api_of(self._targets, connection).call(call)
        else:
            answer = await self._plain(call)
        if answer.status >= 300 and answer.status != NOT_MODIFIED:
            place = answer.headers.get("location", "another address")
            raise Terminal(
                f"The source has moved ({answer.status}) to {place[:300]}; no redirect is followed. Correct it."
            )
        return answer

    async def _plain(self, call: ApiCall) -> ApiAnswer:
        """Call an address as it stands, without credentials."""
        query = urlencode(call.query)
        url = f"{call.path}{'&' if '?' in call.path else '?'}{query}" if query else call.path
        request = HttpRequest(call.method, url, dict(call.headers), timeout=SECONDS, largest_answer=LARGEST)
        try:
            answer = await self._http.send(request)
        except AddressRefused as refused:
            raise Terminal(
                "The station may not call this address. Make an http connection, which can permit private networks.",
                detail=refused.message,
            ) from None
        return checked(ApiAnswer(answer.status, answer.headers, answer.body), call.method, self._clock.now())

    async def pages(self, connection: str, call: ApiCall, rule: Cursor | None) -> AsyncGenerator[Page]:
        """Answer after answer; without a rule there is one, and a page that leads back to itself is the last.

        Raises `Terminal` behind `MOST_PAGES`: what is left out silently would be lost.
        """
        paging = None if rule is None else paging_of(rule)
        asked = call if paging is None else _first(call, paging)
        for number in range(MOST_PAGES):
            answer = await self.send(connection, asked)
            then = None
            if paging is not None and answer.status != NOT_MODIFIED:
                then = _behind(asked, paging, answer)
            if then == asked:
                then = None
            yield Page(asked, answer, then, number)
            if then is None:
                return
            asked = then
        raise Terminal(f"There are more than {MOST_PAGES:,} pages. Ask for fewer items, or for larger pages.")


def _first(call: ApiCall, paging: Paging) -> ApiCall:
    """Where pages have numbers, the first call names one too."""
    named = any(name == paging.parameter for name, _ in call.query)
    return (
        with_parameter(call, paging.parameter, str(paging.first))
        if paging.rule == "page" and not named
        else call
    )


def _behind(call: ApiCall, paging: Paging, answer: ApiAnswer) -> ApiCall | None:
    if paging.rule != "page":
        return following(call, paging, answer, _body(answer, paging), 0)
    number = next((value for name, value in call.query if name == paging.parameter), str(paging.first))
    return with_parameter(call, paging.parameter, str(int(number) + paging.step))


NOT_MODIFIED: Final = 304


def paging_of(rule: Cursor) -> Paging:
    """The rule by which the next page is found."""
    parameter = rule.parameter or ("page" if rule.kind.value == "page" else "cursor")
    return Paging(rule.kind.value, (), path_in(rule.path), parameter, rule.first, rule.step, MOST_PAGES)


def call_of(source: HttpSource | FeedSource, more: Mapping[str, str], headers: Mapping[str, str]) -> ApiCall:
    """The call of a source. `more`: parameters of the query besides its own."""
    own: Mapping[str, JSON] = source.query if isinstance(source, HttpSource) else {}
    query = [
        (name, text_of(one)) for name, value in own.items() for one in _several(value) if name not in more
    ]
    given = dict(source.headers) if isinstance(source, HttpSource) else {}
    place = source.path if source.connection else source.url
    return ApiCall(
        "GET", place, (*query, *more.items()), {**given, **headers}, timeout=SECONDS, largest_answer=LARGEST
    )


def _several(value: JSON) -> list[JSON]:
    return value if isinstance(value, list) else [value]


def _body(answer: ApiAnswer, paging: Paging) -> JSON:
    """The answer as JSON where its rule reads it there; a link in a header needs none."""
    if not paging.path:
        return None
    try:
        return parse_json(answer.body, members=10_000_000).value
    except BodyRefused as refused:
        raise Terminal(f"The answer is not JSON, so it has no “{paging.rule}”: {refused.reason}") from refused
