"""Write ``constraints.txt``: one version of everything that a make target installs, no registry's name.

pip itself resolves all groups together, once with each supported Python that is at hand; what one of them
needs alone (a back-port, say) is pinned too.  Known pins stay as they are unless ``--upgrade`` is given, and
a pin that does not fit every Python is refused here rather than on somebody's machine.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from tools.environment import CONSTRAINTS, PROJECT, ROOT, RUNTIME, requirements

PYTHONS = ("python3.11", "python3.12", "python3.13")
HEADER = """\
# Every version that `make` installs, for Python 3.11 and newer. Made by `make lock`; do not edit by hand.
"""


def canonical(name: str) -> str:
    """A distribution's name as PEP 503 normalises it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fits(python: str) -> bool:
    """Whether this command is a Python that Hookstation supports."""
    command = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def interpreters(more: list[str]) -> list[str]:
    """Every supported Python that runs here, this environment's first, with those that were named."""
    return [sys.executable, *(python for python in (*PYTHONS, *more) if fits(python))]


def resolve(python: str, wanted: list[str], known: dict[str, str]) -> dict[str, str]:
    """What pip under `python` would install for `wanted` beside the `known` pins: name → version."""
    with tempfile.TemporaryDirectory() as folder:
        report, pinned = Path(folder) / "report.json", Path(folder) / "known.txt"
        pinned.write_text(render(known))
        command = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--dry-run"]
        command += [
            "--ignore-installed",
            "--prefer-binary",
            "--report",
            str(report),
            "--constraint",
            str(pinned),
            *wanted,
        ]
        if subprocess.run(command, cwd=ROOT, check=False).returncode:
            raise SystemExit(f"{python} cannot resolve the requirements; pip's message above says why.")
        installs = json.loads(report.read_text())["install"]
    return {canonical(item["metadata"]["name"]): item["metadata"]["version"] for item in installs}


def merge(first: dict[str, str], second: dict[str, str], python: str) -> dict[str, str]:
    """Both sets of pins; they must agree, for there is one file for every Python."""
    clashes = [name for name in first.keys() & second.keys() if first[name] != second[name]]
    if clashes:
        told = ", ".join(f"{name} {first[name]} and {second[name]}" for name in sorted(clashes))
        raise SystemExit(
            f"{python} needs other versions than the Python before it: {told}. Bound them in {PROJECT.name}."
        )
    return first | second


def render(pins: dict[str, str]) -> str:
    """The constraints file."""
    return HEADER + "".join(f"{name}=={pins[name]}\n" for name in sorted(pins))


def parse(text: str) -> dict[str, str]:
    """The pins in a constraints file."""
    lines = (line.split("#")[0].strip() for line in text.splitlines())
    return dict(line.split("==", 1) for line in lines if line)


def main(arguments: list[str]) -> None:
    """Resolve everything and write the file; arguments that are no options name further Pythons."""
    project = tomllib.loads(PROJECT.read_text())
    groups = [RUNTIME, *(name for name in project["dependency-groups"] if name != "build")]
    wanted = [line for group in groups for line in requirements(group, project)]
    keep = CONSTRAINTS.exists() and "--upgrade" not in arguments
    known = parse(CONSTRAINTS.read_text()) if keep else {}
    pins: dict[str, str] = {}
    for python in interpreters([name for name in arguments if not name.startswith("-")]):
        pins = merge(pins, resolve(python, wanted, known | pins), python)
    CONSTRAINTS.write_text(render(pins))
    sys.stderr.write(f"{CONSTRAINTS.name}: {len(pins)} pins\n")


if __name__ == "__main__":
    main(sys.argv[1:])
