"""Where the time of a call goes: the station under load, sampled by py-spy."""

from __future__ import annotations

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

SAMPLES_A_SECOND: Final = 400
MOST_LINES: Final = 45
Stack = list[str]

HOW_TO_GET_PY_SPY: Final = "py-spy may not look into the server. Run this as root, or allow it: sysctl kernel.yama.ptrace_scope=0. It said: "


def profile(bench: Bench) -> str:
    """A report on one round of full work. Raises `ServerFailed` where py-spy cannot sample."""
    folder = bench.station("profiled-station")
    with folder.serve() as station:
        calls = bench.webhook(folder, station)
        bench.warm_up(calls)
        undisturbed = bench.round(calls)()
        sampling = _sample(station, bench.folder / "stacks", bench.amounts.seconds)
        sampled = bench.round(calls)()
        _, said = sampling.communicate()
    stacks = bench.folder / "stacks"
    if sampling.returncode or not stacks.exists():
        raise ServerFailed(HOW_TO_GET_PY_SPY + said)
    return render(Counter(dict(_read(stacks))), undisturbed, sampled)


def _sample(station: Server, out: Path, seconds: float) -> subprocess.Popen[str]:
    spy = shutil.which("py-spy") or str(Path(sys.executable).with_name("py-spy"))
    if not Path(spy).exists():
        raise LoadFailed("The profile needs py-spy: run make bench once, or install it.")
    command = [
        spy,
        "record",
        "--threads",
        "--rate",
        str(SAMPLES_A_SECOND),
        "--duration",
        str(max(1, round(seconds))),
    ]
    command += ["--format", "raw", "--output", str(out), "--pid", str(station.process)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _read(stacks: Path) -> Iterator[tuple[str, int]]:
    for line in stacks.read_text().splitlines():
        frames, _, count = line.rpartition(" ")
        yield frames, int(count)


def render(stacks: Counter[str], undisturbed: Result, sampled: Result) -> str:
    """Three tables: threads, functions with all that they call, and lines by themselves."""
    total = stacks.total()
    threads, functions, lines, rooms = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for text, count in stacks.items():
        frames = text.split(";")
        threads[frames[0]] += count
        lines[frames[-1]] += count
        rooms[_room(frames)] += count
        for name in {_function(frame) for frame in frames[1:]}:
            functions[name] += count
    return "\n\n".join(
        [
            f"{undisturbed.rate:,.0f} requests/s undisturbed, {sampled.rate:,.0f} while sampled; {total:,} samples at "
            f"work. Shares are of those; a line's share includes the C code that it calls.",
            _table("Threads", threads, total),
            _table("By itself: innermost file", rooms, total),
            _table("With all that it calls: functions", functions, total),
            _table("By itself: lines", lines, total),
        ]
    )


def _function(frame: str) -> str:
    """``name (file:line)`` without the line."""
    return frame.rpartition(":")[0] + ")" if ":" in frame else frame


def _room(frames: Stack) -> str:
    """The file of the innermost frame."""
    return frames[-1].rpartition("(")[2].partition(":")[0].rstrip(")")


def _table(title: str, counted: Counter[str], total: int) -> str:
    rows = [f"{100 * count / total:6.1f} %  {name}" for name, count in counted.most_common(MOST_LINES)]
    return "\n".join([title, *rows])
