"""A file that is written in parts; it stands in the bucket when they are put together.

A part has to be of a certain size, so what is left over at a checkpoint lies in a small file of its own beside it.
"""

from __future__ import annotations

from typing import Final

import msgspec

from hookstation.connectors.filetree.paths import PART_SUFFIX, folder_of, join, part_path
from hookstation.connectors.s3.answers import Exists, NoSuchUpload, children, read_xml, text_of
from hookstation.connectors.s3.client import BucketClient
from hookstation.connectors.s3.listing import list_keys, stat
from hookstation.errors import ActionFailed, NotFound, Terminal
from hookstation.ports.files import RemoteFile

MOST_PARTS: Final = 10_000
"""“Amazon S3 multipart upload limits”."""


class Progress(msgspec.Struct, frozen=True):
    """How far a file is: its upload, the parts that are there, and the bytes that lie beside them."""

    upload: str
    token: str
    parts: int
    size: int
    left: int


def read_progress(text: str) -> Progress:
    """A checkpoint. Raises `Terminal` where it is none."""
    try:
        progress = msgspec.json.decode(text.encode(), type=Progress)
    except (msgspec.DecodeError, UnicodeError):
        progress = None
    if (
        progress is None
        or not progress.token.isalnum()
        or min(progress.parts, progress.size, progress.left) < 0
    ):
        raise Terminal("This is no checkpoint of this file; begin the file anew.")
    return progress


class S3Writer:
    """`ports.files.FileWriter` on a multipart upload; a file of less than one part is put there at once."""

    def __init__(self, client: BucketClient, path: str, token: str, replace: bool) -> None:
        self._client, self._path, self._token, self._replace = client, path, token, replace
        self._upload, self._tags = "", list[str]()
        self._gathered, self._size = bytearray(), 0
        self._found: RemoteFile | None = None

    async def go_on(self, progress: Progress) -> None:
        """Take up an upload. Raises `NotFound` where it is not there any more and the file is not whole either."""
        try:
            tags, sizes = await self._parts(progress)
        except NoSuchUpload:
            self._found = await stat(self._client, self._path)
            if self._found.size != progress.size:
                raise NotFound("unfinished file", self._path) from None
            return
        left = b""
        if progress.left:
            left = (await self._client.call("GET", self._left_path(progress.size))).body
        if len(tags) != progress.parts or sizes + len(left) != progress.size:
            raise NotFound("unfinished file", self._path)
        self._upload, self._tags = progress.upload, tags
        self._gathered, self._size = bytearray(left), progress.size

    async def write(self, data: bytes) -> None:
        """Append; it is sent when a part is together."""
        if self._found is not None:
            raise Terminal("The file stands in its place already; nothing can be added.")
        self._gathered += data
        self._size += len(data)
        while len(self._gathered) >= self._client.bucket.part_size:
            part = bytes(self._gathered[: self._client.bucket.part_size])
            await self._send(part)
            del self._gathered[: len(part)]

    async def checkpoint(self) -> str:
        """Put what is left over beside the parts."""
        if self._found is None:
            await self._begin()
            if self._gathered:
                await self._client.call("PUT", self._left_path(self._size), body=bytes(self._gathered))
        parts, left = len(self._tags), len(self._gathered)
        progress = Progress(self._upload, self._token, parts, self._size, left)
        return msgspec.json.encode(progress).decode()

    async def finish(self) -> RemoteFile:
        """Put the parts together, or the small file into its place."""
        if self._found is None:
            if self._upload:
                await self._complete()
            else:
                await self._client.call(
                    "PUT", self._path, headers=self._condition(), body=bytes(self._gathered)
                )
            self._found = await self._standing()
            await self._tidy_up()
        return self._found

    async def abort(self) -> None:
        """Give the upload up, with what lies beside it."""
        try:
            if self._upload and self._found is None:
                await self._client.call("DELETE", self._path, query={"uploadId": self._upload})
        except (ActionFailed, NotFound):
            pass  # the bucket's own rule for unfinished uploads takes it away
        finally:
            self._upload = ""
            self._gathered.clear()
            await self._tidy_up()

    async def leave(self) -> None:
        """The store keeps what is there of the upload."""
        self._gathered.clear()

    async def _standing(self) -> RemoteFile:
        """The file in its place; whoever waits for it may have taken it away already."""
        try:
            return await stat(self._client, self._path)
        except NotFound:
            return RemoteFile(self._path, self._size)

    async def _begin(self) -> None:
        if not self._upload:
            answer = await self._client.call("POST", self._path, query={"uploads": ""})
            self._upload = text_of(read_xml(answer), "UploadId")

    async def _send(self, part: bytes) -> None:
        await self._begin()
        if len(self._tags) == MOST_PARTS:
            raise Terminal(
                f"The file is larger than {MOST_PARTS:,} parts of {self._client.bucket.part_size:,} bytes, the most"
                " that a store takes; make `part_size` of the connection larger, then send it anew."
            )
        query = {"partNumber": str(len(self._tags) + 1), "uploadId": self._upload}
        answer = await self._client.call("PUT", self._path, query=query, body=part)
        self._tags.append(answer.headers.get("etag", ""))

    async def _complete(self) -> None:
        if self._gathered or not self._tags:
            part = bytes(self._gathered)
            await self._send(part)
            self._gathered.clear()
        parts = "".join(
            f"<Part><PartNumber>{number}</PartNumber><ETag>{tag}</ETag></Part>"
            for number, tag in enumerate(self._tags, 1)
        )
        try:
            await self._client.call(
                "POST",
                self._path,
                query={"uploadId": self._upload},
                headers=self._condition(),
                body=f"<CompleteMultipartUpload>{parts}</CompleteMultipartUpload>".encode(),
                repeatable=False,
            )
        except NoSuchUpload:
            # an earlier call, whose answer was lost, has put the parts together
            if (await stat(self._client, self._path)).size != self._size:
                raise

    async def _parts(self, progress: Progress) -> tuple[list[str], int]:
        """The marks of the parts up to the checkpoint, and their bytes."""
        found: dict[int, tuple[str, int]] = {}
        marker = "0"
        while True:
            query = {"uploadId": progress.upload, "part-number-marker": marker}
            document = read_xml(await self._client.call("GET", self._path, query=query))
            for part in children(document, "Part"):
                number = int(text_of(part, "PartNumber"))
                found[number] = text_of(part, "ETag"), int(text_of(part, "Size"))
            marker = text_of(document, "NextPartNumberMarker")
            if text_of(document, "IsTruncated") != "true" or int(marker) >= progress.parts:
                break
        kept = [found[number] for number in range(1, progress.parts + 1) if number in found]
        return [tag for tag, _ in kept], sum(size for _, size in kept)

    def _condition(self) -> dict[str, str]:
        return {} if self._replace else {"If-None-Match": "*"}

    def _left_path(self, size: int) -> str:
        return part_path(self._path, f"{self._token}-{size}")

    async def _tidy_up(self) -> None:
        """Take away what lay beside the parts, of this and of earlier sessions."""
        try:
            begin = join(folder_of(self._path), f".{self._token}-")
            async for page in list_keys(self._client, begin):
                for file in page:
                    if file.path.endswith(PART_SUFFIX):
                        await self._client.call("DELETE", file.path)
        except (ActionFailed, NotFound):
            return  # it is hidden and harmless


async def refuse_existing(client: BucketClient, path: str) -> None:
    """Raise `Terminal` where there is a file of this name."""
    try:
        await stat(client, path)
    except NotFound:
        return
    raise Exists
