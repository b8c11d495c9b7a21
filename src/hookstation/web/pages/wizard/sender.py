"""The fourth section: who may call, how often, how a repeated call is known, and when the sender is answered."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.documents.authentication import VARIANTS
from hookstation.core.documents.drafts import AUTHENTICATION, SECRETS, Document
from hookstation.core.documents.secrets import MASK
from hookstation.core.records import RECORDS
from hookstation.core.signing import ALGORITHMS, ENCODINGS
from hookstation.core.values import JSON
from hookstation.ports.captures import CapturedCall
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.wizard import acknowledging, listening
from hookstation.web.pages.wizard.frame import Look, Section, keep, look_at, refuse_stale, samples_of, show
from hookstation.web.services import Services

WAYS: Final[Mapping[str, tuple[str, str]]] = {
    "hmac": (
        "Signature (HMAC)",
        "Each call is signed with a secret: Thinkific, Shopify, GitHub, Typeform and most others.",
    ),
    "standard-webhooks": (
        "Standard Webhooks",
        "Signed, with a time, so that nobody can play an old call again.",
    ),
    "token": ("Token in a header", "Each call carries the same secret word: Cvent, Moodle, GitLab."),
    "none": ("None", "Whoever knows the URL may call. For a first try, or behind an address list."),
}
SECRET_BYTES: Final = 32
KEY_HEADERS: Final = (
    "webhook-id",
    "idempotency-key",
    "x-shopify-webhook-id",
    "x-github-delivery",
    "x-request-id",
    "x-event-id",
    "ce-id",
)
"""Headers by which senders name an event; the same when it is sent again."""

KEY_NAMES: Final = ("id", "event_id", "eventId", "uuid", "message_id", "messageId")
"""Properties at the top of a body that name the event."""

NUMBERS: Final = ("body", "time")


async def read(look: Look, form: Form) -> Document:
    """The document with what the form says. What is wrong with it is told by the draft's own check."""
    document = dict(look.document)
    document[AUTHENTICATION] = _proof(look.document, form)
    _put(document, "access", _access(form))
    _put(
        document,
        "limits",
        {name: form.one(f"limit-{name}").strip() for name in NUMBERS if form.one(f"limit-{name}").strip()},
    )
    key = form.one("key") if form.one("key") != "other" else form.one("other-key").strip()
    window = form.one("window").strip()
    _put(document, "duplicates", {"key": key, **({"window": window} if window else {})} if key else {})
    for flag in ("hold", "keep_rejected_bodies"):
        _put(document, flag, bool(form.one(flag)))
    document.pop("search", None)
    if form.one("unsearched"):
        document["search"] = False
    acknowledging.read(document, form)
    return document


def _put(document: Document, name: str, value: JSON) -> None:
    """Set what says something; what says nothing is left out."""
    if value:
        document[name] = value
    else:
        document.pop(name, None)


def _proof(document: Document, form: Form) -> dict[str, JSON]:
    kind = form.one("type") or "none"
    before = document.get(AUTHENTICATION)
    had: Mapping[str, JSON] = before if isinstance(before, dict) and before.get("type") == kind else {}
    proof: dict[str, JSON] = {"type": kind}
    for setting in VARIANTS.get(kind, ()):
        text = form.one(f"{kind}:{setting.name}")
        text = text if setting.name == "prefix" else text.strip()
        if setting.name in SECRETS and not text:
            text = str(had.get(setting.name, ""))
        if text and text != setting.default:
            proof[setting.name] = text
    return proof


def _access(form: Form) -> dict[str, JSON]:
    allow: list[JSON] = [one for one in form.one("allow").replace(",", " ").split() if one]
    rate = form.one("rate").strip()
    return {**({"allow": allow} if allow else {}), **({"rate": rate} if rate else {})}


