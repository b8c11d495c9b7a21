"""Calls of the target's REST interface: signed in, bounded in time, with the answer judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote, unquote, urlencode, urlsplit

from hookstation.connectors.imis.answers import Call, believe
from hookstation.connectors.imis.token import Token, Tokens
from hookstation.connectors.outside import linked
from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.errors import Retriable, Terminal, UnknownOutcome
from hookstation.ports.api import ApiCall
from hookstation.ports.http import HttpAnswer, HttpClient, HttpRequest

PLAIN: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
"""Characters of a key that stand in an address as they are, whoever decodes it."""


OF_A_PATH: Final = "/:@!$&'()*+,;=-._~%|"
"""Characters of a path that somebody wrote which go out as they are."""


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the target is and what bounds a call of it. `timeout`: seconds for each request."""

    url: str
    networks: tuple[str, ...] = ()
    timeout: float = 30.0


class ImisClient:
    """One target's REST interface."""

    def __init__(self, reach: Reach, tokens: Tokens, http: HttpClient) -> None:
        self._reach, self._tokens, self._http = reach, tokens, http
        self._host = urlsplit(reach.url).hostname or ""

    async def call(
        self,
        method: str,
        path: str,
        call: Call,
        *,
        query: Mapping[str, str] | None = None,
        document: JSON = None,
    ) -> JSON:
        """Send one call and return the body of an answer that says: done.

        `path` follows ``/api/`` and is encoded already.  On 401 the token is renewed and the call sent once more,
        since it was not executed.  Raises `ActionFailed` of the kind that the answer means, and `AddressRefused`.
        """
        url = f"{self._reach.url}/api/{path}"
        if query:
            url = f"{url}?{urlencode(query, quote_via=quote)}"
        body = b"" if document is None else dump_json(document).encode()
        template = HttpRequest(
            method, url, body=body, timeout=self._reach.timeout, networks=self._reach.networks
        )
        try:
            return believe(await self._signed_in(template), call, self._host)
        except UnknownOutcome as unknown:
            if call is Call.ADD:
                raise
            raise Retriable("The target did not answer.", detail=unknown.detail) from None

    async def send(self, call: ApiCall) -> HttpAnswer:
        """Send a call in the target's own terms; the answer is judged by who asked.

        Its path may begin with ``/api/``, and follows it anyway.  Raises `Terminal` where it leads out of it,
        `Retriable`, `UnknownOutcome`, and `AddressRefused`.
        """
        path, query = below_api(call.path), call.query
        if call.link:
            path, query = linked(f"{self._reach.url}/api", path, query, call.link)
            path = path.strip("/")
        segments = unquote(path).split("/")
        if "." in segments or ".." in segments or any(one in path for one in "?#\\"):
            raise Terminal(
                "The path must lie below /api/: it holds neither “..” nor “?”; put values into the query."
            )
        url = f"{self._reach.url}/api/{quote(path, safe=OF_A_PATH)}"
        if query:
            url = f"{url}?{urlencode(query, quote_via=quote)}"
        headers = {name: value for name, value in call.headers.items() if name.lower() != "authorization"}
        if call.content_type:
            headers["Content-Type"] = call.content_type
        timeout = call.timeout or self._reach.timeout
        template = HttpRequest(
            call.method.upper(), url, headers, call.body, timeout, self._reach.networks, call.largest_answer
        )
        return await self._signed_in(template)

    @property
    def host(self) -> str:
        """The target's own name, which messages must not give away."""
        return self._host

    async def user(self) -> str:
        """Sign in anew and return the name that the target knows us by. Raises `ActionFailed` and `AddressRefused`."""
        self._tokens.forget()
        template = HttpRequest(
            "GET", self._reach.url, timeout=self._reach.timeout, networks=self._reach.networks
        )
        return (await self._tokens.get(template)).user

    async def close(self) -> None:
        """Stop what is under way for the token."""
        await self._tokens.close()

    async def _signed_in(self, template: HttpRequest) -> HttpAnswer:
        token = await self._tokens.get(template)
        answer = await self._http.send(_with_token(template, token))
        if answer.status == 401:
            token = await self._tokens.get(template, refused=token)
            answer = await self._http.send(_with_token(template, token))
        return answer


def _with_token(template: HttpRequest, token: Token) -> HttpRequest:
    usual = {"Accept": "application/json"}
    if template.body:
        usual["Content-Type"] = "application/json; charset=utf-8"
    headers = {**usual, **template.headers, "Authorization": f"Bearer {token.value.reveal()}"}
    return HttpRequest(
        template.method,
        template.url,
        headers,
        template.body,
        template.timeout,
        template.networks,
        template.largest_answer,
    )


def below_api(path: str) -> str:
    """What follows ``/api/`` in a path below the target's address, with that written or without."""
    return path.strip("/").removeprefix("api/")


def entity_path(entity: str) -> str:
    """The path of an entity."""
    return quote(entity, safe="")


def row_path(entity: str, elements: Sequence[str]) -> tuple[str, dict[str, str]]:
    """Path and query of one row.

    A key of several parts is ``~a|b``; a part whose characters an address would have to encode goes into
    ``?EntityId=`` instead.
    """
    key = elements[0] if len(elements) == 1 else "~" + "|".join(elements)
    if all(set(element) <= PLAIN for element in elements):
        return f"{entity_path(entity)}/{quote(key, safe='~')}", {}
    return entity_path(entity), {"EntityId": key}
