"""Transfers into files: what stands in them, when, and what is told of it."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

from hookstation.core.workflows.values import RunState
from tests.support.transfers import change, crm, csv, fill, folder, moving, run, transfer


async def test_rows_of_a_table_become_a_file_chunk_by_chunk(tmp_path: Path) -> None:
    fill(tmp_path / "crm.db", 8)
    async with moving(
        tmp_path, transfer(), connections=[crm(tmp_path / "crm.db"), folder(tmp_path / "out")]
    ) as station:
        ended = await run(station)
    assert (RunState.SUCCEEDED, "") == (ended.state, ended.error)
    assert csv(*range(1, 9)) == (tmp_path / "out/members.csv").read_bytes()
