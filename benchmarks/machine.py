"""The machine under the benchmarks: its cores, its disk, and where a scratch folder may lie."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MEMORY_FILE_SYSTEMS: Final = frozenset({"tmpfs", "ramfs"})
PAGE: Final = 4096
SYNCS: Final = 300


@dataclass(frozen=True, slots=True)
class Cores:
    """Which core sends and which serves; ``None`` where they cannot be held apart."""

    load: int | None
    server: int | None


def choose_cores() -> Cores:
    """The first two cores that this process may use; one core alone, or no Linux, leaves it to the system."""
    if not hasattr(os, "sched_getaffinity"):
        return Cores(None, None)
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1]) if len(usable) > 1 else Cores(None, None)


def pin(core: int | None, process: int = 0) -> None:
    """Hold a process (this one by default), and what it starts from now on, on one core."""
    if core is not None:
        os.sched_setaffinity(process, {core})


@contextmanager
def scratch(parent: Path | None) -> Iterator[Path]:
    """A folder on a real disk, gone afterwards: in `parent`, else where temporary files lie, else here."""
    place = parent or Path(tempfile.gettempdir())
    if parent is None and file_system(place) in MEMORY_FILE_SYSTEMS:
        place = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="hookstation-bench-", dir=place) as folder:
        yield Path(folder)


def file_system(path: Path) -> str:
    """The type of the file system that a path lies on, empty where the system does not say."""
    mounts = Path("/proc/mounts")
    if not mounts.exists():
        return ""
    entries = [line.split() for line in mounts.read_text().splitlines()]
    above = [(mount, kind) for _, mount, kind, *_ in entries if path.resolve().is_relative_to(mount)]
    return max(above, key=lambda entry: len(entry[0]))[1] if above else ""


def sync_times(folder: Path, syncs: int = SYNCS) -> list[float]:
    """Microseconds that each of `syncs` appended pages took to reach the disk by ``fdatasync``."""
    path = folder / "sync"
    sync = getattr(os, "fdatasync", os.fsync)
    took = []
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        for _ in range(syncs):
            os.write(descriptor, b"x" * PAGE)
            began = time.perf_counter_ns()
            sync(descriptor)
            took.append((time.perf_counter_ns() - began) / 1000)
    finally:
        os.close(descriptor)
        path.unlink()
    return took


def sync_time(folder: Path) -> float:
    """The median microseconds of ``fdatasync`` just now."""
    return statistics.median(sync_times(folder))


def memory(process: int) -> float:
    """Resident memory of a process in megabytes (10⁶ bytes); raises `FileNotFoundError` where /proc is not there."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise FileNotFoundError(f"process {process} shows no VmRSS")


def processor_time(process: int, children: bool = False) -> float:
    """Seconds of processor time that a process has used, with `children` those that have ended too.

    0 where the process has gone, or /proc is not there to tell.
    """
    try:
        text = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    ticks = text.rpartition(")")[2].split()[11 : 15 if children else 13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def describe(folder: Path) -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "file_system": file_system(folder),
    }


def processor() -> str:
    """The processor's own name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
