"""A webhook is switched on and off, whatever is being changed of it meanwhile."""

from __future__ import annotations

import pytest

from hookstation.core.definitions import WebhookState
from hookstation.core.values import JSON
from hookstation.engine.switching import Switching
from hookstation.errors import Conflict, NotFound
from tests.support.engine import Engine, connection, engine, webhook


def switching(bench: Engine) -> Switching:
    return Switching(bench.board, bench.configurator, bench.changing)


async def test_a_state_is_published_and_an_open_draft_stays_open() -> None:
    async with engine(webhook("courses", "far"), connections=[connection()]) as bench:
        drafts = bench.changing.drafts
        open_draft = await drafts.show("courses")
        changed = {**open_draft.document, "note": "being written"}
        await drafts.save("courses", changed, open_draft.began, "anna")
        await switching(bench).set_state("courses", WebhookState.DISABLED, "bert")
        assert WebhookState.DISABLED is bench.board.webhooks(["courses"])["courses"].state
        kept = await drafts.show("courses")
        assert (True, "being written", "disabled") == (
            kept.is_draft,
            kept.document["note"],
            kept.document["state"],
        )


async def test_a_draft_with_another_proof_is_not_lost_unseen() -> None:
    async with engine(webhook("courses", "far"), connections=[connection()]) as bench:
        drafts = bench.changing.drafts
        before = await drafts.show("courses")
        proof: JSON = {"type": "token", "header": "X-Token", "secret": "quite another secret"}
        await drafts.save("courses", {**before.document, "authentication": proof}, before.began, "anna")
        with pytest.raises(Conflict, match="publish or discard"):
            await switching(bench).set_state("courses", WebhookState.DISABLED, "bert")
        assert WebhookState.ACTIVE is bench.board.webhooks(["courses"])["courses"].state


async def test_what_is_not_there_cannot_be_switched() -> None:
    async with engine() as bench:
        with pytest.raises(NotFound):
            await switching(bench).set_state("nobody", WebhookState.ACTIVE, "bert")
