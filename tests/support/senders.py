"""Senders that never give up: every event is repeated with its key until it is answered, and account is kept.

Where `crash.Sender` stops when its connections break, these go on: they are for stations of which some always live.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from tests.support.counts import tell
from tests.support.raw_http import Cut, Received, read_answer
from tests.support.station_process import StationProcess

AGAIN: Final = frozenset((0, 429, 500, 502, 503, 504))
"""Answers after which an event is sent again; 0 is none at all."""

PATIENCE: Final = 10.0
"""Seconds after which a sender hangs up and sends again."""

PAUSE: Final = 0.1
"""Seconds before an event is sent again: fewer than Retry-After says, for a test is in a hurry."""

GIVES_UP: Final = 120.0
"""Seconds after the end of the load in which everything has to be answered."""


@dataclass(slots=True)
class Account:
    """What the senders know.

    `acknowledged`: key → event id, of what was answered 200; `pending`: key → status address, of 202, until it is
    followed; `ended`: key → state, of those that were.  `answers` counts statuses, and under 0 the calls without one;
    `bare`: answers 429 and 503 without Retry-After; `torn`: answers that broke off after their first byte.
    """

    sent: list[str] = field(default_factory=list)
    acknowledged: dict[str, str] = field(default_factory=dict)
    pending: dict[str, str] = field(default_factory=dict)
    ended: dict[str, str] = field(default_factory=dict)
    answers: Counter[int] = field(default_factory=Counter)
    bare: int = 0
    torn: int = 0

    @property
    def taken(self) -> int:
        """How many events the station has taken: done or safe."""
        return len(self.acknowledged) + len(self.pending)

    @property
    def succeeded(self) -> set[str]:
        """Keys of which a sender was told, at once or later, that it is done."""
        return {*self.acknowledged, *(key for key, state in self.ended.items() if state == "succeeded")}

    def take(self, key: str, answer: Received) -> None:
        """Write one answer down."""
        self.answers[answer.status] += 1
        self.bare += answer.status in (429, 503) and "retry-after" not in answer.headers
        if answer.status == 200:
            self.acknowledged[key] = answer.headers["hookstation-event-id"]
        elif answer.status == 202:
            self.pending[key] = answer.headers["location"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Keys: `lost` have no record though somebody was told so, `doubled` more than one, `untrue` one despite a no."""

    acknowledged: int
    lost: list[str]
    doubled: list[str]
    untrue: list[str]

    @property
    def wrong(self) -> tuple[list[str], list[str], list[str]]:
        """All that must be empty."""
        return self.lost, self.doubled, self.untrue


def judge(account: Account, written: Collection[str]) -> Verdict:
    """Compare what was told with `written`: the key of every record that is there."""
    counted = Counter(written)
    return Verdict(
        len(account.succeeded),
        [key for key in account.succeeded if not counted[key]],
        [key for key, count in counted.items() if count > 1],
        [key for key, state in account.ended.items() if state == "failed" and counted[key]],
    )


async def written_keys(station: StationProcess) -> list[str]:
    """The sender's key of every activity in the records database."""
    return [one["fields"]["UF_1"] for one in await station.items("/records/Activity")]


async def unsettled(station: StationProcess, account: Account) -> set[str]:
    """Acknowledged events that the journal does not say to have succeeded."""
    known = {one["id"] for one in await station.items("/events", status="succeeded")}
    return set(account.acknowledged.values()) - known


async def settle_up(what: str, rounds: int, senders: Senders, station: StationProcess) -> None:
    """The verdict over all that was sent, of which a line goes to the table: nothing lost, doubled or untrue."""
    account = senders.account
    await senders.follow(station.url)
    written = await written_keys(station)
    verdict = judge(account, written)
    tell(what, rounds, verdict.acknowledged, len(verdict.lost), len(verdict.doubled))
    assert ([], [], []) == verdict.wrong
    assert set() == await unsettled(station, account)
    assert account.succeeded == set(written)
    assert (0, 0) == (account.bare, account.torn)


class Senders:
    """A number of senders that call one webhook at one address. `mark` sets their keys apart from those of others."""

    def __init__(self, url: str, path: str, *, connections: int = 16, mark: str = "K") -> None:
        self.account = Account()
        self._url, self._path = urlsplit(url), path
        self._connections, self._mark = connections, mark
        self._ending = False

    @contextlib.asynccontextmanager
    async def load(self) -> AsyncIterator[Account]:
        """New events, as fast as they are answered, until the block ends; then until the last one is answered."""
        self._ending = False
        tasks = [asyncio.create_task(self._work()) for _ in range(self._connections)]
        try:
            yield self.account
            self._ending = True
            async with asyncio.timeout(GIVES_UP):
                await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def answered(self, more: int) -> None:
        """Wait until `more` events than now are answered 200 or 202."""
        aim = self.account.taken + more
        async with asyncio.timeout(GIVES_UP):
            while True:
                if self.account.taken >= aim:
                    return
                await asyncio.sleep(PAUSE)  # house: allow sleep - progress is looked at, not told

    async def follow(self, url: str) -> None:
        """Ask a station for the end of everything that was answered 202 and not 200 later."""
        for key in list(self.account.pending):
            place = self.account.pending.pop(key)
            if key not in self.account.acknowledged:
                self.account.ended[key] = await self._end(url, place)

    async def _end(self, url: str, place: str) -> str:
        asked, path = urlsplit(url), urlsplit(place).path
        request = f"GET {path} HTTP/1.1\r\nHost: station\r\n\r\n".encode()
        async with asyncio.timeout(GIVES_UP):
            while True:
                link = await asyncio.open_connection(asked.hostname, asked.port)
                answer = await _exchange(*link, request)
                link[1].close()
                if answer.status == 200:
                    return str(json.loads(answer.body)["status"])
                await asyncio.sleep(PAUSE)  # house: allow sleep - the station asks to be asked again

    async def _work(self) -> None:
        link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        try:
            while not self._ending:
                key = f"{self._mark}{len(self.account.sent)}"
                self.account.sent.append(key)
                request = self.request(key)
                while True:
                    link, status = await self._send(link, key, request)
                    if status not in AGAIN:
                        break
                    await asyncio.sleep(PAUSE)  # house: allow sleep - a sender waits before it repeats
        finally:
            if link is not None:
                link[1].close()

    async def _send(
        self, link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None, key: str, request: bytes
    ) -> tuple[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None, int]:
        """One call: the connection where it can go on, and the status."""
        try:
            async with asyncio.timeout(PATIENCE):
                link = link or await asyncio.open_connection(self._url.hostname, self._url.port)
                answer = await _exchange(*link, request)
        except (OSError, TimeoutError) as broken:
            self.account.torn += isinstance(broken, Cut) and broken.after > 0
            self.account.answers[0] += 1
            if link is not None:
                link[1].close()
            return None, 0
        self.account.take(key, answer)
        if answer.headers.get("connection") == "close":
            link[1].close()
            return None, answer.status
        return link, answer.status

    def request(self, key: str) -> bytes:
        """The call for an event, which is the same each time."""
        body = f'{{"key": "{key}", "memberId": "10420", "amount": 19.90, "note": "{"n" * 300}"}}'.encode()
        head = (
            f"POST {self._path} HTTP/1.1\r\nHost: station\r\nContent-Type: application/json\r\n"
            f"Webhook-Id: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Received:
    writer.write(request)
    await writer.drain()
    return await read_answer(reader)
