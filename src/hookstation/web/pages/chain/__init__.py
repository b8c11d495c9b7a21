"""Workflows and all that begins and shows their runs: schedules, polls, transfers, approvals."""

from hookstation.web.pages.chain import (
    acts,
    approvals,
    editor,
    gallery,
    listing,
    poll_form,
    polls,
    run,
    run_acts,
    runs,
    schedule_form,
    schedules,
    transfer_form,
    transfers,
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
    *schedule_form.PAGES,
    *schedules.PAGES,
    *poll_form.PAGES,
    *polls.PAGES,
    *transfer_form.PAGES,
    *transfers.PAGES,
    *approvals.PAGES,
    *acts.PAGES,
)

__all__ = ["PAGES"]
