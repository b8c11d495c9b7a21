"""Lines by token: compiled on the first call, within bounds, replaced as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.core.access import RateLimit
from hookstation.core.definitions import WebhookState
from hookstation.engine.switchboard import Line, Switchboard
from hookstation.errors import Invalid, Problem


class Compiling:
    """Counts how often each line was compiled."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def line(self, name: str, rate: RateLimit | None = None) -> Line:
        def make() -> Any:
            self.made.append(name)
            return f"{name} compiled"

        return Line(name, WebhookState.ACTIVE, f"token of {name}", rate, make)


def compiled(board: Switchboard, line: Line) -> Any:
    """What stands for the compiled webhook here: a text."""
    return board.compiled(line)


def names(board: Switchboard) -> list[str]:
    """Lines that are compiled now."""
    return [line.name for line in board.lines() if line.compiled is not None]


def test_a_line_is_compiled_on_its_first_call_and_only_then() -> None:
    compiling, board = Compiling(), Switchboard()
    board.replace([compiling.line("a"), compiling.line("b")])
    line = board.find("token of a")
    assert line is not None
    assert ["a compiled", "a compiled"] == [compiled(board, line), compiled(board, line)]
    assert ["a"] == compiling.made
    assert (None, None) == (board.find("other"), board.named("other"))


def test_a_line_that_cannot_be_compiled_is_tried_at_each_call() -> None:
    def make() -> Any:
        raise Invalid([Problem((), "no")])

    board = Switchboard()
    line = Line("a", WebhookState.ACTIVE, "t", None, make)
    board.replace([line])
    for _ in range(2):
        with pytest.raises(Invalid):
            board.compiled(line)


def test_the_newest_stays_where_everything_was_called_since_the_last_sweep() -> None:
    """The call that fills the board gets its webhook like every other."""
    compiling, board = Compiling(), Switchboard(most_compiled=2)
    lines = [compiling.line(name) for name in "abc"]
    board.replace(lines)
    assert ["a compiled", "b compiled", "c compiled"] == [compiled(board, line) for line in lines]
    assert ["b", "c"] == names(board)


def test_what_was_called_since_the_last_sweep_outlives_what_was_not() -> None:
    compiling, board = Compiling(), Switchboard(most_compiled=3)
    lines = {name: compiling.line(name) for name in "abcde"}
    board.replace(lines.values())
    for name in "abcd":
        board.compiled(lines[name])
    assert ["b", "c", "d"] == names(board)
    board.compiled(lines["b"])
    board.compiled(lines["e"])
    assert ["b", "d", "e"] == names(board)


def test_no_more_than_the_most_are_ever_compiled() -> None:
    compiling, board = Compiling(), Switchboard(most_compiled=5)
    lines = [compiling.line(str(number)) for number in range(40)]
    board.replace(lines)
    for turn in range(200):
        assert board.compiled(lines[turn * 7 % 40]) is not None
        assert len(names(board)) <= 5


def test_replacing_keeps_lines_that_stay_and_bounds_them_still() -> None:
    compiling, board = Compiling(), Switchboard(most_compiled=2)
    a, b, c = (compiling.line(name) for name in "abc")
    board.replace([a, b])
    board.compiled(a)
    board.compiled(b)
    board.replace([b, c])
    assert board.find("token of a") is None
    assert b.compiled is not None
    board.compiled(c)
    assert ["b", "c"] == names(board)
    assert ["a", "b", "c"] == compiling.made


def test_a_changed_line_keeps_counting_against_the_same_rate() -> None:
    """A new title is no new allowance."""
    compiling, board = Compiling(), Switchboard()
    board.replace([compiling.line("a", RateLimit(1, 60))])
    line = board.named("a")
    assert line is not None
    assert line.rate is not None
    assert 0 == line.rate.allow(0)
    board.replace([same := compiling.line("a", RateLimit(1, 60))])
    assert same.rate is line.rate
    board.replace([other := compiling.line("a", RateLimit(2, 60))])
    assert other.rate is not None
    assert 0 == other.rate.allow(1)


def test_a_new_token_kills_the_old_one() -> None:
    compiling, board = Compiling(), Switchboard()
    board.replace([compiling.line("a")])
    renewed = compiling.line("a")
    renewed.token = "new"
    board.replace([renewed])
    assert (None, renewed) == (board.find("token of a"), board.find("new"))
