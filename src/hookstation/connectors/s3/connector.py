"""A bucket as a system of files."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Sequence
from typing import Final
from urllib.parse import quote

from hookstation.connectors.filetree.paths import clean, file_path, fits, name_of, oldest
from hookstation.connectors.hosts import with_details
from hookstation.connectors.s3.client import BucketClient
from hookstation.connectors.s3.listing import list_keys, stat
from hookstation.connectors.s3.writer import S3Writer, read_progress, refuse_existing
from hookstation.connectors.system import SystemConnector
from hookstation.errors import Retriable
from hookstation.ports.files import RemoteFile

FETCHED: Final = 4 << 20
"""Bytes that are asked for at a time."""
PIECE: Final = 1 << 20


class S3Files(SystemConnector):
    """`ports.files.FilesConnector` on a bucket. Folders are beginnings of keys: none of them is ever missing."""

    def __init__(self, name: str, client: BucketClient) -> None:
        super().__init__(name, "S3")
        self._client = client

    async def check(self) -> str:
        """Ask for one key."""
        with with_details():
            async for page in list_keys(self._client, "", most=1):
                held = "holds files" if page else "holds no file at its top"
                return f"Connected; the bucket {self._client.bucket.name} {held}."
        raise Retriable

    async def list_files(self, folder: str, pattern: str = "*", limit: int = 1_000) -> Sequence[RemoteFile]:
        """Files of a folder by modification, then name; see the port. A folder that nothing is in is empty."""
        plain = clean(folder)
        kept: list[RemoteFile] = []
        async for page in list_keys(self._client, f"{plain}/" if plain else ""):
            kept = oldest((*kept, *(file for file in page if fits(name_of(file.path), pattern))), limit)
        return kept

    async def read(self, path: str, offset: int = 0) -> AsyncIterator[bytes]:
        """The file's bytes; see the port. A file that is replaced meanwhile is a broken connection."""
        plain = file_path(path)
        found = await stat(self._client, plain)
        while offset < found.size:
            last = min(offset + FETCHED, found.size) - 1
            headers = {"Range": f"bytes={offset}-{last}", "If-Match": f'"{found.tag}"'}
            body = (await self._client.call("GET", plain, headers=headers)).body
            if len(body) != last - offset + 1:
                raise Retriable("The store gave another part of the file than it was asked for.")
            offset = last + 1
            for at in range(0, len(body), PIECE):
                yield body[at : at + PIECE]

    async def create(self, path: str, *, resume: str = "", replace: bool = True) -> S3Writer:
        """Begin a file, or go on with one; see the port.

        Raises `NotFound` where what a checkpoint stands for is not there any more: begin the file anew.
        """
        plain = file_path(path)
        if resume:
            progress = read_progress(resume)
            writer = S3Writer(self._client, plain, progress.token, replace)
            await writer.go_on(progress)
            return writer
        if not replace:
            await refuse_existing(self._client, plain)
        return S3Writer(self._client, plain, secrets.token_hex(8), replace)

    async def remove(self, path: str) -> None:
        """Delete a file; see the port."""
        await self._client.call("DELETE", file_path(path))

    async def move(self, path: str, to: str) -> None:
        """Copy a file inside the store and delete it; see the port. A store copies up to 5 GB at once."""
        plain, target = file_path(path), file_path(to)
        await stat(self._client, plain)
        if plain == target:
            return
        source = f"/{self._client.bucket.name}/{self._client.bucket.key(plain)}"
        await self._client.call("PUT", target, headers={"x-amz-copy-source": quote(source, safe="/-_.~")})
        await self.remove(plain)
