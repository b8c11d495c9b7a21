"""Versions, editors and captures of the PostgreSQL driver."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final, cast

import asyncpg

from hookstation.adapters.store.postgres import queries, sessions
from hookstation.adapters.store.postgres.connecting import Connection
from hookstation.adapters.store.postgres.hints import Bulletin
from hookstation.adapters.store.versions import call_of, call_row, capture_row
from hookstation.ports.captures import (
    CAPTURES_CHANGED,
    MOST_BYTES,
    MOST_CALLS,
    MOST_CAPTURES,
    Capture,
    CapturedCall,
    too_many,
)
from hookstation.ports.store import ConfigurationChange
from hookstation.ports.versions import (
    MOST_VERSIONS,
    Draft,
    Editor,
    Version,
    VersionDocument,
    VersionState,
    keeps_its_name,
    overtaken,
)

_ONE_AT_A_TIME: Final = f"{queries.REVISION} FOR UPDATE"
"""Whoever numbers versions holds the configuration's revision, which changes of the configuration do in any case."""

_VERSION: Final = "webhook, number, at, author, note, state"
_LIVE: Final = "(SELECT coalesce(max(number), 0) FROM versions WHERE webhook = $1 AND state = 'published')"
_NEWEST: Final = "SELECT number, author FROM versions WHERE webhook = $1 ORDER BY number DESC LIMIT 1"
_TRIM: Final = f"DELETE FROM versions WHERE webhook = $1 AND number <= $2 AND number <> {_LIVE}"
_DISCARD: Final = (
    f"UPDATE versions SET state = 'discarded' WHERE webhook = $1 AND state = 'draft' AND number > {_LIVE} "
    "RETURNING number"
)
_DRAFTS: Final = (
    f"SELECT * FROM (SELECT DISTINCT ON (webhook) {_VERSION} FROM versions ORDER BY webhook, number DESC) newest "
    "WHERE state = 'draft' ORDER BY webhook"
)
_CAPTURE: Final = "id, token, author, webhook, opened_at, until, status"
_HEAR: Final = (
    "UPDATE captures SET calls = calls + 1 WHERE id = $1 AND until > $2 AND calls < $3"
    " AND $4 >= (SELECT coalesce(sum(octet_length(body)), 0) FROM captured_calls WHERE capture = $1) RETURNING calls"
)
_SEE: Final = (
    "INSERT INTO editors VALUES ($1, $2, $3) ON CONFLICT (webhook, who) DO UPDATE SET until = excluded.until"
)


class PostgresVersions:
    """Implements `ports.versions`."""

    _sessions: sessions.Sessions

    async def save_draft(self, draft: Draft, began: int) -> Version:
        """Append a draft."""
        return await self._sessions.change(partial(_save_draft, draft=draft, began=began))

    async def rename_draft(self, draft: Draft, name: str, began: int) -> Version:
        """Give a draft that was never published another name."""
        return await self._sessions.change(partial(_rename, draft=draft, name=name, began=began))

    async def discard_draft(self, webhook: str, began: int) -> int:
        """Take away what is not live."""
        return await self._sessions.change(partial(_discard, webhook=webhook, began=began))

    async def newest_version(self, webhook: str, *, published: bool = False) -> VersionDocument | None:
        """The newest version."""
        return await self._sessions.read(_newest_version, webhook, published)

    async def get_version(self, webhook: str, number: int) -> VersionDocument | None:
        """One version."""
        return await self._sessions.read(_get_version, webhook, number)

    async def list_versions(self, webhook: str, limit: int, before: int = 0) -> Sequence[Version]:
        """Versions, the newest first."""
        return await self._sessions.read(_list_versions, webhook, limit, before)

    async def list_drafts(self) -> Sequence[Version]:
        """Webhooks whose newest version is a draft."""
        return await self._sessions.read(_list_drafts)

    async def see_editor(self, webhook: str, editor: Editor, now: int) -> Sequence[Editor]:
        """Somebody has it open."""
        return await self._sessions.change(partial(_see_editor, webhook=webhook, editor=editor, now=now))

    async def editor_left(self, webhook: str, who: str) -> None:
        """Somebody has it open no longer."""
        statement = "DELETE FROM editors WHERE webhook = $1 AND who = $2"
        await self._sessions.change(lambda connection: connection.execute(statement, webhook, who))


