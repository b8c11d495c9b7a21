"""Whatever is sent: a documented answer, no fault of our own, no stall for others, bounded memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from hypothesis import example, given
from hypothesis import strategies as st

from tests.support import hostile
from tests.support.keyed import key_webhook
from tests.support.raw_http import Received, exchange, post
from tests.support.station_process import StationProcess
from tests.support.watching import unharmed

DOCUMENTED: Final = frozenset({200, 400, 401, 403, 404, 405, 408, 409, 413, 415, 429, 431, 500, 503})
TRIED: Final = "tried"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def station(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[StationProcess]:
    """One for all tests, with webhooks open, by token and by signature."""
    async with StationProcess(tmp_path_factory.mktemp("hostile") / "data") as running:
        token = {"type": "token", "header": "X-Token", "secret": "open sesame"}
        hmac = {
            "type": "hmac",
            "header": "X-Signature",
            "algorithm": "sha256",
            "encoding": "hex",
            "secret": "s" * 32,
        }
        standard = {"type": "standard-webhooks", "secret": "whsec_" + "c2VjcmV0" * 4}
        hooks = [key_webhook("records"), key_webhook("records", "healthy", duplicates=None)]
        hooks += [
            key_webhook("records", name, authentication=proof)
            for name, proof in (("token", token), ("hmac", hmac), ("standard", standard))
        ]
        del hooks[1]["duplicates"]
        await running.configure({"version": 1, "webhooks": hooks})
        yield running
        assert "Traceback" not in running.log


def documented(answer: Received) -> None:
    """The answer is one of the contract: its status, its type, its shape, and no fault of our own."""
    assert answer.status in DOCUMENTED, answer
    assert "application/json" == answer.headers["content-type"], answer
    told = json.loads(answer.body)
    assert (answer.status == 200) == told["success"], answer
    assert "The station failed" not in told.get("error", ""), answer
    assert (answer.status == 400) <= ("validationErrors" in told or "error" in told), answer
    assert len(answer.body) < 64 * 1024, len(answer.body)


async def test_hostile_bodies(station: StationProcess) -> None:
    """Every body of the corpus is answered as documented, and those that are no JSON or too large are refused."""
    path = await station.hook("keys")
    async with unharmed(station, await station.hook("healthy")):
        answers = {}
        for name, body in hostile.BODIES.items():
            [answers[name]] = await exchange(station.url, post(path, body))
            documented(answers[name])
    harmless = {"NUL escaped", "template in a value", "prototype", "a huge exponent", "a tiny exponent"}
    strange = {
        "a string of 1,000,000",
        "escapes without end",
        "a key that is too long",
        "a number of 900,000 digits",
    }
    refused = {name: answer.status for name, answer in answers.items() if name not in harmless | strange}
    assert {**dict.fromkeys(refused, 400), "too large": 413} == refused
    records = [one["fields"]["UF_1"] for one in await station.items("/records/Activity")]
    assert "$$memberId$$ {{ 7 | times: 7 }}" in records


async def test_hostile_bodies_to_the_api(station: StationProcess) -> None:
    """The API says what is wrong with each body of the corpus, and others are served meanwhile."""
    told = json.loads((station.folder / "control.json").read_text())
    async with unharmed(station, await station.hook("healthy")):
        for name, body in hostile.BODIES.items():
            sent = post("/api/v1/config/plan", body, f"Authorization: Bearer {told['key']}")
            [answer] = await exchange(station.url, sent)
            problems = json.loads(answer.body).get("problems")
            assert answer.status in (400, 413, 422) or problems, (name, answer)


json_values: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=20,
)
documents: Final = st.fixed_dictionaries(
    {"key": json_values, "memberId": json_values}, optional={"amount": json_values, "note": json_values}
)


@st.composite
def broken_json(draw: st.DrawFn) -> bytes:
    """A JSON text with some bytes of it changed, cut out or doubled."""
    text = bytearray(
        json.dumps(draw(documents), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    )
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(text)))
        text[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(text)


@given(body=broken_json() | st.binary(max_size=200))
async def test_any_body_gets_a_documented_answer(station: StationProcess, body: bytes) -> None:
    """JSON of every shape, broken JSON, and bytes."""
    [answer] = await exchange(station.url, post(await station.hook("keys"), body))
    documented(answer)


async def test_hostile_headers(station: StationProcess) -> None:
    """Every header of the corpus is answered as documented; what comes of two lengths is no second request."""
    path = await station.hook("keys")
    async with unharmed(station, await station.hook("healthy")):
        for number, headers in enumerate(hostile.HEADERS.values()):
            body = json.dumps({"key": f"header {number}", "memberId": "1"}).encode()
            answers = await exchange(station.url, post(path, body, *headers))
            assert 1 <= len(answers) <= 2
            for answer in answers:
                documented(answer)


header_values: Final = st.text(st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=60)


@given(
    value=header_values,
    name=st.sampled_from(["Authorization", "Content-Type", "Content-Encoding", "Webhook-Id"]),
)
async def test_any_header_value_gets_a_documented_answer(
    station: StationProcess, name: str, value: str
) -> None:
    """Values of every byte that a header may hold."""
    body = b'{"key": "any header", "memberId": "1"}'
    answers = await exchange(station.url, post(await station.hook("keys"), body, f"{name}: {value}"))
    for answer in answers:
        documented(answer)
    assert answers


proofs: Final = (
    header_values
    | st.from_regex(r"(sha256=|v1,|v1a,)?[0-9a-fA-F+/=]{0,90}", fullmatch=True)
    | st.from_regex(r"(v1,[A-Za-z0-9+/=]{0,50} ?){1,5}", fullmatch=True)
)


@given(proof=proofs, stamp=header_values | st.integers().map(str))
async def test_any_malformed_proof_is_401(station: StationProcess, proof: str, stamp: str) -> None:
    """Tokens and signatures of every kind that are not the right one: 401, never 500."""
    body = b'{"key": "proof", "memberId": "1"}'
    for name, headers in {
        "token": (f"X-Token: {proof}",),
        "hmac": (f"X-Signature: {proof}",),
        "standard": ("webhook-id: a", f"webhook-timestamp: {stamp}", f"webhook-signature: {proof}"),
    }.items():
        [answer] = await exchange(station.url, post(await station.hook(name), body, *headers))
        assert answer.status in (400, 401), answer
        assert answer.status == 401 or answer.headers["connection"] == "close"


async def test_what_might_smuggle_a_request_does_not(station: StationProcess) -> None:
    """A request whose end is arguable is refused with its connection; what waits behind it is never executed."""
    path = await station.hook("keys")
    async with unharmed(station, await station.hook("healthy")):
        shapes = hostile.smuggling(path)
        answers = {name: await exchange(station.url, sent, finish=True) for name, sent in shapes.items()}
    assert {name: [400] for name in shapes} == {
        name: [answer.status for answer in got] for name, got in answers.items()
    }
    assert not [
        one for one in await station.items("/records/Activity") if one["fields"]["UF_1"] == "smuggled"
    ]


async def test_what_is_no_request_of_a_webhook(station: StationProcess) -> None:
    """Other methods, versions, forms and protocols are refused, and nobody else waits for it."""
    path = await station.hook("keys")
    async with unharmed(station, await station.hook("healthy")):
        for name, sent in hostile.requests(path).items():
            for answer in await exchange(station.url, sent, finish=True):
                assert answer.status in DOCUMENTED | {501, 505}, (name, answer)
                assert answer.status != 500, (name, answer)


async def test_connections_that_dawdle_hold_nobody_up(station: StationProcess) -> None:
    """Hundreds of callers with half a head, half a body or nothing to say: the healthy one does not notice."""
    path = await station.hook("keys")
    address = urlsplit(station.url)
    halves = (
        b"",
        f"POST {path} HTT".encode(),
        post(path, b"{}", "X: y")[:-1],
        f"POST {path} HTTP/1.1\r\nA:".encode(),
    )
    writers = []
    async with unharmed(station, await station.hook("healthy")) as took:
        for number in range(400):
            _, writer = await asyncio.open_connection(address.hostname, address.port)
            writer.write(halves[number % len(halves)])
            writers.append(writer)
        before = len(took)
        while len(took) < before + 20:
            await exchange(station.url, b"GET /healthz HTTP/1.0\r\n\r\n")
    for writer in writers:
        writer.close()
    await asyncio.gather(*(writer.wait_closed() for writer in writers), return_exceptions=True)


@given(sent=st.binary(max_size=300))
async def test_any_bytes_on_the_socket(station: StationProcess, sent: bytes) -> None:
    """Random bytes get 400 or nothing."""
    for answer in await exchange(station.url, sent, finish=True):
        assert 400 == answer.status


@given(path=st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="#"), max_size=60))
async def test_any_address_that_is_no_webhook_is_the_same_404(station: StationProcess, path: str) -> None:
    """Unknown tokens look the same, whatever is in them."""
    sent = f"GET /hooks/x{path} HTTP/1.1\r\nHost: s\r\nConnection: close\r\n\r\n".encode()
    [answer] = await exchange(station.url, sent)
    assert (404, b'{"success":false}') == (answer.status, answer.body.replace(b" ", b""))


async def put(station: StationProcess, **changes: object) -> tuple[int, Any]:
    """Save the webhook that is tried with these changes."""
    hook: Mapping[str, object] = {**key_webhook("records", TRIED), **changes}
    return await station.api("PUT", f"/webhooks/{TRIED}", hook)


async def save_and_call(station: StationProcess, **changes: object) -> int:
    """Save the tried webhook; where it is taken, call it with what its patterns and loops would hate."""
    status, told = await put(station, **changes)
    assert status in (200, 201, 400, 422), told
    assert status < 400 or told["detail"]
    if status < 400:
        path = await station.hook(TRIED)
        for key in ("a" * 50_000 + "!", "K"):
            documented(
                (await exchange(station.url, post(path, json.dumps({"key": key, "memberId": "1"}).encode())))[
                    0
                ]
            )
    return status


async def test_hostile_schemas(station: StationProcess) -> None:
    """Every schema of the corpus is refused with a reason, or taken and quick; meanwhile others are served."""
    healthy = await station.hook("healthy")
    async with unharmed(station, healthy):
        statuses = {name: await save_and_call(station, schema=one) for name, one in hostile.SCHEMAS.items()}
    hopeless = (
        "no pattern",
        "look-ahead",
        "back reference",
        "remote",
        "a file",
        "unknown draft",
        "unknown type",
        "wrong kinds",
        "text",
        "array",
        "reference to nowhere",
    )
    assert 400 == statuses["deep"]
    assert dict.fromkeys(hopeless, 422) == {name: statuses[name] for name in hopeless}


async def test_hostile_templates(station: StationProcess) -> None:
    """Every template of the corpus is refused with a reason, or taken and bounded; meanwhile others are served."""
    async with unharmed(station, await station.hook("healthy")):
        for text in hostile.TEMPLATES.values():
            fields = {"ActivityType": "TEST", "ID": "1", "Note": text}
            action = {"type": "insert_activity", "connection": "records", "fields": fields}
            await save_and_call(station, action=action)


PIECES: Final = [
    "$$",
    "{{",
    "}}",
    "{%",
    "%}",
    "key",
    ".",
    "|",
    "(1..9)",
    "endfor",
    "endif",
    "upcase",
    "'",
    "[",
    "]",
    "0",
    "$$key$$",
    "raw",
    "endraw",
    " ",
    "for i in ",
    "if ",
    "assign a = ",
    "append: ",
    "date: ",
    '"',
    "{{ key | upcase }}",
]
fragments: Final = st.lists(
    st.sampled_from(PIECES) | st.text(max_size=5),
    max_size=12,
).map("".join)


@given(text=fragments)
async def test_any_template_is_refused_or_bounded(station: StationProcess, text: str) -> None:
    """Pieces of the mapping language in any order."""
    fields = {"ActivityType": "TEST", "ID": "1", "Note": text}
    await save_and_call(
        station, action={"type": "insert_activity", "connection": "records", "fields": fields}
    )


words: Final = st.sampled_from(
    [
        "type",
        "properties",
        "items",
        "pattern",
        "$ref",
        "enum",
        "allOf",
        "not",
        "required",
        "format",
        "$defs",
        "minimum",
        "if",
        "then",
        "const",
        "$schema",
        "additionalProperties",
        "patternProperties",
        "$id",
        "$anchor",
        "maxLength",
    ]
)
schemas: Final[st.SearchStrategy[Any]] = st.recursive(
    st.booleans()
    | st.sampled_from(["object", "string", "#", "#/$defs/a", "date", "^a+$", ""])
    | st.integers(-2, 9),
    lambda inner: st.dictionaries(words, inner, max_size=4) | st.lists(inner, max_size=3),
    max_leaves=12,
)


@given(schema=schemas)
@example(schema={"enum": []})
async def test_any_schema_is_refused_or_works(station: StationProcess, schema: object) -> None:
    """Words of JSON Schema in any order."""
    await save_and_call(station, schema=schema)


@given(
    document=json_values
    | st.dictionaries(st.sampled_from(["version", "webhooks", "connections", "panels"]), json_values)
)
async def test_any_document_can_be_planned_or_is_refused(station: StationProcess, document: object) -> None:
    """A configuration document of any shape is told what is wrong with it."""
    try:
        status, told = await station.api("POST", "/config/plan", {"document": document})
    except ValueError:
        return
    assert status in (200, 400, 422), told
