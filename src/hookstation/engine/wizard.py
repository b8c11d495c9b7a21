"""Thinking along while a webhook is made: drafts of schemas, tables, proposals, proofs, hand-outs. Nothing is saved."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from hookstation.core.definitions import Action, Webhook
from hookstation.core.documents.action import ACTION, action_of, check_action
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.draft import Draft, draft_schema
from hookstation.core.fieldlist import decode
from hookstation.core.handout import Handout, handout
from hookstation.core.jsontext import dump_json
from hookstation.core.naming import slug
from hookstation.core.nearest import did_you_mean
from hookstation.core.preview import Preview
from hookstation.core.proof import Proof, Target, apply_change, prove, read_change
from hookstation.core.propose import Proposal, propose
from hookstation.core.records import ACTIVITY, EntitySpec
from hookstation.core.schema_edits import apply_edits
from hookstation.core.schema_rows import Row, schema_rows
from hookstation.core.signing import secret_headers
from hookstation.core.values import JSON
from hookstation.engine.board import Board
from hookstation.engine.checks import ASK_SECONDS, Checks
from hookstation.engine.compiler import entity_of
from hookstation.engine.preview import Previews
from hookstation.engine.targets import Targets
from hookstation.errors import ActionFailed, AddressRefused, Invalid, NotFound, Problem
from hookstation.ports.connector import Connector

LARGEST_SAMPLES: Final = 4 * 1024 * 1024
"""Bytes of all samples of one request together."""
LARGEST_TO_PROVE: Final = 1024 * 1024
"""Bytes of the samples that a proof begins from: each of its thousands of tries is one of them, changed."""


@dataclass(frozen=True, slots=True)
class Table:
    """A schema, its rows, and what is wrong with it."""

    schema: JSON
    rows: list[Row]
    problems: list[Problem]


@dataclass(frozen=True, slots=True)
class Proposals:
    """A target's own field list and what is proposed for it. `warning`: why the list may be out of date, or empty."""

    spec: EntitySpec
    proposed: Mapping[str, tuple[Proposal, ...]]
    warning: str = ""


