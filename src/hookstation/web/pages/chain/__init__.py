"""Workflows and all that begins and shows their runs: schedules, polls, transfers, approvals."""

from hookstation.web.pages.chain import (
    acts,
    approvals,
    editor,
    gallery,
    listing,
    run,
    run_acts,
    runs,
    workflow,
)

PAGES = (
    *listing.PAGES,
    *gallery.PAGES,
    *editor.PAGES,
    *workflow.PAGES,
    *runs.PAGES,
    *run.PAGES,
    *run_acts.PAGES,
    *approvals.PAGES,
    *acts.PAGES,
)

__all__ = ["PAGES"]
