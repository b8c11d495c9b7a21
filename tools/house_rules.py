"""House rules that no ready-made linter knows; each says what is wrong and what to do instead.

``python -m tools.house_rules`` reads every tracked file.  A line that must break a rule says so and why::

    time.sleep(0.05)  # house: allow sleep - the other process has no signal to wait for

Waivers are counted and shown, so that they shrink.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FILE_ALARM: Final = 800
FUNCTION_ALARM: Final = 80
WAIVER: Final = re.compile(r"# house: allow (?P<rule>[a-z-]+) - \S")


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule broken at a line (counted from 1) of a file."""

    path: str
    line: int
    rule: str
    lesson: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.rule}: {self.lesson}"


Hit = tuple[int, str]
TreeRule = Callable[[str, ast.Module], Iterable[Hit]]


def within(path: str, *floors: str) -> bool:
    """Whether a file of the package lies on one of these floors."""
    return any(PurePosixPath(path).is_relative_to(f"src/hookstation/{floor}") for floor in floors)


def called(node: ast.AST) -> str:
    """The dotted name that a call calls (``datetime.now``), empty for anything else."""
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def modules(node: ast.AST) -> list[str]:
    """The modules that a statement imports, or imports from."""
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return [alias.name for alias in node.names] if isinstance(node, ast.Import) else []


def origins(tree: ast.Module) -> dict[str, str]:
    """Where each imported name of a module comes from: name → the module it was imported from, or is."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found.update((alias.asname or alias.name, node.module or "") for alias in node.names)
        elif isinstance(node, ast.Import):
            found.update((alias.asname or alias.name.partition(".")[0], alias.name) for alias in node.names)
    return found


IMPURE: Final = frozenset(
    (
        "aiohttp",
        "apsw",
        "asyncio",
        "logging",
        "os",
        "pathlib",
        "random",
        "secrets",
        "shutil",
        "socket",
        "sqlite3",
        "starlette",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib.request",
        "uuid",
        "uvicorn",
    )
)


def pure_core(path: str, tree: ast.Module) -> Iterator[Hit]:
    """core/ decides, and never looks at a clock, a file, a network or a dice."""
    if not within(path, "core"):
        return
    for node in ast.walk(tree):
        for name in modules(node):
            if name in IMPURE or name.partition(".")[0] in IMPURE:
                yield line_of(node), f"core/ is pure, but imports {name}; take what it gives as an argument."
        if called(node) in ("open", "print", "input"):
            yield line_of(node), f"core/ is pure, but calls {called(node)}; return the value instead."


CLOCK_CALLS: Final = frozenset(
    (
        "date.today",
        "datetime.date.today",
        "datetime.datetime.now",
        "datetime.datetime.utcnow",
        "datetime.now",
        "datetime.today",
        "datetime.utcnow",
        "time.time",
        "time.time_ns",
    )
)


def one_clock(path: str, tree: ast.Module) -> Iterator[Hit]:
    """The time of day comes from the Clock port, so that a test can set it; an adapter is what looks."""
    if not path.startswith("src/") or within(path, "adapters"):
        return
    for node in ast.walk(tree):
        if called(node) in CLOCK_CALLS:
            yield (
                line_of(node),
                f"{called(node)}() reads the machine's clock; ask the Clock you were handed.",
            )


LOG_CALL: Final = re.compile(r"(?:^|\.)_?log(?:ger|ging)?\.\w+$")


def log_and_raise(_: str, tree: ast.Module) -> Iterator[Hit]:
    """An error is either handled here or passed on; doing both writes it down twice."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.ExceptHandler):
            continue
        logs = [
            inner for inner in ast.walk(node) if re.search(r"(?:^|\.)_?log(?:ger|ging)?\.\w+$", called(inner))
        ]
        if logs and any(isinstance(inner, ast.Raise) for inner in ast.walk(node)):
            yield (
                line_of(logs[0]),
                "logged and raised; raise with the facts, whoever handles it logs once.",
            )


OWN_ERRORS_ONLY: Final = ("core", "ports", "engine", "config", "connectors", "testing")


