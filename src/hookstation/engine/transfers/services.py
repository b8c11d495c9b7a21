"""What people ask of transfers: how they stand, a run now, how far it is, and what would leave."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.documents.transfer import encode_transfer
from hookstation.core.jsontext import dump_json
from hookstation.core.transfers.definitions import Transfer, TransferState
from hookstation.core.transfers.pipeline import Pipeline
from hookstation.core.transfers.progress import Progress, read_progress
from hookstation.core.transfers.workflow import MOVE
from hookstation.core.values import JSON
from hookstation.core.workflows.values import ENDED, Run, RunState, Standing
from hookstation.engine.transfers.moving import Tools, chunks_of, known, owner_of, scope_of
from hookstation.engine.transfers.plans import TransferPlans
from hookstation.engine.transfers.sources import without
from hookstation.engine.workflows.ended import Ended
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.engine.workflows.start import Origin, Starting
from hookstation.errors import NotFound
from hookstation.ports.clock import Clock
from hookstation.ports.log import EventLog
from hookstation.ports.rows import Row
from hookstation.ports.runs import RunFilter

KIND: Final = "transfers"
"""The kind of thing that a transfer is, as standings name it."""

MOST_PREVIEWED: Final = 200
LOOKED_THROUGH: Final = 1_000
"""Rows of the source that a preview looks through for those that would leave."""

LONGEST_WAIT: Final = 60.0

Save: TypeAlias = Callable[[JSON, str, str], Awaitable[None]]
"""Puts a transfer's document live, secrets masked, by whom and with which note. Raises `Invalid`, `Conflict`."""


@dataclass(frozen=True, slots=True)
class TransferStanding:
    """A transfer as lists show it. `last`: its newest run."""

    transfer: Transfer
    standing: Standing
    last: Run | None


