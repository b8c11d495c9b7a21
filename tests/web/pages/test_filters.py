"""Values as pages show them."""

from __future__ import annotations

import pytest

from hookstation.web.pages.filters import span


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.0125, "12.5 ms"),
        (1, "1.0 s"),
        (119.5, "119.5 s"),
        (120, "2 min 0 s"),
        (1_045, "17 min 25 s"),
        (7_199, "119 min 59 s"),
        (7_200, "2 h 0 min"),
        (172_799, "47 h 59 min"),
        (172_800, "2 d 0 h"),
        (200_000, "2 d 7 h"),
    ],
)
def test_how_long_something_took_is_told_in_units_that_people_count_in(seconds: float, expected: str) -> None:
    assert expected == span(int(seconds * 1_000_000))
