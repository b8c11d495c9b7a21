"""One look at a source of any kind."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple, assert_never

from hookstation.core.polling.definitions import (
    ActivitiesSource,
    AfterFile,
    FeedSource,
    FilesSource,
    First,
    HttpSource,
    MailboxSource,
    Poll,
    QuerySource,
    SqlSource,
)
from hookstation.core.polling.position import Position
from hookstation.core.polling.turns import Asked, Found
from hookstation.engine.polls.calling import Caller
from hookstation.engine.polls.file_sources import ask_files, ask_mailbox, put_away
from hookstation.engine.polls.http_source import ask_feed, ask_http
from hookstation.engine.polls.keys import Keys
from hookstation.engine.polls.row_sources import ask_activities, ask_query, ask_sql
from hookstation.engine.targets import Targets
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpClient


class Look(NamedTuple):
    """What was found. `afterwards`: to be done once the items are committed."""

    found: Found
    afterwards: Callable[[], Awaitable[None]] | None = None


class Asking:
    """Asks sources."""

    def __init__(self, targets: Targets, http: HttpClient, clock: Clock) -> None:
        self._targets, self._caller = targets, Caller(targets, http, clock)

    async def look(self, poll: Poll, asked: Asked) -> Look:
        """Look once. Raises `ActionFailed`, and `NotFound` where something that is named is not there."""
        keys, source = Keys(poll.key), poll.source
        match source:
            case HttpSource():
                return Look(await ask_http(source, keys, asked, self._caller))
            case FeedSource():
                return Look(await ask_feed(source, keys, asked, self._caller))
            case SqlSource():
                return Look(await ask_sql(source, keys, asked, self._targets))
            case QuerySource():
                return Look(await ask_query(source, keys, asked, self._targets))
            case ActivitiesSource():
                return Look(await ask_activities(source, keys, asked, self._targets))
            case MailboxSource():
                return Look(await ask_mailbox(source, keys, asked, self._targets))
            case FilesSource():
                found, done = await ask_files(source, keys, asked, self._targets)
                return Look(found, self._put_away(source, done))
            case _:
                assert_never(source)

    def _put_away(self, source: FilesSource, done: Mapping[str, str]) -> Callable[[], Awaitable[None]] | None:
        if not done or source.after is AfterFile.KEEP:
            return None

        async def afterwards() -> None:
            await put_away(source, done, self._targets)

        return afterwards


def asked_of(poll: Poll, position: Position, now: int, most: int = 0) -> Asked:
    """What a turn asks for, from where its source was read to; the first one as the poll says."""
    if position.begun:
        return Asked(position.value(), position.seen, most or poll.most, now=now)
    first = position.first or (poll.since if poll.first is First.SINCE else poll.first.value)
    since = "" if first in (First.NOW.value, First.EVERYTHING.value) else first
    return Asked({}, (), most or poll.most, baseline=first == First.NOW.value, since=since, now=now)
