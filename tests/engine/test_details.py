"""The details of an event: its stages, where each value came from, and failures like it."""

from __future__ import annotations

from hookstation.engine.details import kind_of_failure
from tests.support.engine import engine, webhook

FIELDS = {"Note": "{{ note | upcase }} of $$id$$", "Category": "$$missing$$", "SourceCode": "{{ event_id }}"}


async def test_each_value_is_traced_to_the_template_and_the_payload() -> None:
    async with engine(webhook(schema=True, fields=FIELDS)) as bench:
        await bench.post("courses", {"id": "7", "note": "ada"})
        event = await bench.last()
        details = await bench.remedies.explain.explain(event.id)
        origins = {one.field: one for one in details.mapped.origins}
        note = origins["NOTE"]
        assert ("{{ note | upcase }} of $$id$$", "ADA of 7") == (note.template, note.value)
        assert [("note", True, "ada"), ("id", True, "7")] == [
            (source.path, source.found, source.value) for source in note.sources
        ]
        assert (False, [False]) == (
            origins["CATEGORY"].written,
            [source.found for source in origins["CATEGORY"].sources],
        )
        assert [True] == [source.own for source in origins["SOURCE_CODE"].sources]
        assert (None, True) == (
            origins["TRANSACTION_DATE"].template,
            origins["TRANSACTION_DATE"].written,
        )
        assert "TEST" == origins["ACTIVITY_TYPE"].template
        assert ["verify", "decode", "schema", "map"] == [stage.stage for stage in details.stages]


async def test_what_cannot_be_mapped_says_why() -> None:
    async with engine(webhook(fields={"Category": "$$note$$"})) as bench:
        await bench.post("courses", {"id": "7", "note": "x" * 300})
        details = await bench.remedies.explain.explain((await bench.last()).id)
        assert (None, True) == (details.mapped.record, "CATEGORY" in details.mapped.why)


async def test_failures_of_the_same_kind_within_a_day_are_similar() -> None:
    async with engine(webhook(fields={"Category": "$$note$$"}), webhook("other")) as bench:
        for length in (300, 301, 302):
            await bench.post("courses", {"id": "7", "note": "x" * length})
            await bench.clock.advance(1)
        last = await bench.last()
        details = await bench.remedies.explain.explain(last.id)
        assert 2 == len(details.similar)
        assert {kind_of_failure(last)} == {kind_of_failure(one) for one in details.similar}
        await bench.clock.advance(2 * 86_400)
        assert [] == list((await bench.remedies.explain.explain(last.id)).similar)
