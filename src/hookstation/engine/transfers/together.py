"""Destinations that take many rows at once: a call with a chunk of them or with all, and a mail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from msgspec import structs

from hookstation.core.formats import Writer
from hookstation.core.transfers.definitions import HttpTarget, MailTarget
from hookstation.core.transfers.progress import Progress
from hookstation.engine.targets import Targets
from hookstation.engine.transfers.outcalls import REPEATABLE, OutCalls
from hookstation.engine.transfers.packing import packed
from hookstation.engine.transfers.taking import MOST_TOGETHER, Job
from hookstation.engine.workflows.steps.mails import mail_of
from hookstation.errors import Terminal
from hookstation.ports.mail import Attachment, Mail
from hookstation.ports.rows import Row

MOST_MAILED: Final = 10 * 1024 * 1024
"""Bytes of a mail's attachment; servers rarely take more than twice that, and it grows by a third on its way."""

TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "pipe": "text/plain",
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "xml": "application/xml",
}


class Leaves(Protocol):
    """How everything leaves at once."""

    @property
    def most(self) -> int:
        """Bytes that may leave."""
        ...

    @property
    def repeatable(self) -> bool:
        """Whether doing it twice is as good as once."""
        ...

    def name(self) -> str:
        """The name of the file that leaves."""
        ...

    async def send(self, name: str, kind: str, data: bytes, rows: int, number: int) -> None:
        """Send it. `number`: of the chunk, from 1."""
        ...


class ByCall:
    """As the body of a call."""

    def __init__(self, job: Job, target: HttpTarget, calls: OutCalls) -> None:
        self._job, self._target, self._calls = job, target, calls
        self.most = MOST_TOGETHER
        self.repeatable = target.method in REPEATABLE

    def name(self) -> str:
        """A call has no file; an archive in it names one."""
        return f"{self._job.transfer.name}.zip"

    async def send(self, name: str, kind: str, data: bytes, rows: int, number: int) -> None:  # noqa: ARG002
        """One call; a receiver can know it again by its ``Idempotency-Key``."""
        job, target = self._job, self._target
        headers = {one: job.text(value) for one, value in target.headers.items()}
        headers = {"Idempotency-Key": f"{job.run.id}-{number}", **headers}
        place = job.text(target.path if target.connection else target.url)
        await self._calls.call(target, place, headers, data, kind)


class ByMail:
    """As the attachment of a mail, whose id is the same for each try."""

    def __init__(self, job: Job, target: MailTarget, targets: Targets) -> None:
        self._job, self._target, self._targets = job, target, targets
        self.most = MOST_MAILED
        self.repeatable = False

    def name(self) -> str:
        """The attachment's name."""
        return self._job.text(self._target.path)

    async def send(self, name: str, kind: str, data: bytes, rows: int, number: int) -> None:  # noqa: ARG002
        """One mail."""
        job, target = self._job, self._target
        mail = Mail(
            target.to,
            job.text(target.subject, rows=rows),
            job.text(target.text, rows=rows),
            attachments=(Attachment(name, kind.partition(";")[0], data),),
            message_id=f"<{job.run.id}@hookstation>",
        )
        await mail_of(self._targets, target.connection).send(mail)


class EachChunk:
    """A call of every chunk."""

    lags = False

    def __init__(self, job: Job, leaves: Leaves) -> None:
        self._job, self._leaves = job, leaves

    async def begin(self, progress: Progress) -> Progress:
        """Behind the last call that was made."""
        return progress

    async def take(self, rows: Sequence[Row], before: Progress, after: Progress) -> Progress:
        """One call."""
        plain, number = self._job.pipeline.whole(rows), before.chunks + 1
        after = structs.replace(
            after, rows=before.rows + len(rows), chunks=number, bytes=before.bytes + len(plain)
        )
        await _send(self._job, self._leaves, plain, len(rows), number, before, after)
        return after

    async def keep(self, progress: Progress) -> Progress:
        """The call was made already."""
        return progress

    async def end(self, progress: Progress) -> Progress:
        """Every call was made already."""
        return progress

    async def leave(self) -> None:
        """Nothing is open."""

    async def give_up(self, progress: Progress) -> None:
        """What was taken over there stays."""


class AllAtOnce:
    """Everything at once, gathered before: after a break it is gathered anew, since nothing of it has left."""

    lags = True

    def __init__(self, job: Job, leaves: Leaves) -> None:
        self._job, self._leaves = job, leaves
        self._writer: Writer | None = None
        self._parts: list[bytes] = []
        self._size = 0

    async def begin(self, progress: Progress) -> Progress:
        """From the beginning, unless all has left."""
        return progress if progress.whole else Progress(of=progress.of)

    async def take(self, rows: Sequence[Row], before: Progress, after: Progress) -> Progress:
        """Keep them."""
        if self._writer is None:
            self._writer = self._job.pipeline.writer(before)
            self._keep(self._writer.begin())
        self._keep(self._writer.rows(rows))
        return structs.replace(
            after, rows=before.rows + len(rows), chunks=before.chunks + 1, bytes=self._size
        )

    async def keep(self, progress: Progress) -> Progress:
        """Nothing of it has left."""
        return progress

    async def end(self, progress: Progress) -> Progress:
        """Send it."""
        if self._writer is None or progress.whole:
            return progress
        self._keep(self._writer.end())
        after = structs.replace(progress, bytes=self._size, whole=True)
        data, self._parts = b"".join(self._parts), []
        await _send(self._job, self._leaves, data, progress.rows, 1, progress, after)
        return after

    async def leave(self) -> None:
        """Nothing is open."""

    async def give_up(self, progress: Progress) -> None:
        """Nothing has left."""

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._leaves.most:
            raise Terminal(
                f"All rows together have more than {self._leaves.most:,} bytes, the most that leave at once. Send "
                "fewer (“delta” helps), or to a destination that takes them in chunks or as a file."
            )
        self._parts.append(data)


async def _send(
    job: Job, leaves: Leaves, plain: bytes, rows: int, number: int, before: Progress, after: Progress
) -> None:
    """Pack and send it; where that cannot be done twice, the intent stands before."""
    if len(plain) > leaves.most:
        raise Terminal(
            f"Chunk {number:,} has {len(plain):,} bytes, and at most {leaves.most:,} leave at once; make “chunk” "
            "smaller."
        )
    name = leaves.name()
    data = await packed(job.transfer, job.encrypting, name, job.run.created_at, plain)
    if not leaves.repeatable:
        await job.tell(structs.replace(after, back=before), None)
    await leaves.send(name, kind_of(job), data, rows, number)


def kind_of(job: Job) -> str:
    """The media type of what leaves."""
    transfer = job.transfer
    if transfer.pgp:
        return "application/octet-stream"
    if transfer.zip:
        return "application/zip"
    encoding = job.pipeline.layout.encoding.removesuffix("-sig")
    kind = TYPES[transfer.format.type]
    return f"{kind}; charset={encoding}" if kind.startswith("text/") else kind
