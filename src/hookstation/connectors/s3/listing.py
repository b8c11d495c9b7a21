"""What is in a bucket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from email.utils import parsedate_to_datetime

from hookstation.connectors.s3.answers import children, microseconds, read_xml, text_of
from hookstation.connectors.s3.client import BucketClient
from hookstation.ports.files import RemoteFile


async def list_keys(
    client: BucketClient, begin: str, *, most: int = 1_000
) -> AsyncIterator[list[RemoteFile]]:
    """The files whose path begins so, and has no further ``/``, page by page of at most `most`."""
    bucket = client.bucket
    prefix = bucket.key(begin) if begin else bucket.key("")
    query = {"list-type": "2", "prefix": prefix, "delimiter": "/", "max-keys": str(most)}
    while True:
        document = read_xml(await client.call("GET", None, query=query))
        yield [
            RemoteFile(
                bucket.path(text_of(entry, "Key")),
                int(text_of(entry, "Size") or 0),
                microseconds(text_of(entry, "LastModified")),
                text_of(entry, "ETag").strip('"'),
            )
            for entry in children(document, "Contents")
            if not text_of(entry, "Key").endswith("/")
        ]
        token = text_of(document, "NextContinuationToken")
        if text_of(document, "IsTruncated") != "true" or not token:
            return
        query["continuation-token"] = token


async def stat(client: BucketClient, path: str) -> RemoteFile:
    """The file. Raises `NotFound`."""
    answer = await client.call("HEAD", path)
    headers = answer.headers
    changed = headers.get("last-modified", "")
    at = int(parsedate_to_datetime(changed).timestamp()) * 1_000_000 if changed else 0
    return RemoteFile(path, int(headers.get("content-length", "0")), at, headers.get("etag", "").strip('"'))
