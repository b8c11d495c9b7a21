"""Fix and replay: an edited copy goes in as an event of its own; the original stays; who did it and why is kept."""

from __future__ import annotations

import pytest

from hookstation.core.events import State
from hookstation.engine.fix import EDIT_NOTE, EDITED_BY, EDITED_FROM
from hookstation.errors import BodyRefused, Conflict, Invalid
from tests.support.engine import Engine, engine, webhook

KEPT = webhook(keep_rejected_bodies=True, duplicates={"key": "header:x-id"})
WHO, NOTE = "Ada", "The id was a number."


async def rejected(bench: Engine) -> str:
    assert 400 == (await bench.post("courses", {"id": 7}, x_id="k")).status
    return (await bench.last()).id


async def test_an_edited_copy_is_written_and_linked_and_the_original_stays() -> None:
    async with engine(KEPT) as bench:
        original = await rejected(bench)
        before = await bench.store.get_event(original)
        await bench.clock.advance(1)
        fixed = await bench.remedies.fix.fix(original, b'{"id": "7"}', NOTE, WHO)
        copy = await bench.last()
        assert (200, copy.id, State.SUCCEEDED) == (fixed.answer.status, fixed.event_id, copy.state)
        assert {EDITED_FROM: original, EDITED_BY: WHO, EDIT_NOTE: NOTE, "x-id": "k"} == dict(copy.headers)
        assert (before, [copy.id]) == (
            await bench.store.get_event(original),
            await bench.remedies.fix.copies(original),
        )
        assert ["7"] == [record["ID"] for record in await bench.records()]
        assert [(copy.id, original, WHO, NOTE)] == [
            (line["event_id"], line["edited_from"], line["by"], line["note"])
            for line in bench.log.told("payload_edited")
        ]
        repeated = await bench.post("courses", {"id": "7"}, x_id="k")
        assert (409, 1) == (repeated.status, len(await bench.records())) or 200 == repeated.status


async def test_a_copy_is_checked_by_the_schema_like_any_call() -> None:
    async with engine(KEPT) as bench:
        original = await rejected(bench)
        await bench.clock.advance(1)
        fixed = await bench.remedies.fix.fix(original, b'{"id": 8}', NOTE, WHO)
        assert (400, State.REJECTED) == (fixed.answer.status, (await bench.last()).state)


async def test_what_succeeded_is_edited_only_where_it_is_meant() -> None:
    async with engine(webhook()) as bench:
        await bench.post("courses", {"id": "1"})
        original = (await bench.last()).id
        with pytest.raises(Conflict, match="--again"):
            await bench.remedies.fix.fix(original, b'{"id": "2"}', NOTE, WHO)
        fixed = await bench.remedies.fix.fix(original, b'{"id": "2"}', NOTE, WHO, again=True)
        assert 200 == fixed.answer.status


@pytest.mark.parametrize("note", ["", "  ", "x" * 501, "two\nlines"])
async def test_a_note_says_why(note: str) -> None:
    async with engine(KEPT) as bench:
        with pytest.raises(Invalid, match="why the payload is changed"):
            await bench.remedies.fix.fix(await rejected(bench), b"{}", note, WHO)


async def test_a_body_that_cannot_be_read_is_refused_before_anything_is_journalled() -> None:
    async with engine(KEPT) as bench:
        original = await rejected(bench)
        with pytest.raises(BodyRefused):
            await bench.remedies.fix.fix(original, b"{", NOTE, WHO)
        assert 1 == len(await bench.events())
