"""Changing a webhook without anything going live by accident: drafts are saved, checked, published or discarded.

Whoever saves names the version from which the change began, so that of two who edit at once nobody overwrites the
other unseen.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.documents import PersonSecrets, SealedSecrets, drafts, encode_webhook
from hookstation.core.documents.drafts import Document
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.jsontext import dump_json, parse_json
from hookstation.core.values import JSON, Secret
from hookstation.engine.board import Board
from hookstation.engine.compiler import SchemaShelf, compile_webhook
from hookstation.engine.configure import Configurator
from hookstation.engine.plans import Plan, Saving
from hookstation.engine.stored import LARGEST_DOCUMENT
from hookstation.engine.switchboard import CompiledWebhook
from hookstation.engine.targets import Targets
from hookstation.errors import BodyRefused, Conflict, Invalid, NotFound, Problem
from hookstation.ports.clock import Clock
from hookstation.ports.secrets import Vault
from hookstation.ports.versions import Draft, Editor, Version, VersionDocument, Versions, VersionState

LARGEST: Final = 1024 * 1024
"""Most characters of a draft's document."""

PRESENCE: Final = 45
"""Seconds for which somebody who said that they have a webhook open is thought to have it."""

MOST_NOTE: Final = 1_000
MOST_NUMBERS: Final = 2**31
NAME: Final = WEBHOOK[0]
assert NAME.name == "name"


@dataclass(frozen=True, slots=True)
class OpenDraft:
    """A webhook as it is being changed.

    `document` is the open draft's, else what is live, with secrets masked.  `began` is the number that the next change
    has to name.  `newest` is the newest version, `live` the one that is live; either may be ``None``.  `problems` stand
    in the way of publishing, or are warnings.
    """

    webhook: str
    document: Document
    began: int
    newest: Version | None = None
    live: Version | None = None
    problems: Sequence[Problem] = field(default_factory=tuple)

    @property
    def is_draft(self) -> bool:
        """Whether something is saved that is not live."""
        return self.newest is not None and self.newest.state is VersionState.DRAFT

    @property
    def may_be_published(self) -> bool:
        """Whether nothing stands in the way."""
        return self.is_draft and all(one.severity != "error" for one in self.problems)


