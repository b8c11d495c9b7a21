"""Versions, editors and captures of the in-memory twin."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from hookstation.errors import StoreUnavailable
from hookstation.ports.captures import (
    CAPTURES_CHANGED,
    MOST_BYTES,
    MOST_CALLS,
    MOST_CAPTURES,
    Capture,
    CapturedCall,
    too_many,
)
from hookstation.ports.versions import (
    MOST_VERSIONS,
    Draft,
    Editor,
    Version,
    VersionDocument,
    VersionState,
    keeps_its_name,
    overtaken,
)


class MemoryVersions:
    """Implements `ports.versions`."""

    unavailable: str

    def __init__(self) -> None:
        self._versions: dict[str, list[VersionDocument]] = {}
        self._editors: dict[tuple[str, str], Editor] = {}

    async def save_draft(self, draft: Draft, began: int) -> Version:
        """Append a draft."""
        self._check_versions()
        self._check_newest(draft.webhook, began)
        return self._append(draft, VersionState.DRAFT)

    async def rename_draft(self, draft: Draft, name: str, began: int) -> Version:
        """Give a draft that was never published another name."""
        self._check_versions()
        self._check_newest(name, began)
        self._check_newest(draft.webhook, 0)
        if _live(self._versions.get(name, [])):
            raise keeps_its_name(name)
        self._versions.pop(name, None)
        return self._append(draft, VersionState.DRAFT)

    async def discard_draft(self, webhook: str, began: int) -> int:
        """Take away what is not live."""
        self._check_versions()
        self._check_newest(webhook, began)
        had = self._versions.get(webhook, [])
        live = _live(had)
        drafts = [one for one in had if one.version.number > live and one.version.state is VersionState.DRAFT]
        if live:
            self._versions[webhook] = [_discarded(one) if one in drafts else one for one in had]
        else:
            del self._versions[webhook]
        return len(drafts)

    async def newest_version(self, webhook: str, *, published: bool = False) -> VersionDocument | None:
        """The newest version."""
        kept = [one for one in self._versions.get(webhook, []) if not published or _is_live(one)]
        return kept[-1] if kept else None

    async def get_version(self, webhook: str, number: int) -> VersionDocument | None:
        """One version."""
        kept = self._versions.get(webhook, [])
        return next((one for one in kept if one.version.number == number), None)

    async def list_versions(self, webhook: str, limit: int, before: int = 0) -> Sequence[Version]:
        """Versions, the newest first."""
        found = [one.version for one in self._versions.get(webhook, [])[::-1]]
        return [one for one in found if not before or one.number < before][:limit]

    async def list_drafts(self) -> Sequence[Version]:
        """Webhooks whose newest version is a draft."""
        newest = [kept[-1].version for _, kept in sorted(self._versions.items()) if kept]
        return [one for one in newest if one.state is VersionState.DRAFT]

    async def see_editor(self, webhook: str, editor: Editor, now: int) -> Sequence[Editor]:
        """Somebody has it open."""
        self._check_versions()
        self._editors = {place: one for place, one in self._editors.items() if one.until > now}
        self._editors[webhook, editor.who] = editor
        return [one for (name, _), one in sorted(self._editors.items()) if name == webhook]

    async def editor_left(self, webhook: str, who: str) -> None:
        """Somebody has it open no longer."""
        self._check_versions()
        self._editors.pop((webhook, who), None)

    def _check_begun(self, begun: Mapping[str, int]) -> None:
        """What a change of the configuration began from."""
        for webhook, began in begun.items():
            self._check_newest(webhook, began)

    def _publish(self, draft: Draft) -> None:
        """A webhook became live as this."""
        self._append(draft, VersionState.PUBLISHED)

    def _forget_versions(self, webhook: str) -> None:
        """The webhook is deleted."""
        self._versions.pop(webhook, None)
        self._editors = {place: one for place, one in self._editors.items() if place[0] != webhook}

    def _append(self, draft: Draft, state: VersionState) -> Version:
        kept = self._versions.setdefault(draft.webhook, [])
        number = kept[-1].version.number + 1 if kept else 1
        version = Version(draft.webhook, number, draft.at, draft.by, draft.note, state)
        kept.append(VersionDocument(version, draft.document))
        live, oldest = _live(kept), number - MOST_VERSIONS + 1
        kept[:] = [one for one in kept if one.version.number == live or one.version.number >= oldest]
        return version

    def _check_newest(self, webhook: str, began: int) -> None:
        kept = self._versions.get(webhook, [])
        newest = kept[-1].version if kept else None
        if (newest.number if newest else 0) != began:
            raise overtaken(webhook, began, newest.number if newest else 0, newest.by if newest else "")

    def _check_versions(self) -> None:
        if self.unavailable:
            raise StoreUnavailable(self.unavailable)


def _is_live(one: VersionDocument) -> bool:
    return one.version.state is VersionState.PUBLISHED


def _live(kept: Sequence[VersionDocument]) -> int:
    return max((one.version.number for one in kept if _is_live(one)), default=0)


def _discarded(one: VersionDocument) -> VersionDocument:
    return replace(one, version=replace(one.version, state=VersionState.DISCARDED))


class MemoryCaptures:
    """Implements `ports.captures`."""

    unavailable: str
    _tell: Callable[[str], None]

    def __init__(self) -> None:
        self._captures: dict[str, Capture] = {}
        self._calls: dict[str, list[CapturedCall]] = {}

    async def open_capture(self, capture: Capture, now: int) -> None:
        """Keep a capture."""
        self._check_captures()
        if len(await self.open_captures(now)) >= MOST_CAPTURES:
            raise too_many()
        self._captures[capture.id] = capture
        self._calls[capture.id] = []
        self._tell(CAPTURES_CHANGED)

    async def open_captures(self, now: int) -> Sequence[Capture]:
        """Those that are not over."""
        found = [one for one in self._captures.values() if one.until > now]
        return sorted(found, key=lambda one: (one.opened_at, one.id))

    async def get_capture(self, capture_id: str) -> Capture | None:
        """One capture."""
        return self._captures.get(capture_id)

    async def keep_call(self, call: CapturedCall) -> int:
        """Keep a call."""
        self._check_captures()
        capture, calls = self._captures.get(call.capture), self._calls.get(call.capture, [])
        if capture is None or capture.until <= call.received_at or len(calls) >= MOST_CALLS:
            return 0
        if sum(len(one.body) for one in [*calls, call]) > MOST_BYTES:
            return 0
        calls.append(replace(call, number=len(calls) + 1))
        return len(calls)

    async def captured_calls(self, capture_id: str, after: int = 0) -> Sequence[CapturedCall]:
        """What it heard."""
        return self._calls.get(capture_id, [])[after:]

    async def close_capture(self, capture_id: str) -> bool:
        """Forget a capture."""
        self._check_captures()
        self._calls.pop(capture_id, None)
        known = self._captures.pop(capture_id, None)
        self._tell(CAPTURES_CHANGED)
        return known is not None

    async def forget_captures(self, now: int) -> int:
        """Forget what is over."""
        gone = [one.id for one in self._captures.values() if one.until <= now]
        for capture_id in gone:
            await self.close_capture(capture_id)
        return len(gone)

    def _check_captures(self) -> None:
        if self.unavailable:
            raise StoreUnavailable(self.unavailable)
