"""The form of a polling webhook: where it looks, how often, and what becomes of each new item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hookstation.core.documents.poll import POLL, decode_poll
from hookstation.core.documents.poll_sources import CONNECTIONS
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import TriggerKind
from hookstation.errors import ActionFailed, Conflict, Invalid, MappingFailed, Problem
from hookstation.web.pages.chain.forming import FormOf, Tried
from hookstation.web.pages.forms import Form
from hookstation.web.services import Services

OWN: Final = frozenset({"workflow", "end"})
ENDS: Final = ("workflow", "action")


def read_special(form: Form) -> tuple[dict[str, JSON], list[Problem]]:
    """What is done with an item: a workflow is started, or an action is carried out."""
    if form.one("end") != "workflow":
        return {}, []
    if not form.one("workflow"):
        return {}, [
            Problem(("workflow",), "Choose one whose trigger is a poll, or have each item written instead.")
        ]
    return {"workflow": form.one("workflow"), "action": None}, []


def more(services: Services, before: Mapping[str, JSON], form: Form | None) -> dict[str, object]:
    """What the form shows besides the settings."""
    wanted = [one for one in services.board.workflows.values() if one.trigger.kind is TriggerKind.POLL]
    chosen = form.one("workflow") if form else str(before.get("workflow") or "")
    usual = "workflow" if chosen or not before.get("action") else "action"
    return {
        "workflows": [(one.name, one.title or one.name) for one in wanted],
        "chosen": chosen,
        "end": form.one("end") if form else usual,
    }


async def tries(document: Mapping[str, JSON], unread: Sequence[Problem], services: Services) -> Tried:
    """What would come of what the form says."""
    poll, problems = decode_poll({name: one for name, one in document.items() if one is not None})
    if poll is None or unread:
        return Tried((), [*unread, *problems])
    try:
        return Tried(await services.chain.polls.try_it(poll))
    except Invalid as invalid:
        return Tried((), invalid.problems)
    except (ActionFailed, Conflict, MappingFailed) as refused:
        return Tried((), [Problem(("source",), refused.message)])


FITS: Final = {f"source.{kind}.connection": types for kind, types in CONNECTIONS.items()}
FORM: Final = FormOf(
    "poll", POLL, "chain/poll_form.html", more, read_special, OWN, tries, FITS, frozenset({"action"})
)
PAGES: Final = FORM.pages()
