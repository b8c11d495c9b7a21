"""Rows are moved: chunk by chunk out of the source, through the pipeline, to the destination.

Turn by turn it is said how far both sides are, so that whoever takes the transfer over goes on behind that chunk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, NamedTuple, assert_never

from msgspec import structs

from hookstation.core.records import Effect, EffectResult
from hookstation.core.transfers.definitions import FileTarget, How, HttpTarget, MailTarget, Transfer
from hookstation.core.transfers.pipeline import Pipeline, digest_after
from hookstation.core.transfers.progress import Progress, key_text, read_progress, written_progress
from hookstation.core.values import JSON
from hookstation.core.workflows.history import run_facts
from hookstation.core.workflows.scope import RunScope, first_frame
from hookstation.core.workflows.values import Entry, Hashes, Run
from hookstation.engine.targets import Targets
from hookstation.engine.transfers.each_row import OTHER_ROWS, EachRow
from hookstation.engine.transfers.file_targets import FilePerChunk, OneFile
from hookstation.engine.transfers.outcalls import OutCalls
from hookstation.engine.transfers.sources import Opened, Sources, without
from hookstation.engine.transfers.taking import Job, Taker
from hookstation.engine.transfers.together import AllAtOnce, ByCall, ByMail, EachChunk
from hookstation.engine.workflows.fitting import Fitting
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.engine.workflows.tasks import Done, GivenBack, Hands
from hookstation.engine.workflows.texts import read_text
from hookstation.errors import ActionFailed, MappingFailed, Retriable, Terminal, UnknownOutcome
from hookstation.ports.clock import Clock
from hookstation.ports.encrypting import Encrypting
from hookstation.ports.rows import Row
from hookstation.ports.store import Store

TELL_EVERY: Final = 0.5
"""Seconds of work that may have to be done anew; what is slower is told after each chunk."""

HASHES_AT_ONCE: Final = 5_000
"""Keys that are asked for at once."""

BROKE_OFF: Final = (
    "The transfer broke off while {what} was on its way: it may have arrived. Look there, then say whether it has; the "
    "transfer goes on from there."
)


@dataclass(frozen=True, slots=True)
class Tools:
    """What transfers work with."""

    store: Store
    targets: Targets
    fitting: Fitting
    sources: Sources
    calls: OutCalls
    encrypting: Encrypting
    clock: Clock


class Chunk(NamedTuple):
    """Rows that were read, and where the source stands behind them."""

    rows: Sequence[Row]
    behind: Progress


class Moving:
    """One try of one transfer."""

    def __init__(self, tools: Tools, transfer: Transfer, run: Run, hands: Hands) -> None:
        self._tools, self._transfer, self._run, self._hands = tools, transfer, run, hands
        self._seen: dict[str, bytes] = {}
        self._told_at = -TELL_EVERY
        scope = scope_of(run)
        self._job = Job(run, transfer, scope, Pipeline(transfer, scope), tools.encrypting, self._tell)
        self._taker = taker_of(self._job, tools)

    async def move(self, before: Entry | None) -> Done:
        """Move what is left of the rows. `before`: the latest try.

        Raises `ActionFailed`, `MappingFailed`, `GivenBack`, and `Lost`.
        """
        progress = resumed(self._transfer, before)
        if before is not None and before.output:
            await self._tell(progress, None)  # nobody is to be asked the same again
        try:
            progress = await self._taker.begin(progress)
            if not progress.whole:
                progress = await self._all(progress)
            progress = await self._taker.end(progress)
        except UnknownOutcome as unknown:
            if read_progress(self._hands.detail).back is None:  # nothing that could be done twice was begun
                raise Retriable(unknown.message, detail=unknown.detail) from unknown
            raise
        except (ActionFailed, MappingFailed):
            self._take_back()
            raise
        finally:
            await self._taker.leave()
        return Done(progress.result, detail=written_progress(progress))

    async def give_up(self, progress: Progress) -> None:
        """Take away what is half done."""
        await self._taker.give_up(progress)

    async def _all(self, progress: Progress) -> Progress:
        transfer = self._transfer
        opened = await self._tools.sources.open(
            transfer.source, self._job.scope, progress, transfer.chunk, self._run.created_at
        )
        told = progress
        async with aclosing(Ahead(chunks_of(opened, progress, transfer.chunk))) as chunks:
            async for chunk in chunks:
                progress = await self._one(opened, chunk, progress)
                if self._hands.stopping or not chunks.is_ready or self._has_to_be_told:
                    told = progress = await self._keep(progress)
                if self._hands.stopping:
                    raise GivenBack
        return progress if progress is told else await self._keep(progress)

    async def _one(self, opened: Opened, chunk: Chunk, before: Progress) -> Progress:
        """One chunk; the next turn keeps it."""
        rows = await self._changed(chunk.rows, before.read)
        if opened.aside and not self._transfer.columns:
            rows = without(rows, opened.key)
        out = self._job.pipeline.out(rows, before.read)
        after = structs.replace(
            before, read=chunk.behind.read, after=chunk.behind.after, digest=chunk.behind.digest, of=opened.of
        )
        return await self._taker.take(out, before, after) if out else after

    @property
    def _has_to_be_told(self) -> bool:
        """Whether the time has come; who is quick would else wait for the disks of both sides after each chunk."""
        return not self._taker.lags or self._tools.clock.monotonic() - self._told_at >= TELL_EVERY

    async def _keep(self, progress: Progress) -> Progress:
        progress = await self._taker.keep(progress)
        await self._tell(progress, None)
        self._told_at = self._tools.clock.monotonic()
        return progress

    async def _changed(self, rows: Sequence[Row], first: int) -> Sequence[Row]:
        """The rows that a delta lets through; their hashes are kept with what is told next."""
        delta = self._job.pipeline.delta
        if delta is None:
            return rows
        by_key, owner = delta.by_key(rows, first + 1), owner_of(self._transfer)
        fresh, hashes = delta.changed(by_key, await known(self._tools.store, owner, list(by_key)))
        self._seen.update(hashes)
        return fresh

    async def _tell(self, progress: Progress, effect: Effect | None) -> EffectResult | None:
        seen, self._seen = self._seen, {}
        hashes = Hashes(owner_of(self._transfer), seen) if seen else None
        return await self._hands.tell(written_progress(progress), hashes=hashes, effect=effect)

    def _take_back(self) -> None:
        """The call that was announced was surely not made."""
        back = read_progress(self._hands.detail).back
        if back is not None:
            self._hands.detail = written_progress(back)


def resumed(transfer: Transfer, before: Entry | None) -> Progress:
    """From where a try goes on.

    Raises `UnknownOutcome` where a call was announced of which nobody knows whether it was made.
    """
    if before is None:
        return Progress()
    progress = read_progress(before.detail)
    if progress.back is None:
        return progress
    said = read_text(before.output)
    happened = said.get("happened") if isinstance(said, dict) else None
    if happened is None:
        raise UnknownOutcome(BROKE_OFF.format(what=_what(transfer, progress)))
    return structs.replace(progress, back=None) if happened is True else progress.back


def _what(transfer: Transfer, progress: Progress) -> str:
    match transfer.destination:
        case MailTarget():
            return "the mail"
        case FileTarget():
            return f"the file “{progress.path}”"
        case HttpTarget(how=How.ROWS):
            return f"row {progress.rows:,}"
        case HttpTarget(how=How.CHUNKS):
            return f"chunk {progress.chunks:,} (up to row {progress.rows:,})"
    return "the call"


async def chunks_of(opened: Opened, progress: Progress, size: int) -> AsyncGenerator[Chunk]:
    """The rows in chunks of this size, those left out that `progress` has behind it.

    Raises `Terminal` where rows that were read before are not the same any more.
    """
    wanted, at = progress.read, progress if opened.key else Progress()
    async with aclosing(_sized(opened, size)) as pieces:
        async for rows in pieces:
            last = rows[-1]
            at = structs.replace(
                at,
                read=at.read + len(rows),
                after=key_text(last.get(opened.key)) if opened.key else "",
                digest="" if opened.key else digest_after(at.digest, rows),
            )
            if at.read > wanted:
                yield Chunk(rows, at)
            elif at.read == wanted and at.digest != progress.digest:
                raise Terminal(OTHER_ROWS)
    if at.read < wanted:
        raise Terminal(OTHER_ROWS)


async def _sized(opened: Opened, size: int) -> AsyncGenerator[Sequence[Row]]:
    rest: list[Row] = []
    async with aclosing(opened.batches) as batches:  # type: ignore[type-var]
        async for batch in batches:
            if not rest and len(batch) == size:
                yield batch
                continue
            rest += batch
            while len(rest) >= size:
                yield rest[:size]
                rest = rest[size:]
    if rest:
        yield rest


class Ahead:
    """Chunks, the next one read while one is worked on."""

    def __init__(self, chunks: AsyncGenerator[Chunk]) -> None:
        self._chunks = chunks
        self._next = self._begin()

    @property
    def is_ready(self) -> bool:
        """Whether the next one is there already."""
        return self._next.done()

    def __aiter__(self) -> Ahead:
        return self

    async def __anext__(self) -> Chunk:
        chunk = await self._next
        if chunk is None:
            raise StopAsyncIteration
        self._next = self._begin()
        return chunk

    async def aclose(self) -> None:
        """Nothing more is wanted."""
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)
        await self._chunks.aclose()

    def _begin(self) -> asyncio.Task[Chunk | None]:
        return asyncio.get_running_loop().create_task(_next(self._chunks))


async def _next(chunks: AsyncIterator[Chunk]) -> Chunk | None:
    return await anext(chunks, None)


async def known(store: Store, owner: str, keys: Sequence[str]) -> Mapping[str, bytes]:
    """The hashes that count, of these keys."""
    found: dict[str, bytes] = {}
    for begin in range(0, len(keys), HASHES_AT_ONCE):
        found.update(await store.known_hashes(owner, keys[begin : begin + HASHES_AT_ONCE]))
    return found


def owner_of(transfer: Transfer) -> str:
    """Whose hashes those of a transfer's delta are."""
    return TRANSFER + transfer.name


def scope_of(run: Run) -> RunScope:
    """What the templates of a transfer read."""
    trigger: JSON = read_text(run.input)
    return first_frame(trigger, run_facts(run), run.created_at).scope()


def taker_of(job: Job, tools: Tools) -> Taker:
    """The destination of a transfer."""
    target = job.transfer.destination
    match target:
        case FileTarget(how=How.CHUNKS):
            return FilePerChunk(job, target, tools.targets)
        case FileTarget():
            return OneFile(job, target, tools.targets)
        case MailTarget():
            return AllAtOnce(job, ByMail(job, target, tools.targets))
        case HttpTarget(how=How.ROWS):
            return EachRow(job, target, tools.calls, tools.targets, tools.fitting)
        case HttpTarget(how=How.CHUNKS):
            return EachChunk(job, ByCall(job, target, tools.calls))
        case HttpTarget():
            return AllAtOnce(job, ByCall(job, target, tools.calls))
    assert_never(target)
