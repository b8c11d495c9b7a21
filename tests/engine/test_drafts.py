"""Changing a webhook: nothing goes live by accident, nobody overwrites another unseen, and everything can be undone."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.documents import MASK
from hookstation.core.values import JSON
from hookstation.engine.drafts import LARGEST, PRESENCE
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.versions import VersionState
from tests.support.engine import FAR, Engine, engine, webhook

SECRET, OTHER = "the secret of a sender", "another secret of a sender"


def token(secret: str = SECRET) -> dict[str, JSON]:
    return {"type": "token", "header": "X-Token", "secret": secret}


def document(name: str = "courses", **more: Any) -> Any:
    """A whole document of a webhook."""
    return webhook(name, **more)


async def states(bench: Engine, name: str = "courses") -> list[tuple[int, str, str]]:
    return [(one.number, one.state.value, one.by) for one in await bench.store.list_versions(name, 100)]


async def saved_secret(bench: Engine, name: str = "courses") -> str:
    """What a call has to bring to the live webhook."""
    [proof] = [one.authentication for one in bench.board.webhooks([name]).values()]
    return str(proof.secret.reveal())  # type: ignore[union-attr]


class TestSaving:
    async def test_a_draft_of_a_new_webhook_is_kept_however_incomplete_and_nothing_is_live(self) -> None:
        async with engine() as bench:
            draft = await bench.drafts.save("courses", {"title": "Courses"}, 0, "anna", "first try")
            assert ({"name": "courses", "title": "Courses"}, 1, True) == (
                draft.document,
                draft.began,
                draft.is_draft,
            )
            assert not draft.may_be_published
            assert {("authentication",), ("action",)} == {one.path for one in draft.problems}
            assert bench.switchboard.named("courses") is None
            assert ["courses"] == [one.webhook for one in await bench.drafts.list()]

    async def test_what_is_there_is_checked_though_the_rest_is_missing(self) -> None:
        async with engine() as bench:
            wrong: Any = {"schema": {"type": "what"}, "access": {"rate": "often"}}
            draft = await bench.drafts.save("courses", wrong, 0, "anna")
            assert {"schema", "access", "authentication", "action"} == {
                str(one.path[0]) for one in draft.problems
            }

    async def test_the_mapping_is_checked_before_the_sender_is_chosen(self) -> None:
        async with engine() as bench:
            half = document(fields={"Nope": "x"})
            del half["authentication"]
            problems = await bench.drafts.check("courses", half)
            assert {("authentication",), ("action", "fields", "Nope")} == {one.path for one in problems}

    async def test_a_draft_of_a_live_webhook_leaves_it_alone(self) -> None:
        async with engine(webhook()) as bench:
            await bench.drafts.save("courses", document(title="new"), 1, "anna")
            assert "" == bench.board.webhooks(["courses"])["courses"].title
            assert [(2, "draft", "anna"), (1, "published", "")] == await states(bench)

    async def test_whoever_saves_second_is_told_who_was_first(self) -> None:
        async with engine(webhook()) as bench:
            await bench.drafts.save("courses", document(title="anna's"), 1, "anna")
            with pytest.raises(Conflict, match="anna saved version 2"):
                await bench.drafts.save("courses", document(title="bert's"), 1, "bert")
            assert "anna's" == (await bench.drafts.show("courses")).document["title"]

    async def test_a_change_by_another_door_is_seen_too(self) -> None:
        async with engine(webhook()) as bench:
            await bench.drafts.save("courses", document(title="anna's"), 1, "anna")
            await bench.apply(webhook(title="by a file"))
            with pytest.raises(Conflict):
                await bench.drafts.publish("courses", 2, "anna")
            shown = await bench.drafts.show("courses")
            assert (3, False, "by a file") == (shown.began, shown.is_draft, shown.document["title"])

    @pytest.mark.parametrize(
        ("name", "sent", "place"),
        [
            ("Courses", {}, ("name",)),
            ("courses", {"name": "other"}, ("name",)),
            ("courses", {"note": "x" * LARGEST}, ()),
            ("courses", {"authentication": {"type": "token", "secret": 1}}, ("authentication", "secret")),
            ("courses", {"authentication": {"secret": MASK}}, ("authentication", "secret")),
        ],
    )
    async def test_what_cannot_be_kept_is_refused_at_its_place(
        self, name: str, sent: Any, place: tuple[str, ...]
    ) -> None:
        async with engine() as bench:
            with pytest.raises(Invalid) as told:
                await bench.drafts.save(name, sent, 0, "anna")
            assert [place] == [one.path for one in told.value.problems]
            assert [] == await bench.drafts.list()

    async def test_nothing_is_shown_of_what_nobody_saved(self) -> None:
        async with engine() as bench:
            with pytest.raises(NotFound):
                await bench.drafts.show("courses")


class TestSecrets:
    async def test_a_secret_is_sealed_masked_and_kept_by_its_mask(self) -> None:
        async with engine() as bench:
            await bench.drafts.save("courses", document(authentication=token()), 0, "anna")
            shown = (await bench.drafts.show("courses")).document
            assert token(MASK) == shown["authentication"]
            again = await bench.drafts.save("courses", {**shown, "title": "new"}, 1, "anna")
            assert again.may_be_published
            kept = await bench.store.newest_version("courses")
            assert kept is not None
            assert SECRET not in kept.document
            await bench.drafts.publish("courses", 2, "anna")
            assert SECRET == await saved_secret(bench)

    async def test_a_mask_stands_for_what_is_shown_and_not_for_what_was_discarded(self) -> None:
        async with engine(webhook(authentication=token())) as bench:
            await bench.drafts.save("courses", document(authentication=token(OTHER)), 1, "anna")
            await bench.drafts.discard("courses", 2)
            await bench.drafts.save("courses", document(title="x", authentication=token(MASK)), 2, "anna")
            await bench.drafts.publish("courses", 3, "anna")
            assert SECRET == await saved_secret(bench)

    async def test_a_secret_is_sealed_whatever_the_type_is_said_to_be(self) -> None:
        async with engine() as bench:
            draft = await bench.drafts.save(
                "courses", {"authentication": {"type": "odd", "secret": SECRET}}, 0, "anna"
            )
            assert {"type": "odd", "secret": MASK} == draft.document["authentication"]
            kept = await bench.store.newest_version("courses")
            assert kept is not None
            assert SECRET not in kept.document

    async def test_an_empty_secret_is_none(self) -> None:
        async with engine() as bench:
            draft = await bench.drafts.save("courses", {"authentication": token("")}, 0, "anna")
            assert {"type": "token", "header": "X-Token"} == draft.document["authentication"]

    async def test_a_new_name_takes_the_secret_along(self) -> None:
        async with engine() as bench:
            await bench.drafts.save("courses", document(authentication=token()), 0, "anna")
            await bench.drafts.rename("courses", "classes", 1, "anna")
            await bench.drafts.publish("classes", 1, "anna")
            assert SECRET == await saved_secret(bench, "classes")
            with pytest.raises(NotFound):
                await bench.drafts.show("courses")


class TestPublishing:
    async def test_a_published_draft_is_live_with_its_author_and_note(self) -> None:
        async with engine() as bench:
            await bench.drafts.save("courses", document(), 0, "anna", "because")
            live = await bench.drafts.publish("courses", 1, "bert")
            assert (2, VersionState.PUBLISHED, "bert", "because") == (
                live.number,
                live.state,
                live.by,
                live.note,
            )
            assert 200 == (await bench.post("courses", {"id": "7"})).status
            assert [] == await bench.drafts.list()

    async def test_a_draft_with_problems_is_refused_with_all_of_them_at_their_fields(self) -> None:
        async with engine() as bench:
            await bench.drafts.save(
                "courses", document(fields={"Nope": "x", "Note": "$$missing$$"}), 0, "anna"
            )
            with pytest.raises(Invalid) as told:
                await bench.drafts.publish("courses", 1, "anna")
            assert {("action", "fields", "Nope"), ("action", "fields", "Note")} == {
                one.path for one in told.value.problems
            }
            assert bench.switchboard.named("courses") is None
            assert [(1, "draft", "anna")] == await states(bench)

    async def test_what_was_saved_since_it_was_looked_at_is_not_published(self) -> None:
        async with engine(webhook()) as bench:
            await bench.drafts.save("courses", document(title="seen"), 1, "anna")
            await bench.drafts.save("courses", document(title="unseen"), 2, "bert")
            with pytest.raises(Conflict, match="bert"):
                await bench.drafts.publish("courses", 2, "anna")
            assert "" == bench.board.webhooks(["courses"])["courses"].title

    async def test_without_an_open_draft_nothing_is_published(self) -> None:
        async with engine(webhook()) as bench:
            with pytest.raises(Conflict, match="no open draft"):
                await bench.drafts.publish("courses", 1, "anna")
            with pytest.raises(NotFound):
                await bench.drafts.publish("other", 0, "anna")

    async def test_a_draft_that_changes_nothing_is_over_once_it_is_published(self) -> None:
        async with engine(webhook(authentication=token())) as bench:
            shown = await bench.drafts.show("courses")
            await bench.drafts.save("courses", shown.document, 1, "anna")
            live = await bench.drafts.publish("courses", 2, "anna")
            assert 1 == live.number
            assert [(2, "discarded", "anna"), (1, "published", "")] == await states(bench)

    async def test_every_door_makes_a_version_and_a_new_url_makes_none(self) -> None:
        async with engine(webhook()) as bench:
            await bench.apply(webhook(title="one"))
            await bench.apply(webhook(title="one"))
            await bench.configurator.rotate("courses")
            assert [2, 1] == [number for number, _, _ in await states(bench)]

    async def test_a_deleted_webhook_leaves_its_events_and_no_version(self) -> None:
        async with engine(webhook()) as bench:
            await bench.post("courses", {"id": "7"})
            await bench.configurator.delete("webhook", "courses")
            assert ([], 1) == (await states(bench), len(await bench.events()))


class TestGoingBack:
    async def test_an_old_version_is_live_again_as_a_new_one(self) -> None:
        async with engine(webhook(title="old", authentication=token())) as bench:
            await bench.apply(webhook(title="new", authentication=token(OTHER)))
            live = await bench.drafts.roll_back("courses", 1, "anna")
            assert (3, "back to version 1") == (live.number, live.note)
            assert ("old", SECRET) == (
                bench.board.webhooks(["courses"])["courses"].title,
                await saved_secret(bench),
            )

    async def test_a_version_that_works_no_longer_does_not_come_back(self) -> None:
        async with engine(webhook("courses", "far"), connections=FAR) as bench:
            await bench.apply(webhook("courses"))
            await bench.configurator.delete("connection", "far")
            with pytest.raises(Invalid, match="far"):
                await bench.drafts.roll_back("courses", 1, "anna")
            assert "records" == bench.board.webhooks(["courses"])["courses"].connection

    async def test_nobody_goes_back_over_what_was_not_seen(self) -> None:
        async with engine(webhook()) as bench:
            await bench.apply(webhook(title="new"))
            with pytest.raises(Conflict):
                await bench.drafts.roll_back("courses", 1, "anna", began=1)
            with pytest.raises(NotFound):
                await bench.drafts.roll_back("courses", 9, "anna")


class TestHistory:
    async def test_two_versions_differ_setting_by_setting(self) -> None:
        async with engine(webhook(title="old", fields={"Note": "a"})) as bench:
            await bench.apply(webhook(note="why", fields={"Note": "b"}))
            found = await bench.changing.history.compare("courses", 1, 2)
            assert {
                ("title", "removed", "old", None),
                ("note", "added", None, "why"),
                ("action.fields.Note", "changed", "a", "b"),
            } == {(".".join(map(str, one.path)), one.verb.value, one.before, one.after) for one in found}

    async def test_of_a_secret_it_is_only_told_that_it_is_another(self) -> None:
        async with engine(webhook(authentication=token())) as bench:
            await bench.apply(webhook(authentication=token(OTHER)))
            await bench.apply(webhook(authentication=token(OTHER), title="x"))
            [one] = await bench.changing.history.compare("courses", 1, 2)
            assert (("authentication", "secret"), MASK, MASK) == (one.path, one.before, one.after)
            assert [("title",)] == [one.path for one in await bench.changing.history.compare("courses", 2, 3)]
            _, shown = await bench.changing.history.show("courses", 1)
            assert token(MASK) == shown["authentication"]

    async def test_what_is_not_kept_is_not_found(self) -> None:
        async with engine(webhook()) as bench:
            with pytest.raises(NotFound):
                await bench.changing.history.compare("courses", 1, 2)
            with pytest.raises(NotFound):
                await bench.changing.history.list("other", 10)


async def test_people_who_edit_see_each_other_until_they_are_gone() -> None:
    async with engine(webhook()) as bench:
        assert [] == await bench.drafts.see("courses", "anna")
        assert ["anna"] == [one.who for one in await bench.drafts.see("courses", "bert")]
        await bench.drafts.leave("courses", "bert")
        assert [] == await bench.drafts.see("courses", "anna")
        await bench.clock.advance(PRESENCE)
        assert [] == await bench.drafts.see("courses", "bert")


async def test_a_draft_is_the_same_on_every_node() -> None:
    async with engine(webhook()) as bench:
        other = await bench.another_node()
        await bench.drafts.save("courses", document(title="new"), 1, "anna")
        assert "new" == (await other.drafts.show("courses")).document["title"]
        await other.drafts.publish("courses", 2, "bert")
        await bench.board.refresh()
        assert "new" == bench.board.webhooks(["courses"])["courses"].title


async def test_a_duplicate_starts_without_secrets_and_disabled() -> None:
    async with engine(webhook(authentication=token())) as bench:
        copied = bench.drafts.duplicate("courses", "copy")
        assert ("copy", "disabled", {"type": "token", "header": "X-Token"}) == (
            copied["name"],
            copied["state"],
            copied["authentication"],
        )
        draft = await bench.drafts.save("copy", copied, 0, "anna")
        assert [("authentication", "secret")] == [one.path for one in draft.problems]
