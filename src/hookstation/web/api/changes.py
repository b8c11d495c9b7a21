"""Operations on changes of webhooks: drafts, versions, back-tests, and calls by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hookstation.core.documents.drafts import Document, by_section
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON, kind_of
from hookstation.engine.backtest import USUAL_EVENTS, BackTest
from hookstation.engine.drafts import OpenDraft
from hookstation.engine.runs import moment
from hookstation.errors import Invalid, NotFound, Problem, StoreError
from hookstation.ports.versions import Version
from hookstation.web.api import access, asking, payloads, shapes
from hookstation.web.api.problems import describe
from hookstation.web.api.routes import PAGED, Operation, listed, reply
from hookstation.web.services import Services

LINES: Final = "application/x-ndjson"
TOLD_EVERY: Final = 25
"""Events after which a back-test tells how far it is."""


async def list_drafts(_request: Request, services: Services) -> Response:
    """What is saved and not live, by webhook; also of webhooks that are not there yet."""
    return listed([_version(one) for one in await services.changing.drafts.list()])


async def show_draft(request: Request, services: Services) -> Response:
    """The open draft of a webhook, or what is live, with what is wrong with it."""
    return reply(_draft(await services.changing.drafts.show(_name(request))))


async def put_draft(request: Request, services: Services) -> Response:
    """Save a draft; nothing goes live."""
    body = await asking.fields(request, "document", "began", "note")
    saved = await services.changing.drafts.save(
        _name(request),
        _document(body),
        _began(body),
        access.caller(request),
        asking.member(body, "note", str, ""),
    )
    return reply(_draft(saved))


async def rename_draft(request: Request, services: Services) -> Response:
    """Give a webhook that was never live another name."""
    body = await asking.fields(request, "name", "began")
    moved = await services.changing.drafts.rename(
        _name(request),
        asking.member(body, "name", str, ""),
        _began(body),
        access.caller(request),
    )
    return reply(_draft(moved))


async def discard_draft(request: Request, services: Services) -> Response:
    """Go back to what is live; of a webhook that was never live nothing stays."""
    text = request.query_params.get("began", "")
    discarded = await services.changing.drafts.discard(_name(request), _number(text, "began"))
    return reply({"discarded": discarded})


async def check_draft(request: Request, services: Services) -> Response:
    """What is wrong with a document that need not be saved."""
    body = await asking.fields(request, "document")
    problems = await services.changing.drafts.check(_name(request), _document(body))
    return reply(_checked(problems))


async def publish_draft(request: Request, services: Services) -> Response:
    """Put the open draft live."""
    body = await asking.fields(request, "began", "note")
    live = await services.changing.drafts.publish(
        _name(request),
        _began(body),
        access.caller(request),
        asking.member(body, "note", str, ""),
    )
    return reply(_version(live))


async def list_versions(request: Request, services: Services) -> Response:
    """Versions, the newest first."""
    after, most = request.query_params.get("after", ""), asking.limit(request)
    before = _number(after, "after") if after else 0
    found = await services.changing.history.list(_name(request), most + 1, before)
    following = str(found[most - 1].number) if len(found) > most else ""
    return listed([_version(one) for one in found[:most]], following)


async def show_version(request: Request, services: Services) -> Response:
    """One version with its document."""
    version, document = await services.changing.history.show(_name(request), _version_asked(request))
    return reply({**_version(version), "document": document})


async def compare_versions(request: Request, services: Services) -> Response:
    """What a version has otherwise than another one, setting by setting; secrets are never told."""
    number, text = _version_asked(request), request.query_params.get("against", "")
    against = _number(text, "against") if text else number - 1
    found = await services.changing.history.compare(_name(request), against, number)
    return listed([one.as_json() for one in found])


async def roll_back(request: Request, services: Services) -> Response:
    """Put an old version live again, as a new one."""
    body = await asking.fields(request, "version", "began")
    live = await services.changing.drafts.roll_back(
        _name(request),
        asking.member(body, "version", int, 0),
        access.caller(request),
        began=_began(body) if "began" in body else None,
    )
    return reply(_version(live))


async def take_up(request: Request, services: Services) -> Response:
    """Save an old version as the open draft."""
    body = await asking.fields(request, "version", "began")
    draft = await services.changing.drafts.take_up(
        _name(request), asking.member(body, "version", int, 0), _began(body), access.caller(request)
    )
    return reply(_draft(draft))


async def back_test(request: Request, services: Services) -> Response:
    """A change over the last real events against what is live, a JSON object a line as it goes; nothing is written."""
    name, body = _name(request), await asking.fields(request, "events", "document", "version")
    drafts = services.changing.drafts
    if "document" in body:
        changed = await drafts.compile(name, _document(body))
    else:
        changed = await drafts.compile_saved(name, asking.member(body, "version", int, 0))
    test = services.changing.back_tests.begin(name, changed, asking.member(body, "events", int, USUAL_EVENTS))
    return StreamingResponse(_lines(test), media_type=LINES)


async def _lines(test: BackTest) -> AsyncIterator[str]:
    """A line an event, a tally from time to time, and one at the end. Whoever goes away ends the test."""
    try:
        async with aclosing(test.run()) as compared:
            async for one in compared:
                yield dump_json(one.as_json()) + "\n"
                if test.tally.done % TOLD_EVERY == 0 and not test.tally.ended:
                    yield dump_json(test.tally.as_json()) + "\n"
    except StoreError as failure:
        test.tally.ended = f"The journal could not be read any further: {failure.message}"
    yield dump_json(test.tally.as_json()) + "\n"


async def send_once(request: Request, services: Services) -> Response:
    """Send one call by hand through the live lane: a real event, whose record is written."""
    body = await asking.fields(request, *payloads.MEMBERS)
    answer, event = await services.changing.send_once.send(
        _name(request),
        payloads.raw_body(body),
        access.caller(request),
        payloads.headers(body),
        asking.member(body, "query", str, ""),
    )
    told = parse_json(answer.body).value
    return reply(
        {"status": answer.status, "answer": told, "event": None if event is None else shapes.event(event)}
    )


async def see_editor(request: Request, services: Services) -> Response:
    """Say that you have a webhook open, for the next minute or so; tells who else has."""
    others = await services.changing.drafts.see(_name(request), access.caller(request))
    return listed([{"who": one.who, "until": moment(one.until)} for one in others])


def _name(request: Request) -> str:
    name: str = request.path_params["name"]
    return name


def _number(text: str, place: str) -> int:
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise Invalid([Problem((place,), "must be the number of a version.")])
    return int(text)


def _began(body: dict[str, JSON]) -> int:
    began = asking.member(body, "began", int, -1)
    if began < 0:
        told = "must be the number of the newest version that you have seen, 0 where there was none."
        raise Invalid([Problem(("began",), told)])
    return began


def _version_asked(request: Request) -> int:
    text: str = request.path_params["number"]
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise NotFound("version", text)
    return int(text)


def _document(body: dict[str, JSON]) -> Document:
    document = body.get("document")
    if not isinstance(document, dict):
        raise Invalid([Problem(("document",), f"must be an object, but is {kind_of(document)}.")])
    return document


def _version(one: Version) -> dict[str, JSON]:
    return {
        "webhook": one.webhook,
        "version": one.number,
        "at": moment(one.at),
        "by": one.by,
        "note": one.note,
        "state": one.state.value,
    }


def _draft(one: OpenDraft) -> dict[str, JSON]:
    return {
        "webhook": one.webhook,
        "began": one.began,
        "is_draft": one.is_draft,
        "may_be_published": one.may_be_published,
        "document": one.document,
        "newest": None if one.newest is None else _version(one.newest),
        "live": None if one.live is None else _version(one.live),
        **_checked(one.problems),
    }


def _checked(problems: Sequence[Problem]) -> dict[str, JSON]:
    sections = by_section(problems)
    return {
        "problems": [describe(one) for one in problems],
        "sections": {name: [describe(one) for one in those] for name, those in sections.items()},
    }


OPERATIONS: Final = (
    Operation("GET", "/drafts", list_drafts, "List what is saved and not live", "Versions"),
    Operation(
        "GET", "/webhooks/{name}/draft", show_draft, "Show the open draft", "Draft", refusals=(404, 422)
    ),
    Operation(
        "PUT",
        "/webhooks/{name}/draft",
        put_draft,
        "Save a draft; nothing goes live",
        "Draft",
        "DraftRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "DELETE",
        "/webhooks/{name}/draft",
        discard_draft,
        "Discard the open draft",
        "Discarded",
        query={"began": "The number of the newest version that you have seen."},
        refusals=(404, 409, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/draft/rename",
        rename_draft,
        "Rename a webhook that was never live",
        "Draft",
        "RenameRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/draft/check",
        check_draft,
        "Check a document that need not be saved",
        "Checked",
        "CheckRequest",
        refusals=(400, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/draft/publish",
        publish_draft,
        "Put the open draft live",
        "Version",
        "PublishRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "GET",
        "/webhooks/{name}/versions",
        list_versions,
        "List versions, newest first",
        "Versions",
        query=PAGED,
        refusals=(404, 422),
    ),
    Operation(
        "GET",
        "/webhooks/{name}/versions/{number}",
        show_version,
        "Show one version",
        "VersionInFull",
        refusals=(404, 422),
    ),
    Operation(
        "GET",
        "/webhooks/{name}/versions/{number}/differences",
        compare_versions,
        "Compare two versions",
        "Differences",
        query={"against": "The number of the version to compare with; left out: the one before."},
        refusals=(404, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/rollback",
        roll_back,
        "Put an old version live again",
        "Version",
        "RollbackRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/draft/take-up",
        take_up,
        "Save an old version as the open draft",
        "Draft",
        "TakeUpRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/backtest",
        back_test,
        "Try a change on the last real events, write nothing",
        "BackTestLine",
        "BackTestRequest",
        refusals=(400, 404, 409, 422),
        media_type=LINES,
    ),
    Operation(
        "POST",
        "/webhooks/{name}/send",
        send_once,
        "Send one call by hand, as a real event",
        "Sent",
        "SendRequest",
        refusals=(400, 404, 409, 422),
    ),
    Operation(
        "POST",
        "/webhooks/{name}/editors",
        see_editor,
        "Say that you have a webhook open, and see who else has",
        "Editors",
        refusals=(404,),
    ),
)
