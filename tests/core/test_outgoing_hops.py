"""How far an event has come."""

from __future__ import annotations

import pytest

from hookstation.core.outgoing.hops import hops_of


@pytest.mark.parametrize(
    ("said", "hops"), [("3", 3), ("0", 0), ("", 0), ("-1", 0), ("1,2", 0), ("٣", 0), ("99999", 0), ("1 ", 0)]
)
def test_the_header_is_a_whole_number_or_says_nothing(said: str, hops: int) -> None:
    assert hops == hops_of({"hookstation-hops": said})
