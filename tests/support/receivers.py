"""Programs that receive: the snippets of the signature helper, run by the language that they are written in."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hatch_build import node

HERE: Final = Path(__file__).resolve().parent.parent / "judges" / "receivers"
PYTHON: Final = """
import base64, json, runpy, sys
verify = runpy.run_path(sys.argv[1])["verify"]
cases = json.load(sys.stdin)
print(json.dumps([verify(one["headers"], base64.b64decode(one["body"])) for one in cases]))
"""


@dataclass(frozen=True, slots=True)
class Call:
    """What comes in: header names in lower case."""

    headers: Mapping[str, str]
    body: bytes


def verdicts(language: str, code: str, calls: Sequence[Call], folder: Path) -> list[bool]:
    """What the program says of each call. `folder` is for its files."""
    return RUNNERS[language](code, calls, folder)


def is_there(language: str) -> bool:
    """Whether this machine can run programs in the language."""
    needed = {"PHP": ["php"], "C#": ["mcs", "mono"]}.get(language, [])
    return all(shutil.which(program) for program in needed)


def _python(code: str, calls: Sequence[Call], folder: Path) -> list[bool]:
    program = _written(folder / "receiver.py", code)
    return _answers([sys.executable, "-c", PYTHON, str(program)], _json(calls))


def _javascript(code: str, calls: Sequence[Call], folder: Path) -> list[bool]:
    program = _written(folder / "program.mjs", code)
    return _answers([str(node()), str(HERE / "receiver.mjs"), program.as_uri()], _json(calls))


def _php(code: str, calls: Sequence[Call], folder: Path) -> list[bool]:
    program = _written(folder / "program.php", code)
    return _answers(["php", str(HERE / "receiver.php"), str(program)], _json(calls))


def _csharp(code: str, calls: Sequence[Call], folder: Path) -> list[bool]:
    program, made = _written(folder / "Webhook.cs", code), folder / "receiver.exe"
    words = ["mcs", "-nologo", "-r:System.Core", f"-out:{made}", str(HERE / "Receiver.cs"), str(program)]
    subprocess.run(words, check=True, capture_output=True)
    return _answers(["mono", str(made)], "".join(f"{_words(one)}\n" for one in calls))


RUNNERS: Final[Mapping[str, Callable[[str, Sequence[Call], Path], list[bool]]]] = {
    "Python": _python,
    "JavaScript": _javascript,
    "PHP": _php,
    "C#": _csharp,
}


def _written(path: Path, code: str) -> Path:
    path.write_text(code, encoding="utf-8")
    return path


def _json(calls: Sequence[Call]) -> str:
    return json.dumps([{"headers": dict(one.headers), "body": _base64(one.body)} for one in calls])


def _words(call: Call) -> str:
    texts = [part.encode() for name, value in call.headers.items() for part in (name, value)]
    return " ".join(map(_base64, (call.body, *texts)))


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _answers(words: list[str], asked: str) -> list[bool]:
    ended = subprocess.run(words, input=asked, capture_output=True, text=True, check=True, timeout=60)
    return [bool(one) for one in json.loads(ended.stdout)]
