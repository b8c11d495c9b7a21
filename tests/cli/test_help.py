"""What the command line says about itself, and what it does with wrong words; nothing here needs a station."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from hookstation.cli.commands import ROOMS, cli
from tools.reference_commands import leaves

COLUMNS, LINES = 80, 24
GROUPS = ["webhooks", "connections", "events", "records", "keys"]
LEAVES = [path.split()[1:] for path, _, _ in leaves(cli, click.Context(cli, info_name="hookstation"))]
RUN_ON = ["serve", "demo", "sandbox"]
"""Commands that run until they are told to end."""
WRONG = [
    "nonsense",
    "webhooks",
    "webhooks nonsense",
    "webhooks show",
    "webhooks list too much",
    "serve --port 65536",
    "serve --port eighty",
    "serve --role boss",
    "sandbox --port -1",
    "plan",
    "plan --nonsense file",
    "apply {here}/file",
    "export --out {here}/file",
    "test courses",
    "test courses --payload {here}/nothing",
    "test courses --payload {here}/file --header no-colon --data {here}/data",
    "events list --limit 0",
    "events replay",
    "records list",
    "keys add somebody",
    "keys add somebody --role guest",
    "backup",
    "restore {here}/nothing",
]


def said(*words: str) -> Result:
    """What the command line says on a usual terminal."""
    return CliRunner().invoke(cli, list(words), terminal_width=COLUMNS)


@pytest.mark.parametrize("words", [*LEAVES, *([group] for group in GROUPS)], ids=" ".join)
def test_help_fits_one_screen_and_says_a_sentence(words: list[str]) -> None:
    result = said(*words, "--help")
    lines = result.stdout.splitlines()
    assert 0 == result.exit_code
    assert "" == result.stderr
    assert [] == [line for line in lines if len(line) > COLUMNS]
    assert len(lines) <= LINES
    assert "." in result.stdout.partition("Options:")[0]


@pytest.mark.parametrize("words", [[], *([group] for group in GROUPS)], ids=" ".join)
def test_the_line_of_each_command_in_a_list_is_whole(words: list[str]) -> None:
    assert "..." not in said(*words, "--help").stdout.partition("Commands:")[2]


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_says_where_the_data_is(words: list[str]) -> None:
    told = said(*words, "--help").stdout
    assert "--data DIR" in told
    assert "--database-url URL" in told


@pytest.mark.parametrize("words", LEAVES, ids=" ".join)
def test_every_command_that_ends_can_answer_in_json(words: list[str]) -> None:
    assert (words[0] in RUN_ON) != ("--json" in said(*words, "--help").stdout)


@pytest.mark.parametrize("room", ROOMS)
def test_a_command_is_looked_for_in_the_module_in_which_it_stands(room: str) -> None:
    there = import_module(f"hookstation.cli.{room}").COMMANDS
    assert ROOMS[room] == tuple(command.name for command in there)


def test_a_command_for_a_running_station_loads_nothing_of_what_a_station_is_made_of() -> None:
    """It is a process of its own: what it loads is what a person waits for."""
    script = (
        "import sys; from hookstation.wiring.main import cli; from hookstation.wiring import channel; "
        "cli(['keys', 'add', '--help'], standalone_mode=False); "
        "print(sorted({'aiohttp', 'asyncpg', 'liquid', 'starlette', 'uvicorn', 'yaml'} & sys.modules.keys()))"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "[]" == ended.stdout.splitlines()[-1]


@pytest.mark.parametrize("line", WRONG)
def test_wrong_use_exits_with_2_and_says_so_on_stderr_only(line: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("{}")
    result = said(*line.format(here=tmp_path).split())
    assert 2 == result.exit_code
    assert "" == result.stdout
    assert result.stderr
