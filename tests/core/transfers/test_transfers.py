"""What a transfer's document means: its workflow, what becomes of its rows, and how far it is."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.transfers.definitions import (
    AlertOn,
    Alerts,
    Column,
    FileTarget,
    Format,
    TableRows,
    Transfer,
)
from hookstation.core.transfers.pipeline import Pipeline, digest_after, layout_of
from hookstation.core.transfers.progress import (
    Progress,
    key_text,
    read_key,
    read_progress,
    written_progress,
)
from hookstation.core.transfers.workflow import workflow_of
from hookstation.core.values import JSON, Number
from hookstation.core.workflows.catalog import SPECS
from hookstation.core.workflows.compiled import compile_workflow
from hookstation.core.workflows.scope import first_frame
from hookstation.errors import MappingFailed

PLAIN = Transfer("members", TableRows("crm", "members"), FileTarget("out", "members.csv"))
SCOPE = first_frame({"season": "spring"}, {"id": "R1"}, 0).scope()
CELLS: st.SearchStrategy[JSON] = (
    st.none() | st.integers() | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=5)
)
ROWS = st.lists(st.fixed_dictionaries({"ID": st.integers(), "Name": CELLS}), min_size=1, max_size=9)


@pytest.mark.parametrize(
    ("on", "steps"),
    [
        ((), ["move"]),
        ((AlertOn.SUCCESS,), ["move", "tell-success", "end"]),
        ((AlertOn.NOTHING,), ["move", "tell-nothing", "end"]),
        ((AlertOn.FAILURE,), ["move", "end", "tell-failure", "failed"]),
        (tuple(AlertOn), ["move", "tell-success", "tell-nothing", "end", "tell-failure", "failed"]),
    ],
)
def test_a_transfer_is_a_workflow_that_can_be_run(on: tuple[AlertOn, ...], steps: list[str]) -> None:
    alerts = Alerts("post", ("ann@example.org",), frozenset(on)) if on else None
    workflow = workflow_of(replace(PLAIN, alerts=alerts), "transfer:members", {})
    assert steps == [one.name for one in workflow.steps]
    assert set(steps) == set(compile_workflow(workflow, SPECS).by_name)


def test_a_title_in_the_language_of_templates_stands_in_no_mail() -> None:
    alerts = Alerts("post", ("ann@example.org",), frozenset(AlertOn))
    workflow = workflow_of(replace(PLAIN, title="$$trigger$$", alerts=alerts), "transfer:members", {})
    assert "“members”: failed" == workflow.steps[4].settings["subject"]


@given(ROWS, st.integers(1, 5), st.sampled_from(["csv", "tsv", "json", "ndjson", "xml"]))
def test_what_is_written_chunk_by_chunk_by_different_hands_is_what_is_written_at_once(
    rows: list[dict[str, JSON]], size: int, kind: str
) -> None:
    pipeline = Pipeline(replace(PLAIN, format=Format(kind)), SCOPE)
    written, progress = b"", Progress()
    for begin in range(0, len(rows), size):
        writer = pipeline.writer(progress)
        piece = rows[begin : begin + size]
        written += (b"" if progress.rows else writer.begin()) + writer.rows(piece)
        progress = read_progress(
            written_progress(Progress(rows=progress.rows + len(piece), columns=writer.columns))
        )
    assert pipeline.whole(rows) == written + pipeline.writer(progress).end()


def test_columns_are_made_of_the_row_and_of_what_began_the_run() -> None:
    columns = (Column("n", "ID"), Column("of", value="$$trigger.season$$/$$index$$"))
    rows = Pipeline(replace(PLAIN, columns=columns), SCOPE).out([{"ID": 7}, {"ID": 8}], 40)
    assert [{"n": 7, "of": "spring/40"}, {"n": 8, "of": "spring/41"}] == rows


def test_a_column_that_cannot_be_made_is_named_with_its_row() -> None:
    pipeline = Pipeline(replace(PLAIN, columns=(Column("x", value="{{ ID | divided_by: 0 }}"),)), SCOPE)
    with pytest.raises(MappingFailed, match="row 3: “x”"):
        pipeline.out([{"ID": 1}], 2)


def test_the_encoding_of_a_file_counts_for_lines_of_values() -> None:
    target = FileTarget("out", "members.csv", encoding="windows-1252")
    assert "windows-1252" == layout_of(replace(PLAIN, destination=target)).encoding
    assert "utf-8" == layout_of(replace(PLAIN, destination=target, format=Format("json"))).encoding


@given(ROWS)
def test_the_digest_of_rows_changes_with_each_of_them(rows: list[dict[str, JSON]]) -> None:
    digests = [""]
    for row in rows:
        digests.append(digest_after(digests[-1], [row]))
    assert all(one != other for one, other in pairwise(digests))
    assert digest_after("", rows) != digest_after("", [*rows, {"ID": 0}])


@given(
    st.builds(
        Progress,
        *[st.integers(0, 10**12)] * 5,
        after=st.text(max_size=9),
        columns=st.tuples(st.text(max_size=3)),
        whole=st.booleans(),
        back=st.none() | st.builds(Progress, read=st.integers(0, 9)),
    )
)
def test_progress_is_read_as_it_was_written(progress: Progress) -> None:
    assert progress == read_progress(written_progress(progress))


@given(st.integers() | st.text() | st.sampled_from([Number("1.50"), Number("1e5")]))
def test_a_key_keeps_its_digits(key: JSON) -> None:
    assert key == read_key(key_text(key))
