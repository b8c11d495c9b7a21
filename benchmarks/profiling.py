"""Where the time of a call goes: the station under load, sampled by py-spy.

Processor time of each thread comes from the system, over a round that nobody samples; the samples say how the main
thread, which does all but the waiting for the disk, divides its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.bench import Bench
from benchmarks.load import LoadFailed, Result
from benchmarks.servers import Server, ServerFailed

SAMPLES_A_SECOND: Final = 500
MOST_LINES: Final = 60
MAIN: Final = "MainThread"
OUTSIDE: Final = "asyncio/runners.py"
"""Innermost where the event loop itself is at work, or waits."""

HOW_TO_GET_PY_SPY: Final = (
    "py-spy may not look into the server. Run this as root, or allow it: sysctl kernel.yama.ptrace_scope=0. "
    "It said: "
)


def profile(bench: Bench) -> str:
    """A report on full work, from two rounds. Raises `ServerFailed` where py-spy cannot sample."""
    folder = bench.station("profiled-station")
    stacks = bench.folder / "stacks"
    with folder.serve() as station:
        calls = bench.webhook(folder, station)
        bench.warm_up(calls)
        before = processor_times(station.process)
        undisturbed = bench.round(calls)()
        after = processor_times(station.process)
        sampling = _sample(station, stacks, bench.amounts.seconds)
        bench.round(calls)()
        _, said = sampling.communicate()
    if sampling.returncode or not stacks.exists():
        raise ServerFailed(HOW_TO_GET_PY_SPY + said)
    spent = {thread: took - before.get(thread, 0.0) for thread, took in after.items()}
    return render(Counter(dict(_read(stacks))), undisturbed, spent, str(station.process))


def processor_times(process: int) -> dict[str, float]:
    """Seconds of processor time of each thread so far, by its number."""
    ticks = os.sysconf("SC_CLK_TCK")
    found = {}
    for folder in Path(f"/proc/{process}/task").iterdir():
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        found[folder.name] = (int(fields[11]) + int(fields[12])) / ticks
    return found


def _sample(station: Server, out: Path, seconds: float) -> subprocess.Popen[str]:
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    if not Path(spy).exists():
        raise LoadFailed("The profile needs py-spy: run make bench once, or install it.")
    command = [spy, "record", "--threads", "--nonblocking", "--rate", str(SAMPLES_A_SECOND)]
    command += ["--duration", str(max(1, round(seconds))), "--format", "raw", "--output", str(out)]
    command += ["--pid", str(station.process)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _read(stacks: Path) -> Iterator[tuple[str, int]]:
    for line in stacks.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        yield frames, int(count)


def render(stacks: Counter[str], round_: Result, spent: dict[str, float], main: str) -> str:
    """Processor time a request by thread, then the main thread's by file, by function and by line."""
    functions, lines, files = Counter[str](), Counter[str](), Counter[str]()
    for text, count in stacks.items():
        thread, *frames = text.split(";")
        if MAIN not in thread or not frames:
            continue
        lines[frames[-1]] += count
        files[_file(frames[-1])] += count
        for name in {_function(frame) for frame in frames}:
            functions[name] += count
    micro = 1e6 / round_.requests
    a_sample = spent[main] * micro / files.total()
    rows = [f"{took * micro:7.1f} µs  {_thread(thread, main)}" for thread, took in spent.items() if took > 0]
    head = f"{round_.rate:,.0f} requests/s, p50 {round_.p50:.2f} ms, p99 {round_.p99:.2f} ms. Everything per request."
    return "\n\n".join(
        [
            head,
            "\n".join(["Processor time by thread", *rows]),
            _table(f"Main thread by file ({OUTSIDE}: the event loop itself)", files, a_sample),
            _table("Main thread by function, with all that it calls", functions, a_sample),
            _table("Main thread by line, with the C code that it calls", lines, a_sample),
        ]
    )


def _thread(number: str, main: str) -> str:
    return "main" if number == main else f"thread {number}"


def _function(frame: str) -> str:
    """``name (file:line)`` without the line."""
    return frame.rpartition(":")[0] + ")" if ":" in frame else frame


def _file(frame: str) -> str:
    """The file of ``name (file:line)``."""
    return frame.rpartition("(")[2].partition(":")[0].rstrip(")")


def _table(title: str, counted: Counter[str], micro: float) -> str:
    rows = [f"{count * micro:7.1f} µs  {name}" for name, count in counted.most_common(MOST_LINES)]
    return "\n".join([title, *rows])
