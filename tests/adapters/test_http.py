from __future__ import annotations

import asyncio
import socket
import time
from collections import UserDict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack

import pytest

from hookstation.adapters.http import FOREIGN, GuardedHttpClient, translate
from hookstation.errors import ActionFailed, AddressRefused, Retriable, Terminal, UnknownOutcome
from hookstation.ports.http import HttpRequest
from tests.support.foreign import every_error_of_aiohttp
from tests.support.names import Names

LOOPBACK = ("127.0.0.0/8",)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

STANDSTILL = 0.2

Conversation = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Serve = Callable[[Conversation], Awaitable[int]]


class Standstill(UserDict[str, str]):
    """Headers that take a process longer to write down than it has: it stands still."""

    def __iter__(self) -> Iterator[str]:
        time.sleep(STANDSTILL)  # house: allow sleep - nothing else in the process may go on
        return super().__iter__()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """One request, head and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return head + await reader.readexactly(sum(int(line.split(b":")[1]) for line in length))


def answering(answer: bytes, *, keep: bool = False) -> Conversation:
    """A server that reads a request, says `answer` and hangs up (or keeps the connection and its tongue)."""

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer)
        await writer.drain()
        if keep:
            await reader.read()

    return converse


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Starts servers on loopback, and ends them all."""
    async with AsyncExitStack() as stack:
        talks: set[asyncio.Task[object]] = set()

        async def start(conversation: Conversation) -> int:
            async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                task = asyncio.current_task()
                assert task is not None
                talks.add(task)
                try:
                    await conversation(reader, writer)
                except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                    pass
                finally:
                    writer.close()
                    talks.discard(task)

            server = await asyncio.start_server(talk, "127.0.0.1", 0)
            stack.callback(server.close)
            port: int = server.sockets[0].getsockname()[1]
            return port

        yield start
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


@pytest.fixture
async def client() -> AsyncIterator[GuardedHttpClient]:
    http = GuardedHttpClient()
    yield http
    await http.close()


def post(port: int, *, host: str = "127.0.0.1", **more: object) -> HttpRequest:
    wanted = {"body": b"hello", "networks": LOOPBACK, "timeout": 5.0} | more
    return HttpRequest("POST", f"http://{host}:{port}/x", **wanted)  # type: ignore[arg-type]


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def test_an_answer_comes_whole_with_lower_case_header_names(
    serve: Serve, client: GuardedHttpClient
) -> None:
    port = await serve(
        answering(b"HTTP/1.1 409 Conflict\r\nX-Why: a\r\nX-WHY: b\r\nContent-Length: 3\r\n\r\nno!")
    )
    answer = await client.send(post(port))
    assert (409, b"no!", "a, b") == (answer.status, answer.body, answer.headers["x-why"])


