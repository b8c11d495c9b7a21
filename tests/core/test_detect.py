"""Detectors: what they notice, what they leave alone, and how findings begin and end."""

import json
from collections.abc import Mapping
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.detect.calls import Past, failing, held, look, unknown
from hookstation.core.detect.findings import QUIET, Finding, Followed, Kind, Remedy, Signal, follow
from hookstation.core.detect.learning import (
    LEAST_CALLS,
    LEAST_SAMPLES,
    MOST_ADDRESSES,
    MOST_FIELDS,
    MOST_MEMBERS,
    Learned,
    learn_addresses,
    learn_shape,
    read_learned,
    shape_of,
)
from hookstation.core.detect.usual import LEAST_BURST, LEAST_USUAL, LEAST_WEEKS, usual
from hookstation.core.values import JSON

WEEKS = [100, 120, 95, 110]


def past(**more: object) -> Past:
    """A webhook that is as usual."""
    fields: dict[str, object] = {
        "hour": {"succeeded": 100},
        "lately": {"succeeded": 25},
        "week": {"succeeded": 10_000},
        "before": 104,
        "weeks": WEEKS,
        "now_calls": 60,
        "now_weeks": WEEKS,
    }
    return Past("courses", "imis", **{**fields, **more})  # type: ignore[arg-type]


def kinds(**more: object) -> list[Kind]:
    return [signal.kind for signal in look(past(**more))]


class TestCalls:
    def test_what_is_usual_is_not_told(self) -> None:
        assert [] == kinds()
        assert [] == look(Past("new", "imis"))

    def test_first_refused_signature(self) -> None:
        """It is told after good calls, and not where refusals were there before or nothing was ever good."""
        refused = {"rejected:authentication": 2}

        assert [Kind.SIGNATURE] == kinds(hour={**refused, "succeeded": 9})
        assert [] == kinds(hour=refused, week={"succeeded": 9, "rejected:authentication": 1})
        assert [] == kinds(hour=refused, week={})

    def test_burst(self) -> None:
        """Far more calls than at this hour of other weeks are told at once, with what is usual."""
        [signal] = look(past(now_calls=900))

        assert (Kind.BURST, 900, 105.0) == (signal.kind, signal.figures["calls"], signal.figures["usual"])
        assert "900 calls within an hour" in signal.sentence
        assert [Kind.BURST] == kinds(before=900)
        assert [] == kinds(now_calls=900, now_weeks=WEEKS[:2])

    def test_silence(self) -> None:
        """Hardly a call in an hour that is always busy is told, until calls come again."""
        assert [Kind.SILENCE] == kinds(before=2, now_calls=0)
        assert [] == kinds(before=2, now_calls=80)
        assert [] == kinds(before=2, now_calls=0, weeks=[100, 0, 95, 110])
        assert [] == kinds(before=2, now_calls=0, weeks=WEEKS[:2])

    def test_schema_failures(self) -> None:
        """A far greater share than in the week before is told; a usual share and a few failures are not."""
        failures = {"rejected:schema": 30, "succeeded": 70}

        [signal] = look(past(hour=failures))
        assert (Kind.SCHEMA, 0.3, Remedy.SCHEMA) == (signal.kind, signal.figures["share"], signal.remedy)
        assert [] == kinds(hour=failures, week={"rejected:schema": 300, "succeeded": 900})
        assert [] == kinds(hour={"rejected:schema": 9})

    def test_refused_credentials(self) -> None:
        """They are told of the connection."""
        [signal] = look(past(lately={"credentials": 1, "held": 5}))

        assert (Kind.CREDENTIALS, "imis", Remedy.CONNECTION) == (
            signal.kind,
            signal.connection,
            signal.remedy,
        )

    def test_failing(self) -> None:
        """Where accepted calls mostly fail it is told, with the reason that most had."""
        signal = failing(past(lately={"failed": 2, "failed:mapping": 3, "succeeded": 5}))

        assert signal is not None
        assert {"failed": 5, "ended": 10, "reason": "mapping"} == signal.figures
        assert [] == kinds(lately={"failed": 2})
        assert [] == kinds(lately={"failed": 4, "succeeded": 6})

    def test_waiting_events(self) -> None:
        assert "1 event is held until “imis” works again." == held("courses", "imis", 1).sentence
        assert {"unknown": 2, "oldest": "A"} == unknown("courses", ["A", "B"]).figures
        assert unknown("courses", ["A", "B"], more=True).sentence.startswith("2 or more events")


class TestUsual:
    @given(weeks=st.lists(st.integers(0, 10_000), max_size=8), calls=st.integers(0, 100_000))
    def test_never_both(self, weeks: list[int], calls: int) -> None:
        """Nothing is a burst and a silence; few weeks say nothing; few calls are no burst."""
        known = usual(weeks)

        assert (known is None) == (len(weeks) < LEAST_WEEKS)
        assert known is None or not (known.is_burst(calls) and known.is_silence(calls))
        assert known is None or calls >= LEAST_BURST or not known.is_burst(calls)
        assert known is None or min(weeks) >= LEAST_USUAL or not known.is_silence(calls)

    @given(weeks=st.lists(st.integers(0, 10_000), min_size=3, max_size=8))
    def test_past_weeks_middle_is_usual(self, weeks: list[int]) -> None:
        """The middle one of the weeks is never unusual."""
        known = usual(weeks)

        assert known is not None
        assert not known.is_burst(int(known.middle))
        assert not known.is_silence(int(known.middle)) or known.middle == 0

    @given(week=st.integers(0, 5_000), odd=st.integers(0, 10**6))
    def test_one_odd_week_moves_little(self, week: int, odd: int) -> None:
        """Of four weeks one may have been anything."""
        known, even = usual([week, week, week, odd]), usual([week] * 4)

        assert known is not None
        assert even is not None
        assert (known.middle, known.high) == (even.middle, even.high)


