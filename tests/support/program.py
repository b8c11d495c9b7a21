"""`hookstation` in a process of its own: started, heard when it is ready, ended."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

READY_SECONDS: Final = 60.0
ENDING: Final = 30.0
PROGRAM: Final = ("-m", "hookstation")


def environment(**more: str) -> dict[str, str]:
    """What a station's process sees."""
    return {**os.environ, "PYTHONUNBUFFERED": "1", **more}


@dataclass
class Program:
    """A program of ours that says when it is ready. `log`: where its stderr goes."""

    running: subprocess.Popen[str]
    log: Path
    url: str = ""

    def ready(self) -> None:
        """Wait for the line that says where it can be called."""
        assert self.running.stdout is not None
        line = self.running.stdout.readline()
        assert "ready at http" in line, self.log.read_text()
        self.url = line.split()[-1]

    def end(self) -> int:
        """SIGTERM, and its exit code."""
        self.running.send_signal(signal.SIGTERM)
        return self.running.wait(ENDING)

    def kill(self) -> None:
        """SIGKILL."""
        self.running.kill()
        self.running.wait(ENDING)

    def close(self) -> None:
        """Nothing of it is left, whatever state it is in."""
        if self.running.poll() is None:
            try:
                self.end()
            except subprocess.TimeoutExpired:
                self.kill()
        if self.running.stdout is not None:
            self.running.stdout.close()


def start(
    log: Path,
    *words: str | Path,
    program: Sequence[str] = PROGRAM,
    variables: Mapping[str, str] | None = None,
) -> Program:
    """`hookstation` with these words. The caller ends it by `Program.close`."""
    with log.open("a") as errors:
        running = subprocess.Popen(
            [sys.executable, *program, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment(**(variables or {})),
            start_new_session=True,
        )
    return Program(running, log)
