"""The documents of workflows, schedules, polls and transfers, as forms and acts need them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from starlette.requests import Request

from hookstation.core.documents import (
    PLURALS,
    PersonSecrets,
    encode_poll,
    encode_schedule,
    encode_transfer,
    encode_workflow,
)
from hookstation.core.values import JSON
from hookstation.engine.plans import Saving
from hookstation.errors import Conflict, NotFound
from hookstation.web.pages.access import visitor_of
from hookstation.web.services import Services

STATES: Final[Mapping[str, tuple[str, ...]]] = {
    "workflow": ("active", "disabled", "archived"),
    "schedule": ("active", "disabled"),
    "poll": ("active", "paused", "disabled", "archived"),
    "transfer": ("active", "disabled", "archived"),
}
"""The states of each kind."""

UNREADABLE: Final = (
    "The {kind} “{name}” is stored in a form that cannot be read; the log says why. Apply its file again, or delete "
    "it."
)


def document_of(kind: str, name: str, services: Services) -> dict[str, JSON]:
    """A thing's document, its secrets masked. Raises `NotFound`, and `Conflict` where it cannot be read."""
    board = services.board
    if name not in board.documents(kind):
        raise NotFound(kind, name)
    if name not in getattr(board, PLURALS[kind]):
        raise Conflict(UNREADABLE.format(kind=kind, name=name))
    match kind:
        case "workflow":
            return encode_workflow(board.workflows[name])
        case "schedule":
            return encode_schedule(board.schedules[name])
        case "poll":
            return encode_poll(board.polls[name])
    return encode_transfer(board.transfers[name], PersonSecrets())


def unreadable(kind: str, services: Services) -> list[str]:
    """Names of stored things of a kind that cannot be read."""
    return sorted({*services.board.documents(kind)} - {*getattr(services.board, PLURALS[kind])})


async def set_state(
    request: Request, services: Services, kind: str, document: Mapping[str, JSON], state: str
) -> None:
    """Put a thing live with another state. Raises `Conflict` for a state that its kind has not."""
    if state not in STATES[kind]:
        raise Conflict(f"Choose one of {', '.join(STATES[kind])}. Nothing was changed.")
    saving = Saving(visitor_of(request).name, f"state: {state}")
    whole: JSON = {"version": 1, PLURALS[kind]: [{**document, "state": state}]}
    await services.configurator.apply(whole, saving=saving)
