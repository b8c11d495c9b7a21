"""Workflows, transfers, polls and schedules as YAML that reads back to the same."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hookstation.config.export import export
from hookstation.config.files import read_files
from hookstation.core.definitions import Configuration
from hookstation.core.documents import PersonSecrets, decode_configuration, with_references
from hookstation.core.polling.definitions import Poll
from hookstation.core.schedules.definitions import Schedule
from hookstation.core.transfers.definitions import Transfer
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from tests.support.chain import document, polls, schedules, transfer, transfers, whole
from tests.support.configurations import CATALOGUE
from tests.support.workflows import workflows


def _chain(work: Workflow, move: Transfer, poll: Poll, schedule: Schedule) -> Configuration:
    return Configuration(
        workflows={work.name: work},
        transfers={move.name: move},
        polls={poll.name: poll},
        schedules={schedule.name: schedule},
    )


def read_back(folder: Path, configuration: Configuration) -> Configuration:
    exported = export(configuration, CATALOGUE)
    path = folder / "hookstation.yaml"
    path.write_text(exported.text)
    bundle = read_files([path], CATALOGUE, {one.variable: "t0ken" for one in exported.placeholders})
    given_document = with_references(bundle.document, bundle.references)
    return decode_configuration(given_document, CATALOGUE, PersonSecrets())[0]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(configuration=st.builds(_chain, workflows(), transfers, polls, schedules))
def test_what_is_exported_reads_back_to_the_same(tmp_path: Path, configuration: Configuration) -> None:
    assert configuration == read_back(tmp_path, configuration)


def test_one_of_each_kind_is_written_one_behind_the_other() -> None:
    configuration = decode_configuration(whole(), CATALOGUE, PersonSecrets())[0]

    lines = export(configuration, CATALOGUE).text.splitlines()

    kinds = [line for line in lines if not line.startswith((" ", "-"))]
    assert ["version: 1", "workflows:", "transfers:", "polls:", "schedules:"] == kinds


def test_the_secret_of_a_transfer_is_named_and_not_written() -> None:
    proof: JSON = {"type": "bearer", "token": "t0ken"}
    target: JSON = {"type": "http", "url": "https://a.example.org", "authentication": proof}
    given_document = document(transfers=[transfer(destination=target)])
    configuration = decode_configuration(given_document, CATALOGUE, PersonSecrets())[0]

    exported = export(configuration, CATALOGUE)

    assert ["HOOKSTATION_MEMBERS_TOKEN"] == [one.variable for one in exported.placeholders]
    assert "t0ken" not in exported.text
