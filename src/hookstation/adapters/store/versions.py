"""Versions, editors and captures of the SQLite driver."""

# ruff: noqa: S608 -- statements are put together from our own words only; values are always bound
from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, cast

import apsw
import msgspec

from hookstation.adapters.store.group_commit import GroupCommit
from hookstation.adapters.store.hints import Hints
from hookstation.adapters.store.journal_writer import Done, Unit
from hookstation.adapters.store.readers import Readers
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

_VERSION: Final = "webhook, number, at, author, note, state"
_LIVE: Final = "(SELECT coalesce(max(number), 0) FROM versions WHERE webhook = ?1 AND state = 'published')"
_NEWEST: Final = "SELECT number, author FROM versions WHERE webhook = ? ORDER BY number DESC LIMIT 1"
_TRIM: Final = f"DELETE FROM versions WHERE webhook = ?1 AND number <= ?2 AND number <> {_LIVE}"
_DISCARD: Final = (
    f"UPDATE versions SET state = 'discarded' WHERE webhook = ?1 AND state = 'draft' AND number > {_LIVE}"
)
_DRAFTS: Final = (
    f"SELECT {_VERSION}, max(number) FROM versions v GROUP BY webhook HAVING state = 'draft' ORDER BY webhook"
)
_CAPTURE: Final = "id, token, author, webhook, opened_at, until, status"
_HEAR: Final = (
    "UPDATE captures SET calls = calls + 1 WHERE id = ?1 AND until > ?2 AND calls < ?3"
    " AND ?4 >= (SELECT coalesce(sum(length(body)), 0) FROM captured_calls WHERE capture = ?1) RETURNING calls"
)


class SqliteVersions:
    """Implements `ports.versions`."""

    _commits: GroupCommit[Unit, Done]
    _readers: Readers

    async def save_draft(self, draft: Draft, began: int) -> Version:
        """Append a draft."""
        return await self._commits.run(partial(_save_draft, draft=draft, began=began))

    async def rename_draft(self, draft: Draft, name: str, began: int) -> Version:
        """Give a draft that was never published another name."""
        return await self._commits.run(partial(_rename, draft=draft, name=name, began=began))

    async def discard_draft(self, webhook: str, began: int) -> int:
        """Take away what is not live."""
        return await self._commits.run(partial(_discard, webhook=webhook, began=began))

    async def newest_version(self, webhook: str, *, published: bool = False) -> VersionDocument | None:
        """The newest version."""
        return await self._readers.read(_newest_version, webhook, published)

    async def get_version(self, webhook: str, number: int) -> VersionDocument | None:
        """One version."""
        return await self._readers.read(_get_version, webhook, number)

    async def list_versions(self, webhook: str, limit: int, before: int = 0) -> Sequence[Version]:
        """Versions, the newest first."""
        return await self._readers.read(_list_versions, webhook, limit, before)

    async def list_drafts(self) -> Sequence[Version]:
        """Webhooks whose newest version is a draft."""
        return await self._readers.read(_list_drafts)

    async def see_editor(self, webhook: str, editor: Editor, now: int) -> Sequence[Editor]:
        """Somebody has it open."""
        return await self._commits.run(partial(_see_editor, webhook=webhook, editor=editor, now=now))

    async def editor_left(self, webhook: str, who: str) -> None:
        """Somebody has it open no longer."""
        statement = "DELETE FROM editors WHERE webhook = ? AND who = ?"
        await self._commits.run(lambda connection: connection.execute(statement, (webhook, who)))


class SqliteCaptures:
    """Implements `ports.captures`."""

    _commits: GroupCommit[Unit, Done]
    _readers: Readers
    _hints: Hints

    async def open_capture(self, capture: Capture, now: int) -> None:
        """Keep a capture."""
        await self._commits.run(partial(_open_capture, capture=capture, now=now))
        self._hints.tell(CAPTURES_CHANGED)

    async def open_captures(self, now: int) -> Sequence[Capture]:
        """Those that are not over."""
        return self._readers.look_up(_open_captures, now)

    async def get_capture(self, capture_id: str) -> Capture | None:
        """One capture."""
        return self._readers.look_up(_get_capture, capture_id)

    async def keep_call(self, call: CapturedCall) -> int:
        """Keep a call."""
        return await self._commits.run(partial(_keep_call, call=call))

    async def captured_calls(self, capture_id: str, after: int = 0) -> Sequence[CapturedCall]:
        """What it heard."""
        return await self._readers.read(_captured_calls, capture_id, after)

    async def close_capture(self, capture_id: str) -> bool:
        """Forget a capture."""
        gone = await self._commits.run(lambda connection: _forget(connection, "id = ?", (capture_id,)))
        self._hints.tell(CAPTURES_CHANGED)
        return gone > 0

    async def forget_captures(self, now: int) -> int:
        """Forget what is over; a station at rest leaves the disk alone."""
        if not self._readers.look_up(_is_any_over, now):
            return 0
        gone = await self._commits.run(lambda connection: _forget(connection, "until <= ?", (now,)))
        self._hints.tell(CAPTURES_CHANGED)
        return gone


