"""Pages asked for without a browser: opened, and their forms filled in and sent as one without scripts does."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import unescape
from urllib.parse import urlencode

from hookstation.web.rest import Rest
from hookstation.web.services import Services
from tests.support.asgi import Answered, Client
from tests.support.forms import form_of

FORM = {"content-type": "application/x-www-form-urlencoded"}
Fields = dict[str, str | list[str]]


async def administrator(services: Services) -> Client:
    """Somebody who may do everything, by a key of the API."""
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {"host": "x", "accept": "text/html", "authorization": f"Bearer {key}"})


async def raw(pages: Client, target: str, status: int = 200) -> str:
    """A page as it comes."""
    answer = await pages.ask("GET", target)
    assert status == answer.status, answer.body
    return answer.body.decode()


async def shown(pages: Client, target: str, status: int = 200) -> str:
    """The text of a page."""
    return unescape(await raw(pages, target, status))


async def send(pages: Client, target: str, fields: Mapping[str, str | Sequence[str]]) -> Answered:
    """Send a form."""
    return await pages.ask("POST", target, urlencode(fields, doseq=True).encode(), **FORM)


async def fill(pages: Client, target: str, label: str, **changes: str | list[str]) -> Answered:
    """Open a form, fill these fields in, and send it."""
    return await send(pages, target, form_of(await raw(pages, target), label).filled(**changes))


async def again(pages: Client, target: str, answer: Answered, label: str, **changes: str) -> Answered:
    """Put right what an answer says is wrong, in the form that it shows, and send it."""
    return await send(pages, target, form_of(answer.body.decode(), label).filled(**changes))


def text(answer: Answered) -> str:
    """What an answer shows."""
    return unescape(answer.body.decode())


class Guest:
    """Somebody without an account, in a browser without scripts: cookies are kept, forms sent with their tokens."""

    def __init__(self, services: Services, address: str = "203.0.113.9") -> None:
        self._client = Client(Rest(services), {"host": "x", "accept": "text/html"}, address)
        self._cookie = self._text = ""
        self.last: Answered | None = None

    async def open(self, target: str, status: int = 200) -> str:
        """Look at a page."""
        return self._keep(await self._client.ask("GET", target, cookie=self._cookie), status)

    async def post(self, target: str, status: int = 303, token: str | None = None, **fields: str) -> str:
        """Send a form of the page that was opened last."""
        found = re.search('name="csrf" value="([^"]+)"', self._text)
        given = (found[1] if found else "") if token is None else token
        body = urlencode({"csrf": given, **fields}).encode()
        return self._keep(await self._client.ask("POST", target, body, cookie=self._cookie, **FORM), status)

    def _keep(self, answer: Answered, status: int) -> str:
        assert status == answer.status, answer.body
        self.last = answer
        if "set-cookie" in answer.headers:
            self._cookie = answer.headers["set-cookie"].partition(";")[0]
        self._text = answer.body.decode()
        return unescape(self._text)
