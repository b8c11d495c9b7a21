"""Bodies under way: never more bytes than may be, and nothing is left of a body that is over."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.events import Answer
from hookstation.engine.bodies import Bodies
from hookstation.engine.ingest import MOST_IN_FLIGHT
from tests.support.engine import Engine, webhook

STEPS = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from(["grow", "whole", "release"]), st.integers(0, 80)),
    max_size=60,
)


@given(STEPS)
def test_no_order_of_steps_holds_more_than_may_be_or_forgets_anything(
    steps: list[tuple[int, str, int]],
) -> None:
    bodies = Bodies(100)
    shares = [bodies.begin() for _ in range(5)]
    sizes = [0] * 5
    for which, step, more in steps:
        if step == "grow" and shares[which].grow(sizes[which] + more):
            sizes[which] += more
        elif step == "whole":
            shares[which].whole()
        elif step == "release":
            shares[which].release()
            sizes[which] = 0
        assert sum(sizes) == bodies.bytes <= 100
    for share in shares:
        share.release()
    assert (0, 0) == (bodies.open, bodies.bytes)


def test_a_body_that_finds_no_room_keeps_what_it_has() -> None:
    bodies = Bodies(100)
    first, second = bodies.begin(), bodies.begin()
    assert first.grow(60)
    assert not second.grow(41)
    assert second.grow(40)
    assert (2, 100) == (bodies.open, bodies.bytes)


async def test_as_many_bodies_as_calls_may_be_at_work_fill_the_line() -> None:
    engine = Engine()
    await engine.apply(webhook())
    shares = [engine.ingest.bodies.begin() for _ in range(MOST_IN_FLIGHT)]
    full = await engine.post("courses", {"id": "1"})
    assert 503 == full.status
    shares[0].release()
    assert isinstance(full, Answer)
    assert 200 == (await engine.post("courses", {"id": "1"})).status
