"""Versions of webhooks, and who has them open."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from collections.abc import Awaitable

from hookstation.errors import Conflict
from hookstation.ports.store import ConfigurationChange, Store, StoredWebhook
from hookstation.ports.versions import MOST_VERSIONS, Draft, Editor, Version, VersionDocument, VersionState
from hookstation.testing.store_cases.making import NOW

DRAFT, PUBLISHED, DISCARDED = VersionState
ODD = '{"title": "“ü” \\u0000"}'


def draft(webhook: str = "courses", document: str = ODD, by: str = "anna", note: str = "") -> Draft:
    """A draft of the moment."""
    return Draft(webhook, document, NOW, by, note)


def live(
    document: str, name: str = "courses", began: int | None = None, by: str = "", note: str = ""
) -> ConfigurationChange:
    """A change that puts a webhook live as this document."""
    stored = StoredWebhook(name, "sealed", document, NOW, NOW + 1)
    return ConfigurationChange({name: stored}, began={} if began is None else {name: began}, by=by, note=note)


async def _is_refused(work: Awaitable[object], *told: str) -> bool:
    """Whether it is a `Conflict` that tells all of this."""
    try:
        await work
    except Conflict as refused:
        return all(one in refused.message for one in told)
    return False


async def _publish(store: Store, change: ConfigurationChange) -> None:
    await store.save_configuration(change, await store.revision())


async def _states(store: Store, webhook: str = "courses") -> list[tuple[int, VersionState]]:
    return [(one.number, one.state) for one in await store.list_versions(webhook, 1_000)]


class VersionCases:
    """What versions owe."""

    async def test_nothing_saved(self, store: Store) -> None:
        """A webhook that nobody saved has no version."""
        assert None is await store.newest_version("courses")
        assert None is await store.get_version("courses", 1)
        assert [] == [*await store.list_versions("courses", 10)]
        assert [] == [*await store.list_drafts()]

    async def test_draft_comes_back(self, store: Store) -> None:
        """A draft is the next version, with what it was saved with, and nothing is live for it."""
        saved = await store.save_draft(draft(note="begun"), 0)

        assert Version("courses", 1, NOW, "anna", "begun", DRAFT) == saved
        assert VersionDocument(saved, ODD) == await store.newest_version("courses")
        assert VersionDocument(saved, ODD) == await store.get_version("courses", 1)
        assert None is await store.newest_version("courses", published=True)
        assert [saved] == [*await store.list_drafts()]
        assert {} == (await store.load_configuration()).webhooks

    async def test_change_of_an_old_version(self, store: Store) -> None:
        """A draft that began from another version than the newest is a `Conflict` which names who saved that one."""
        await store.save_draft(draft(by="bert"), 0)

        assert await _is_refused(store.save_draft(draft(), 0), "bert", "version 1")
        assert await _is_refused(store.save_draft(draft(), 2), "bert")
        assert await _is_refused(store.save_draft(draft("other"), 1), "began: 0")
        assert [(1, DRAFT)] == await _states(store)

    async def test_of_drafts_at_once_one_is_saved(self, store: Store) -> None:
        """Of several who save from the same version at once one does."""
        begun = [store.save_draft(draft(by=str(number)), 0) for number in range(5)]
        ended = await asyncio.gather(*begun, return_exceptions=True)

        assert 4 == sum(isinstance(one, Conflict) for one in ended)
        assert [(1, DRAFT)] == await _states(store)

    async def test_a_change_publishes(self, store: Store) -> None:
        """A webhook that becomes another is a published version in the same transaction; one that stays is none."""
        await store.save_draft(draft(), 0)
        await _publish(store, live("{}", by="tests", note="why", began=1))
        await _publish(store, live("{}", by="tests"))

        expected = Version("courses", 2, NOW + 1, "tests", "why", PUBLISHED)
        assert VersionDocument(expected, "{}") == await store.newest_version("courses", published=True)
        assert [(2, PUBLISHED), (1, DRAFT)] == await _states(store)
        assert [] == [*await store.list_drafts()]

    async def test_change_of_an_old_version_publishes_nothing(self, store: Store) -> None:
        """A change of the configuration that began from an old version is a `Conflict` and writes nothing."""
        await _publish(store, live("{}", by="bert"))
        revision = await store.revision()

        assert await _is_refused(store.save_configuration(live("[]", began=0), revision), "bert", "version 1")
        assert (revision, "{}") == (
            await store.revision(),
            (await store.load_configuration()).webhooks["courses"].document,
        )
        assert [(1, PUBLISHED)] == await _states(store)

    async def test_a_discarded_draft_is_kept(self, store: Store) -> None:
        """Drafts after the live version become discarded, and their numbers are not given again."""
        await _publish(store, live("{}"))
        await store.save_draft(draft(), 1)
        await store.save_draft(draft(), 2)

        assert await _is_refused(store.discard_draft("courses", 2), "version 3")
        assert 2 == await store.discard_draft("courses", 3)
        assert [] == [*await store.list_drafts()]
        assert 4 == (await store.save_draft(draft(), 3)).number
        assert [(4, DRAFT), (3, DISCARDED), (2, DISCARDED), (1, PUBLISHED)] == await _states(store)

    async def test_a_discarded_new_webhook_is_forgotten(self, store: Store) -> None:
        """Of a webhook that was never live nothing stays, and its name is free."""
        await store.save_draft(draft(), 0)
        await store.save_draft(draft(), 1)

        assert 2 == await store.discard_draft("courses", 2)
        assert [] == await _states(store)
        assert 1 == (await store.save_draft(draft(), 0)).number

    async def test_a_deleted_webhook_takes_its_versions(self, store: Store) -> None:
        """With a webhook its versions go, also drafts after it; those of others stay."""
        await _publish(store, live("{}"))
        await _publish(store, live("{}", name="other"))
        await store.save_draft(draft(), 1)

        await store.save_configuration(ConfigurationChange({"courses": None}), 2)

        assert [] == await _states(store)
        assert [(1, PUBLISHED)] == await _states(store, "other")

    async def test_a_new_webhook_gets_another_name(self, store: Store) -> None:
        """A draft that was never live moves to another name, which must be free; a live webhook keeps its own."""
        await store.save_draft(draft(), 0)
        await store.save_draft(draft("taken"), 0)
        await _publish(store, live("{}", name="live"))

        assert await _is_refused(store.rename_draft(draft("taken"), "courses", 1), "taken")
        assert await _is_refused(store.rename_draft(draft("free"), "courses", 2), "version 1")
        assert await _is_refused(store.rename_draft(draft("free"), "live", 1), "keeps its name")
        moved = await store.rename_draft(draft("free", "[]"), "courses", 1)

        assert VersionDocument(moved, "[]") == await store.newest_version("free")
        assert ([], [(1, DRAFT)]) == (await _states(store), await _states(store, "free"))
        assert ["free", "taken"] == [one.webhook for one in await store.list_drafts()]

    async def test_the_newest_are_kept(self, store: Store) -> None:
        """Of more than the most versions the oldest go, but the live one stays."""
        await _publish(store, live("{}"))
        for number in range(1, MOST_VERSIONS + 3):
            await store.save_draft(draft(), number)

        newest = MOST_VERSIONS + 3
        kept = [number for number, _ in await _states(store)]
        assert [*range(newest, newest - MOST_VERSIONS, -1), 1] == kept
        assert [newest - 1] == [one.number for one in await store.list_versions("courses", 1, newest)]


class EditorCases:
    """What presence owes."""

    async def test_editors_see_each_other(self, store: Store) -> None:
        """Everybody who has a webhook open is told, by name, until their time is over or they leave."""
        anna, bert = Editor("anna", NOW + 10), Editor("bert", NOW + 20)

        assert [anna] == [*await store.see_editor("courses", anna, NOW)]
        assert [anna, bert] == [*await store.see_editor("courses", bert, NOW)]
        assert [anna] == [*await store.see_editor("other", anna, NOW)]
        assert [bert] == [*await store.see_editor("courses", bert, NOW + 10)]
        await store.editor_left("courses", "bert")
        again = Editor("anna", NOW + 30)
        assert [again] == [*await store.see_editor("courses", again, NOW)]
