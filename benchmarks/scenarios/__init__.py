"""Every scenario by its name, in the order in which they run."""

from __future__ import annotations

from typing import Final

from benchmarks.bench import Scenario
from benchmarks.scenarios.against_echo import against_echo
from benchmarks.scenarios.against_framework import against_framework
from benchmarks.scenarios.deliveries import deliveries
from benchmarks.scenarios.full_journal import full_journal
from benchmarks.scenarios.hanging import hanging
from benchmarks.scenarios.idle_chain import idle_chain
from benchmarks.scenarios.jobs import jobs
from benchmarks.scenarios.many_webhooks import many_webhooks
from benchmarks.scenarios.on_postgres import on_postgres
from benchmarks.scenarios.one_sender import one_sender
from benchmarks.scenarios.queued import queued
from benchmarks.scenarios.run_page import run_page
from benchmarks.scenarios.searching import searching
from benchmarks.scenarios.transfer import transfer
from benchmarks.scenarios.waiting import waiting
from benchmarks.scenarios.workflows import workflows

SCENARIOS: Final[dict[str, Scenario]] = {
    "against-echo": against_echo,
    "against-framework": against_framework,
    "one-sender": one_sender,
    "many-webhooks": many_webhooks,
    "full-journal": full_journal,
    "postgres": on_postgres,
    "jobs": jobs,
    "searching": searching,
    "queued": queued,
    "deliveries": deliveries,
    "hanging": hanging,
    "waiting": waiting,
    "workflows": workflows,
    "idle-chain": idle_chain,
    "run-page": run_page,
    "transfer": transfer,
}
