"""The part of the fourth section that says when a sender is answered, and how the work goes on after that."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hookstation.core.definitions import AnswerMode, Poison
from hookstation.core.documents.drafts import Document
from hookstation.core.documents.work import ANSWERING
from hookstation.core.values import JSON
from hookstation.web.pages.forms import Form

MODES: Final = (
    (AnswerMode.OUTCOME.value, "When it is done", "The answer is the truth: written, or why not."),
    (AnswerMode.QUEUED.value, "At once", "The answer says that the event is safe; the work follows."),
    (AnswerMode.POLL.value, "At once, with an address", "The sender asks there how it ended."),
)
POISONS: Final = (
    (Poison.HOLD.value, "hold – those behind it wait until somebody retries or cancels it"),
    (Poison.SKIP.value, "skip – the others pass it, and it is tried on"),
    (Poison.DROP.value, "drop – it is given up, and the next one goes"),
)
ACCEPTED: Final = 202
NUMBERS: Final = ("attempts", "concurrency")


def read(document: Document, form: Form) -> None:
    """Put into the document what the form says; what is shown nowhere stays as it was."""
    mode = form.one("answer") or AnswerMode.OUTCOME.value
    asked = bool(form.one("respond_async"))
    work = document.get("work")
    kept: dict[str, JSON] = dict(work) if isinstance(work, dict) else {}
    check = document.get("check")
    for setting in ANSWERING:
        document.pop(setting.name, None)
    document.pop("answer", None)
    if mode != AnswerMode.OUTCOME:
        document["answer"] = mode
    if asked:
        document["respond_async"] = True
    if mode == AnswerMode.OUTCOME and not asked:
        return
    if check is not None:
        document["check"] = check
    if mode == AnswerMode.QUEUED:
        document |= _acknowledgement(form)
    if changed := _work(kept, form):
        document["work"] = changed


def _acknowledgement(form: Form) -> Document:
    said: Document = {"acknowledge": ACCEPTED} if form.one("accepted") else {}
    return {**said, "omit_body": True} if form.one("omit_body") else said


def _work(kept: dict[str, JSON], form: Form) -> dict[str, JSON]:
    order, poison = form.one("order").strip(), form.one("poison")
    retry = kept.get("retry")
    plan: dict[str, JSON] = dict(retry) if isinstance(retry, dict) else {}
    for place, name, text in (
        (plan, "attempts", form.one("attempts")),
        (kept, "concurrency", form.one("concurrency")),
        (kept, "order", order),
        (kept, "poison", poison if order and poison != Poison.HOLD else ""),
    ):
        place.pop(name, None)
        said = text.strip()
        if said:
            place[name] = int(said) if name in NUMBERS and said.isdecimal() else said
    if not order:
        kept.pop("skip_after", None)
    kept.pop("retry", None)
    return {**kept, "retry": plan} if plan else kept


def context(document: Document) -> dict[str, object]:
    """What the page shows of it."""
    work = document.get("work")
    shown: Mapping[str, JSON] = work if isinstance(work, dict) else {}
    retry = shown.get("retry")
    return {
        "modes": MODES,
        "mode": document.get("answer") or AnswerMode.OUTCOME.value,
        "accepted": document.get("acknowledge") == ACCEPTED,
        "omit_body": bool(document.get("omit_body")),
        "respond_async": bool(document.get("respond_async")),
        "work": shown,
        "retry": retry if isinstance(retry, dict) else {},
        "poisons": POISONS,
    }
