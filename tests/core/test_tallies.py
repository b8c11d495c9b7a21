"""Roll-ups: adding up, counting again, and what is read off counts."""

import string

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.events import State
from hookstation.core.tallies import (
    BUCKETS,
    HOUR,
    LAST,
    MINUTE,
    REPEATED,
    STATION,
    TOOK,
    Span,
    Tally,
    add,
    end_name,
    figures,
    gathered,
    missing,
    percentile,
    spread,
    total,
)

Counts = dict[str, int]

reasons = st.sampled_from(["", "schema", "mapping", "authentication"])
ends = st.builds(end_name, st.sampled_from(list(State)), reasons)
counted = st.dictionaries(ends | st.sampled_from([REPEATED, "bytes", *TOOK]), st.integers(1, 1000))
journals = st.dictionaries(ends, st.integers(1, 1000))
names = st.text(string.ascii_lowercase, min_size=1, max_size=3)


@given(one=counted, two=counted, three=counted)
def test_the_order_of_adding_does_not_matter(one: Counts, two: Counts, three: Counts) -> None:
    assert total([one, two, three]) == add(dict(three), total([two, one]))


@given(counts=counted)
def test_what_is_taken_back_is_gone(counts: Counts) -> None:
    assert {} == total([counts, {name: -count for name, count in counts.items()}])


@given(one=st.integers(1), two=st.integers(1))
def test_of_two_last_calls_the_later_one_stands(one: int, two: int) -> None:
    assert {LAST: max(one, two)} == total([{LAST: one}, {LAST: two}])


@given(journal=journals, told=journals)
def test_after_counting_again_events_are_those_of_the_journal(journal: Counts, told: Counts) -> None:
    """All but rejected ones: of these, more may have been told than the journal keeps."""
    right = total([told, missing(journal, told)])

    kept = {name: max(journal.get(name, 0), told.get(name, 0)) for name in journal.keys() | told.keys()}
    rejected = {name: count for name, count in kept.items() if name.startswith("rejected")}
    assert {**{n: c for n, c in journal.items() if n not in rejected}, **rejected} == right


@given(journal=journals, told=journals)
def test_what_was_pruned_stays_counted(journal: Counts, told: Counts) -> None:
    """Where events may have gone, only those that are not finished become fewer."""
    right = total([told, missing(journal, told, pruned=True)])

    assert all(right[name] >= count for name, count in told.items() if figures({name: 1}).open == 0)
    assert figures(journal).open == figures(right).open


@given(counts=counted, minute=st.integers(0, 10**9), webhook=names)
def test_a_minute_counts_in_everything_it_belongs_to(counts: Counts, minute: int, webhook: str) -> None:
    at = minute * MINUTE
    told = spread(webhook, at, {**counts, "from:203.0.113.9": 2})

    places = [(name, span, start) for span, start in ((Span.MINUTE, at), (Span.HOUR, at - at % HOUR), (Span.EVER, 0))
              for name in (webhook, STATION)]  # fmt: skip
    assert sorted(places) == sorted(one.place for one in told)
    assert {"from:203.0.113.9": 2, **counts} == told[0].counts
    assert [counts] * 5 == [dict(one.counts) for one in told[1:]]


@given(many=st.lists(st.tuples(names, counted)))
def test_gathering_keeps_the_sum(many: list[tuple[str, Counts]]) -> None:
    tallies = [Tally(name, Span.HOUR, 0, counts) for name, counts in many]

    assert total(one.counts for one in tallies) == total(one.counts for one in gathered(tallies))
    assert len({name for name, counts in many if counts}) == len(gathered(tallies))


@given(counts=st.dictionaries(st.sampled_from(TOOK), st.integers(1, 10_000), min_size=1))
def test_percentiles_rise_and_lie_in_their_bucket(counts: Counts) -> None:
    shares = [percentile(counts, share) for share in (0.01, 0.5, 0.95, 0.99, 1.0)]
    known = [value for value in shares if value is not None]

    assert sorted(known) == shares
    highest = max(TOOK.index(name) for name in counts)
    assert BUCKETS[min(highest, len(BUCKETS) - 1)] == known[-1]


def test_nothing_has_no_percentile() -> None:
    assert None is percentile({"succeeded": 3}, 0.5)


def test_figures() -> None:
    """Counts are read as calls, failures and their reasons, the most frequent first."""
    counts = {
        "succeeded": 10, "failed": 2, "failed:mapping": 1, "rejected:schema": 4, "held": 1, "sending": 1, REPEATED: 3,
        "bytes": 99, LAST: 7, "2xx": 13, "took:0": 13,
    }  # fmt: skip
    read = figures(counts)

    assert (22, 10, 3, 4, 3, 2) == (
        read.calls, read.succeeded, read.failed, read.rejected, read.repeated, read.open
    )  # fmt: skip
    assert (7, 99, 7) == (read.failures, read.bytes, read.last)
    assert {"schema": 4, "target": 2, "mapping": 1} == read.reasons
    assert ["schema", "target", "mapping"] == list(read.reasons)
    assert {"2xx": 13} == read.answers
    assert (250, 475) == (read.p50, read.p95)
