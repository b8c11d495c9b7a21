"""The fifth section: a call through every stage without writing, once for real, and the proof of the mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.definitions import WebhookState
from hookstation.core.documents.action import action_values
from hookstation.core.documents.drafts import Document
from hookstation.core.events import Answer, Event
from hookstation.core.fieldlist import plain
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.proof import Proof
from hookstation.core.values import JSON
from hookstation.engine.dryrun import Trial
from hookstation.errors import BodyRefused, Conflict, HookstationError, Invalid, NotFound
from hookstation.web.pages.access import visitor_of
from hookstation.web.pages.events import record_path
from hookstation.web.pages.forms import read_form
from hookstation.web.pages.wizard import listening
from hookstation.web.pages.wizard.frame import (
    Look,
    Section,
    address,
    keep,
    look_at,
    name_of,
    refuse_stale,
    samples_of,
    schema_of,
    show,
)
from hookstation.web.pages.wizard.payload import preview_payload
from hookstation.web.services import Services

SENT_FOR_TEST: Final = "switched off, for one call by hand"
"""The note of a version that is published so that a call can be sent by hand, and nobody else can call it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a call by hand came to."""

    answer: Answer
    event: Event | None
    record: str = ""

    @property
    def done(self) -> bool:
        """Whether it was answered with success."""
        return self.answer.status < 300


async def context(look: Look) -> dict[str, object]:
    """What the page shows."""
    calls = await listening.calls_of(look.name, look.services)
    shown = await preview_payload(look, calls)
    proof, why = await _proof(look) if wants_proof(look.request) else (None, "")
    return {
        "payloads": shown,
        "text": look.form.one("body") or shown.text or "{\n}",
        "trial": None,
        "sent": None,
        "refused": "",
        "proof": proof,
        "no_proof": why,
        "asked_proof": wants_proof(look.request),
        "changes": {},
        "ready": not {"action", "workflow"}.isdisjoint(look.document) and "schema" in look.document,
        "dump": dump_json,
        "live_is_draft": look.draft.is_draft and look.draft.live is not None,
    }


def wants_proof(request: Request) -> bool:
    """Whether the proof is asked for: it takes a moment, so that it comes after the page where scripts run."""
    return "prove" in request.query_params


async def _proof(look: Look) -> tuple[Proof | None, str]:
    if "workflow" in look.document:
        return None, f"It starts the workflow “{look.document['workflow']}”; try its steps there."
    live = look.name if look.name in look.services.board.stored.webhooks else ""
    try:
        proof, warning = await look.services.wizard.prove(
            schema_of(look.document), look.document.get("action"), samples_of(look.document), live
        )
    except (Invalid, NotFound) as failure:
        return None, failure.message
    return proof, warning


TEST: Final = Section("test", context)


async def attempt(request: Request, services: Services) -> Response:
    """Send a payload through every stage, or once for real; a look at another payload does neither."""
    form = await read_form(request)
    look = replace(await look_at(request, services), form=form)
    if form.one("do") == "choose":
        return await show(replace(look, form=replace(form, fields={"from": form.all("from")})), TEST)
    body = form.one("body").encode()
    try:
        if form.one("do") == "real":
            return await _for_real(look, body)
        headers = await _headers(look)
        compiled = await services.changing.drafts.compile_saved(look.name)
        trial: Trial = services.dry_run.try_on(compiled, body, headers)
    except Invalid as invalid:
        return await show(replace(look, more={"refused": _sentence(invalid)}), TEST, 422)
    except (Conflict, NotFound) as failure:
        return await show(replace(look, more={"refused": failure.message}), TEST, 409)
    return await show(replace(look, more={"trial": trial}), TEST)


def _sentence(invalid: Invalid) -> str:
    first = [one for one in invalid.problems if one.severity == "error"][:3]
    return "The webhook is not complete, so nothing was tried: " + "; ".join(str(one) for one in first)


async def _headers(look: Look) -> Mapping[str, str]:
    """The headers of the captured call that was chosen, masked where they are secret; none for a sample."""
    kind, _, number = look.form.one("from").partition("-")
    if kind != "call":
        return {}
    calls = await listening.calls_of(look.name, look.services)
    return next((one.headers for one in calls if str(one.number) == number), {})


async def _for_real(look: Look, body: bytes) -> Response:
    """One real call. What was never live is put there switched off first, so that nobody else can call it."""
    services, who = look.services, visitor_of(look.request).name
    if look.draft.live is None:
        switched_off: Document = {**look.document, "state": WebhookState.DISABLED.value}
        saved = await services.changing.drafts.save(look.name, switched_off, look.draft.began, who)
        await services.changing.drafts.publish(look.name, saved.began, who, SENT_FOR_TEST)
    answer, event = await services.changing.send_once.send(look.name, body, who)
    sent = Sent(answer, event, record_path(event, services) if event else "")
    fresh = await look_at(look.request, services)
    return await show(replace(fresh, form=look.form, more={"sent": sent}), TEST)


async def apply(request: Request, services: Services) -> Response:
    """Put a change that the proof offered into the draft, and prove again."""
    form, look = await read_form(request), await look_at(request, services, check=False)
    try:
        change = parse_json(form.one("change").encode()).value
        schema, action = await services.wizard.change(
            schema_of(look.document), look.document.get("action"), change
        )
    except BodyRefused as refused:
        return await show(replace(look, more={"refused": refused.reason}), TEST, 422)
    except HookstationError as failure:
        return await show(replace(look, more={"refused": failure.message}), TEST, 422)
    written: dict[str, JSON] = {
        name: plain(one) for name, one in action_values(action).items() if one is not None
    }
    wanted: Document = {**look.document, "schema": schema, "action": written}
    if form.one("began") != str(look.draft.began):
        return await refuse_stale(look, TEST, form.one("began"))
    refused_page = await keep(look, TEST, wanted)
    return refused_page or RedirectResponse(f"{address(name_of(request), 'test')}?prove=1#proof", 303)