async def test_the_request_goes_out_as_it_was_given(serve: Serve, client: GuardedHttpClient) -> None:
    seen: asyncio.Queue[bytes] = asyncio.Queue()

    async def note(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.put_nowait(await read_request(reader))
        writer.write(OK)

    port = await serve(note)
    url = f"http://127.0.0.1:{port}/api/~1%7C2?q=a%2Bb%26c"
    await client.send(HttpRequest("PUT", url, {"X-A": "b"}, b"body", networks=LOOPBACK))
    head, _, body = (await seen.get()).partition(b"\r\n\r\n")
    assert b"body" == body
    assert head.startswith(b"PUT /api/~1%7C2?q=a%2Bb%26c HTTP/1.1\r\n")
    assert b"X-A: b" in head
    assert b"Accept-Encoding: identity" in head


async def test_loopback_is_refused_where_the_caller_does_not_name_it(
    serve: Serve, client: GuardedHttpClient
) -> None:
    port = await serve(answering(OK))
    with pytest.raises(AddressRefused, match="networks"):
        await client.send(post(port, networks=()))


@pytest.mark.parametrize(
    "host", ["127.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", "１２７.0.0.1", "127.0.0.1."]
)
async def test_an_odd_literal_never_reaches_the_resolver(host: str) -> None:
    names = Names()
    http = GuardedHttpClient(names)
    with pytest.raises(AddressRefused):
        await http.send(post(80, host=host, networks=()))
    assert [] == names.asked
    await http.close()


async def test_a_name_with_one_forbidden_address_among_public_ones_is_refused() -> None:
    http = GuardedHttpClient(Names(mixed=[["8.8.8.8", "2606:4700::1", "10.0.0.1"]]))
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1/32"):
        await http.send(post(80, host="mixed", networks=()))
    await http.close()


async def test_the_connection_goes_to_the_address_that_was_judged(serve: Serve) -> None:
    names = Names(target=[["127.0.0.1"]])
    http = GuardedHttpClient(names)
    port = await serve(answering(OK))
    assert b"ok" == (await http.send(post(port, host="target"))).body
    assert ["target"] == names.asked
    await http.close()


async def test_a_pooled_connection_is_not_lent_to_a_caller_with_fewer_networks(serve: Serve) -> None:
    names = Names(target=[["127.0.0.1"]])
    http = GuardedHttpClient(names)
    port = await serve(answering(OK, keep=True))
    await http.send(post(port, host="target"))
    with pytest.raises(AddressRefused):
        await http.send(post(port, host="target", networks=()))
    await http.close()


async def test_a_connection_is_kept_for_the_next_request(serve: Serve, client: GuardedHttpClient) -> None:
    talks = 0

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal talks
        talks += 1
        while True:
            await read_request(reader)
            writer.write(OK)

    port = await serve(converse)
    await client.send(post(port))
    await client.send(post(port))
    assert 1 == talks


async def test_redirects_are_not_followed(serve: Serve, client: GuardedHttpClient) -> None:
    port = await serve(
        answering(b"HTTP/1.1 307 T\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n")
    )
    assert 307 == (await client.send(post(port))).status


async def test_cookies_are_not_kept(serve: Serve, client: GuardedHttpClient) -> None:
    heads: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await read_request(reader))
        writer.write(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\nSet-Cookie: a=b\r\n\r\n", 1))

    port = await serve(converse)
    await client.send(post(port))
    await client.send(post(port))
    assert b"cookie" not in heads[1].lower()


async def test_a_proxy_of_the_environment_is_not_used(
    serve: Serve, client: GuardedHttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{unused_port()}")
    port = await serve(answering(OK))
    assert 200 == (await client.send(post(port))).status


async def test_a_compressed_answer_is_not_unpacked(serve: Serve, client: GuardedHttpClient) -> None:
    port = await serve(
        answering(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nbomb")
    )
    assert b"bomb" == (await client.send(post(port))).body


async def test_nothing_was_sent_where_no_connection_was_taken(client: GuardedHttpClient) -> None:
    with pytest.raises(Retriable):
        await client.send(post(unused_port()))


async def test_nothing_was_sent_where_the_name_is_unknown() -> None:
    http = GuardedHttpClient(Names(empty=[[]]))
    for host in ("nowhere", "empty"):
        with pytest.raises(Retriable, match="name was not found"):
            await http.send(post(80, host=host))
    await http.close()


async def test_nothing_was_sent_where_tls_failed(serve: Serve, client: GuardedHttpClient) -> None:
    async def not_tls(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(OK)

    port = await serve(not_tls)
    with pytest.raises(Retriable):
        await client.send(HttpRequest("POST", f"https://127.0.0.1:{port}/", networks=LOOPBACK))


async def test_nothing_was_sent_where_the_time_passed_before_tls_was_agreed(
    serve: Serve, client: GuardedHttpClient
) -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    port = await serve(silent)
    with pytest.raises(Retriable, match="in time"):
        await client.send(HttpRequest("POST", f"https://127.0.0.1:{port}/", networks=LOOPBACK, timeout=0.2))


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 20",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzzz\r\n",
        b"SSH-2.0-hello\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
    ],
    ids=["nothing", "half a status", "half a head", "half a body", "half a chunk", "no chunk", "no HTTP",
         "a huge header", "two lengths"],
)  # fmt: skip
async def test_a_request_that_was_sent_and_not_answered_whole_has_an_unknown_outcome(
    said: bytes, serve: Serve, client: GuardedHttpClient
) -> None:
    port = await serve(answering(said))
    with pytest.raises(UnknownOutcome):
        await client.send(post(port))


async def test_a_connection_that_ends_before_the_request_was_read_leaves_the_outcome_unknown(
    serve: Serve, client: GuardedHttpClient
) -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    port = await serve(hang_up)
    with pytest.raises(UnknownOutcome):
        await client.send(post(port))


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nhalf"])
async def test_silence_after_the_request_leaves_the_outcome_unknown(
    said: bytes, serve: Serve, client: GuardedHttpClient
) -> None:
    port = await serve(answering(said, keep=True))
    with pytest.raises(UnknownOutcome, match="in time"):
        await client.send(post(port, timeout=0.2))


@pytest.mark.parametrize(
    "said",
    [
        b"Content-Length: 101\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n65\r\n",
        b"Connection: close\r\n\r\n",
    ],
    ids=["announced", "chunked", "until the end"],
)
async def test_an_answer_over_the_limit_is_not_kept(
    said: bytes, serve: Serve, client: GuardedHttpClient
) -> None:
    port = await serve(answering(b"HTTP/1.1 200 OK\r\n" + said + b"a" * 101, keep=True))
    with pytest.raises(UnknownOutcome, match="too large"):
        await client.send(post(port, largest_answer=100))


@pytest.mark.parametrize(("method", "seen"), [("POST", 2), ("PUT", 3), ("GET", 3)])
async def test_a_post_on_a_kept_connection_that_dies_is_not_repeated_and_the_idempotent_are_once(
    method: str, seen: int, serve: Serve, client: GuardedHttpClient
) -> None:
    requests: list[bytes] = []
    answers = iter([OK])

    async def answer_only_the_first(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for answer in answers:
            requests.append(await read_request(reader))
            writer.write(answer)
        requests.append(await read_request(reader))

    port = await serve(answer_only_the_first)
    await client.send(post(port))
    with pytest.raises(UnknownOutcome):
        await client.send(HttpRequest(method, f"http://127.0.0.1:{port}/", body=b"2", networks=LOOPBACK))
    assert seen == len(requests)


async def test_a_cancelled_caller_stays_cancelled(serve: Serve, client: GuardedHttpClient) -> None:
    arrived = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        arrived.set()
        await reader.read()

    port = await serve(silent)
    call = asyncio.create_task(client.send(post(port)))
    await arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


@pytest.mark.parametrize(
    "url",
    ["ftp://example.org/", "example.org", "http://", "http://u:p@127.0.0.1/", "http://[::1", "http://a:b/"],
)
async def test_what_is_no_web_address_is_refused_for_good(url: str, client: GuardedHttpClient) -> None:
    with pytest.raises((Terminal, AddressRefused)):
        await client.send(HttpRequest("GET", url, networks=LOOPBACK))


async def test_a_header_that_would_smuggle_another_is_not_sent(
    serve: Serve, client: GuardedHttpClient
) -> None:
    port = await serve(answering(OK))
    with pytest.raises(ActionFailed):
        await client.send(post(port, headers={"X-A": "b\r\nX-C: d"}))


async def test_a_closed_client_sends_nothing(serve: Serve) -> None:
    port = await serve(answering(OK))
    http = GuardedHttpClient()
    await http.send(post(port))
    await http.close()
    await http.close()
    with pytest.raises(Retriable):
        await http.send(post(port))


@pytest.mark.parametrize("foreign", every_error_of_aiohttp(), ids=lambda each: each.__name__)
def test_no_error_of_aiohttp_is_forgotten_at_the_seam(foreign: type[BaseException]) -> None:
    assert issubclass(foreign, FOREIGN)


@pytest.mark.parametrize(("sent", "meaning"), [(False, Retriable), (True, UnknownOutcome)])
@pytest.mark.parametrize("foreign", FOREIGN)
def test_what_was_sent_decides_what_an_error_means_and_no_address_is_told(
    foreign: type[Exception], sent: bool, meaning: type[ActionFailed]
) -> None:
    request = HttpRequest("POST", "https://secret-host.example:8443/path?key=value")
    error = foreign.__new__(foreign)
    error.args = ("cannot reach secret-host.example:8443 (10.0.0.1)",)
    said = translate(error, request, sent=sent)
    assert meaning is type(said)
    for secret in ("secret-host", "10.0.0.1", "8443", "path", "key"):
        assert secret not in said.message
    assert "secret-host.example" in said.detail
    assert "value" not in said.detail


async def test_a_process_that_stood_still_sends_nothing(client: GuardedHttpClient, serve: Serve) -> None:
    """Its time is over, though its time-out has not come yet: somebody else may have sent the same meanwhile."""
    heard: list[bytes] = []

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heard.append(await read_request(reader))
            writer.write(OK)

    port = await serve(converse)
    await client.send(post(port))
    with pytest.raises(Retriable, match="in time"):
        await client.send(post(port, headers=Standstill(late="yes"), timeout=STANDSTILL / 2))
    await client.send(post(port))
    assert 2 == len(heard)
