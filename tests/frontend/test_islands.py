"""What scripts of the pages decide without a page: TypeScript's own tests, run by Node on the sources."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import hatch_build
from hookstation.web.pages.chain.editor.described import described

HERE = Path(__file__).parent
SUITE = "workflow.test.ts"


def test_the_workflow_editor_keeps_a_document_whole_whatever_is_done_to_it(tmp_path: Path) -> None:
    """The suite is bundled as the pages' scripts are, with the types of step as the station describes them."""
    hatch_build.install()
    room = tmp_path / "tests" / "frontend"
    room.mkdir(parents=True)
    shutil.copy(HERE / SUITE, room)
    (room / "known.json").write_text(json.dumps(described()["types"]))
    (tmp_path / "frontend").symlink_to(hatch_build.FRONTEND)
    esbuild = hatch_build.FRONTEND / hatch_build.MODULES / "esbuild" / "bin" / "esbuild"
    words = [str(room / SUITE), "--bundle", "--platform=node", "--format=esm", "--log-level=error"]
    made = tmp_path / "suite.mjs"
    subprocess.run([str(esbuild), *words, f"--outfile={made}"], check=True, timeout=60)
    ran = subprocess.run(
        [str(hatch_build.node()), "--test", str(made)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert 0 == ran.returncode, ran.stdout
