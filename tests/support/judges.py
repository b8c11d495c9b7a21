"""Verifiers that are not ours, asked in one process of Node."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from hatch_build import node
from hookstation.core.outgoing.signing import Headers
from tools.judges import bring

SCRIPT: Final = Path(__file__).resolve().parent.parent / "judges" / "judge.mjs"


class Judges:
    """What `judge.mjs` knows, by name."""

    def __init__(self, asked: IO[str], answers: IO[str]) -> None:
        self._asked, self._answers = asked, answers

    def refusal(self, judge: str, secret: str, headers: Headers, body: str) -> str:
        """Why the judge does not accept the signature, empty where it does."""
        case = {"judge": judge, "secret": secret, "headers": dict(headers), "body": body}
        self._asked.write(f"{json.dumps(case)}\n")
        self._asked.flush()
        return str(json.loads(self._answers.readline()))


@contextmanager
def judges() -> Iterator[Judges]:
    """The judges, until the end of the block."""
    words = [str(node()), "--input-type=module", "--eval", SCRIPT.read_text()]
    with subprocess.Popen(
        words, cwd=bring(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Judges(process.stdin, process.stdout)
        process.stdin.close()
