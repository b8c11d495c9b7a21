"""Rhythms as cron expressions, back again, and in words."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.schedules.builder import KINDS, Rhythm, cron_of, rhythm_of
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.words import say_cron, say_every
from hookstation.errors import Invalid


@st.composite
def rhythms(draw: st.DrawFn) -> Rhythm:
    minute = draw(st.integers(0, 59))
    hours = sorted(draw(st.sets(st.integers(0, 23), min_size=1, max_size=4)))
    return Rhythm(
        draw(st.sampled_from(sorted(KINDS))),
        tuple(f"{hour}:{minute:02}" for hour in hours),
        minute,
        draw(st.integers(1, 23)),
        tuple(sorted(draw(st.sets(st.integers(0, 6), min_size=1)))),
        draw(st.integers(1, 28)),
        draw(st.integers(1, 12)),
    )


@given(rhythms())
def test_a_rhythm_is_read_back_from_its_cron_expression(rhythm: Rhythm) -> None:
    """What a person picked is what the builder shows when the schedule is opened again."""
    cron = cron_of(rhythm)
    again = rhythm_of(cron)
    assert again is not None
    assert cron == cron_of(again)
    assert say_cron(Cron(cron))


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("0 9 * * 1-5", "every weekday at 9:00"),
        ("*/15 * * * *", "every 15 minutes"),
        ("0 9,12,15 * * *", "every day at 9:00, 12:00 and 15:00"),
        ("0 6 L * *", "on the last day of every month at 6:00"),
        ("30 7 FW * *", "on the first weekday of every month at 7:30"),
        ("0 8 24 12 *", "every year on 24 December at 8:00"),
        ("5 * * * *", "every hour at minute 5"),
        ("0 9 * * 0,6", "every Sunday and Saturday at 9:00"),
        ("0 9 * * MON#1", "at 09:00 on the first Monday of the month"),
    ],
)
def test_cron_is_said_in_words(cron: str, said: str) -> None:
    """The usual rhythms have words of ours, all others the library's."""
    assert said == say_cron(Cron(cron))


@pytest.mark.parametrize(
    ("seconds", "said"), [(900, "every 15 minutes"), (3600, "every hour"), (90, "every 90 seconds")]
)
def test_an_interval_is_said_in_its_largest_unit(seconds: int, said: str) -> None:
    """An interval is said as people say it."""
    assert said == say_every(seconds)


@pytest.mark.parametrize(
    ("cron", "told"),
    [
        ("0 9 * *", "five fields"),
        ("61 9 * * *", "the field for the minute"),
        ("0 9 31 2 *", "no such month has such a day"),
        ("0 9 FW * 1", "the day of the week must be *"),
        ("* * * * * *", "five fields"),
    ],
)
def test_an_expression_that_cannot_be_read_says_where(cron: str, told: str) -> None:
    """Each mistake names its field and what is allowed there."""
    with pytest.raises(Invalid, match=re.escape(told)):
        Cron(cron)
