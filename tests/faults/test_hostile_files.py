"""Configuration files that mean harm: the commands say what is wrong, in time, without a stack."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from hookstation.cli.commands import cli
from hookstation.wiring.main import LocalBackend
from tests.support.hostile import CONFIGURATIONS

LONGEST = 20_000
"""Most characters that a command says of one file."""


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_a_hostile_configuration_file_is_refused(tmp_path: Path, name: str) -> None:
    """Exit 1, sentences that name the file, and no more of them than one can read."""
    file = tmp_path / "hostile.yaml"
    file.write_bytes(CONFIGURATIONS[name])
    ended = CliRunner().invoke(
        cli, ["plan", str(file), "--data", str(tmp_path / "data")], obj=LocalBackend(), catch_exceptions=False
    )
    assert 1 == ended.exit_code
    assert "hostile.yaml" in ended.stderr
    assert len(ended.stderr) < LONGEST
