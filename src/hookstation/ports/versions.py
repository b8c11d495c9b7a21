"""What the store keeps of a webhook's changes: one version a change, and who has it open.

A version is published, or a draft, or a draft that was discarded.  The newest published version is what is live, the
webhook as it is stored: a change of the configuration appends it in its own transaction (`ConfigurationChange`).  The
open draft of a webhook is its newest version, where that is a draft; its document may be incomplete, and its webhook
need not be there yet.  Numbers begin with 1 and are never given again while the webhook has a version.  All methods may
raise `StoreUnavailable`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from hookstation.errors import Conflict

MOST_VERSIONS: Final = 200
"""Versions of a webhook that are kept, the newest; the one that is live stays besides."""


class VersionState(StrEnum):
    """What a version is."""

    DRAFT = "draft"
    PUBLISHED = "published"
    DISCARDED = "discarded"


@dataclass(frozen=True, slots=True)
class Version:
    """A saved change, without its document. `at`: microseconds since the epoch, UTC. `by`: who saved it."""

    webhook: str
    number: int
    at: int
    by: str
    note: str
    state: VersionState


@dataclass(frozen=True, slots=True)
class VersionDocument:
    """A version with its document: JSON text with sealed secrets."""

    version: Version
    document: str


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft that is to be saved."""

    webhook: str
    document: str
    at: int
    by: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Editor:
    """Somebody who has a webhook open until a moment, unless they say so again."""

    who: str
    until: int


def overtaken(webhook: str, began: int, newest: int, by: str) -> Conflict:
    """The refusal of a change that began from another version than the newest one (0: there is none)."""
    if not newest:
        return Conflict(
            f"The webhook “{webhook}” has no version {began} any more: it was deleted, or its draft discarded. "
            "Save it as new (began: 0) if it is to be there again."
        )
    return Conflict(
        f"The webhook “{webhook}” was changed meanwhile: {by} saved version {newest}, and yours began from "
        f"{f'version {began}' if began else 'none'}. See what changed, then repeat your change on version {newest}."
    )


def keeps_its_name(webhook: str) -> Conflict:
    """The refusal to rename a webhook that is live."""
    return Conflict(f"The webhook “{webhook}” is live and keeps its name: duplicate it under another one.")


class Versions(Protocol):
    """Saved changes of webhooks, and who has them open."""

    async def save_draft(self, draft: Draft, began: int) -> Version:
        """Append a draft. Raises `Conflict` where the newest version's number is not `began` (0: there is none).

        Of the versions beyond `MOST_VERSIONS` the oldest go, but never the live one.
        """
        ...

    async def rename_draft(self, draft: Draft, name: str, began: int) -> Version:
        """Take away the versions of a webhook that was never published, and append `draft` as the first one of another.

        `name` is the old name, and `began` its newest version's number.  Raises `Conflict` where that is another, where
        a version of it is live, or where `draft.webhook` has versions already.
        """
        ...

    async def discard_draft(self, webhook: str, began: int) -> int:
        """Call the drafts after the live version discarded, or forget all where none is live; how many there were.

        Raises `Conflict` where the newest version's number is not `began`.
        """
        ...

    async def newest_version(self, webhook: str, *, published: bool = False) -> VersionDocument | None:
        """The newest version, or the newest published one; ``None`` without one."""
        ...

    async def get_version(self, webhook: str, number: int) -> VersionDocument | None:
        """One version, ``None`` where it is not kept."""
        ...

    async def list_versions(self, webhook: str, limit: int, before: int = 0) -> Sequence[Version]:
        """Versions of a webhook, the newest first, before the number `before` (0: from the newest on)."""
        ...

    async def list_drafts(self) -> Sequence[Version]:
        """The newest version of each webhook whose newest version is a draft, by name."""
        ...

    async def see_editor(self, webhook: str, editor: Editor, now: int) -> Sequence[Editor]:
        """Somebody has the webhook open; returns everybody who has at `now`, by name. What is over is forgotten."""
        ...

    async def editor_left(self, webhook: str, who: str) -> None:
        """Somebody has it open no longer."""
        ...
