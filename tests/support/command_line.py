"""The command line inside the test's own process: for what a process of its own would show no better, only later."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hookstation.cli.commands import cli
from hookstation.wiring.main import LocalBackend


def here(*words: str | Path, **variables: str) -> Result:
    """`hookstation` with these words; a failure that is no exit is raised."""
    ended = CliRunner().invoke(cli, [str(word) for word in words], obj=LocalBackend(), env=variables)
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    return ended


def heard(*words: str | Path, **variables: str) -> Any:
    """The JSON document that it answers."""
    ended = here(*words, "--json", **variables)
    assert ended.exit_code == 0, ended.stderr
    return json.loads(ended.stdout)
