"""The reference pages are written from the code."""

from __future__ import annotations

import click
import pytest

from hookstation.errors import HookstationError
from tools.reference import FOLDER, PAGES
from tools.reference_commands import page_of
from tools.reference_errors import branches
from tools.reference_errors import page as errors_page


@click.group()
def station() -> None:
    """A station."""


@station.group()
def events() -> None:
    """The journal."""


@events.command("show")
@click.argument("event")
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
@click.option("--deep", hidden=True)
def show(event: str, as_json: bool, deep: str) -> None:
    """Show an event.

    With everything that belongs to it.
    """


@station.command(hidden=True)
def inner() -> None:
    """Nobody's business."""


def test_a_command_is_shown_with_its_usage_help_and_options() -> None:
    page = page_of(station)
    assert "## `hookstation events show`" in page
    assert "hookstation events show [OPTIONS] EVENT" in page
    assert "With everything that belongs to it." in page
    assert "| `--json` | One JSON document. |" in page


@pytest.mark.parametrize("hidden", ["inner", "--deep", "--help`"])
def test_what_is_hidden_stays_out(hidden: str) -> None:
    assert hidden not in page_of(station).partition("\n## ")[2]


def test_every_error_stands_on_its_page_below_the_one_it_belongs_to() -> None:
    page = errors_page()
    assert all(f"{'→ ' * depth}`{error.__name__}`" in page for depth, error in branches(HookstationError))
    assert "| → → `UnknownOutcome` | The call was sent, but its outcome is not known. |" in page


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_tracked_page_is_what_the_code_says_now(name: str) -> None:
    assert PAGES[name]() == (FOLDER / f"{name}.md").read_text(), "stale; `make docs` writes it anew"
