"""Write the reference pages that are made from the code into ``docs/reference``.

``python -m tools.reference`` writes all of them; names as arguments choose.  The pages are tracked, so that
they can be read without building anything, and a test says when one is stale.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from tools import (
    reference_commands,
    reference_config,
    reference_errors,
    reference_outgoing,
    reference_settings,
    reference_steps,
)

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "reference"
PAGES: dict[str, Callable[[], str]] = {
    "commands": reference_commands.page,
    "config-file": reference_config.page,
    "errors": reference_errors.page,
    "outgoing-events": reference_outgoing.page,
    "settings": reference_settings.page,
    "steps": reference_steps.page,
}


def main(names: list[str]) -> None:
    """Write the named pages, or all."""
    for name in names or PAGES:
        (FOLDER / f"{name}.md").write_text(PAGES[name]())


if __name__ == "__main__":
    main(sys.argv[1:])