class PostgresCaptures:
    """Implements `ports.captures`."""

    _sessions: sessions.Sessions
    _bulletin: Bulletin

    async def open_capture(self, capture: Capture, now: int) -> None:
        """Keep a capture."""
        await self._sessions.change(partial(_open_capture, capture=capture, now=now))
        self._bulletin.send([CAPTURES_CHANGED])

    async def open_captures(self, now: int) -> Sequence[Capture]:
        """Those that are not over."""
        return await self._sessions.read(_open_captures, now)

    async def get_capture(self, capture_id: str) -> Capture | None:
        """One capture."""
        return await self._sessions.read(_get_capture, capture_id)

    async def keep_call(self, call: CapturedCall) -> int:
        """Keep a call."""
        return await self._sessions.change(partial(_keep_call, call=call))

    async def captured_calls(self, capture_id: str, after: int = 0) -> Sequence[CapturedCall]:
        """What it heard."""
        return await self._sessions.read(_captured_calls, capture_id, after)

    async def close_capture(self, capture_id: str) -> bool:
        """Forget a capture."""
        gone = await self._sessions.change(partial(_forget, which="id = $1", asked=capture_id))
        self._bulletin.send([CAPTURES_CHANGED])
        return gone > 0

    async def forget_captures(self, now: int) -> int:
        """Forget what is over."""
        gone = await self._sessions.change(partial(_forget, which="until <= $1", asked=now))
        if gone:
            self._bulletin.send([CAPTURES_CHANGED])
        return gone


async def follow(connection: Connection, change: ConfigurationChange) -> None:
    """Append the published versions that a change makes, before it is written; its webhooks that go lose theirs.

    The caller holds the revision.
    """
    for begun, began in change.began.items():
        await _check_newest(connection, begun, began)
    rows = await connection.fetch(
        "SELECT name, document FROM webhooks WHERE name = ANY($1::text[])", [*change.webhooks]
    )
    before = {str(name): str(document) for name, document in rows}
    for name, webhook in change.webhooks.items():
        if webhook is None:
            await _forget_versions(connection, name)
        elif before.get(name) != webhook.document:
            draft = Draft(name, webhook.document, webhook.updated_at, change.by, change.note)
            await _append(connection, draft, VersionState.PUBLISHED)


async def _forget_versions(connection: Connection, webhook: str) -> None:
    await connection.execute("DELETE FROM versions WHERE webhook = $1", webhook)
    await connection.execute("DELETE FROM editors WHERE webhook = $1", webhook)


async def _newest(connection: Connection, webhook: str) -> tuple[int, str]:
    row = await connection.fetchrow(_NEWEST, webhook)
    return (row[0], row[1]) if row else (0, "")


async def _check_newest(connection: Connection, webhook: str, began: int) -> None:
    newest, by = await _newest(connection, webhook)
    if newest != began:
        raise overtaken(webhook, began, newest, by)


async def _append(connection: Connection, draft: Draft, state: VersionState) -> Version:
    number = (await _newest(connection, draft.webhook))[0] + 1
    row = (draft.webhook, number, draft.at, draft.by, draft.note, state.value, draft.document)
    await connection.execute("INSERT INTO versions VALUES ($1, $2, $3, $4, $5, $6, $7)", *row)
    if number > MOST_VERSIONS:
        await connection.execute(_TRIM, draft.webhook, number - MOST_VERSIONS)
    return Version(draft.webhook, number, draft.at, draft.by, draft.note, state)


async def _save_draft(connection: Connection, draft: Draft, began: int) -> Version:
    await connection.fetchval(_ONE_AT_A_TIME)
    await _check_newest(connection, draft.webhook, began)
    return await _append(connection, draft, VersionState.DRAFT)


async def _rename(connection: Connection, draft: Draft, name: str, began: int) -> Version:
    await connection.fetchval(_ONE_AT_A_TIME)
    await _check_newest(connection, name, began)
    await _check_newest(connection, draft.webhook, 0)
    if await connection.fetchval(f"SELECT {_LIVE}", name):
        raise keeps_its_name(name)
    await _forget_versions(connection, name)
    return await _append(connection, draft, VersionState.DRAFT)


async def _discard(connection: Connection, webhook: str, began: int) -> int:
    await connection.fetchval(_ONE_AT_A_TIME)
    await _check_newest(connection, webhook, began)
    gone = await connection.fetch(_DISCARD, webhook)
    if not await connection.fetchval(f"SELECT {_LIVE}", webhook):
        await _forget_versions(connection, webhook)
    return len(gone)


