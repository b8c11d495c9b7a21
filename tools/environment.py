"""Install groups of requirements into the environment that runs this file, and only what has changed.

``python tools/environment.py runtime test`` reads the requirements from ``pyproject.toml`` and their versions
from ``constraints.txt``.  A stamp per group in the environment says what was installed, so that a second call
costs nothing.
It runs before anything is installed and therefore needs the standard library only.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "constraints.txt"
PROJECT = ROOT / "pyproject.toml"
FRONTEND = ROOT / "hatch_build.py"
RUNTIME = "runtime"


def requirements(group: str, project: dict[str, object]) -> list[str]:
    """The requirement lines of a group; `runtime` is the project's own dependencies and what builds it.

    Raises `KeyError` for a group that ``pyproject.toml`` does not have.
    """
    document: dict[str, dict[str, list[str]]] = project  # type: ignore[assignment]
    if group == RUNTIME:
        return [*document["project"]["dependencies"], *document["dependency-groups"]["build"]]
    return list(document["dependency-groups"][group])


def stamp_text(group: str, root: Path) -> str:
    """What a group's installation depends on: requirements, versions, this Python and this checkout."""
    document = (root / PROJECT.name).read_bytes()
    pins = hashlib.sha256((root / CONSTRAINTS.name).read_bytes()).hexdigest()
    lines = [sys.version, str(root), pins, *requirements(group, tomllib.loads(document.decode()))]
    if group == RUNTIME:
        lines.append(hashlib.sha256(document).hexdigest())
    return "\n".join(lines)


def pip(*arguments: str) -> None:
    """Run this environment's pip, which speaks only of errors: no message of ours would tell more."""
    command = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *arguments]
    if subprocess.run(command, cwd=ROOT, check=False).returncode:
        raise SystemExit("The installation failed; pip's message above says why.")


def install(group: str) -> None:
    """Install one group at the pinned versions; the runtime group brings the project itself, editable."""
    wanted = requirements(group, tomllib.loads(PROJECT.read_text()))
    sys.stderr.write(f"Installing the {group} requirements into {Path(sys.prefix).name}\n")
    pip("--prefer-binary", "--constraint", CONSTRAINTS.name, *wanted)
    if group == RUNTIME:
        pip("--no-deps", "--no-build-isolation", "--editable", ".")


def prepare(groups: list[str]) -> None:
    """Bring each group up to date; two calls at the same time wait for each other."""
    with (Path(sys.prefix) / "hookstation.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for group in groups:
            stamp = Path(sys.prefix) / f"hookstation-{group}.stamp"
            text = stamp_text(group, ROOT)
            if not stamp.exists() or stamp.read_text() != text:
                install(group)
                stamp.write_text(text)
        if RUNTIME in groups:
            bundle_pages()


def bundle_pages() -> None:
    """Make the pages' bundle anew where its sources have changed since."""
    if subprocess.run([sys.executable, FRONTEND], cwd=ROOT, check=False).returncode:
        raise SystemExit("The pages could not be bundled; the message above says why.")


if __name__ == "__main__":
    prepare(sys.argv[1:])