async def context(look: Look) -> dict[str, object]:
    """What the page shows."""
    document = look.document
    proof = document.get(AUTHENTICATION)
    shown: Mapping[str, JSON] = proof if isinstance(proof, dict) else {}
    group = {name: _group(document, name) for name in ("access", "limits", "duplicates")}
    calls = await listening.calls_of(look.name, look.services)
    proposed = keys(samples_of(document), calls)
    was_saved = AUTHENTICATION in document
    key = group["duplicates"].get("key", "" if was_saved or not proposed else proposed[0][0])
    allow = group["access"].get("allow", [])
    action = document.get("action")
    return {
        "ways": WAYS,
        "variants": {kind: [one for one in VARIANTS[kind] if one.name not in SECRETS] for kind in WAYS},
        "proof": shown,
        "chosen_way": shown.get("type", "none" if was_saved else _usual(calls)),
        "has_secret": any(shown.get(name) for name in SECRETS),
        "reference": next((str(shown[n]) for n in SECRETS if str(shown.get(n, MASK)) != MASK), ""),
        "algorithms": ALGORITHMS,
        "encodings": ENCODINGS,
        "allow": "\n".join(str(one) for one in allow) if isinstance(allow, list) else "",
        "group": group,
        "key": key,
        "keys": proposed,
        "hold": bool(document.get("hold")),
        "may_hold": not (isinstance(action, dict) and action.get("connection") == RECORDS),
        "keep_rejected_bodies": bool(document.get("keep_rejected_bodies")),
        "unsearched": document.get("search") is False,
        "heard": {"hmac": _signature_header(calls)},
        "senders": sorted({one.sender for one in calls if one.sender}),
        "fresh_secret": look.secret,
        **acknowledging.context(document),
    }


def _group(document: Document, name: str) -> Mapping[str, JSON]:
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def _usual(calls: Sequence[CapturedCall]) -> str:
    """The way that captured calls prove themselves, as far as their headers tell; else a signature."""
    names = {name for one in calls for name in one.headers}
    return (
        "standard-webhooks"
        if "webhook-signature" in names
        else "hmac"
        if not calls or _signed(names)
        else "none"
    )


def _signed(names: set[str]) -> bool:
    return any(map(_says_signature, names))


def _says_signature(name: str) -> bool:
    return "signature" in name or "hmac" in name


def _signature_header(calls: Sequence[CapturedCall]) -> str:
    """The header that every captured call is signed in, as far as its name tells; empty where there is none."""
    everywhere = set.intersection(*(set(one.headers) for one in calls)) if calls else set()
    return next(filter(_says_signature, sorted(everywhere)), "")


def keys(samples: Sequence[JSON], calls: Sequence[CapturedCall]) -> list[tuple[str, str]]:
    """Dedup keys that fit what was seen, the best first, each with its reason."""
    found = []
    for name in KEY_HEADERS:
        if calls and all(name in one.headers for one in calls):
            found.append((f"header:{name}", f"Every captured call has the header “{name}”."))
    for name in KEY_NAMES:
        if samples and all(isinstance(one, dict) and isinstance(one.get(name), str | int) for one in samples):
            found.append((f"body:{name}", f"“{name}” at the top of the body names the event."))
    found.append(("body-hash", "The whole body: only a call with the very same bytes is a repeat."))
    return found


ACCESS: Final = Section("access", context, read)


async def generate(request: Request, services: Services) -> Response:
    """Save the section with a new secret, and show that this once."""
    form = await read_form(request)
    look = await look_at(request, services, check=False)
    wanted = await read(look, form)
    proof = wanted[AUTHENTICATION]
    assert isinstance(proof, dict)
    if form.one("began") != str(look.draft.began):
        return await refuse_stale(replace(look, document=wanted), ACCESS, form.one("began"))
    secret = new_secret(str(proof["type"]))
    refused = await keep(look, ACCESS, {**wanted, AUTHENTICATION: {**proof, "secret": secret}})
    if refused is not None:
        return refused
    return await show(replace(await look_at(request, services), secret=secret), ACCESS)


def new_secret(kind: str) -> str:
    """A secret that nobody can guess, in the form that the way wants."""
    raw = secrets.token_bytes(SECRET_BYTES)
    if kind == "standard-webhooks":
        return "whsec_" + base64.b64encode(raw).decode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