def _version(row: asyncpg.Record) -> Version:
    webhook, number, at, by, note, state = row[:6]
    return Version(webhook, number, at, by, note, VersionState(state))


def _one(row: asyncpg.Record | None) -> VersionDocument | None:
    return VersionDocument(_version(row), str(row[6])) if row else None


async def _newest_version(connection: Connection, webhook: str, published: bool) -> VersionDocument | None:
    only = "AND state = 'published' " if published else ""
    statement = (
        f"SELECT {_VERSION}, document FROM versions WHERE webhook = $1 {only}ORDER BY number DESC LIMIT 1"
    )
    return _one(await connection.fetchrow(statement, webhook))


async def _get_version(connection: Connection, webhook: str, number: int) -> VersionDocument | None:
    statement = f"SELECT {_VERSION}, document FROM versions WHERE webhook = $1 AND number = $2"
    return _one(await connection.fetchrow(statement, webhook, number))


async def _list_versions(connection: Connection, webhook: str, limit: int, before: int) -> list[Version]:
    statement = (
        f"SELECT {_VERSION} FROM versions WHERE webhook = $1 AND ($2::bigint = 0 OR number < $2::bigint) "
        "ORDER BY number DESC LIMIT $3"
    )
    return [_version(row) for row in await connection.fetch(statement, webhook, before, limit)]


async def _list_drafts(connection: Connection) -> list[Version]:
    return [_version(row) for row in await connection.fetch(_DRAFTS)]


async def _see_editor(connection: Connection, webhook: str, editor: Editor, now: int) -> list[Editor]:
    await connection.execute(
        "DELETE FROM editors WHERE ctid = ANY(ARRAY("
        "SELECT ctid FROM editors WHERE until <= $1 FOR UPDATE SKIP LOCKED))",
        now,
    )
    await connection.execute(_SEE, webhook, editor.who, editor.until)
    rows = await connection.fetch(
        "SELECT who, until FROM editors WHERE webhook = $1 AND until > $2 ORDER BY who", webhook, now
    )
    return [Editor(*row) for row in rows]


async def _open_capture(connection: Connection, capture: Capture, now: int) -> None:
    await connection.execute("LOCK TABLE captures IN SHARE ROW EXCLUSIVE MODE")
    if len(await _open_captures(connection, now)) >= MOST_CAPTURES:
        raise too_many()
    row = (*capture_row(capture), 0)
    await connection.execute("INSERT INTO captures VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", *row)


async def _open_captures(connection: Connection, now: int) -> list[Capture]:
    statement = f"SELECT {_CAPTURE} FROM captures WHERE until > $1 ORDER BY opened_at, id"
    return [Capture(*row) for row in await connection.fetch(statement, now)]


async def _get_capture(connection: Connection, capture_id: str) -> Capture | None:
    row = await connection.fetchrow(f"SELECT {_CAPTURE} FROM captures WHERE id = $1", capture_id)
    return Capture(*row) if row else None


async def _keep_call(connection: Connection, call: CapturedCall) -> int:
    await connection.execute(
        "SELECT 1 FROM captures WHERE id = $1 FOR UPDATE", call.capture
    )  # one counts at a time
    asked = (call.capture, call.received_at, MOST_CALLS, MOST_BYTES - len(call.body))
    number = cast("int | None", await connection.fetchval(_HEAR, *asked))
    if number is None:
        return 0
    row = call_row(call, number)
    await connection.execute("INSERT INTO captured_calls VALUES ($1, $2, $3, $4, $5, $6, $7)", *row)
    return number


async def _captured_calls(connection: Connection, capture_id: str, after: int) -> list[CapturedCall]:
    statement = "SELECT * FROM captured_calls WHERE capture = $1 AND number > $2 ORDER BY number"
    return [call_of(tuple(row)) for row in await connection.fetch(statement, capture_id, after)]


async def _forget(connection: Connection, which: str, asked: str | int) -> int:
    gone = await connection.fetch(f"DELETE FROM captures WHERE {which} RETURNING id", asked)
    ids = [str(one[0]) for one in gone]
    await connection.execute("DELETE FROM captured_calls WHERE capture = ANY($1::text[])", ids)
    return len(ids)
