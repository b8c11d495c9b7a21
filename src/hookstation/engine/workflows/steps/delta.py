"""Rows that are new or changed since the last run that succeeded."""

from __future__ import annotations

from hookstation.core.values import JSON
from hookstation.core.workflows.delta import Delta as Comparison
from hookstation.core.workflows.values import Hashes
from hookstation.engine.workflows.steps.reading import names, rows
from hookstation.engine.workflows.tasks import Done, Outside, Task, Way
from hookstation.errors import Terminal
from hookstation.ports.runs import Runs


class Delta:
    """``delta``: of the rows those whose hash is another one than before; a key that is there twice counts once."""

    def __init__(self, store: Runs) -> None:
        self._store = store

    def begin(self, task: Task) -> Way:
        """A look at the hashes that count."""
        given = rows(task.settings, "rows")
        key, columns = names(task.settings, "key"), names(task.settings, "columns")
        if not key:
            raise Terminal("“key” is empty: it names the columns by which a row is known again.")
        owner = f"{task.run.workflow}/{task.step.name}"
        comparison = Comparison(key, columns)
        by_key = comparison.by_key(given)

        async def call() -> Done:
            known = await self._store.known_hashes(owner, list(by_key))
            changed, hashes = comparison.changed(by_key, known)
            output: list[JSON] = [dict(row) for row in changed]
            return Done(output, hashes=Hashes(owner, hashes))

        return Outside(call, reads=True)
