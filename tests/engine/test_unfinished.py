"""The jobs of events that are not finished: what is written is what is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hookstation.core.jobs import EVENTS
from hookstation.core.records import Operation, Record
from hookstation.core.values import Number
from hookstation.engine.unfinished import Unfinished, queued_job, read_unfinished, unfinished_job

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SCALARS = st.one_of(
    TEXT,
    st.booleans(),
    st.none(),
    st.integers(-(10**30), 10**30),
    st.just(Number("19.90")),
    st.just(Number("1e5")),
)
RECORDS = st.builds(
    lambda *parts: Record(*parts),
    TEXT,
    TEXT,
    st.sampled_from(list(Operation)),
    st.dictionaries(TEXT, SCALARS, max_size=4),
    st.dictionaries(TEXT, SCALARS, max_size=2),
)
RUN = st.text("0123456789ABCDEFGHJKMNPQRSTVWXYZ", min_size=26, max_size=26)
QUEUED = st.builds(
    lambda record, marker, since, run: Unfinished(record, marker, since, run_id=run),
    RECORDS,
    TEXT,
    st.integers(0, 2**62),
    RUN,
)


@given(QUEUED, TEXT)
def test_a_job_that_was_not_tried_yet_is_read_as_it_was_written(work: Unfinished, key: str) -> None:
    job = queued_job("E", "courses", work, key)
    assert (EVENTS, "E", "courses", key, 0, 0) == (job.queue, job.id, job.lane, job.key, job.delay, job.tries)
    assert work == read_unfinished(job)


@given(QUEUED, st.integers(0, 9), st.booleans(), TEXT)
def test_what_came_of_its_tries_is_read_too(
    work: Unfinished, waits: int, parked: bool, cancelled: str
) -> None:
    later = structs.replace(work, waits=waits, parked=parked, cancelled=cancelled, received=work.since)
    job = unfinished_job("E", later, key="k", seconds=1.5, tries=3, turn=b"row", lane="courses")
    assert (1_500_000, 3, b"row", "courses") == (job.delay, job.tries, job.turn, job.lane)
    assert later == read_unfinished(job)
