"""Switching a live webhook on and off: its state alone, whatever is being changed of it meanwhile."""

from __future__ import annotations

from hookstation.core.definitions import WebhookState
from hookstation.core.documents import PersonSecrets, encode_webhook
from hookstation.core.documents.drafts import AUTHENTICATION
from hookstation.core.values import JSON
from hookstation.engine.board import Board
from hookstation.engine.changing import Changing
from hookstation.engine.configure import Configurator
from hookstation.engine.drafts import OpenDraft
from hookstation.engine.plans import Saving
from hookstation.errors import Conflict, Invalid, NotFound, Problem


def read_state(text: str) -> WebhookState:
    """The state of this name. Raises `Invalid`."""
    if text not in set(WebhookState):
        known = ", ".join(WebhookState)
        raise Invalid([Problem(("state",), f"“{text[:40]}” is not a state; known are {known}.")])
    return WebhookState(text)


class Switching:
    """Sets states."""

    def __init__(self, board: Board, configurator: Configurator, changing: Changing) -> None:
        self._board, self._configurator, self._changing = board, configurator, changing

    async def set_state(self, name: str, state: WebhookState, by: str) -> None:
        """Publish what is live with another state; an open draft stays open, with that state too.

        Raises `NotFound`, `Invalid`, and `Conflict` where an open draft has another secret, which could not be kept.
        """
        if name not in self._board.stored.webhooks:
            raise NotFound("webhook", name)
        definition = self._board.webhooks([name]).get(name)
        if definition is None:
            raise Conflict(f"The webhook “{name}” cannot be read as it is stored: put it right first.")
        if definition.state is state:
            return
        draft = await self._open_draft(name)
        document: dict[str, JSON] = {**encode_webhook(definition, PersonSecrets()), "state": state.value}
        saving = Saving(by, f"state: {state.value}")
        await self._configurator.apply({"version": 1, "webhooks": [document]}, saving=saving)
        if draft is not None:
            now = await self._changing.drafts.show(name, check=False)
            note = draft.newest.note if draft.newest else ""
            kept: dict[str, JSON] = {**draft.document, "state": state.value}
            await self._changing.drafts.save(name, kept, now.began, by, note)

    async def _open_draft(self, name: str) -> OpenDraft | None:
        try:
            draft = await self._changing.drafts.show(name, check=False)
        except (NotFound, Invalid):
            return None
        if not draft.is_draft or draft.live is None:
            return None
        found = await self._changing.history.compare(name, draft.live.number, draft.began)
        if any(one.path[:1] == (AUTHENTICATION,) for one in found):
            raise Conflict(
                f"The open draft of “{name}” has another authentication, which would be lost: publish or discard it "
                "first."
            )
        return draft
