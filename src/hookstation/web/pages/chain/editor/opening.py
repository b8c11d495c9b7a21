"""The workflow that the editor is opened with, and everything around it that can be chosen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hookstation.core.jsontext import parse_json
from hookstation.core.records import RECORDS
from hookstation.core.schedules.definitions import Starts
from hookstation.core.values import JSON
from hookstation.engine.workflows.texts import masked, read_text
from hookstation.errors import NotFound
from hookstation.ports.runs import RunFilter
from hookstation.web.pages.chain.editor.described import described
from hookstation.web.services import Services

DEEPEST: Final = 128
MOST_MEMBERS: Final = 1_000_000
"""As large as a workflow's document may be."""

LARGEST_SAMPLE: Final = 20_000
"""Characters of JSON that are offered as a sample."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A workflow's document with the version that it is; version 0 and no name: one that is new."""

    document: dict[str, JSON] = field(default_factory=lambda: {"name": "", "title": "", "steps": []})
    version: int = 0
    name: str = ""

    @property
    def address(self) -> str:
        """Where its editor is."""
        return f"/workflows/{self.name}/edit" if self.name else "/workflows/_new/blank"


def read_json(text: str) -> JSON:
    """A document as a script sends it. Raises `BodyRefused`."""
    return parse_json(text.encode("utf-8", "surrogatepass"), depth=DEEPEST, members=MOST_MEMBERS).value


async def open_workflow(name: str, services: Services) -> Opened:
    """The newest version of a workflow, also of one that this station cannot read. Raises `NotFound`."""
    await services.board.refresh()
    stored = services.board.stored.things.get("workflows", {}).get(name)
    if stored is None:
        raise NotFound("workflow", name)
    document = read_json(stored)
    assert isinstance(document, dict)
    return Opened(document, services.board.workflow_version(name), name)


async def known(opened: Opened, services: Services) -> dict[str, JSON]:
    """What the editor's script is told beside the document."""
    board = services.board
    newest = await newest_input(opened.name, services) if opened.name else None
    connections: list[JSON] = [{"name": RECORDS, "type": "records"}]
    connections += [
        {"name": one.name, "type": one.type} for one in sorted(board.connections.values(), key=_name)
    ]
    return {
        **described(),
        "connections": connections,
        "panels": [*sorted(board.panels)],
        "workflows": [*sorted(set(board.documents("workflow")) - {opened.name})],
        "transfers": [*sorted(board.documents("transfer"))],
        "starters": starters(opened.name, services),
        "version": opened.version,
        "address": opened.address,
        **({} if newest is None else {"newest": newest}),
    }


async def newest_input(name: str, services: Services) -> JSON:
    """What triggered the newest run, its secrets masked; ``None`` where there is none or it is no sample to keep."""
    runs = (await services.store.list_runs(RunFilter(workflow=name), 1)).items
    run = await services.store.get_run(runs[0].id) if runs else None
    return masked(read_text(run.input)) if run and len(run.input) <= LARGEST_SAMPLE else None


def _name(one: object) -> str:
    return str(getattr(one, "name", ""))


def starters(name: str, services: Services) -> dict[str, JSON]:
    """What names this workflow, and so begins runs of it."""
    board = services.board
    webhooks = (one for one, workflow in board.starting().items() if workflow == name)
    polls = (one.name for one in board.polls.values() if one.webhook.workflow == name)
    schedules = (
        one.name for one in board.schedules.values() if one.kind is Starts.WORKFLOW and one.target == name
    )
    return {"webhook": [*sorted(webhooks)], "poll": [*sorted(polls)], "schedule": [*sorted(schedules)]}