class Drafts:
    """Drafts of webhooks, also of such as are not there yet."""

    def __init__(
        self,
        store: Versions,
        board: Board,
        configurator: Configurator,
        targets: Targets,
        vault: Vault,
        clock: Clock,
    ) -> None:
        self._store, self._board, self._configurator = store, board, configurator
        self._targets, self._clock, self._vault = targets, clock, SealedSecrets(vault)

    async def list(self) -> Sequence[Version]:
        """The open drafts, by the name of their webhooks."""
        return await self._store.list_drafts()

    async def show(self, name: str, *, check: bool = True) -> OpenDraft:
        """The open draft of a webhook, or what is live. Raises `NotFound`."""
        newest = await self._newest(name)
        live = await self._newest(name, published=True)
        shown = newest if newest and newest.version.state is VersionState.DRAFT else live
        if newest is None or shown is None:
            raise NotFound("webhook", name)
        stored = read(shown.document)
        problems = await self.check(name, drafts.opened(name, stored, self._vault)) if check else []
        return OpenDraft(
            name,
            drafts.masked(stored),
            newest.version.number,
            newest.version,
            live.version if live else None,
            problems,
        )

    async def save(self, name: str, document: Document, began: int, by: str, note: str = "") -> OpenDraft:
        """Save a draft that began from version `began` (0: there was none), incomplete as it may be.

        A secret that is sent masked stays as it is in the version before.  Raises `Invalid` for what cannot be kept at
        all, and `Conflict` where somebody saved meanwhile.
        """
        _check_name(name, document, note)
        await self._store.save_draft(self._sealed(name, document, await self._known(name), by, note), began)
        return await self.show(name)

    async def rename(self, name: str, new: str, began: int, by: str) -> OpenDraft:
        """Give a draft whose webhook was never live another name. Raises `NotFound`, `Invalid` and `Conflict`."""
        _check_name(new, {}, "")
        before = await self._newest(name)
        if before is None:
            raise NotFound("webhook", name)
        document = read(before.document)
        known = drafts.secrets_of(name, document, self._vault, new)
        moved = self._sealed(new, {**drafts.masked(document), "name": new}, known, by, before.version.note)
        await self._store.rename_draft(moved, name, began)
        return await self.show(new)

    async def discard(self, name: str, began: int) -> int:
        """Go back to what is live; how many drafts were discarded. Those of a live webhook stay in its history.

        Raises `NotFound`, and `Conflict` where somebody saved meanwhile.
        """
        if await self._newest(name) is None:
            raise NotFound("webhook", name)
        return await self._store.discard_draft(name, began)

    async def publish(self, name: str, began: int, by: str, note: str = "") -> Version:
        """Put the open draft live, checked as every change is; returns the version that is live now.

        Raises `NotFound`, `Conflict` where there is no open draft or somebody saved meanwhile, and `Invalid` with
        every problem.
        """
        newest = await self._newest(name)
        if newest is None:
            raise NotFound("webhook", name)
        if newest.version.state is not VersionState.DRAFT:
            raise Conflict(
                f"The webhook “{name}” has no open draft: what was saved last is live, or was discarded."
            )
        return await self._put_live(newest, began, by, note or newest.version.note)

    async def roll_back(self, name: str, number: int, by: str, *, began: int | None = None) -> Version:
        """Put an old version live again, as a new one, checked as every change is; returns that.

        `began`: the newest version that whoever asks has seen; without it, the one of this moment.  Raises `NotFound`,
        `Conflict` and `Invalid` as `publish` does.
        """
        old, newest = await self._get(name, number), await self._newest(name)
        if old is None or newest is None:
            raise NotFound("version", f"{name} {number}")
        seen = newest.version.number if began is None else began
        return await self._put_live(old, seen, by, f"back to version {number}")

    async def take_up(self, name: str, number: int, began: int, by: str) -> OpenDraft:
        """Save an old version as the open draft, with its own secrets: what was discarded is not lost.

        Nothing goes live.  Raises `NotFound`, and `Conflict` where somebody saved meanwhile.
        """
        old = await self._get(name, number)
        if old is None:
            raise NotFound("version", f"{name} {number}")
        document = drafts.opened(name, read(old.document), self._vault)
        return await self.save(name, document, began, by, f"taken up from version {number}")

    async def _put_live(self, wanted: VersionDocument, began: int, by: str, note: str) -> Version:
        name = wanted.version.webhook
        document: Document = {**drafts.opened(name, read(wanted.document), self._vault), "name": name}
        saving = Saving(by, note, {name: began})
        try:
            planned = await self._configurator.apply(_alone(document), saving=saving)
        except Invalid as invalid:
            raise Invalid([inside(one) for one in invalid.problems]) from invalid
        if not planned.done:
            await self._store.discard_draft(name, began)
        live = await self._store.newest_version(name, published=True)
        if live is None:
            raise NotFound("webhook", name)
        return live.version

    async def check(self, name: str, document: Document) -> Sequence[Problem]:
        """Everything that is wrong with a document as it would be published, also where half of it is missing.

        Its secrets are in the clear or masked, as a person would send them.
        """
        wanted: Document = {**document, "name": name}
        planned = await self._plan(name, wanted)
        problems = [inside(one) for one in planned.problems]
        if name in planned.wanted.webhooks:
            return problems
        rest, replaced = drafts.mended(wanted, problems)
        further = [inside(one) for one in (await self._plan(name, rest)).problems]
        return problems + [
            one for one in further if one not in problems and one.path[:1] and one.path[0] not in replaced
        ]

    async def compile(self, name: str, document: Document) -> CompiledWebhook:
        """What a document that is not saved would be when live, to be tried; nothing of it need be stored.

        Without `authentication` it proves nobody.  Raises `Invalid`.
        """
        wanted: Document = {drafts.AUTHENTICATION: {"type": "none"}, **document, "name": name}
        planned = await self._plan(name, wanted)
        errors = [inside(one) for one in planned.errors]
        if errors:
            raise Invalid(errors)
        seen = Targets()
        seen.replace(self._targets.connectors, {**self._board.specs(), **planned.findings.specs})
        return compile_webhook(planned.wanted.webhooks[name], seen, SchemaShelf())

    async def compile_saved(self, name: str, number: int = 0) -> CompiledWebhook:
        """The open draft (or what is live), or the version `number`, to be tried. Raises `NotFound` and `Invalid`."""
        saved = await (self._get(name, number) if number else self._shown(name))
        if saved is None:
            raise NotFound("version", f"{name} {number}") if number else NotFound("webhook", name)
        return await self.compile(name, drafts.opened(name, read(saved.document), self._vault))

    async def see(self, name: str, who: str) -> Sequence[Editor]:
        """Somebody has the webhook open now; returns the others who have. Raises `NotFound` for what can be no name."""
        if not is_name(name):
            raise NotFound("webhook", name)
        now = self._clock.now()
        everybody = await self._store.see_editor(name, Editor(who, now + PRESENCE * 1_000_000), now)
        return [one for one in everybody if one.who != who]

    async def leave(self, name: str, who: str) -> None:
        """Somebody has it open no longer."""
        if is_name(name):
            await self._store.editor_left(name, who)

    async def _plan(self, name: str, document: Document) -> Plan:
        """What publishing would come to; masked secrets are those of what is shown."""
        known = PersonSecrets(await self._known(name))
        kept = drafts.sealed(name, document, known, self._vault)
        return await self._configurator.plan(_alone(drafts.opened(name, kept, self._vault)))

    async def _newest(self, name: str, *, published: bool = False) -> VersionDocument | None:
        return await self._store.newest_version(name, published=published) if is_name(name) else None

    async def _get(self, name: str, number: int) -> VersionDocument | None:
        known = is_name(name) and is_number(number)
        return await self._store.get_version(name, number) if known else None

    async def _shown(self, name: str) -> VersionDocument | None:
        """The open draft of a webhook, else what is live."""
        newest = await self._newest(name)
        if newest is None or newest.version.state is VersionState.DRAFT:
            return newest
        return await self._newest(name, published=True)

    async def _known(self, name: str) -> Mapping[str, Secret]:
        """The secrets that a mask stands for."""
        shown = await self._shown(name)
        return drafts.secrets_of(name, read(shown.document), self._vault) if shown else {}

    def _sealed(
        self, name: str, document: Document, known: Mapping[str, Secret], by: str, note: str
    ) -> Draft:
        kept = drafts.sealed(name, {**document, "name": name}, PersonSecrets(known), self._vault)
        text = dump_json(kept)
        if len(text) > LARGEST:
            raise Invalid(
                [Problem((), f"has {len(text):,} characters as JSON; a draft has at most {LARGEST:,}.")]
            )
        return Draft(name, text, self._clock.now(), by, note)

    def duplicate(self, name: str, new: str) -> Document:
        """The document of a live webhook for a new one: without secrets, disabled. Raises `NotFound`."""
        definition = self._board.webhooks([name]).get(name)
        if definition is None:
            raise NotFound("webhook", name)
        document = encode_webhook(definition, PersonSecrets())
        proof = document.get(drafts.AUTHENTICATION)
        if isinstance(proof, dict):
            document[drafts.AUTHENTICATION] = {k: v for k, v in proof.items() if k not in drafts.SECRETS}
        return {**document, "name": new, "state": "disabled"}