def signal(about: str = "", kind: Kind = Kind.BURST, sentence: str = "It is so.") -> Signal:
    return Signal(kind, "courses", sentence, {}, Remedy.JOURNAL, about=about)


class TestFollowing:
    def test_a_finding_begins_once_and_ends(self) -> None:
        """A signal opens a finding, further ones keep it up to date, and it is closed when it was quiet for long."""
        ids = (str(number) for number in count(1))
        opened = follow([], [signal()], 100, lambda: next(ids)).opened
        kept = follow(opened, [signal(sentence="More so.")], 200, lambda: next(ids))
        quiet = follow(kept.kept, [], 200 + QUIET[Kind.BURST] - 1, lambda: next(ids))
        over = follow(kept.kept, [], 200 + QUIET[Kind.BURST], lambda: next(ids))
        anew = follow([], [signal()], 10**12, lambda: next(ids))

        assert [Finding("1", signal(), 100, 100)] == opened
        assert Followed([], [Finding("1", signal(sentence="More so."), 100, 200)], []) == kept
        assert Followed([], [], []) == quiet
        assert [200 + QUIET[Kind.BURST]] == [one.closed_at for one in over.closed]
        assert ["2"] == [one.id for one in anew.opened]

    @given(
        standing=st.sets(st.sampled_from("abcdef")),
        now=st.sets(st.sampled_from("abcdef")),
        late=st.integers(0, 2 * QUIET[Kind.BURST]),
    )
    def test_each_signal_has_one_open_finding(self, standing: set[str], now: set[str], late: int) -> None:
        """After a round the open findings are those of the signals and those that are not quiet for long enough."""
        old = [Finding(about, signal(about), 0, 0) for about in sorted(standing)]
        found = follow(old, [signal(about) for about in sorted(now)], late, lambda: "new")

        still = standing if late < QUIET[Kind.BURST] else standing & now
        touched = {one.id for one in (*found.kept, *found.closed)}
        left = [one for one in old if one.id not in touched]
        open_ones = [one.signal.about for one in (*found.opened, *found.kept, *left)]
        assert sorted(still | now) == sorted(open_ones)

    def test_every_kind_has_its_quiet_time(self) -> None:
        assert set(Kind) == set(QUIET)


PAYLOADS: list[JSON] = [{"user": {"email": "a@b.c"}, "lines": [{"price": 1}]}]


class TestLearning:
    def test_a_new_address_is_told_once_calls_are_known(self) -> None:
        """The first callers are learned; then each new address is told once."""
        first, quiet = learn_addresses(Learned(), {"203.0.113.1": LEAST_CALLS}, "courses")
        second, told = learn_addresses(first, {"203.0.113.1": 3, "203.0.113.2": 1}, "courses")
        _, again = learn_addresses(second, {"203.0.113.2": 1}, "courses")

        assert [] == quiet
        assert ["203.0.113.2"] == [one.about for one in told]
        assert [] == again

    def test_new_fields_and_kinds_are_told(self) -> None:
        """A place that was never there, and a kind that a place never had, each once."""
        known, quiet = learn_shape(Learned(), PAYLOADS * LEAST_SAMPLES, "courses")
        changed: JSON = {"user": {"email": None, "phone": "1"}, "lines": [{"price": 1}]}
        after, told = learn_shape(known, [changed, changed], "courses")

        assert [] == quiet
        assert [
            "The field user.email is null; before it was text.",
            "The payload has a field that it never had: user.phone (text).",
        ] == sorted(one.sentence for one in told)
        assert [] == learn_shape(after, [changed, *PAYLOADS], "courses")[1]

    def test_shape(self) -> None:
        """Places are told as paths, items of an array together, whole numbers like others, names like data as one."""
        many: JSON = {str(number): number for number in range(MOST_MEMBERS + 1)}

        assert {
            "$": {"object"}, "user": {"object"}, "user.email": {"text"}, "lines": {"array"}, "lines[]": {"object"},
            "lines[].price": {"number"},
        } == shape_of(PAYLOADS[0])  # fmt: skip
        assert {"$": {"object"}, "*": {"number"}} == shape_of(many)

    @given(
        payload=st.recursive(
            st.none() | st.booleans() | st.integers() | st.text(max_size=9),
            lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=9), inner),
            max_leaves=30,
        )
    )
    def test_what_was_seen_is_not_new(self, payload: JSON) -> None:
        """After a payload was learned it has nothing new, and what is remembered comes back from its text."""
        known, _ = learn_shape(Learned(samples=LEAST_SAMPLES), [payload], "courses")

        assert [] == learn_shape(known, [payload], "courses")[1]
        assert known == read_learned(known.write())

    @pytest.mark.parametrize(
        "payload", [{str(n): {str(m): m for m in range(90)} for n in range(90)}, [[]] * 10**5]
    )
    def test_what_is_remembered_is_bounded(self, payload: JSON) -> None:
        """However large a payload, and however many addresses."""
        shape, _ = learn_shape(Learned(), [payload], "courses")
        calls: Mapping[str, int] = {f"2001:db8::{number:x}": 1 for number in range(MOST_ADDRESSES + 9)}
        addresses, _ = learn_addresses(Learned(), calls, "courses")

        assert len(shape.shape) <= MOST_FIELDS
        assert MOST_ADDRESSES == len(addresses.addresses)
        assert len(json.dumps(shape.write())) < 100_000
