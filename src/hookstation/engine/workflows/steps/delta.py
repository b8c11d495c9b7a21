"""Rows that are new or changed since the last run that succeeded."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

from hookstation.core.jsontext import dump_json
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Hashes
from hookstation.engine.workflows.steps.reading import names, rows
from hookstation.engine.workflows.tasks import Done, Outside, Task, Way
from hookstation.errors import Terminal
from hookstation.ports.runs import Runs

LONGEST_KEY: Final = 200
DIGEST: Final = 16


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
        by_key = {key_of(row, key): row for row in given}
        hashes = {name: digest_of(row, columns) for name, row in by_key.items()}

        async def call() -> Done:
            known = await self._store.known_hashes(owner, list(hashes))
            changed = {name: value for name, value in hashes.items() if known.get(name) != value}
            output: JSON = [by_key[name] for name in changed]
            return Done(output, hashes=Hashes(owner, changed))

        return Outside(call, reads=True)


def key_of(row: dict[str, JSON], key: tuple[str, ...]) -> str:
    """The text by which a row is known again. Raises `Terminal` for a row without it."""
    for name in key:
        if row.get(name) is None:
            raise Terminal(f"A row has no “{name}”, by which it would be known again.")
    written = dump_json([row[name] for name in key])
    if len(written) <= LONGEST_KEY:
        return written
    return blake2b(written.encode(), digest_size=32).hexdigest()


def digest_of(row: dict[str, JSON], columns: tuple[str, ...]) -> bytes:
    """What changes with the row. `columns`: those that count, empty for all; their order does not."""
    counted = {name: row.get(name) for name in columns} if columns else row
    written = dump_json(dict(sorted(counted.items())))
    return blake2b(written.encode(), digest_size=DIGEST).digest()
