"""Folders and mailboxes as sources."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NamedTuple

from hookstation.core.formats.options import read_layout
from hookstation.core.formats.streams import Reader
from hookstation.core.polling.definitions import AfterFile, FilesSource, MailboxSource
from hookstation.core.polling.turns import Asked, Found, Item, is_before, since_of
from hookstation.core.template.scope import instant_text, text_of
from hookstation.core.values import JSON
from hookstation.engine.polls.keys import Keys
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.files import files_of
from hookstation.errors import BodyRefused, NotFound, Retriable, Terminal
from hookstation.ports.files import FilesConnector, RemoteFile
from hookstation.ports.mail import Attachment, MailboxConnector, Received

MOST_FILES: Final = 10_000
LARGEST_WHOLE: Final = 8 * 1024 * 1024
"""Bytes of a file that becomes one item."""


MOST_MAILS: Final = 50
"""Mails of one turn: each may come with large files."""


CLOCKS_APART: Final = 60_000_000
"""Microseconds by which the clock of a mail server may be behind ours without a mail being passed over."""


class ReadFiles(NamedTuple):
    """A turn with a folder. `done`: files of which every row came, with their marks: to be moved or deleted then."""

    found: Found
    done: Mapping[str, str]


async def ask_files(source: FilesSource, keys: Keys, asked: Asked, targets: Targets) -> ReadFiles:
    """One turn with a folder: rows of files that were not there, or were others, the last time.

    What is remembered: the mark of each file that was `read`, of each that was `left` alone since it was there before
    the beginning, and of the one that was read in `part` how many of its rows came.  Raises `ActionFailed`.
    """
    target = files_of(targets, source.connection)
    there = {file.path: file for file in await _listed(target, source)}
    read, left = _still(asked.at.get("read"), there), _still(asked.at.get("left"), there)
    if not asked.at:
        before = {path for path, file in there.items() if asked.baseline or _is_before(file, asked.since)}
        left = {path: _mark(there[path]) for path in before}
    if asked.baseline:
        return ReadFiles(Found((), _at(read, left)), {})
    new = [file for path, file in there.items() if path not in read and path not in left]
    begun = asked.at.get("part")
    new.sort(
        key=lambda file: not _skipped(begun, file)
    )  # what was begun is ended first, and so not forgotten
    items: list[Item] = []
    for number, file in enumerate(new):
        skip = _skipped(begun, file)
        rows, whole = await _read(target, source, file, skip, asked.most - len(items))
        items += [_item(keys, file, skip + index, row) for index, row in enumerate(rows)]
        if not whole:
            part: JSON = {"path": file.path, "mark": _mark(file), "rows": skip + len(rows)}
            return ReadFiles(Found(items, {**_at(read, left), "part": part}, more=True), read)
        read[file.path] = _mark(file)
        if len(items) >= asked.most and number + 1 < len(new):
            return ReadFiles(Found(items, _at(read, left), more=True), read)
    return ReadFiles(Found(items, _at(read, left)), read)


async def put_away(source: FilesSource, done: Mapping[str, str], targets: Targets) -> None:
    """Move or delete files whose items are committed; one that is another by now stays. Raises `ActionFailed`."""
    target = files_of(targets, source.connection)
    for path in _still(dict(done), {file.path: file for file in await _listed(target, source)}):
        if source.after is AfterFile.DELETE:
            await target.remove(path)
        elif source.after is AfterFile.MOVE:
            name = path.rpartition("/")[2]
            await target.move(path, f"{source.moved_to.rstrip('/')}/{name}")


async def ask_mailbox(source: MailboxSource, keys: Keys, asked: Asked, targets: Targets) -> Found:
    """One turn with a mailbox: mails with a greater number than the last one. Raises `ActionFailed`.

    Where the server counts anew all mails since the beginning are read again, and their ids keep those that came from
    coming twice.
    """
    target = targets.connectors.get(source.connection)
    if target is None:
        raise Retriable(f"The connection “{source.connection}” is not configured any more.")
    if not isinstance(target, MailboxConnector):
        raise Terminal(f"The connection “{source.connection}” is no mailbox.")
    if asked.baseline:
        validity, newest = await target.newest(source.folder)
        return Found(
            (), {"validity": validity, "uid": newest, "begun": instant_text(asked.now - CLOCKS_APART)}
        )
    was, after = _number(asked.at.get("validity")), _number(asked.at.get("uid"))
    most, begun = min(asked.most, MOST_MAILS), asked.at.get("begun", asked.since)
    validity, mails = await target.fetch(source.folder, was, after, most + 1)
    taken, counts_anew = mails[:most], was not in (0, validity)
    since = text_of(begun) if counts_anew else since_of(asked)
    items = [
        keys.item(_mail(one), one.message_id or f"{validity}/{one.uid}")
        for one in taken
        if not is_before(instant_text(one.at), since)
    ]
    uid = taken[-1].uid if taken else after if validity == was else 0
    more = len(mails) > len(taken)
    at: dict[str, JSON] = {"validity": validity, "uid": uid, "begun": begun}
    return Found(items, {**at, "since": since} if more and since else at, more=more)


async def _listed(target: FilesConnector, source: FilesSource) -> Sequence[RemoteFile]:
    files = await target.list_files(source.folder, source.pattern, MOST_FILES + 1)
    if len(files) > MOST_FILES:
        raise Terminal(
            f"The folder “{source.folder}” has more than {MOST_FILES:,} files; have files that were read moved or "
            "deleted (“after”), or take a narrower pattern."
        )
    return files


def _still(marks: JSON, there: Mapping[str, RemoteFile]) -> dict[str, str]:
    """Of files with their marks: those that are there as they were."""
    known = marks if isinstance(marks, dict) else {}
    return {
        path: mark
        for path, mark in known.items()
        if isinstance(mark, str) and path in there and _mark(there[path]) == mark
    }


def _at(read: Mapping[str, str], left: Mapping[str, str]) -> dict[str, JSON]:
    return {"read": dict(read), "left": dict(left)}


async def _read(
    target: FilesConnector, source: FilesSource, file: RemoteFile, skip: int, most: int
) -> tuple[list[JSON], bool]:
    """Rows of a file from one on, at most so many, and whether these are all that are left."""
    options: dict[str, JSON] = dict(source.options)
    if source.encoding != "utf-8":
        options["encoding"] = source.encoding
    rows: list[JSON] = []
    number = 0
    try:
        if source.format in ("text", "whole"):
            return [await _whole(target, source, file)], True
        reader = Reader(read_layout(source.format, options))
        async for piece in _pieces(target, file):
            for row in reader.feed(piece) if piece is not None else reader.close():
                number += 1
                if number > skip:
                    if len(rows) == most:
                        return rows, False
                    rows.append(row)
    except NotFound:
        return [], True  # somebody took it away meanwhile
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
    return keys.item(value, f"{file.path}/{_mark(file)}/{number}")


def _skipped(part: JSON, file: RemoteFile) -> int:
    if isinstance(part, dict) and part.get("path") == file.path and part.get("mark") == _mark(file):
        return _number(part.get("rows"))
    return 0


def _mark(file: RemoteFile) -> str:
    """By which it is told that a file is another one now."""
    return file.tag or f"{file.size}-{file.modified_at}"


def _number(value: JSON) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _is_before(file: RemoteFile, since: str) -> bool:
    return bool(file.modified_at) and is_before(instant_text(file.modified_at), since)


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
