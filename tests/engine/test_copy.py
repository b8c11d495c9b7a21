"""Copying everything, on real files: where it may begin, where it goes on, what it finds when it compares."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from hookstation.adapters.store.copying import SqliteCopying, open_sqlite_to_copy
from hookstation.core.copying import COPIED, FACTS, UNFINISHED, Row, Table
from hookstation.engine.copy import Copied, Phase, Progress, copy
from hookstation.errors import Conflict, StoreUnavailable
from hookstation.ports.copying import CopyTarget
from tests.support.copying import everything, fill

BATCH = 5


class Failing:
    """A target whose database is lost when so many batches were written; `after_commit`: the last one stands."""

    def __init__(self, target: CopyTarget, batches: int, *, after_commit: bool) -> None:
        self._target, self._left, self._after_commit = target, batches, after_commit

    def __getattr__(self, name: str) -> object:
        return getattr(self._target, name)

    async def write(self, table: Table, rows: Sequence[Row], before: str, after: str) -> None:
        """Write it, or be lost."""
        self._left -= 1
        if self._left >= 0 or self._after_commit:
            await self._target.write(table, rows, before, after)
        if self._left < 0:
            raise StoreUnavailable


def quiet(_: Progress) -> None:
    """Nobody looks."""


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with odd things in it, which nobody changes."""
    path = tmp_path_factory.mktemp("filled") / "hookstation.db"
    asyncio.run(fill(path))
    return path


@pytest.fixture
async def source(filled: Path) -> AsyncIterator[SqliteCopying]:
    opened = await open_sqlite_to_copy(filled, "source")
    yield opened
    await opened.close()


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[SqliteCopying]:
    opened = await open_sqlite_to_copy(tmp_path / "target" / "hookstation.db", "target")
    yield opened
    await opened.close()


async def lost(source: SqliteCopying, target: SqliteCopying, batches: int, *, after_commit: bool) -> None:
    """Copy until the target is lost."""
    failing = Failing(target, batches, after_commit=after_commit)
    with pytest.raises(StoreUnavailable):
        await copy(source, failing, quiet, BATCH)  # type: ignore[arg-type]


@pytest.mark.parametrize("after_commit", [False, True])
async def test_broken_off_at_any_batch_it_goes_on_and_doubles_nothing(
    source: SqliteCopying, target: SqliteCopying, after_commit: bool
) -> None:
    """Each run is lost a few batches on, until one comes to the end: both sides are the same then."""
    for batches in (0, 1, 2, 3, 5, 8, 13):
        await lost(source, target, batches, after_commit=after_commit)
        assert await target.get_fact(UNFINISHED) or batches == 0
    copied = await copy(source, target, quiet, BATCH)
    assert [] == copied.differing
    assert await everything(source) == await everything(target)
    assert ("", True) == (await target.get_fact(UNFINISHED), bool(await target.get_fact(COPIED)))


async def test_a_finished_copy_is_not_made_again(source: SqliteCopying, target: SqliteCopying) -> None:
    """What the new station has done since stays untouched."""
    await copy(source, target, quiet)
    await target.write(FACTS, [("new", "since")], "", "x")
    await target.write(FACTS, [], "x", "")
    assert Copied(before=True) == await copy(source, target, quiet)
    assert "since" == await target.get_fact("new")


async def test_what_differs_is_named_and_the_target_stays_unfinished(
    source: SqliteCopying, target: SqliteCopying
) -> None:
    await lost(source, target, 30, after_commit=True)
    standing = await target.get_fact(UNFINISHED)
    await target.write(FACTS, [("odd", "one out"), ("master_key_fingerprint", "x")], standing, standing)
    copied = await copy(source, target, quiet, BATCH)
    assert ["facts"] == copied.differing
    assert (1, 2) == (copied.tables["facts"].source_rows, copied.tables["facts"].target_rows)
    assert await target.get_fact(UNFINISHED)


async def test_progress_never_goes_back_and_comes_to_the_end(
    source: SqliteCopying, target: SqliteCopying
) -> None:
    told: list[Progress] = []
    await lost(source, target, 10, after_commit=False)
    await copy(source, target, told.append, BATCH)
    for phase in Phase:
        done = [one.done for one in told if one.phase is phase]
        assert done == sorted(done)
    assert [Phase.COPYING, Phase.CHECKING] == sorted({one.phase for one in told}, reverse=True)
    assert (told[-1].total, told[-1].total) == (
        told[-1].done,
        sum(map(len, (await everything(source)).values())) * 2,
    )


async def test_a_target_with_other_data_is_refused(
    source: SqliteCopying, target: SqliteCopying, tmp_path: Path
) -> None:
    """Whether it is somebody's data, another copy that is finished, or one that is not."""
    await target.write(FACTS, [("station", "another")], "", "x")
    await target.write(FACTS, [], "x", "")
    with pytest.raises(Conflict, match=r"holds other data already \(facts\)"):
        await copy(source, target, quiet)
    other = await open_sqlite_to_copy(tmp_path / "other" / "hookstation.db", "target")
    try:
        await lost(source, other, 10, after_commit=True)
        with pytest.raises(Conflict, match="source is itself the target"):
            await copy(other, target, quiet)
        with pytest.raises(Conflict, match="unfinished copy of another database"):
            await copy(target, other, quiet)
        await copy(source, other, quiet)
        with pytest.raises(Conflict, match="holds other data already"):
            await copy(target, other, quiet)
    finally:
        await other.close()


async def test_a_target_that_only_knows_the_same_key_is_empty(
    source: SqliteCopying, target: SqliteCopying
) -> None:
    """A node that was started on it too early, with the right key, does no harm."""
    fingerprint = await source.get_fact("master_key_fingerprint")
    await target.write(FACTS, [("master_key_fingerprint", fingerprint)], "", "x")
    await target.write(FACTS, [], "x", "")
    assert [] == (await copy(source, target, quiet)).differing


async def test_a_database_is_not_copied_into_itself(source: SqliteCopying) -> None:
    with pytest.raises(Conflict, match="same database"):
        await copy(source, source, quiet)


class Served:
    """A database on which a station works: from the beginning, or from its `look` on."""

    def __init__(self, database: CopyTarget, look: int = 1) -> None:
        self._database, self._looks, self._look = database, 0, look

    def __getattr__(self, name: str) -> object:
        return getattr(self._database, name)

    async def stations(self) -> Sequence[str]:
        """Who works on it."""
        self._looks += 1
        return ["all at 127.0.0.1:8080"] if self._looks >= self._look else []


@pytest.mark.parametrize("look", [1, 2])
async def test_nothing_is_written_under_a_station(
    source: SqliteCopying, target: SqliteCopying, look: int
) -> None:
    """Also where it comes in the very moment in which the copy begins."""
    with pytest.raises(Conflict, match=r"works on the target \(all at 127.0.0.1:8080\)"):
        await copy(source, Served(target, look), quiet)  # type: ignore[arg-type]
    assert "" == await target.get_fact(UNFINISHED)


async def test_a_station_on_the_source_is_refused_at_the_beginning_and_at_the_end(
    source: SqliteCopying, target: SqliteCopying
) -> None:
    for look in (1, 2):
        with pytest.raises(Conflict, match="works on the source"):
            await copy(Served(source, look), target, quiet)  # type: ignore[arg-type]
    assert await target.get_fact(UNFINISHED)
