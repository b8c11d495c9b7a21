"""A connection tried before it is saved: up to the first step that fails, and nothing stays of it."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.engine.trying import Trying
from hookstation.errors import Invalid, NeedsAuth
from tests.support.engine import UNFIT, engine

NEW: Any = {"name": "new", "type": "scripted", "url": "http://new", "password": "words"}


async def test_all_steps_of_one_that_works_and_it_is_let_go_of() -> None:
    async with engine() as bench:
        steps = await Trying(bench.configurator).attempt(NEW)
        assert [("Settings", True), ("Sign in", True), ("Read", True)] == [
            (one.name, one.passed) for one in steps
        ]
        assert "new" not in bench.board.connections
        assert all(one.closed for one in bench.built if one.name == "new")


async def test_it_ends_at_the_step_that_fails_with_what_the_target_said() -> None:
    async with engine() as bench:
        bench.far.refusal = NeedsAuth("The password is refused.", detail="It is the 3rd time.")
        *_, last = await Trying(bench.configurator).attempt(NEW)
        assert ("Sign in", False) == (last.name, last.passed)
        assert "The password is refused. It is the 3rd time." == last.detail


@pytest.mark.parametrize(
    ("change", "pointer"),
    [({"url": UNFIT}, "/password"), ({"url": "ftp://x"}, "/url"), ({"name": "records"}, "/name")],
)
async def test_what_is_wrong_with_the_settings_is_told_before_the_target_is_asked(
    change: dict[str, str], pointer: str
) -> None:
    async with engine() as bench:
        with pytest.raises(Invalid) as refused:
            await Trying(bench.configurator).attempt({**NEW, **change})
        assert [pointer] == [one.pointer for one in refused.value.problems]
        assert [] == bench.far.executed
