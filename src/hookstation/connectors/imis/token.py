"""The access token: fetched once for all who wait, renewed shortly before it ends or when it is refused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from hookstation.core.jsontext import parse_json
from hookstation.core.values import JSON, Secret
from hookstation.errors import ActionFailed, BodyRefused, NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpAnswer, HttpClient, HttpRequest

RENEW_BEFORE: Final = 60.0
"""Seconds before its end at which a token is renewed; at most a tenth of its life."""

PRESUMED_LIFE: Final = 600.0
"""Seconds a token is used where the target does not say how long it lives."""

REFUSED_PAUSE: Final = 60.0
"""Seconds for which refused credentials are not tried again: a wrong password that is sent with every event would
lock the account."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """A service account's name and password, or the client of an SSO app with its refresh token."""

    username: str = ""
    password: Secret | None = None
    client_id: str = ""
    client_secret: Secret | None = None
    refresh_token: Secret | None = None

    def form(self, refresh_token: str) -> dict[str, str]:
        """The fields of the token request. `refresh_token`: the newest, empty for the configured one."""
        if self.refresh_token is None:
            return {
                "grant_type": "password",
                "username": self.username,
                "password": self.password.reveal() if self.password else "",
            }
        return {
            "grant_type": "refresh_token",
            "client_id": self.client_id,
            "client_secret": self.client_secret.reveal() if self.client_secret else "",
            "refresh_token": refresh_token or self.refresh_token.reveal(),
        }


@dataclass(frozen=True, slots=True)
class Token:
    """A token that was given. `renew_at`: on the monotonic clock; `user`: whom the target knows us as."""

    value: Secret
    renew_at: float
    user: str
    refresh_token: str


class Tokens:
    """Hands out the token of one connection."""

    def __init__(self, url: str, credentials: Credentials, http: HttpClient, clock: Clock) -> None:
        self._url, self._credentials, self._http, self._clock = url, credentials, http, clock
        self._token: Token | None = None
        self._fetching: asyncio.Task[Token] | None = None
        self._refused_until = 0.0
        self._refusal = ""

    async def get(self, template: HttpRequest, *, refused: Token | None = None) -> Token:
        """The token to use. `template` gives time-out and networks; `refused`: one that the target did not take.

        Whoever asks while it is being fetched waits for that one fetch.  Raises `NeedsAuth` where the target
        refuses the credentials, `Retriable` or `Terminal` otherwise; never `UnknownOutcome`: no record was sent.
        """
        token = self._token
        if token is not None and token is not refused and self._clock.monotonic() < token.renew_at:
            return token
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._fetch(template))
            self._fetching.add_done_callback(self._fetched)
        return await asyncio.shield(self._fetching)

    def forget(self) -> None:
        """Ask anew, also where the credentials were refused a moment ago: a person may have put them right."""
        self._token = None
        self._refused_until = 0.0

    async def close(self) -> None:
        """Let go of a fetch that is under way."""
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _fetched(self, task: asyncio.Task[Token]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # seen: nobody may be waiting any more

    async def _fetch(self, template: HttpRequest) -> Token:
        if self._clock.monotonic() < self._refused_until:
            raise NeedsAuth(self._refusal)
        newest = self._token.refresh_token if self._token else ""
        request = HttpRequest(
            "POST",
            f"{self._url}/token",
            {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"},
            urlencode(self._credentials.form(newest)).encode(),
            timeout=template.timeout,
            networks=template.networks,
            largest_answer=1024 * 1024,
        )
        try:
            answer = await self._http.send(request)
        except UnknownOutcome as error:
            raise Retriable("The target's sign-in did not answer.", detail=error.detail) from None
        self._token = token = self._read(answer)
        return token

    def _read(self, answer: HttpAnswer) -> Token:
        body = _object(answer.body)
        value = body.get("access_token")
        if answer.status == 200 and isinstance(value, str) and value:
            life = _seconds(body.get("expires_in"))
            renewed = body.get("refresh_token")
            return Token(
                Secret(value),
                self._clock.monotonic() + life - min(RENEW_BEFORE, life / 10),
                str(body.get("userName", "")),
                renewed if isinstance(renewed, str) else "",
            )
        refusal = _refusal(answer, body.get("error"))
        if isinstance(refusal, NeedsAuth):
            self._refused_until = self._clock.monotonic() + REFUSED_PAUSE
            self._refusal = refusal.message
        raise refusal


def _refusal(answer: HttpAnswer, error: JSON) -> ActionFailed:
    detail = f"/token answered {answer.status}, error {error!r}"
    if error in ("invalid_grant", "invalid_client", "unauthorized_client") or answer.status in (401, 403):
        return NeedsAuth("The target refuses our credentials.", detail=detail)
    if answer.status in (408, 429) or answer.status >= 500:
        return Retriable("The target's sign-in does not work at the moment.", detail=detail)
    return Terminal("The target's sign-in answered in a way that is not known; check the url.", detail=detail)


def _object(raw: bytes) -> dict[str, JSON]:
    try:
        body = parse_json(raw).value
    except BodyRefused:
        return {}
    return body if isinstance(body, dict) else {}


def _seconds(value: JSON) -> float:
    try:
        life = float(str(value))
    except ValueError:
        return PRESUMED_LIFE
    return life if 0 < life < 366 * 86_400 else PRESUMED_LIFE