def follow(connection: apsw.Connection, change: ConfigurationChange) -> None:
    """Append the published versions that a change makes, before it is written; its webhooks that go lose theirs."""
    for begun, began in change.began.items():
        _check_newest(connection, begun, began)
    for name, webhook in change.webhooks.items():
        if webhook is None:
            _forget_versions(connection, name)
        elif _document_of(connection, name) != webhook.document:
            draft = Draft(name, webhook.document, webhook.updated_at, change.by, change.note)
            _append(connection, draft, VersionState.PUBLISHED)


def _document_of(connection: apsw.Connection, name: str) -> str | None:
    rows = connection.execute("SELECT document FROM webhooks WHERE name = ?", (name,)).fetchall()
    return str(rows[0][0]) if rows else None


def _forget_versions(connection: apsw.Connection, webhook: str) -> None:
    connection.execute("DELETE FROM versions WHERE webhook = ?", (webhook,))
    connection.execute("DELETE FROM editors WHERE webhook = ?", (webhook,))


def _newest(connection: apsw.Connection, webhook: str) -> tuple[int, str]:
    rows = connection.execute(_NEWEST, (webhook,)).fetchall()
    return cast("tuple[int, str]", rows[0]) if rows else (0, "")


def _check_newest(connection: apsw.Connection, webhook: str, began: int) -> None:
    newest, by = _newest(connection, webhook)
    if newest != began:
        raise overtaken(webhook, began, newest, by)


def _append(connection: apsw.Connection, draft: Draft, state: VersionState) -> Version:
    number = _newest(connection, draft.webhook)[0] + 1
    row = (draft.webhook, number, draft.at, draft.by, draft.note, state.value, draft.document)
    connection.execute("INSERT INTO versions VALUES (?,?,?,?,?,?,?)", row)
    connection.execute(_TRIM, (draft.webhook, number - MOST_VERSIONS))
    return Version(draft.webhook, number, draft.at, draft.by, draft.note, state)


def _save_draft(connection: apsw.Connection, draft: Draft, began: int) -> Version:
    _check_newest(connection, draft.webhook, began)
    return _append(connection, draft, VersionState.DRAFT)


def _rename(connection: apsw.Connection, draft: Draft, name: str, began: int) -> Version:
    _check_newest(connection, name, began)
    _check_newest(connection, draft.webhook, 0)
    if _live(connection, name):
        raise keeps_its_name(name)
    _forget_versions(connection, name)
    return _append(connection, draft, VersionState.DRAFT)


def _live(connection: apsw.Connection, webhook: str) -> int:
    return cast("int", connection.execute(f"SELECT {_LIVE}", (webhook,)).fetchall()[0][0])


def _discard(connection: apsw.Connection, webhook: str, began: int) -> int:
    _check_newest(connection, webhook, began)
    connection.execute(_DISCARD, (webhook,))
    gone = connection.changes()
    if not _live(connection, webhook):
        _forget_versions(connection, webhook)
    return gone


def _version(row: Sequence[object]) -> Version:
    webhook, number, at, by, note, state = cast("tuple[str, int, int, str, str, str]", row)
    return Version(webhook, number, at, by, note, VersionState(state))


def _one(rows: Sequence[Sequence[object]]) -> VersionDocument | None:
    return VersionDocument(_version(rows[0][:6]), str(rows[0][6])) if rows else None


def _newest_version(connection: apsw.Connection, webhook: str, published: bool) -> VersionDocument | None:
    only = "AND state = 'published' " if published else ""
    statement = (
        f"SELECT {_VERSION}, document FROM versions WHERE webhook = ? {only}ORDER BY number DESC LIMIT 1"
    )
    return _one(connection.execute(statement, (webhook,)).fetchall())


def _get_version(connection: apsw.Connection, webhook: str, number: int) -> VersionDocument | None:
    statement = f"SELECT {_VERSION}, document FROM versions WHERE webhook = ? AND number = ?"
    return _one(connection.execute(statement, (webhook, number)).fetchall())


