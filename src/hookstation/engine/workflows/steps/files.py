"""Files put to other systems, and fetched from there."""

from __future__ import annotations

import base64
import binascii
import mimetypes
from contextlib import aclosing
from typing import Final

from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON
from hookstation.core.workflows.values import LARGEST_OUTPUT
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.steps.reading import flag, needed, size, text
from hookstation.engine.workflows.tasks import Done, Outside, Task, Way
from hookstation.errors import BodyRefused, NotFound, Retriable, Terminal
from hookstation.ports.files import FilesConnector, RemoteFile

MOST_BYTES: Final = LARGEST_OUTPUT // 2
"""Bytes of a file that a step reads; what it puts out is text of them."""

MOST_MEMBERS: Final = 10_000_000


class Upload:
    """``upload``: text, or a value as JSON, as a file."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def begin(self, task: Task) -> Way:
        """A call."""
        settings = task.settings
        connection, path = needed(settings, "connection"), needed(settings, "path")
        target = files_of(self._targets, connection)
        data = content_of(settings.get("content"), settings.get("file"), text(settings, "encoding", "utf-8"))
        replace = flag(settings, "replace", default=True)

        async def call() -> Done:
            writer = await target.create(path, replace=replace)
            try:
                await writer.write(data)
                return Done(_file(await writer.finish()))
            except BaseException:  # a call whose time is over must let go of its connection, too
                await writer.abort()
                raise

        return Outside(call, connection=connection)


class Download:
    """``download``: a file as text, as JSON, or as bytes in base64."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets

    def begin(self, task: Task) -> Way:
        """A look."""
        settings = task.settings
        connection, path = needed(settings, "connection"), needed(settings, "path")
        target = files_of(self._targets, connection)
        most = min(size(settings, "most", MOST_BYTES), MOST_BYTES)
        shape, encoding = text(settings, "response", "text"), text(settings, "encoding", "utf-8")

        async def call() -> Done:
            parts: list[bytes] = []
            room = most
            try:
                async with aclosing(target.read(path)) as pieces:  # type: ignore[type-var]
                    async for piece in pieces:
                        room -= len(piece)
                        if room < 0:
                            raise Terminal(f"The file is larger than {most} bytes; use a transfer for it.")
                        parts.append(piece)
            except NotFound as missing:
                raise Terminal(missing.message) from missing
            return Done(shaped(b"".join(parts), shape, path, encoding))

        return Outside(call, reads=True, connection=connection)


def files_of(targets: Targets, connection: str) -> FilesConnector:
    """The connection, which has to hold files."""
    target = targets.connectors.get(connection)
    if target is None:
        raise Retriable(f"The connection “{connection}” is not configured any more.")
    if not isinstance(target, FilesConnector):
        raise Terminal(f"The connection “{connection}” holds no files.")
    return target


def content_of(content: JSON, file: JSON, encoding: str) -> bytes:
    """The bytes that are meant: a text in this encoding, any other value as JSON, or a file of an earlier step."""
    if isinstance(file, dict) and isinstance(file.get("base64"), str):
        try:
            return base64.b64decode(str(file["base64"]), validate=True)
        except (binascii.Error, ValueError):
            raise Terminal("“file” is no file that an earlier step put out: its base64 is damaged.") from None
    if file is not None:
        raise Terminal("“file” is no file that an earlier step put out: an object with base64.")
    written = content if isinstance(content, str) else dump_json(content)
    try:
        return written.encode(encoding)
    except LookupError:
        raise Terminal(f"There is no encoding “{encoding}”. Try utf-8, windows-1252 or iso-8859-1.") from None
    except UnicodeEncodeError:
        raise Terminal(f"The content has characters that the encoding “{encoding}” does not have.") from None


def shaped(data: bytes, shape: str, name: str, encoding: str = "utf-8", media: str = "") -> JSON:
    """Bytes as ``text``, ``json``, or ``file``: an object with name, type, size and base64."""
    if shape == "file":
        name = name.rpartition("/")[2]
        kind = media or mimetypes.guess_type(name)[0] or "application/octet-stream"
        return {"name": name, "type": kind, "size": len(data), "base64": base64.b64encode(data).decode()}
    if shape == "json":
        return _json(data) if data.strip() else None
    try:
        return data.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        raise Terminal(f"What came is not {encoding} text, from its byte {error.start} on.") from None


def _json(data: bytes) -> JSON:
    """Any JSON; `parse_json` takes objects and arrays alone, so that a bare value is read as the only one of a list."""
    try:
        if data.lstrip()[:1] in (b"{", b"["):
            return parse_json(data, members=MOST_MEMBERS).value
        alone = parse_json(b"[%b]" % data, members=MOST_MEMBERS).value
    except BodyRefused as refused:
        raise Terminal(f"What came is not JSON: {refused.reason}") from refused
    if not isinstance(alone, list) or len(alone) != 1:
        raise Terminal("What came is not JSON: it is more than one value.")
    return alone[0]


def _file(stands: RemoteFile) -> JSON:
    return {"path": stands.path, "size": stands.size, "tag": stands.tag}
