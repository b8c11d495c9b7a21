"""Files as destinations: one of all rows, or one of every chunk."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from hookstation.core.formats import Writer
from hookstation.core.transfers.definitions import FileTarget
from hookstation.core.transfers.progress import Progress
from hookstation.engine.targets import Targets
from hookstation.engine.transfers.packing import Packing, packed
from hookstation.engine.transfers.taking import Job
from hookstation.engine.workflows.steps.files import files_of
from hookstation.errors import ActionFailed, NotFound, Retriable, Terminal, UnknownOutcome
from hookstation.ports.files import FileWriter
from hookstation.ports.rows import Row


class OneFile:
    """A file of all rows, which stands under its name when it is whole.

    What is packed or encrypted cannot be gone on with in its middle: such a file begins anew after a break, unless only
    its name is missing.
    """

    lags = True

    def __init__(self, job: Job, target: FileTarget, targets: Targets) -> None:
        self._job, self._target, self._targets = job, target, targets
        self._plain = not job.transfer.zip and not job.transfer.pgp
        self._file: FileWriter | None = None
        self._packing: Packing | None = None
        self._writer: Writer | None = None

    async def begin(self, progress: Progress) -> Progress:
        """Take up the file that was begun; where it is not there any more, all begins anew."""
        if not progress.mark:
            return Progress(of=progress.of) if progress.rows else progress
        if not self._plain and not progress.whole:
            await self.give_up(progress)
            return Progress(of=progress.of)
        try:
            self._file = await self._create(progress.path, progress.mark)
        except NotFound:
            return Progress(of=progress.of)
        self._writer = self._job.pipeline.writer(progress)
        return progress

    async def take(self, rows: Sequence[Row], before: Progress, after: Progress) -> Progress:
        """Write them."""
        path = before.path or self._job.text(self._target.path)
        file, writer = await self._open(path, before)
        data = (writer.begin() if not writer.written else b"") + writer.rows(rows)
        await (file.write(data) if self._packing is None else self._packing.write(data))
        return structs.replace(
            after,
            rows=before.rows + len(rows),
            chunks=before.chunks + 1,
            bytes=before.bytes + len(data),
            columns=writer.columns,
            path=path,
        )

    async def keep(self, progress: Progress) -> Progress:
        """Have the other side make it safe."""
        if self._file is None:
            return progress
        return structs.replace(progress, mark=await self._file.checkpoint())

    async def end(self, progress: Progress) -> Progress:
        """What stands behind the rows, and the file's name."""
        if self._file is None or self._writer is None:
            return progress
        if not progress.whole:
            progress = await self._close(self._file, self._writer, progress)
        try:
            stands = await self._file.finish()
        except UnknownOutcome as unknown:  # doing so again does no harm
            raise Retriable(unknown.message, detail=unknown.detail) from unknown
        self._file = None
        return structs.replace(progress, path=stands.path)

    async def leave(self) -> None:
        """Let the file go, for the next try to go on with."""
        if self._packing is not None:
            await self._packing.stop()
        if self._file is not None:
            file, self._file = self._file, None
            await file.leave()

    async def give_up(self, progress: Progress) -> None:
        """Take away what was written."""
        if not progress.mark:
            return
        try:
            file = await self._create(progress.path, progress.mark)
        except (ActionFailed, NotFound):
            return  # what stays behind is hidden and harmless
        if progress.whole:
            await file.leave()
        else:
            await file.abort()

    async def _close(self, file: FileWriter, writer: Writer, progress: Progress) -> Progress:
        tail = writer.end()
        if self._packing is None:
            await file.write(tail)
        else:
            await self._packing.write(tail)
            await self._packing.end()
        closed = structs.replace(
            progress, bytes=progress.bytes + len(tail), mark=await file.checkpoint(), whole=True
        )
        await self._job.tell(closed, None)
        return closed

    async def _open(self, path: str, before: Progress) -> tuple[FileWriter, Writer]:
        if self._file is None or self._writer is None:
            self._file = await self._create(path, "")
            self._writer = self._job.pipeline.writer(before)
        if not self._plain and self._packing is None:
            job = self._job
            self._packing = Packing(job.transfer, job.encrypting, path, job.run.created_at, self._file.write)
        return self._file, self._writer

    async def _create(self, path: str, mark: str) -> FileWriter:
        target = files_of(self._targets, self._target.connection)
        return await target.create(path, resume=mark, replace=self._target.replace)


class FilePerChunk:
    """A file of every chunk. Where files may be replaced one is written again after a break, else a person is asked."""

    lags = False

    def __init__(self, job: Job, target: FileTarget, targets: Targets) -> None:
        self._job, self._target, self._targets = job, target, targets

    async def begin(self, progress: Progress) -> Progress:
        """Behind the last whole file."""
        return progress

    async def take(self, rows: Sequence[Row], before: Progress, after: Progress) -> Progress:
        """Write one file."""
        job, target = self._job, self._target
        path = job.text(target.path, chunk=before.chunks + 1)
        if path == before.path:
            raise Terminal(
                f"Two chunks have the same file “{path}”: name it with $$chunk$$, the number of the chunk."
            )
        plain = job.pipeline.whole(rows)
        data = await packed(job.transfer, job.encrypting, path, job.run.created_at, plain)
        after = structs.replace(
            after,
            rows=before.rows + len(rows),
            chunks=before.chunks + 1,
            bytes=before.bytes + len(plain),
            path=path,
        )
        if not target.replace:
            await job.tell(structs.replace(after, back=before), None)
        await self._write(path, data)
        return after

    async def keep(self, progress: Progress) -> Progress:
        """Each file is whole already."""
        return progress

    async def end(self, progress: Progress) -> Progress:
        """Every file is whole already."""
        return progress

    async def leave(self) -> None:
        """Nothing is open."""

    async def give_up(self, progress: Progress) -> None:
        """Whole files stay."""

    async def _write(self, path: str, data: bytes) -> None:
        files = files_of(self._targets, self._target.connection)
        file = await files.create(path, replace=self._target.replace)
        try:
            await file.write(data)
            await file.finish()
        except UnknownOutcome as unknown:
            await file.leave()
            if self._target.replace:
                raise Retriable(unknown.message, detail=unknown.detail) from unknown
            raise
        except BaseException:
            await file.abort()
            raise
