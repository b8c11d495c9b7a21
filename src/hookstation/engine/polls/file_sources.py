"""Folders and mailboxes as sources."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import AsyncIterator, Sequence
from typing import Final, NamedTuple

from hookstation.core.formats.options import read_layout
from hookstation.core.formats.streams import Reader
from hookstation.core.polling.definitions import AfterFile, FilesSource, MailboxSource
from hookstation.core.polling.turns import Asked, Found, Item
from hookstation.core.template.scope import instant_text
from hookstation.core.values import JSON
from hookstation.engine.polls.keys import Keys
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.files import files_of
from hookstation.errors import BodyRefused, Retriable, Terminal
from hookstation.ports.files import FilesConnector, RemoteFile
from hookstation.ports.mail import Attachment, MailboxConnector, Received

MOST_FILES: Final = 10_000
LARGEST_WHOLE: Final = 8 * 1024 * 1024
"""Bytes of a file that becomes one item."""


class ReadFiles(NamedTuple):
    """A turn with a folder. `done`: files of which every row came with it, to be moved or deleted afterwards."""

    found: Found
    done: Sequence[str]


async def ask_files(source: FilesSource, keys: Keys, asked: Asked, targets: Targets) -> ReadFiles:
    """One turn with a folder: rows of files that were not there, or were others, the last time.

    What is remembered: the mark of each file that was read, and of the one that was read in part how many of its rows
    came.  Raises `ActionFailed`.
    """
    target = files_of(targets, source.connection)
    files = await target.list_files(source.folder, source.pattern, MOST_FILES + 1)
    if len(files) > MOST_FILES:
        raise Terminal(
            f"The folder “{source.folder}” has more than {MOST_FILES:,} files; have files that were read moved or "
            "deleted (“after”), or take a narrower pattern."
        )
    read = _marks(asked.at.get("read"))
    part = asked.at.get("part")
    there = {file.path: _mark(file) for file in files}
    read = {path: mark for path, mark in read.items() if path in there}
    if asked.baseline:
        return ReadFiles(Found((), {"read": _json({**read, **there})}), ())
    new = [file for file in files if read.get(file.path) != _mark(file) and not _is_before(file, asked.since)]
    read |= {file.path: _mark(file) for file in files if _is_before(file, asked.since)}
    items: list[Item] = []
    done = [path for path in read if path in there] if source.after is not AfterFile.KEEP else []
    for number, file in enumerate(new):
        skip = _skipped(part, file)
        rows, whole = await _read(target, source, file, skip, asked.most - len(items))
        items += [_item(keys, file, skip + index, row) for index, row in enumerate(rows)]
        if not whole:
            so_far: JSON = {"path": file.path, "mark": _mark(file), "rows": skip + len(rows)}
            at: dict[str, JSON] = {"read": _json(read), "part": so_far}
            return ReadFiles(Found(items, at, more=True, left=len(new) - number), done)
        read[file.path] = _mark(file)
        done.append(file.path)
        if len(items) >= asked.most and number + 1 < len(new):
            return ReadFiles(Found(items, {"read": _json(read)}, more=True), done)
    return ReadFiles(Found(items, {"read": _json(read)}), done)


async def put_away(source: FilesSource, done: Sequence[str], targets: Targets) -> None:
    """Move or delete files whose items are committed; one that is gone is gone. Raises `ActionFailed`."""
    target = files_of(targets, source.connection)
    for path in done:
        if source.after is AfterFile.DELETE:
            await target.remove(path)
        elif source.after is AfterFile.MOVE:
            name = path.rpartition("/")[2]
            await target.move(path, f"{source.moved_to.rstrip('/')}/{name}")


async def ask_mailbox(source: MailboxSource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with a mailbox: mails with a greater number than the last one. Raises `ActionFailed`."""
    target = targets.connectors.get(source.connection)
    if target is None:
        raise Retriable(f"The connection “{source.connection}” is not configured any more.")
    if not isinstance(target, MailboxConnector):
        raise Terminal(f"The connection “{source.connection}” is no mailbox.")
    if asked.baseline:
        validity, newest = await target.newest(source.folder)
        return Found((), {"validity": validity, "uid": newest})
    was, after = _number(asked.at.get("validity")), _number(asked.at.get("uid"))
    validity, mails = await target.fetch(source.folder, was, after, asked.most + 1)
    taken = mails[: asked.most]
    items = [
        Item(keys.of(value, one.message_id or f"{validity}/{one.uid}"), value)
        for one in taken
        if (value := _mail(one)) and not (asked.since and instant_text(one.at) < asked.since)
    ]
    uid = taken[-1].uid if taken else after if validity == was else 0
    return Found(items, {"validity": validity, "uid": uid}, more=len(mails) > len(taken))


