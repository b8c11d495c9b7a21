"""Words in records: every word somewhere, in either case; a page at a time, going on where it ended."""

from __future__ import annotations

from hookstation.engine.browsing import Browse
from tests.support.engine import PANEL, engine, upsert


async def test_each_word_stands_in_some_field_in_either_case() -> None:
    async with engine(upsert(), panels=[PANEL]) as bench:
        for person, code in (("1", "SAFE"), ("12", "Risk"), ("2", "SAFE")):
            await bench.post("panel", {"id": person, "note": code})
        browse = Browse(bench.store)
        for text, count in (("", 3), ("safe", 2), ("RISK 12", 1), ("safe 12", 0), ("1", 3)):
            found = await browse.search("Courses", text, 10)
            assert (count, "") == (len(found.records), found.after), text


async def test_pages_follow_one_another_without_a_gap() -> None:
    async with engine(upsert(), panels=[PANEL]) as bench:
        for person in range(7):
            await bench.post("panel", {"id": str(person), "note": "SAFE"})
        browse, seen, after = Browse(bench.store), [], ""
        for _ in range(4):
            found = await browse.search("Courses", "safe", 2, after)
            seen += [one.key for one in found.records]
            after = found.after
        assert (7, "") == (len(set(seen)), after)
