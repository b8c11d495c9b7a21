"""What the developer at the sender's end needs to know of a webhook: as data, and as a page in Markdown.

Nothing secret is in it: how a call proves itself is told, the secret travels another way.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from hookstation.core.definitions import (
    AnswerMode,
    Authentication,
    Check,
    HmacAuthentication,
    NoAuthentication,
    StandardWebhooksAuthentication,
    TokenAuthentication,
    Webhook,
)
from hookstation.core.jsontext import Parsed, dump_json, plain_of
from hookstation.core.pretty import indented
from hookstation.core.proof.knowing import Knowledge
from hookstation.core.proof.making import Maker
from hookstation.core.schema import compile_schema
from hookstation.core.standard_keys import KeyKind, kind_of_secret
from hookstation.core.values import JSON


@dataclass(frozen=True, slots=True)
class Header:
    """A header that a call has. `value`: itself, or how it is made."""

    name: str
    value: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class Answered:
    """One answer that the sender may get. `again`: whether to send the same call again later."""

    status: int
    body: str
    meaning: str
    again: bool = False


@dataclass(frozen=True, slots=True)
class Handout:
    """Everything on the page. `sample`: a payload that fits the schema, ``None`` where none could be made."""

    title: str
    url: str
    method: str
    headers: tuple[Header, ...]
    proof: str
    duplicates: str
    limits: tuple[str, ...]
    schema: JSON
    sample: JSON
    answers: tuple[Answered, ...]

    def as_json(self) -> dict[str, JSON]:
        """The page as data."""
        return {
            "title": self.title,
            "url": self.url,
            "method": self.method,
            "headers": [{"name": one.name, "value": one.value, "about": one.about} for one in self.headers],
            "authentication": self.proof,
            "duplicates": self.duplicates,
            "limits": list(self.limits),
            "schema": self.schema,
            "sample": self.sample,
            "answers": [
                {"status": one.status, "body": one.body, "meaning": one.meaning, "again": one.again}
                for one in self.answers
            ],
            "curl": self.curl(),
            "markdown": self.markdown(),
        }

    def curl(self) -> str:
        """A call for a POSIX shell; what only the sender knows stands there in words."""
        lines = [f"curl -X {self.method} {_quoted(self.url)}"]
        lines += [f"  -H {_quoted(f'{one.name}: {one.value}')}" for one in self.headers]
        lines.append(f"  -d {_quoted(dump_json(self.sample if self.sample is not None else {}))}")
        return " \\\n".join(lines)

    def markdown(self) -> str:
        """The page as Markdown (CommonMark with tables)."""
        return "\n\n".join(self._sections()) + "\n"

    def _sections(self) -> Iterator[str]:
        yield f"# {_inline(self.title)}"
        yield f"Send each event as one call:\n\n    {self.method} {self.url}"
        rows = [(f"`{one.name}`", f"`{one.value}`", one.about) for one in self.headers]
        yield "## Headers\n\n" + _table(("Header", "Value", "What it is"), rows)
        yield f"## How a call proves that it is yours\n\n{self.proof}"
        yield f"## Sending again\n\n{self.duplicates}"
        yield "## Limits\n\n" + "\n".join(f"- {one}" for one in self.limits)
        if self.sample is not None:
            yield "## A body that is accepted\n\n" + _fenced(self.sample)
        yield "## What the body must be: JSON Schema\n\n" + _fenced(self.schema)
        told = [
            (str(one.status), f"`{one.body}`", one.meaning, "yes" if one.again else "no")
            for one in self.answers
        ]
        yield "## Answers\n\n" + _table(("Status", "Body", "What it means", "Send again?"), told)
        yield "## Try it\n\n```sh\n" + self.curl() + "\n```"


def handout(webhook: Webhook, url: str, sample: JSON = None) -> Handout:
    """The page for one webhook. `sample`: a payload to show; without one, one is made from the schema."""
    return Handout(
        webhook.title or webhook.name,
        url,
        "POST",
        (
            Header("Content-Type", "application/json", "The body is JSON, in UTF-8."),
            *_headers(webhook.authentication),
        ),
        _proof(webhook.authentication),
        _duplicates(webhook),
        tuple(_limits(webhook)),
        webhook.schema,
        sample if sample is not None else _made(webhook.schema),
        tuple(_answers(webhook)),
    )


def _made(schema: JSON) -> JSON:
    compiled, knowledge = compile_schema(schema), Knowledge(schema)
    for full in (True, False):
        made = Maker(knowledge, full=full).payload()
        if isinstance(made, dict | list) and compiled.fits(Parsed(made, plain_of(made))):
            return made
    return None


def _headers(authentication: Authentication) -> Iterator[Header]:
    match authentication:
        case TokenAuthentication(header=name):
            yield Header(name, "<your token>", "The token that was given to you.")
        case HmacAuthentication(header=name, prefix=prefix):
            yield Header(name, f"{prefix}<signature>", "The signature of the body.")
        case StandardWebhooksAuthentication(secret):
            yield Header("webhook-id", "<id>", "Your id of the event; the same when it is sent again.")
            yield Header(
                "webhook-timestamp", "<seconds>", "When it is sent, in seconds since 1970-01-01 UTC."
            )
            value = f"{kind_of_secret(secret)},<signature>"
            yield Header("webhook-signature", value, "The signature, as Standard Webhooks 1.0.0 says.")


def _proof(authentication: Authentication) -> str:
    match authentication:
        case NoAuthentication():
            return "Nothing is asked: whoever knows the URL may send. Keep it to yourself."
        case TokenAuthentication(header=name):
            return f"Every call has the header `{name}` with the token that was given to you, exactly."
        case HmacAuthentication():
            beginning = f", after `{authentication.prefix}`" if authentication.prefix else ""
            return (
                f"Every call has the header `{authentication.header}`: the HMAC-{authentication.algorithm.upper()} of"
                f" the raw body, keyed with the secret that was given to you, in {authentication.encoding}{beginning}."
                " Sign the bytes that you send, not the JSON read and written again."
            )
        case StandardWebhooksAuthentication(secret):
            means = (
                "HMAC-SHA256 over `id.timestamp.body`, keyed with the secret that was given to you (`whsec_…`)"
                if kind_of_secret(secret) is KeyKind.HMAC
                else "ed25519 over `id.timestamp.body`, by the secret key (`whsk_…`) of the public one that you gave"
            )
            return (
                f"Calls are signed as Standard Webhooks 1.0.0 says: {means}, in base64. A call older than"
                f" {authentication.tolerance} seconds is refused."
            )


def _duplicates(webhook: Webhook) -> str:
    if webhook.duplicates is None:
        return (
            "Each call is a new event, also when it has been sent before: send an event again only after an answer that"
            " says so."
        )
    kind, _, name = webhook.duplicates.key.partition(":")
    where = {"header": f"the header `{name}`", "body": f"`{name}` in the body"}.get(kind, "the whole body")
    return (
        f"An event is known by {where}: sent again within {_span(webhook.duplicates.window)}, it gets the answer of the"
        " first time and has no second effect. Another body under the same key is answered with 409."
    )


def _span(seconds: int) -> str:
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % size == 0:
            count = seconds // size
            return f"{count} {word}{'s' if count > 1 else ''}"
    return f"{seconds} seconds"


def _limits(webhook: Webhook) -> Iterator[str]:
    yield f"The body has at most {webhook.limits.body:,} bytes, is not compressed, and is one JSON document."
    yield f"The answer comes within {webhook.limits.time:g} seconds; wait at least that long."
    if webhook.access.rate is not None:
        rate = webhook.access.rate
        yield f"At most {rate.count} calls in {_span(rate.seconds)}."
    if webhook.access.allow:
        yield "Calls are taken from " + ", ".join(webhook.access.allow) + " only."


def _good_answers(webhook: Webhook) -> Iterator[Answered]:
    """What the sender gets where all is well, by the answer mode."""
    if webhook.answer is AnswerMode.QUEUED:
        body = "" if webhook.omit_body else '{"error": false, "id": "…", "queueTime": "…"}'
        yield Answered(webhook.acknowledge, body, "The event is safe; the work follows.")
        if webhook.duplicates is not None and webhook.acknowledge != ACCEPTED:
            yield Answered(ACCEPTED, body, "The event came before; how it ended is not known yet.")
    elif webhook.answer is AnswerMode.POLL:
        yield Answered(
            ACCEPTED, _QUEUED, "The event is safe; how it ends is told at the address in `Location`."
        )
    else:
        yield Answered(200, '{"success": true}', "Done: the record is written.")
        yield Answered(ACCEPTED, '{"success": true, "pending": true, "id": "…"}',
                       "The event is safe; how it ends is told at the address in `Location`.")  # fmt: skip
    if webhook.respond_async:
        yield Answered(
            ACCEPTED, _QUEUED, "The same at once, where you send the header `Prefer: respond-async`."
        )


def _answers(webhook: Webhook) -> Iterator[Answered]:
    waits = webhook.answer is AnswerMode.OUTCOME
    failed = '{"success": false, "error": "…"}' if waits else '{"error": true, "message": "…"}'
    yield from _good_answers(webhook)
    unfit = "The body does not fit the schema; each error says where and why."
    if not waits and webhook.check is Check.LATER:
        unfit = "The body is no JSON."
    yield Answered(400, _INVALID if waits else _INVALID_QUEUED, unfit)
    if not isinstance(webhook.authentication, NoAuthentication):
        yield Answered(401, failed, "The call does not prove that it is yours.")
    if webhook.access.allow:
        yield Answered(403, failed, "Your address is not allowed.")
    yield Answered(404, '{"success": false}', "There is no such webhook, or it is switched off.")
    if webhook.duplicates is not None:
        yield Answered(409, failed, "The key was used with another body.")
    yield Answered(413, failed, "The body is too large.")
    yield Answered(415, failed, "The body is not plain JSON.")
    yield Answered(429, failed, "Too many calls; wait as long as `Retry-After` says.", again=True)
    if waits or webhook.check is Check.BEFORE:
        yield Answered(500, failed, "It was not done; the error says why.", again=True)
    yield Answered(503, failed, "Not now; wait as long as `Retry-After` says.", again=True)


def _table(names: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [names, ("---",) * len(names), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _fenced(value: JSON) -> str:
    text = indented(value)
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}json\n{text}\n{fence}"


_VIOLATIONS: Final = '"validationErrors": ["…"], "errors": [{"path": "…", "rule": "…", "message": "…"}]'
_INVALID: Final = f'{{"success": false, {_VIOLATIONS}}}'
_INVALID_QUEUED: Final = f'{{"error": true, "message": "…", {_VIOLATIONS}}}'
_QUEUED: Final = '{"id": "…", "status": "queued"}'
ACCEPTED: Final = 202


def _inline(text: str) -> str:
    return "".join("\\" + one if one in "\\`*_[]<>#|" else one for one in " ".join(text.split()))


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