def read(text: str) -> Document:
    """A stored document. Raises `Invalid` where it is damaged."""
    try:
        document = parse_json(text.encode(), depth=128, members=LARGEST_DOCUMENT).value
    except BodyRefused as refused:
        raise Invalid([Problem((), f"What is stored is damaged: {refused.reason}")]) from refused
    if not isinstance(document, dict):
        raise Invalid([Problem((), "What is stored is damaged: it is no object.")])
    return document


def is_name(name: str) -> bool:
    """Whether a webhook can have this name; of any other the store need not be asked."""
    return re.fullmatch(NAME.pattern, name) is not None


def is_number(number: int) -> bool:
    """Whether a version can have this number."""
    return 0 < number < MOST_NUMBERS


def inside(problem: Problem) -> Problem:
    """A problem of a document with one webhook, as seen from that webhook, and at its field."""
    if problem.path[:2] == ("webhooks", 0):
        problem = Problem(problem.path[2:], problem.message, problem.severity, problem.position)
    return drafts.at_its_field(problem)


def _alone(document: Document) -> JSON:
    return {"version": 1, "webhooks": [document]}


def _check_name(name: str, document: Document, note: str) -> None:
    """Raise `Invalid` where a draft could not even be found again."""
    given = document.get("name", name)
    if given != name:
        raise Invalid(
            [Problem(("name",), f"is not “{name}”, under which the draft is kept: rename it for that.")]
        )
    if not is_name(name):
        raise Invalid([Problem(("name",), f"must be {NAME.pattern_words}.")])
    if len(note) > MOST_NOTE or not note.replace("\n", "").isprintable():
        raise Invalid(
            [Problem(("note",), f"must be at most {MOST_NOTE:,} characters, and all of them printable.")]
        )
