"""An HTTP interface that is called in its own terms."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from hookstation.connectors.http.answers import refusal, unanswered
from hookstation.connectors.http.paging import (
    MOST_PAGES,
    NONE,
    Paging,
    first_call,
    items_of,
    next_call,
)
from hookstation.connectors.http.tokens import Token
from hookstation.connectors.outside import Outside, below, linked
from hookstation.connectors.system import SystemConnector
from hookstation.core.jsontext import parse_json
from hookstation.core.outgoing.definitions import (
    ApiKeyHeader,
    Basic,
    Bearer,
    ClientCredentials,
    Credentials,
    NoCredentials,
)
from hookstation.core.outgoing.retrying import LONGEST_WISH, retry_after
from hookstation.core.values import JSON, Secret
from hookstation.errors import BodyRefused, Terminal
from hookstation.ports.api import ApiAnswer, ApiCall
from hookstation.ports.sender import Dispatch, NotSent, Receipt, Tls

DEPTH: Final = 128
MEMBERS: Final = 5_000_000
PATH: Final = "/:@!$&'()*+,;=-._~%"
"""Characters of a path that go out as they are; a “%” belongs to a code that the caller wrote."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class HttpSettings:
    """A connection's settings. `timeout`: seconds; `check_path`: what the check of the connection asks for."""

    url: str
    networks: tuple[str, ...] = ()
    ports: tuple[int, ...] = ()
    timeout: float = 30.0
    headers: Mapping[str, str] = field(default_factory=dict)
    credentials: Credentials = field(default_factory=NoCredentials)
    tls: Tls | None = None
    proxy: Secret | None = None
    paging: Paging = field(default_factory=Paging)
    check_path: str = ""


class HttpConnector(SystemConnector):
    """An `ApiConnector`."""

    def __init__(self, name: str, settings: HttpSettings, outside: Outside) -> None:
        super().__init__(name, "http")
        self._settings, self._sender, self._clock = settings, outside.sender, outside.clock
        wanted = settings.credentials
        self._token = (
            Token(wanted, self._dispatch, outside.sender, outside.clock)
            if isinstance(wanted, ClientCredentials)
            else None
        )

    async def check(self) -> str:
        """Ask for one page; whatever is answered, the system is there and takes our credentials."""
        try:
            answer = await self.call(ApiCall("GET", self._settings.check_path))
        except Terminal as refused:
            if not refused.detail.startswith("status 4"):
                raise Terminal(refused.detail or refused.message) from None
            return f"Reached; it answered with {refused.detail[:10]}, so try a path that is there."
        return f"Reached; it answered with status {answer.status}."

    async def call(self, call: ApiCall) -> ApiAnswer:
        """Call it; see the port."""
        call = _followed(self._settings.url, call)
        path, query = _place(self._settings.url, call.path)
        url = f"{self._settings.url}{path}"
        asked = (*query, *call.query)
        if asked:
            url = f"{url}?{urlencode(asked, quote_via=quote)}"
        receipt = await self._signed_in(call, url)
        wish = min(retry_after(receipt.headers, self._clock.now()), LONGEST_WISH)
        failure = refusal(receipt, call.method.upper(), wish)
        answer = ApiAnswer(receipt.status, _lower(receipt.headers), receipt.body)
        if failure is not None:
            failure.answer = answer
            raise failure
        if receipt.cut:
            raise Terminal(f"The answer is larger than {call.largest_answer:,} bytes.")
        return answer

    async def pages(self, call: ApiCall) -> AsyncIterator[Sequence[JSON]]:
        """The items of every page by the connection's rule; a page that leads back to itself ends it with an error."""
        paging = self._settings.paging
        following: ApiCall | None = first_call(paging, call)
        for _ in range(MOST_PAGES):
            if following is None:
                return
            asked = _followed(self._settings.url, following)
            answer = await self.call(asked)
            document = _document(answer)
            items = items_of(paging, document)
            if items:
                yield items
            following = (
                None if paging.type == NONE else next_call(paging, asked, answer, document, len(items))
            )
            if following is not None and _followed(self._settings.url, following) == asked:
                raise Terminal("The system names the same page as the next one again and again.")
        raise Terminal(f"There are more than {MOST_PAGES:,} pages; ask for less.")

    async def close(self) -> None:
        """Let go of what is held."""
        if self._token is not None:
            await self._token.close()

    async def _signed_in(self, call: ApiCall, url: str) -> Receipt:
        """With OAuth, a call whose token was refused was not executed: it goes once more with a new one."""
        token = await self._token.get() if self._token is not None else None
        receipt = await self._send(call, url, token)
        if receipt.status == 401 and self._token is not None and token is not None:
            self._token.forget(token)
            receipt = await self._send(call, url, await self._token.get())
        return receipt

    async def _send(self, call: ApiCall, url: str, token: Secret | None) -> Receipt:
        method = call.method.upper()
        headers = self._headers(call, token)
        dispatch = self._dispatch(method, url, headers, call.body, call.largest_answer, call.timeout)
        try:
            return await self._sender.send(dispatch)
        except NotSent as failure:
            raise unanswered(failure, method) from None

    def _headers(self, call: ApiCall, token: Secret | None) -> Headers:
        """The connection's, then the call's; credentials last, so that neither can replace them."""
        merged = {
            "accept-encoding": ("Accept-Encoding", "identity"),
            "accept": ("Accept", "application/json, */*;q=0.5"),
        }
        for name, value in (*self._settings.headers.items(), *call.headers.items()):
            merged[name.lower()] = (name, value)
        if call.body and call.content_type:
            merged["content-type"] = ("Content-Type", call.content_type)
        proof = _proof(self._settings.credentials, token)
        if proof is not None:
            merged[proof[0].lower()] = proof
        return tuple(merged.values())

    def _dispatch(
        self, method: str, url: str, headers: Headers, body: bytes, kept: int, timeout: float = 0.0
    ) -> Dispatch:
        settings = self._settings
        return Dispatch(
            method,
            url,
            headers,
            body,
            timeout or settings.timeout,
            settings.networks,
            settings.ports,
            settings.proxy,
            settings.tls,
            kept,
        )


