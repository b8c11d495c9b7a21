"""Columns of rows: chosen, renamed, made by templates, and constant ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

from hookstation.core.outgoing.trees import Make, compile_tree
from hookstation.core.template import MISSING
from hookstation.core.transfers.definitions import Column
from hookstation.core.values import JSON
from hookstation.core.workflows.scope import RunScope, compile_run_template
from hookstation.errors import Invalid, MappingFailed, Problem

Row: TypeAlias = Mapping[str, JSON]
ScopeOf: TypeAlias = Callable[[JSON, int], RunScope]


class Columns:
    """Makes rows of rows; safe to share. `names`: the columns that come out, in order."""

    def __init__(self, made: Sequence[tuple[str, str, Make | None]], constants: Mapping[str, JSON]) -> None:
        self._plain = tuple((name, source) for name, source, make in made if make is None)
        self._made = tuple((name, make) for name, _, make in made if make is not None)
        self._constants = dict(constants)
        self.names = tuple(dict.fromkeys([*(name for name, _, _ in made), *constants]))

    def select(self, rows: Iterable[Row], scope: RunScope, first: int = 0) -> list[dict[str, JSON]]:
        """The rows that come out; a column that is not there is null.

        `first`: the index of the first row.  Raises `MappingFailed` naming the row, from 1 on, and the column.
        """
        if not self._made:
            return [self._picked(row) for row in rows]
        of = scope.rows()
        return [self._filled(row, of, index) for index, row in enumerate(rows, first)]

    def _picked(self, row: Row) -> dict[str, JSON]:
        get = row.get
        picked = {name: get(source) for name, source in self._plain}
        picked.update(self._constants)
        return picked

    def _filled(self, row: Row, of: ScopeOf, index: int) -> dict[str, JSON]:
        scope = of(dict(row), index)
        found = self._picked(row)
        for name, make in self._made:
            try:
                value = make(scope)
            except MappingFailed as failed:
                raise MappingFailed(f"row {index + 1:,}", f"“{name}”: {failed.reason}") from failed
            found[name] = None if value is MISSING else value
        return {name: found[name] for name in self.names}


def compile_columns(columns: Sequence[Column], constants: Mapping[str, JSON] | None = None) -> Columns:
    """Compile the columns' templates. Raises `Invalid` with every mistake; paths begin at the list of columns."""
    problems: list[Problem] = []
    made: list[tuple[str, str, Make | None]] = []
    for index, column in enumerate(columns):
        make = None
        if column.value is not None:
            try:
                make = compile_tree(column.value, compile_run_template)
            except Invalid as refusal:
                problems += [problem.under(index, "value") for problem in refusal.problems]
        made.append((column.name, column.source or column.name, make))
    if problems:
        raise Invalid(problems)
    return Columns(made, constants or {})
