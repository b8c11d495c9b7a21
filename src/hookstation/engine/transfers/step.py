"""The step that moves the rows of a transfer."""

from __future__ import annotations

from collections.abc import Callable

from hookstation.core.transfers.definitions import Transfer
from hookstation.core.transfers.progress import read_progress
from hookstation.core.values import JSON
from hookstation.core.workflows.values import Entry
from hookstation.engine.transfers.moving import Moving, Tools
from hookstation.engine.workflows.tasks import Done, Failed, Hands, Long, Lost, Task, Way
from hookstation.errors import ActionFailed, Invalid, MappingFailed, SecretError, Terminal


class MoveRows:
    """``move``: long work, which goes on from its last chunk. `read` makes a transfer of what its run keeps of it."""

    def __init__(self, tools: Tools, read: Callable[[JSON], Transfer]) -> None:
        self._tools, self._read = tools, read

    def begin(self, task: Task) -> Way:
        """The work."""
        try:
            transfer = self._read(task.settings.get("transfer"))
        except (Invalid, SecretError) as broken:
            return Failed(f"The transfer cannot be read as the run keeps it: {broken.message}")

        async def work(before: Entry | None, hands: Hands) -> Done:
            try:
                moving = Moving(self._tools, transfer, task.run, hands)
            except Invalid as broken:
                raise Terminal(f"The transfer cannot be done as it is: {broken.message}") from broken
            return await moving.move(before)

        async def give_up(detail: str) -> None:
            await self._give_up(task, transfer, detail)

        return Long(work, give_up)

    async def _give_up(self, task: Task, transfer: Transfer, detail: str) -> None:
        try:
            await Moving(self._tools, transfer, task.run, _Nobody()).give_up(read_progress(detail))
        except (ActionFailed, MappingFailed, Invalid):
            return


class _Nobody(Hands):
    """Whom there is nothing more to tell."""

    detail = ""
    stopping = False

    async def tell(self, detail: str, *, hashes: object = None, effect: object = None) -> None:  # noqa: ARG002
        raise Lost