def _proof(credentials: Credentials, token: Secret | None) -> tuple[str, str] | None:
    match credentials:
        case Bearer(own):
            return "Authorization", f"Bearer {own.reveal()}"
        case Basic(username, password):
            pair = f"{username}:{password.reveal()}"
            return "Authorization", f"Basic {b64encode(pair.encode()).decode()}"
        case ApiKeyHeader(header, key):
            return header, key.reveal()
        case ClientCredentials() if token is not None:
            return "Authorization", f"Bearer {token.reveal()}"
    return None


def _followed(base: str, call: ApiCall) -> ApiCall:
    """The call of its link, where it has one. Raises `Terminal` where that leads elsewhere."""
    if not call.link:
        return call
    path, query = linked(base, call.path, call.query, call.link)
    return replace(call, path=path, query=query, link="")


def _place(base: str, path: str) -> tuple[str, Sequence[tuple[str, str]]]:
    """The path below the base, and the query that stands in it. Raises `Terminal` for one that leads elsewhere."""
    query: Sequence[tuple[str, str]] = ()
    if path.startswith(("http://", "https://")):
        path, query = below(base, path)
    elif "?" in path:
        path, _, written = path.partition("?")
        query = parse_qsl(written, keep_blank_values=True)
    segments = path.replace("%2e", ".").replace("%2E", ".").split("/")
    if "." in segments or ".." in segments or "#" in path or "\\" in path:
        raise Terminal(
            "The path must lie below the connection's url: it may hold neither “..” nor “#”.", detail=path
        )
    whole = quote(path, safe=PATH)
    return (f"/{whole.lstrip('/')}" if whole.strip("/") else ""), query


def _document(answer: ApiAnswer) -> JSON:
    try:
        return parse_json(answer.body.removeprefix(b"\xef\xbb\xbf"), depth=DEPTH, members=MEMBERS).value
    except BodyRefused as refused:
        raise Terminal("A page of the system is not JSON.", detail=refused.reason) from None


def _lower(headers: Headers) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        lower = name.lower()
        found[lower] = f"{found[lower]}, {value}" if lower in found else value
    return found