class Wizard:
    """The use cases behind the wizard's sections. Whatever is heavy runs beside the event loop."""

    def __init__(self, board: Board, targets: Targets, checks: Checks, previews: Previews) -> None:
        self._board, self._targets, self._checks, self._previews = board, targets, checks, previews

    async def draft(self, samples: Sequence[JSON], answers: Mapping[str, str]) -> Draft:
        """A schema from samples, with the questions that they leave open. Raises `Invalid`."""
        _check_size(samples, LARGEST_SAMPLES)
        return await asyncio.to_thread(draft_schema, samples, answers)

    async def table(self, schema: JSON, edits: Sequence[JSON]) -> Table:
        """The schema with the edits done, as a table. Raises `Invalid` for edits that cannot be done."""
        edited = await asyncio.to_thread(apply_edits, schema, edits)
        rows = await asyncio.to_thread(schema_rows, edited)
        return Table(edited, rows, await self._checks.check_schema(edited))

    async def propose(self, schema: JSON, place: tuple[str, str], samples: Sequence[JSON]) -> Proposals:
        """What of the schema fits the fields at `place` (connection, entity), by the target's own list.

        Raises `Invalid` for a schema that cannot stand and a connection that there is not, `NotFound` for an entity.
        """
        _check_size(samples, LARGEST_SAMPLES)
        await self._refuse_bad(schema)
        spec, warning = await self._described(*place)
        proposed = await asyncio.to_thread(propose, schema, spec, samples)
        return Proposals(spec, proposed, warning)

    async def prove(
        self, schema: JSON, action: JSON, samples: Sequence[JSON], webhook: str = ""
    ) -> tuple[Proof, str]:
        """What can fail in a mapping, and a warning where the target could not be asked.

        `webhook`: whose headers prove the sender, so that no template may read them; empty for one that is new.
        Raises `Invalid` and `NotFound`.
        """
        _check_size(samples, LARGEST_TO_PROVE)
        read = read_action(action)
        await self._refuse_bad(schema)
        spec, warning = await self._described(read.connection, entity_of(read))
        hidden = secret_headers(self._webhook(webhook).authentication) if webhook else frozenset()
        target = Target(spec, self._connector(read.connection).zone, hidden)
        try:
            return await asyncio.to_thread(prove, schema, read, target, samples), warning
        except Invalid as invalid:
            raise Invalid([problem.under("action") for problem in invalid.problems]) from invalid

    async def preview(
        self, schema: JSON, action: JSON, payload: JSON, webhook: str = ""
    ) -> tuple[Preview, str]:
        """What a mapping would write from one payload, and a warning where the target could not be asked.

        `webhook`: what templates are told is its name. Raises `Invalid` and `NotFound`.
        """
        read = read_action(action)
        await self._refuse_bad(schema)
        place = read.connection, entity_of(read)
        spec, warning = await self._described(*place)
        self._previews.note(place, spec)
        made = self._previews.preview(read, schema, payload, webhook)
        if made is None:
            raise NotFound("connection", read.connection)
        return made, warning

    async def change(self, schema: JSON, action: JSON, change: JSON) -> tuple[JSON, Action]:
        """Schema and action with a change that a proof offered. Raises `Invalid`."""
        try:
            wanted = read_change(change)
        except Invalid as invalid:
            raise Invalid([problem.under("change") for problem in invalid.problems]) from invalid
        read = read_action(action)
        await self._refuse_bad(schema)
        changed, mapped = apply_change(schema, read, wanted)
        await self._refuse_bad(changed)
        return changed, mapped

    def name(self, title: str) -> str:
        """A name for a webhook of that title, which no other has."""
        return slug(title, self._board.stored.webhooks)

    def handout(self, name: str, base_url: str) -> Handout:
        """The page for the vendor. Raises `NotFound`, and `Invalid` where the webhook cannot be read."""
        stored = self._board.stored.webhooks.get(name)
        if stored is None:
            raise NotFound("webhook", name)
        return handout(self._webhook(name), f"{base_url}/hooks/{self._board.token(stored)}")

    def _webhook(self, name: str) -> Webhook:
        stored = self._board.stored.webhooks.get(name)
        if stored is None:
            raise NotFound("webhook", name)
        return self._board.webhook(stored)

    async def _refuse_bad(self, schema: JSON) -> None:
        problems = await self._checks.check_schema(schema)
        if errors := [problem for problem in problems if problem.severity == "error"]:
            raise Invalid([problem.under("schema") for problem in errors])

    def _connector(self, name: str) -> Connector:
        connector = self._targets.connectors.get(name)
        if connector is None:
            known = sorted(self._targets.connectors)
            said = (
                f"There is no connection “{name}”. There are {', '.join(known)}.{did_you_mean(name, known)}"
            )
            raise Invalid([Problem(("connection",), said)])
        return connector

    async def _described(self, connection: str, entity: str) -> tuple[EntitySpec, str]:
        """The field list as the target has it now, else the last that is known of it, with a warning."""
        connector = self._connector(connection)
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await connector.describe(entity), ""
        except (ActionFailed, AddressRefused, TimeoutError) as failure:
            why = "it did not answer in time" if isinstance(failure, TimeoutError) else str(failure)
            said = f"“{connection}” could not be asked for its fields ({why}); these are the last that are known."
            return self._targets.spec(connection, entity), said


def read_action(document: JSON) -> Action:
    """The action that a document describes. Raises `Invalid`, paths beginning at ``action``."""
    values, problems = decode((replace(ACTION, required=True),), {"action": document}, PersonSecrets())
    problems += [one.under("action") for one in check_action(values.group("action"))]
    if problems:
        raise Invalid(problems)
    return action_of(values.group("action"))


def entity_named(panel: str) -> str:
    """The entity that an action with this panel writes."""
    return panel or ACTIVITY


def _check_size(samples: Sequence[JSON], most: int) -> None:
    if samples and (size := len(dump_json([*samples]).encode())) > most:
        said = f"are {size:,} bytes together; at most {most:,} are looked at. Give fewer or smaller ones."
        raise Invalid([Problem(("samples",), said)])
