"""The documentation tells of everything that there is, and its links lead somewhere."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from hookstation.config.settings import SETTINGS
from hookstation.errors import HookstationError
from tools.reference_commands import COMMANDS, leaves, load
from tools.reference_errors import branches

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
SOURCE = ROOT / "src" / "hookstation"
PAGES = sorted([*ROOT.glob("*.md"), *(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)])

TUTORED = [page for page in [*PAGES, *ROOT.glob("examples/**/*.md")] if page.name != "commands.md"]

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?!https?:|mailto:)(?P<target>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
LABEL = re.compile(r"^\((.+)\)=$", re.MULTILINE)


def prose(page: Path) -> str:
    return FENCE.sub("", page.read_text())


def reference() -> str:
    return "\n".join(page.read_text() for page in (DOCS / "reference").glob("*.md"))


def anchors(page: Path) -> set[str]:
    """What a link into the page may name: each heading as its letters, and each label."""
    text = prose(page)
    headings = (re.sub(r"[^\w\- ]", "", heading.lower()).strip() for heading in HEADING.findall(text))
    return {heading.replace(" ", "-") for heading in headings} | set(LABEL.findall(text))


def told_commands(page: Path) -> list[str]:
    """The command lines of `hookstation` in a page's blocks."""
    blocks = "\n".join(FENCE.findall(page.read_text()))
    return re.findall(r"^(?:\$ )?(?:\.venv/bin/)?hookstation (.+)$", blocks, re.MULTILINE)


def understand(words: list[str]) -> None:
    """Parse a command line without running it. Raises `click.UsageError` for what the command does not know."""
    command = load(COMMANDS)
    context = click.Context(command)
    while isinstance(command, click.Group):
        name, found, words = command.resolve_command(context, words)
        assert found is not None, name
        command, context = found, click.Context(found, parent=context)
    command.make_parser(context).parse_args(words)


def links(page: Path) -> Iterator[tuple[Path, str]]:
    for match in LINK.finditer(prose(page)):
        target = page.parent / match["target"] if match["target"] else page
        yield target.resolve(), match["anchor"] or ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_inside_leads_to_a_page_and_a_heading(page: Path) -> None:
    dead = [target for target, _ in links(page) if not target.exists()]
    assert [] == dead
    assert [] == [
        (target, anchor) for target, anchor in links(page) if anchor and anchor not in anchors(target)
    ]


def test_every_setting_is_documented() -> None:
    assert [] == [spec.variable for spec in SETTINGS if f"`{spec.variable}`" not in reference()]


def test_every_command_is_documented() -> None:
    command = load(COMMANDS)
    paths = [
        path
        for path, _, _ in leaves(command, command.make_context("hookstation", [], resilient_parsing=True))
    ]
    assert [] == [path for path in paths if f"## `{path}`" not in reference()]


@pytest.mark.parametrize("page", TUTORED, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_line_that_a_page_tells_is_understood(page: Path) -> None:
    for line in told_commands(page):
        understand(shlex.split(line, comments=True))


def test_every_error_is_documented() -> None:
    names = [error.__name__ for _, error in branches(HookstationError)]
    assert [] == [name for name in names if f"`{name}`" not in reference()]


def test_every_connector_is_documented() -> None:
    names = [folder.name for folder in (SOURCE / "connectors").iterdir() if (folder / "help.md").exists()]
    assert {"imis", "records"} <= set(names)
    assert [] == [name for name in names if f"`{name}`" not in reference()]


def test_every_page_can_be_reached_from_the_index() -> None:
    """The index names shelves, and a page that lies on none would be found by nobody."""
    shelves = {"tutorial", "how-to", "reference", "explanation", "decisions", "docs"}
    assert set() == {page.parent.name for page in PAGES if DOCS in page.parents} - shelves


def test_no_page_is_left_out_of_git() -> None:
    listing = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert [] == [page for page in PAGES if str(page.relative_to(ROOT)) not in listing.stdout.splitlines()]