def foreign_raise(path: str, tree: ast.Module) -> Iterator[Hit]:
    """Above the adapters only errors of hookstation.errors and of Python itself are raised."""
    if not within(path, *OWN_ERRORS_ONLY):
        return
    imported = origins(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = called(node.exc) or ast.unparse(node.exc)
            module = imported.get(raised.partition(".")[0], "").partition(".")[0]
            if module and module != "hookstation" and module not in sys.stdlib_module_names:
                yield (
                    node.lineno,
                    f"raises {raised} of {module}; raise one of hookstation.errors instead.",
                )


def sleeping_tests(path: str, tree: ast.Module) -> Iterator[Hit]:
    """A test that sleeps is slow on a quick machine and wrong on a slow one."""
    if not path.startswith("tests/"):
        return
    for node in ast.walk(tree):
        if called(node) in ("time.sleep", "asyncio.sleep", "sleep") and ast.unparse(node).find("(0)") < 0:
            yield (
                line_of(node),
                "a test sleeps; wait for the event, or move the clock of hookstation.testing.",
            )


def mocked_tests(path: str, tree: ast.Module) -> Iterator[Hit]:
    """The twins of hookstation.testing behave; a mock only repeats what the test believes."""
    for node in ast.walk(tree):
        if any(name.startswith(("unittest.mock", "mock")) for name in modules(node)) and path.startswith(
            "tests/"
        ):
            yield line_of(node), "mocks; let the real part run, or take its twin from hookstation.testing."


def long_functions(_: str, tree: ast.Module) -> Iterator[Hit]:
    """A function that does not fit on a screen hides its steps."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_ALARM:
                yield (
                    node.lineno,
                    f"{node.name} has {length} lines, the alarm is {FUNCTION_ALARM}; name its steps.",
                )


def line_of(node: ast.AST) -> int:
    """The line that a node begins on."""
    return node.lineno if isinstance(node, ast.stmt | ast.expr) else 1


TREE_RULES: Final[dict[str, TreeRule]] = {
    "pure-core": pure_core,
    "one-clock": one_clock,
    "log-and-raise": log_and_raise,
    "foreign-raise": foreign_raise,
    "sleep": sleeping_tests,
    "mock": mocked_tests,
    "long-function": long_functions,
}

TEXT_RULES: Final[dict[str, tuple[re.Pattern[str], str]]] = {
    "registry": (
        re.compile(
            r"(?:(?:test\.|files\.)?py(?:pi|thonhosted)\.org|registry\.(?:npmjs|yarnpkg)\.(?:org|com)"
            r"|deb\.deb(?:ian)\.org|(?:^\s*|--)(?:extra-)?index[-]url)",
        ),
        "names a package registry; where packages come from is the installing machine's own setting.",
    ),
    "machine-path": (
        re.compile(r"(?<![\w.~])/(?:root|work|opt/pypi|home/\w+|Users/\w+)/\w"),
        "names a path of somebody's machine; make it relative, or take it from the environment.",
    ),
    "unfinished": (
        re.compile(r"#\s*(?:TODO|FIXME|XXX|HACK)\b"),
        "promises work; do it, or write it down where the work is planned.",
    ),
}


def long_file(text: str) -> Iterator[Hit]:
    """A file beyond the alarm holds more than one thought."""
    length = text.count("\n")
    if length > FILE_ALARM:
        yield (
            FILE_ALARM,
            f"the file has {length} lines, the alarm is {FILE_ALARM}; split it by subject.",
        )


def hits(path: str, text: str) -> Iterator[tuple[str, Hit]]:
    """Everything the rules have to say about a file, waived or not: (rule, (line, lesson))."""
    for name, (pattern, lesson) in TEXT_RULES.items():
        lines = enumerate(text.splitlines(), start=1)
        yield from ((name, (number, lesson)) for number, line in lines if pattern.search(line))
    if path.endswith(".py"):
        yield from (("long-file", hit) for hit in long_file(text))
        tree = ast.parse(text)
        for name, rule in TREE_RULES.items():
            yield from ((name, hit) for hit in rule(path, tree))


def waived(rule: str, line: str) -> bool:
    """Whether a line says, with a reason, that it breaks this rule."""
    match = WAIVER.search(line)
    return match is not None and match["rule"] == rule


def check(path: str, text: str) -> tuple[list[Finding], int]:
    """What a file breaks, and how many waivers it holds."""
    lines = ["", *text.splitlines(), ""]
    found, allowed = [], 0
    for rule, (number, lesson) in hits(path, text):
        if waived(rule, lines[min(number, len(lines) - 1)]):
            allowed += 1
        else:
            found.append(Finding(path, number, rule, lesson))
    return sorted(found, key=lambda finding: (finding.line, finding.rule)), allowed


def tracked() -> Iterator[tuple[str, str]]:
    """Path and text of each tracked text file."""
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listing.stdout.split("\0")):
        try:
            yield name, (ROOT / name).read_text()
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue


def main() -> int:
    """Check every tracked file; the exit code."""
    reports = [check(path, text) for path, text in tracked()]
    findings = [finding for found, _ in reports for finding in found]
    for finding in findings:
        sys.stdout.write(f"{finding}\n")
    waivers = sum(allowed for _, allowed in reports)
    sys.stdout.write(f"House rules: {len(findings)} broken, {waivers} waived, {len(reports)} files.\n")
    return 1 if findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
