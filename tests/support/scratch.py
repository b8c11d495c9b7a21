"""Where the files of a quick run lie: in memory, where the system has a place and room for that.

What the tests end is processes, and the system keeps what those have written, on a disk or not; only a disk makes each
of their many commits wait.  A soak run stays on the disk.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

MEMORY: Final = Path("/dev/shm")
ROOM: Final = 2 * 1024**3
"""Bytes that have to be free; a whole run holds a quarter of that at once."""


def has_room(folder: Path) -> bool:
    """Whether a run may put its files there, and programs that it starts from there."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    runs_programs = not os.statvfs(folder).f_flag & getattr(os, "ST_NOEXEC", 0)
    return runs_programs and shutil.disk_usage(folder).free >= ROOM


def choose() -> None:
    """Temporary files of this process and of those that it starts; a place that somebody has chosen stays."""
    if "TMPDIR" not in os.environ and has_room(MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)