async def _read(
    target: FilesConnector, source: FilesSource, file: RemoteFile, skip: int, most: int
) -> tuple[list[JSON], bool]:
    """Rows of a file from one on, at most so many, and whether these are all that are left."""
    if source.format in ("text", "whole"):
        return [await _whole(target, source, file)], True
    options: dict[str, JSON] = dict(source.options)
    if source.encoding != "utf-8":
        options["encoding"] = source.encoding
    reader = Reader(read_layout(source.format, options))
    rows: list[JSON] = []
    number = 0
    try:
        async for piece in _pieces(target, file):
            for row in reader.feed(piece) if piece is not None else reader.close():
                number += 1
                if number > skip:
                    if len(rows) == most:
                        return rows, False
                    rows.append(row)
    except BodyRefused as refused:
        raise Terminal(f"The file “{file.path}” cannot be read: {refused.reason}") from refused
    return rows, True


async def _pieces(target: FilesConnector, file: RemoteFile) -> AsyncIterator[bytes | None]:
    """The file's bytes, and ``None`` at its end."""
    async for piece in target.read(file.path):
        yield piece
    yield None


async def _whole(target: FilesConnector, source: FilesSource, file: RemoteFile) -> JSON:
    if file.size > LARGEST_WHOLE:
        raise Terminal(
            f"The file “{file.path}” has {file.size:,} bytes; one that becomes one item may have {LARGEST_WHOLE:,}."
        )
    data = b"".join([piece async for piece in target.read(file.path)])
    name = file.path.rpartition("/")[2]
    if source.format == "text":
        try:
            return {"name": name, "path": file.path, "text": data.decode(source.encoding)}
        except UnicodeDecodeError as error:
            told = f"The file “{file.path}” is not {source.encoding} text, from its byte {error.start} on."
            raise Terminal(told) from None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    return {"name": name, "path": file.path, "type": kind, "size": len(data), "base64": _base64(data)}


def _item(keys: Keys, file: RemoteFile, number: int, value: JSON) -> Item:
    return Item(keys.of(value, f"{file.path}/{_mark(file)}/{number}"), value)


def _skipped(part: JSON, file: RemoteFile) -> int:
    if isinstance(part, dict) and part.get("path") == file.path and part.get("mark") == _mark(file):
        return _number(part.get("rows"))
    return 0


def _mark(file: RemoteFile) -> str:
    """By which it is told that a file is another one now."""
    return file.tag or f"{file.size}-{file.modified_at}"


def _marks(value: JSON) -> dict[str, str]:
    return {path: str(mark) for path, mark in value.items()} if isinstance(value, dict) else {}


def _json(marks: dict[str, str]) -> JSON:
    return dict(marks)


def _number(value: JSON) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _is_before(file: RemoteFile, since: str) -> bool:
    return bool(since and file.modified_at) and instant_text(file.modified_at) < since


def _mail(one: Received) -> dict[str, JSON]:
    return {
        "messageId": one.message_id,
        "receivedAt": instant_text(one.at),
        "from": one.sender,
        "to": list(one.to),
        "subject": one.subject,
        "text": one.text,
        "html": one.html,
        "attachments": [_attached(file) for file in one.attachments],
    }


def _attached(file: Attachment) -> JSON:
    return {"name": file.name, "type": file.type, "size": len(file.data), "base64": _base64(file.data)}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
