"""S3 against a store (moto), with Amazon's own client looking at what stands there: the suite, signing, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any, Final

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from hookstation.connectors import build_connector
from hookstation.connectors.outside import Outside
from hookstation.connectors.s3.answers import believe
from hookstation.connectors.s3.client import EMPTY_HASH, Bucket, BucketClient
from hookstation.connectors.s3.listing import list_keys
from hookstation.connectors.s3.signing import Call, Keys, encoded_path, encoded_query, sign
from hookstation.core.definitions import Connection
from hookstation.core.values import JSON, Secret
from hookstation.errors import ActionFailed, Busy, Invalid, NeedsAuth, NotFound, Retriable, Terminal
from hookstation.ports.files import FilesConnector
from hookstation.ports.http import HttpAnswer
from hookstation.testing.connector_suite import refusal
from hookstation.testing.files_suite import FilesBench, FilesSuite
from tests.support.files import outside
from tests.support.s3_server import ACCESS_KEY, SECRET_KEY, running_store

NUMBERS: Final = count(1)
PART: Final = 5 << 20
NOW: Final = datetime(2026, 11, 22, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    with running_store() as address:
        yield address


@pytest.fixture(scope="module")
def amazon(store: str) -> Any:  # boto3 makes its clients' classes at run time
    return boto3.client(
        "s3",
        endpoint_url=store,
        region_name="us-east-1",
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=Config(s3={"addressing_style": "path"}),
    )


@dataclass(frozen=True, slots=True)
class Stand:
    """The store, Amazon's client on it, and the ways out of the connectors that are tried on it."""

    address: str
    amazon: Any
    outside: Outside

    def connector(self, bucket: str, **settings: JSON) -> FilesConnector:
        """A connector of this bucket."""
        return connector(self.outside, self.address, bucket, **settings)

    def bench(self, **settings: JSON) -> FilesBench:
        """A bench in a bucket of its own."""
        return bench_in(self, **settings)


@pytest.fixture
async def stand(store: str, amazon: Any) -> AsyncIterator[Stand]:
    ways = outside()
    yield Stand(store, amazon, ways)
    await ways.http.close()


@pytest.fixture
def bench(stand: Stand) -> FilesBench:
    return stand.bench()


def bench_in(stand: Stand, **settings: JSON) -> FilesBench:
    """A bucket of its own, seen through the connector and through Amazon's client."""
    bucket, amazon = f"bucket-{next(NUMBERS)}", stand.amazon
    amazon.create_bucket(Bucket=bucket)

    def content(path: str) -> bytes:
        return bytes(amazon.get_object(Bucket=bucket, Key=path)["Body"].read())

    def names(folder: str) -> list[str]:
        listed = amazon.list_objects_v2(Bucket=bucket, Prefix=f"{folder}/")
        return [each["Key"].removeprefix(f"{folder}/") for each in listed.get("Contents", [])]

    def put(path: str, data: bytes) -> None:
        amazon.put_object(Bucket=bucket, Key=path, Body=data)

    return FilesBench(stand.connector(bucket, **settings), content, names, put)


def connector(ways: Outside, store: str, bucket: str, **settings: JSON) -> FilesConnector:
    usual: dict[str, JSON] = {
        "bucket": bucket,
        "endpoint": store,
        "region": "us-east-1",
        "style": "auto",
        "networks": ["127.0.0.1/32"],
        "access_key": ACCESS_KEY,
        "part_size": PART,
        "timeout": 30,
    }
    secrets = {"secret_key": Secret(SECRET_KEY)}
    made = build_connector(Connection("files", "s3", {**usual, **settings}, secrets), ways)
    assert isinstance(made, FilesConnector)
    return made


class TestS3(FilesSuite):
    """A bucket keeps what every system of files keeps."""


async def test_a_large_file_goes_on_part_by_part(stand: Stand) -> None:
    """Parts that are there are not sent again, parts behind the checkpoint are; marks change with the content."""
    bench = stand.bench()
    writer = await bench.connector.create("big.bin")
    await writer.write(b"a" * (PART + 1_000))
    progress = await writer.checkpoint()
    await writer.write(b"x" * PART)
    again = await bench.connector.create("big.bin", resume=progress)
    await again.write(b"b" * PART)
    written = await again.finish()
    assert b"a" * (PART + 1_000) + b"b" * PART == bench.content("big.bin")
    assert written.tag.endswith("-3")
    assert written.tag == (await bench.connector.list_files(""))[0].tag


async def test_everything_lies_below_the_folder(stand: Stand) -> None:
    """The beginning of the keys stands in none of the paths."""
    bench = stand.bench(folder="outgoing/mem bers")
    await bench.write("sub/a.txt", b"x")
    assert b"x" == bench.content("outgoing/mem bers/sub/a.txt")
    bench.put("outgoing/mem bers/b.txt", b"1")
    bench.put("outgoing/c.txt", b"1")
    assert ["b.txt"] == [file.path for file in await bench.connector.list_files("")]
    await bench.connector.move("b.txt", "sub/b.txt")
    assert ["a.txt", "b.txt"] == bench.names("outgoing/mem bers/sub")


