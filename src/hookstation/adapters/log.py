"""The structured log on stderr: one JSON line per event and attempt, and the same form for everything else.

Lines are gathered for a moment and written together: a write a line would cost more than the work it tells of.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import sys
import time
from datetime import UTC, datetime
from typing import Final, TextIO

import msgspec

from hookstation.core.values import JSON

FLUSH_AFTER: Final = 0.05
MOST_WAITING: Final = 512

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}


class JsonLog:
    """Implements `ports.log.EventLog`, and takes what goes through `logging`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream if stream is not None else sys.stderr
        self._waiting: list[bytes] = []
        self._stamp = _Stamp()
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self._scheduled: asyncio.TimerHandle | None = None
        atexit.register(self.flush)

    def write(self, happened: str, **fields: JSON) -> None:
        """One line, with the time first."""
        self._waiting.append(self._encode({"time": self._stamp.now(), "happened": happened, **fields}))
        if len(self._waiting) >= MOST_WAITING:
            self.flush()
        elif self._scheduled is None:
            self._schedule()

    def flush(self) -> None:
        """Write what waits. A stream that is gone is no reason to fail: the work goes on without its log."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        if not self._waiting:
            return
        lines, self._waiting = self._waiting, []
        try:
            self._stream.write(b"\n".join(lines).decode() + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            return

    def _schedule(self) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._scheduled = loop.call_later(FLUSH_AFTER, self._flush_later)

    def _flush_later(self) -> None:
        self._scheduled = None
        self.flush()


class LoggingBridge(logging.Handler):
    """Gives lines of the standard `logging` the same form."""

    def __init__(self, log: JsonLog) -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write `record` with its extra fields; the stack goes into one field."""
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        if record.exc_info:
            extra["stack"] = logging.Formatter().formatException(record.exc_info)
        self._log.write(
            "logged", level=record.levelname.lower(), logger=record.name, message=record.getMessage(), **extra
        )


def set_up_logging(log: JsonLog, level: str) -> None:
    """Send everything that goes through `logging`, from `level` (debug, info, warning, error) on, to `log`."""
    root = logging.getLogger()
    root.handlers[:] = [LoggingBridge(log)]
    root.setLevel(level.upper())


class _Stamp:
    """Moments as text; the part that changes once a second is written once a second."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def now(self) -> str:
        """ISO 8601 in UTC with microseconds."""
        second, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
        if second != self._second:
            self._second = second
            self._text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        return f"{self._text}{nanoseconds // 1000:06}Z"
