"""What a connection of the type ``s3`` needs, and the connector made of it."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from hookstation.connectors.filetree.paths import clean
from hookstation.connectors.hosts import NETWORKS
from hookstation.connectors.outside import Outside, unreachable
from hookstation.connectors.s3.client import Bucket, BucketClient
from hookstation.connectors.s3.connector import S3Files
from hookstation.connectors.s3.signing import Keys
from hookstation.core.definitions import Connection
from hookstation.core.fieldlist import Kind, Setting, Values
from hookstation.core.values import Secret
from hookstation.errors import Invalid, Problem

AUTO: Final = "auto"
PATH: Final = "path"
VIRTUAL_HOST: Final = "virtual-host"
MEBIBYTE: Final = 1 << 20

SPEC: Final = (
    Setting(
        "bucket",
        Kind.TEXT,
        required=True,
        pattern=r"[A-Za-z0-9][A-Za-z0-9._-]{1,62}",
        pattern_words="a bucket's name: letters, digits, “.”, “_” and “-”",
        help="The bucket's name.",
        example="members-exchange",
    ),
    Setting(
        "endpoint",
        Kind.URL,
        help="Address of the store. Without it Amazon S3 in the region.",
        example="https://objects.example.org",
    ),
    Setting("region", Kind.TEXT, default="us-east-1", help="The region; many other stores take any word."),
    Setting(
        "style",
        Kind.CHOICE,
        default=AUTO,
        choices=(AUTO, PATH, VIRTUAL_HOST),
        help="Where the bucket's name stands: in the `path` or in front of the host (`virtual-host`). `auto`: in the"
        " path where there is an endpoint.",
    ),
    NETWORKS,
    Setting("access_key", Kind.TEXT, required=True, help="Id of the access key.", example="AKIAEXAMPLE"),
    Setting(
        "secret_key", Kind.SECRET, required=True, help="The key's secret.", example="${env:S3_SECRET_KEY}"
    ),
    Setting(
        "session_token", Kind.SECRET, help="Token that belongs to temporary keys.", example="${env:S3_TOKEN}"
    ),
    Setting(
        "folder",
        Kind.TEXT,
        help="Beginning of the keys below which everything lies.",
        example="outgoing/members",
    ),
    Setting(
        "part_size",
        Kind.SIZE,
        default="8MiB",
        minimum=5 * MEBIBYTE,
        maximum=100 * MEBIBYTE,
        help="Bytes of one part of a large file, held in memory while it is sent. A file has at most 10,000 parts.",
    ),
    Setting(
        "timeout",
        Kind.DURATION,
        default="60s",
        minimum=1,
        maximum=600,
        help="Longest time for one call; one part has to pass in it.",
    ),
)


def build(connection: Connection, outside: Outside) -> S3Files:
    """The connector of a decoded connection. Raises `Invalid` where the store may not be called."""
    values = Values(connection.settings)
    region = values.text("region")
    endpoint = values.text("endpoint") or f"https://s3.{region}.amazonaws.com"
    problems = []
    if refused := unreachable(urlsplit(endpoint).hostname or "", values.texts("networks")):
        problems.append(Problem(("endpoint",), refused))
    if urlsplit(endpoint).path.strip("/"):
        problems.append(Problem(("endpoint",), "must be a scheme and a host, without a path."))
    if problems:
        raise Invalid(problems)
    style = values.text("style")
    bucket = Bucket(
        endpoint.rstrip("/"),
        values.text("bucket"),
        style == PATH or (style == AUTO and bool(values.text("endpoint"))),
        clean(values.text("folder")),
        values.texts("networks"),
        values.seconds("timeout"),
        values.integer("part_size"),
    )
    keys = Keys(
        values.text("access_key"),
        connection.secrets.get("secret_key", Secret("")),
        region,
        connection.secrets.get("session_token"),
    )
    return S3Files(connection.name, BucketClient(bucket, keys, outside.http, outside.clock))