async def test_a_listing_takes_every_page(stand: Stand) -> None:
    """A store gives a part of the keys at a time."""
    bench, bucket = stand.bench(), f"bucket-{next(NUMBERS) - 1}"
    for name in "abcde":
        bench.put(f"in/{name}.csv", b"")
    place = Bucket(stand.address, bucket, True, networks=("127.0.0.1/32",))
    keys = Keys(ACCESS_KEY, Secret(SECRET_KEY), "us-east-1")
    client = BucketClient(place, keys, stand.outside.http, stand.outside.clock)
    pages = [[file.path for file in page] async for page in list_keys(client, "in/", most=2)]
    assert [["in/a.csv", "in/b.csv"], ["in/c.csv", "in/d.csv"], ["in/e.csv"]] == pages


async def test_a_bucket_that_is_not_there_is_named(stand: Stand) -> None:
    """Reading and trying the connection say which setting to look at."""
    refused = await refusal(stand.connector("no-such-bucket").check())
    assert isinstance(refused, Terminal)
    assert "bucket" in refused.message


async def test_a_store_that_cannot_be_reached_is_for_later(stand: Stand) -> None:
    """A closed port is retriable; a forbidden address is refused when the connection is made up, a name when used."""
    gone = stand.connector("a-bucket", endpoint="http://127.0.0.1:1")
    assert isinstance(await refusal(gone.check()), Retriable)
    with pytest.raises(Invalid, match="networks"):
        stand.connector("a-bucket", networks=[])
    named = stand.connector("a-bucket", endpoint="http://localhost:1", networks=[])
    assert isinstance(await refusal(named.read("a.txt").__anext__()), Terminal)


def test_the_buckets_name_stands_in_the_path_or_in_front_of_the_host() -> None:
    """Ports are named where they are not the usual ones."""
    assert "members.s3.example.org" == Bucket("https://s3.example.org", "members", False).host
    assert "s3.example.org:9000" == Bucket("https://s3.example.org:9000", "members", True).host
    assert "s3.example.org" == Bucket("https://s3.example.org:443", "members", True).host
    assert "[::1]:9000" == Bucket("http://[::1]:9000", "members", True).host


WORDS: Final = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)


class _AtThatTime(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """botocore's signer, at the time of the test."""

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = NOW.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))


@given(
    path=WORDS,
    query=st.dictionaries(WORDS.filter(bool), WORDS, max_size=3),
    token=st.none() | st.just("token"),
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
)
def test_signatures_are_those_of_amazons_own_signer(
    path: str, query: dict[str, str], token: str | None, method: str
) -> None:
    """botocore, given the same call at the same time, signs it in the same way."""
    call = Call(method, "s3.example.org", f"/b/{path}", query, {"x-amz-copy-source": "/b/a"}, EMPTY_HASH)
    keys = Keys("AKIA", Secret("secret"), "eu-west-1", Secret(token) if token else None)
    ours = sign(call, keys, int(NOW.timestamp()) * 1_000_000)
    url = f"https://s3.example.org{encoded_path(call.path)}?{encoded_query(query)}"
    request = AWSRequest(method, url, headers=dict(call.headers), data=b"")
    _AtThatTime(Credentials("AKIA", "secret", token), "s3", "eu-west-1").add_auth(request)
    assert request.headers["Authorization"] == ours["Authorization"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (403, "SignatureDoesNotMatch", NeedsAuth),
        (403, "InvalidAccessKeyId", NeedsAuth),
        (400, "ExpiredToken", NeedsAuth),
        (403, "AccessDenied", Terminal),
        (403, "RequestTimeTooSkewed", Terminal),
        (404, "NoSuchKey", NotFound),
        (301, "PermanentRedirect", Terminal),
        (412, "PreconditionFailed", Terminal),
        (503, "SlowDown", Busy),
        (200, "InternalError", Busy),
        (400, "EntityTooSmall", Terminal),
    ],
)
def test_a_refusal_is_told_by_its_code(status: int, code: str, kind: type[Exception]) -> None:
    """Also one that came with 200, after the store had begun to answer."""
    body = f'<?xml version="1.0"?>\n<Error><Code>{code}</Code><Message>m</Message></Error>'.encode()
    with pytest.raises(ActionFailed if issubclass(kind, ActionFailed) else kind) as refused:
        believe(HttpAnswer(status, {}, body), "in/a.txt")
    assert kind is type(refused.value) or issubclass(type(refused.value), kind)


def test_an_answer_that_is_no_store_is_told() -> None:
    """A page of a proxy with 200 has no error in it; a document type is not read at all."""
    page = HttpAnswer(200, {}, b"<!DOCTYPE html><html>sign in</html>")
    assert page is believe(page, "a.txt")
