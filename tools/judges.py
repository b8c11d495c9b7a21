"""Verifiers of webhooks that are not ours, out of npm, for the tests: ``python -m tools.judges`` brings them.

Their versions stand in ``tests/judges/package-lock.json``; they are installed into the environment, once.  PHP and
Mono, which run some of the programs that receivers are handed, are brought by apt where that may install.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from hatch_build import node, npm

SOURCES: Final = Path(__file__).resolve().parent.parent / "tests" / "judges"
FOLDER: Final = Path(sys.prefix) / "judges"
STAMP: Final = "installed"
INTERPRETERS: Final = {"php": "php-cli", "mcs": "mono-mcs", "mono": "mono-runtime"}
"""Programs, and the packages of Debian that have them."""

WANTED: Final = (".npmrc", "package.json", "package-lock.json")


def wanted() -> str:
    """What the installation depends on, as a digest."""
    return hashlib.sha256(b"\0".join((SOURCES / name).read_bytes() for name in WANTED)).hexdigest()


def bring() -> Path:
    """The folder with the packages, installed where they are not. Raises `SystemExit` with what to do."""
    FOLDER.mkdir(exist_ok=True)
    stamp = FOLDER / STAMP
    with (FOLDER / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != wanted():
            install()
            stamp.write_text(wanted())
    return FOLDER


def install() -> None:
    """Let npm put them there."""
    sys.stderr.write("Bringing the judges of signatures\n")
    for name in WANTED:
        shutil.copy(SOURCES / name, FOLDER)
    words: list[str | Path] = [node(), npm(), "ci", "--no-progress", "--loglevel=error"]
    if subprocess.run(words, cwd=FOLDER, stdout=sys.stderr, check=False).returncode:
        raise SystemExit(
            "The tests of signatures need packages of npm, which could not be installed: the message above says why. "
            "Where there is a network: python -m tools.judges"
        )


def interpreters() -> None:
    """Install those that are missing, where we may; without one, the tests that need it are skipped."""
    missing = [package for program, package in INTERPRETERS.items() if not shutil.which(program)]
    if not missing or os.geteuid() != 0 or not shutil.which("apt-get"):
        return
    sys.stderr.write(f"Installing {', '.join(missing)} by apt-get\n")
    for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
        subprocess.run(["apt-get", *words], stdout=sys.stderr, check=False)


if __name__ == "__main__":
    interpreters()
    print(bring())