@dataclass(frozen=True, slots=True)
class TransferProgress:
    """How far a run of a transfer is.

    `read`: rows of its source that are behind it; `of`: rows that the source has, 0 where that is not known.  `rows`,
    `chunks` and `bytes`: what has left.  `path`: the file that is being written.
    """

    run: Run
    read: int = 0
    of: int = 0
    rows: int = 0
    chunks: int = 0
    bytes: int = 0
    path: str = ""

    @property
    def state(self) -> RunState:
        """How the run stands."""
        return self.run.state

    @property
    def ended(self) -> bool:
        """Whether nothing more comes."""
        return self.run.state in ENDED


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows as they would leave. `read`: rows of the source that were looked through for them.

    `text`: how they are written; of what is packed or encrypted, before that.
    """

    columns: tuple[str, ...]
    rows: Sequence[Row]
    text: str
    read: int


class Transfers:
    """What people do with transfers."""

    def __init__(
        self,
        plans: TransferPlans,
        tools: Tools,
        live: Callable[[], Mapping[str, Transfer]],
        starting: Starting,
        ended: Ended,
        clock: Clock,
        event_log: EventLog,
        save: Save,
    ) -> None:
        self._plans, self._tools, self._live, self._starting = plans, tools, live, starting
        self._store, self._ended, self._clock = tools.store, ended, clock
        self._event_log, self._save = event_log, save

    def named(self, name: str) -> Transfer:
        """One transfer. Raises `NotFound`."""
        return self._plans.named(name)

    async def all(self) -> list[TransferStanding]:
        """Every transfer, by name."""
        return await self.these(self._live())

    async def these(self, names: Iterable[str]) -> list[TransferStanding]:
        """Those with these names that there are, by name."""
        standings, known = await self._store.standings(KIND), self._live()
        return [await self._show(known[name], standings) for name in sorted(names) if name in known]

    async def one(self, name: str) -> TransferStanding:
        """How one stands. Raises `NotFound`."""
        return await self._show(self.named(name), await self._store.standings(KIND))

    async def run(self, name: str, who: str, input_: JSON = None, *, wait: float = 0.0) -> Run:
        """Begin a run by hand; after at most `wait` seconds, how it stands.

        Raises `NotFound`, `Conflict` where it is not active, `Invalid` for an input that is too large.
        """
        start = self._starting.begin(TRANSFER + name, input_, Origin(f"manual:{who}"))
        await self._store.start_runs([start])
        self._event_log.write("run_begun", run_id=start.run.id, workflow=start.run.workflow, by=who)
        if wait <= 0:
            return start.run
        await self._ended.wait(start.run.id, min(wait, LONGEST_WAIT))
        return await self._store.get_run(start.run.id) or start.run

    async def progress(self, run_id: str) -> TransferProgress:
        """How far a run is. Raises `NotFound`, for the run of a workflow too."""
        run = await self._store.get_run(run_id)
        if run is None or not run.workflow.startswith(TRANSFER):
            raise NotFound("run of a transfer", run_id)
        entries = await self._store.list_entries(run_id, 100, under=MOVE)
        far = read_progress(entries[-1].detail) if entries else Progress()
        far = far.back or far
        return TransferProgress(run, far.read, far.of, far.rows, far.chunks, far.bytes, far.path)

    async def preview(self, transfer: str | Transfer, count: int = 20, input_: JSON = None) -> Preview:
        """The first rows that would leave now; nothing is written anywhere.

        Raises `NotFound`, `Invalid`, `ActionFailed` where the source cannot be read, `MappingFailed`.
        """
        one = self.named(transfer) if isinstance(transfer, str) else transfer
        run = self._made_up(one, input_)
        pipeline, count = Pipeline(one, scope_of(run)), min(count, MOST_PREVIEWED)
        read, found = 0, list[Row]()
        opened = await self._tools.sources.open(
            one.source, scope_of(run), Progress(), LOOKED_THROUGH, run.created_at
        )
        async with aclosing(chunks_of(opened, Progress(), LOOKED_THROUGH)) as chunks:
            async for chunk in chunks:
                rows = await self._changed(one, pipeline, chunk.rows)
                if opened.aside and not one.columns:
                    rows = without(rows, opened.key)
                found, read = [*pipeline.out(rows[:count], 0)], len(chunk.rows)
                break
        written = pipeline.whole(found) if found else b""
        text = written.decode(pipeline.layout.encoding)
        return Preview(tuple(found[0]) if found else (), found, text, read)

    async def enable(self, name: str, who: str) -> None:
        """Let runs begin again of one that is not active. Raises `NotFound`, `Conflict`."""
        await self.set_state(name, TransferState.ACTIVE, who)

    async def set_state(self, name: str, state: TransferState, who: str) -> None:
        """Publish it with another state. Raises `NotFound`, `Invalid`, `Conflict`."""
        transfer = self.named(name)
        if transfer.state is state:
            return
        document = encode_transfer(replace(transfer, state=state), PersonSecrets())
        await self._save(document, who, f"state: {state.value}")
        self._event_log.write("transfer_state", transfer=name, state=state.value, by=who)

    async def _changed(self, transfer: Transfer, pipeline: Pipeline, rows: Sequence[Row]) -> Sequence[Row]:
        if pipeline.delta is None:
            return rows
        by_key = pipeline.delta.by_key(rows)
        fresh, _ = pipeline.delta.changed(by_key, await known(self._store, owner_of(transfer), list(by_key)))
        return fresh

    def _made_up(self, transfer: Transfer, input_: JSON) -> Run:
        name, now = TRANSFER + transfer.name, self._clock.now()
        return Run("preview", name, 0, RunState.RUNNING, "manual:preview", now, dump_json(input_))

    async def _show(self, transfer: Transfer, standings: Mapping[str, Standing]) -> TransferStanding:
        name = transfer.name
        page = await self._store.list_runs(RunFilter(workflow=TRANSFER + name), 1)
        return TransferStanding(
            transfer,
            standings.get(name, Standing(KIND, name)),
            page.items[0] if page.items else None,
        )
