"""A rate: never more in any stretch of time than it allows, and never less than one after its wait."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.rates import Rate
from hookstation.engine.outgoing.pace import BURST, Pace

RATES = st.builds(Rate, st.integers(1, 1_000), st.sampled_from([1, 60, 3_600]))
STEPS = st.lists(st.floats(0, 5), min_size=1, max_size=40)


@given(RATES, st.integers(1, 5), STEPS)
def test_no_more_leave_than_the_rate_and_one_burst_allow(rate: Rate, nodes: int, steps: list[float]) -> None:
    pace, now, left = Pace(rate, nodes, 0.0), 0.0, 0
    for step in steps:
        now += step
        free = pace.room(now)
        pace.take(free, now)
        left += free
    share = rate.count / rate.seconds / nodes
    assert left <= share * now + max(1.0, share * BURST) + 1e-6


@given(RATES, st.integers(1, 5))
def test_after_its_wait_one_may_leave(rate: Rate, nodes: int) -> None:
    pace = Pace(rate, nodes, 0.0)
    pace.take(pace.room(0.0), 0.0)
    later = pace.wait(0.0) + 1e-6
    assert pace.room(later) >= 1


@given(RATES, st.integers(1, 5), st.integers(1, 5))
def test_another_number_of_nodes_gives_nobody_a_second_burst(rate: Rate, before: int, after: int) -> None:
    pace = Pace(rate, before, 0.0)
    pace.take(pace.room(0.0), 0.0)
    assert 0 == pace.shared(after, 0.0).room(0.0)