def _list_versions(connection: apsw.Connection, webhook: str, limit: int, before: int) -> list[Version]:
    statement = (
        f"SELECT {_VERSION} FROM versions WHERE webhook = ?1 AND (?2 = 0 OR number < ?2) "
        "ORDER BY number DESC LIMIT ?3"
    )
    return [_version(row) for row in connection.execute(statement, (webhook, before, limit)).fetchall()]


def _list_drafts(connection: apsw.Connection) -> list[Version]:
    return [_version(row[:6]) for row in connection.execute(_DRAFTS).fetchall()]


def _see_editor(connection: apsw.Connection, webhook: str, editor: Editor, now: int) -> list[Editor]:
    connection.execute("DELETE FROM editors WHERE until <= ?", (now,))
    connection.execute("INSERT OR REPLACE INTO editors VALUES (?,?,?)", (webhook, editor.who, editor.until))
    rows = connection.execute("SELECT who, until FROM editors WHERE webhook = ? ORDER BY who", (webhook,))
    return [Editor(*cast("tuple[str, int]", row)) for row in rows.fetchall()]


def _capture(row: object) -> Capture:
    return Capture(*cast("tuple[str, str, str, str, int, int, int]", row))


def _open_capture(connection: apsw.Connection, capture: Capture, now: int) -> None:
    if len(_open_captures(connection, now)) >= MOST_CAPTURES:
        raise too_many()
    row = (*capture_row(capture), 0)
    connection.execute("INSERT INTO captures VALUES (?,?,?,?,?,?,?,?)", row)


def capture_row(capture: Capture) -> tuple[str, str, str, str, int, int, int]:
    """A capture in the order of the table's columns, but for the number of its calls."""
    return (
        capture.id,
        capture.token,
        capture.by,
        capture.webhook,
        capture.opened_at,
        capture.until,
        capture.status,
    )


def call_row(call: CapturedCall, number: int) -> tuple[str, int, int, str, str, str, bytes]:
    """A call in the order of the table's columns."""
    headers = msgspec.json.encode(call.headers).decode()
    return (call.capture, number, call.received_at, call.sender, headers, call.query, call.body)


def call_of(row: Sequence[object]) -> CapturedCall:
    """The call that a row holds."""
    capture, number, received_at, sender, headers, query, body = cast(
        "tuple[str, int, int, str, str, str, bytes]", tuple(row)
    )
    known: Mapping[str, str] = msgspec.json.decode(headers, type=dict[str, str])
    return CapturedCall(capture, number, received_at, sender, bytes(body), known, query)


def _open_captures(connection: apsw.Connection, now: int) -> list[Capture]:
    statement = f"SELECT {_CAPTURE} FROM captures WHERE until > ? ORDER BY opened_at, id"
    return [_capture(row) for row in connection.execute(statement, (now,)).fetchall()]


def _get_capture(connection: apsw.Connection, capture_id: str) -> Capture | None:
    rows = connection.execute(f"SELECT {_CAPTURE} FROM captures WHERE id = ?", (capture_id,)).fetchall()
    return _capture(rows[0]) if rows else None


def _keep_call(connection: apsw.Connection, call: CapturedCall) -> int:
    asked = (call.capture, call.received_at, MOST_CALLS, MOST_BYTES - len(call.body))
    rows = connection.execute(_HEAR, asked).fetchall()
    if not rows:
        return 0
    number = cast("int", rows[0][0])
    connection.execute("INSERT INTO captured_calls VALUES (?,?,?,?,?,?,?)", call_row(call, number))
    return number


def _captured_calls(connection: apsw.Connection, capture_id: str, after: int) -> list[CapturedCall]:
    statement = "SELECT * FROM captured_calls WHERE capture = ? AND number > ? ORDER BY number"
    return [call_of(row) for row in connection.execute(statement, (capture_id, after)).fetchall()]


def _forget(connection: apsw.Connection, which: str, asked: tuple[str | int, ...]) -> int:
    calls = f"DELETE FROM captured_calls WHERE capture IN (SELECT id FROM captures WHERE {which})"
    connection.execute(calls, asked)
    connection.execute(f"DELETE FROM captures WHERE {which}", asked)
    return connection.changes()


def _is_any_over(connection: apsw.Connection, now: int) -> bool:
    statement = "SELECT EXISTS (SELECT 1 FROM captures WHERE until <= ?)"
    return bool(connection.execute(statement, (now,)).fetchall()[0][0])
