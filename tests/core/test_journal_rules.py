"""What every store decides alike."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from hookstation.core.events import OPEN_STATES, MarkState, State
from hookstation.core.journal_rules import (
    attempt_after,
    attempts_when_accepted,
    begins_attempt,
    is_open,
    lowest_id,
    mark_state,
    matches,
    party_of,
    record_key,
    same_value,
    stored_fields,
)
from hookstation.core.records import ACTIVITY, EntitySpec, Parent
from hookstation.core.values import Number, Scalar
from hookstation.errors import MappingFailed

_numbers = some.one_of(
    some.integers(),
    some.decimals(allow_nan=False, allow_infinity=False).map(lambda value: Number(str(value))),
)
_scalars: some.SearchStrategy[Scalar] = some.one_of(some.none(), some.booleans(), some.text(), _numbers)


def test_mark_states() -> None:
    """A succeeded event holds an answer, an open one its key, and a failed or rejected one nothing."""
    held = {state: mark_state(state) for state in State}

    assert {State.FAILED, State.REJECTED} == {state for state, mark in held.items() if mark is None}
    assert MarkState.SUCCEEDED is held[State.SUCCEEDED]
    assert MarkState.UNKNOWN is held[State.UNKNOWN]
    assert OPEN_STATES == {state for state in State if is_open(state)}


@pytest.mark.parametrize(
    ("old", "new", "begins"),
    [
        (State.SENDING, State.SUCCEEDED, False),
        (State.SENDING, State.UNKNOWN, False),
        (State.UNKNOWN, State.FAILED, False),
        (State.WORKING, State.SENDING, True),
        (State.WORKING, State.SUCCEEDED, False),
        (State.WORKING, State.FAILED, False),
        (State.HELD, State.WORKING, False),
        (State.FAILED, State.WORKING, False),
        (State.FAILED, State.HELD, True),
        (State.UNKNOWN, State.SENDING, True),
        (State.SENDING, State.SENDING, False),
        (State.FAILED, State.SENDING, True),
        (State.FAILED, State.SUCCEEDED, True),
        (State.SUCCEEDED, State.FAILED, True),
        (State.HELD, State.SENDING, True),
        (State.HELD, State.HELD, False),
        (State.SENDING, State.HELD, False),
    ],
)
def test_new_attempts(old: State, new: State, begins: bool) -> None:
    """A move is a new attempt where the last one had ended, or one that waits is sent; not where it goes on waiting."""
    assert begins is begins_attempt(old, new)


@pytest.mark.parametrize(
    ("old", "new", "begins"),
    [
        (State.WORKING, State.SUCCEEDED, True),
        (State.WORKING, State.WORKING, True),
        (State.HELD, State.FAILED, True),
        (State.FAILED, State.WORKING, True),
        (State.SENDING, State.WORKING, False),
        (State.SENDING, State.SUCCEEDED, False),
    ],
)
def test_new_attempts_that_were_tried(old: State, new: State, begins: bool) -> None:
    """A move that says that its action was tried is an attempt, unless it ends the one that was sent."""
    assert begins is begins_attempt(old, new, tried=True)


def test_attempts_are_counted() -> None:
    """An attempt counts from when it begins; what was turned away or put aside has none."""
    assert (2, 70) == attempt_after(State.FAILED, State.SENDING, 1, 10, None, 70)
    assert (2, 60) == attempt_after(State.FAILED, State.SENDING, 1, 10, 60, 70)
    assert (1, 10) == attempt_after(State.SENDING, State.SUCCEEDED, 1, 10, None, 70)
    assert (1, 60) == attempt_after(State.SENDING, State.SUCCEEDED, 1, 10, 60, 70)
    assert (1, 60) == attempt_after(State.WORKING, State.SUCCEEDED, 0, 0, 60, 70)
    assert (2, 10) == attempt_after(State.WORKING, State.FAILED, 2, 10, None, 70)
    assert {State.REJECTED, State.HELD} == {state for state in State if not attempts_when_accepted(state)}
    assert (0, 1) == tuple(
        attempts_when_accepted(state, queued=True) for state in (State.WORKING, State.SENDING)
    )


def test_record_keys() -> None:
    """The key is the number, the party, or the party and the ordinal."""
    assert ["17", "10420", "10420|2"] == [record_key(17, "10420", ordinal) for ordinal in (None, 0, 2)]


def test_party() -> None:
    """A panel row names its party as text; an activity may lack one, a panel row not."""
    panel = EntitySpec("P", {}, party_field="PartyId")

    assert "10420" == party_of(panel, {"PartyId": 10420})
    assert "" == party_of(EntitySpec(ACTIVITY, {}), {})
    assert "" == party_of(EntitySpec("S", {}, parent=Parent.STANDALONE, party_field=None), {"ID": "7"})
    with pytest.raises(MappingFailed, match=r"PartyId: has no value"):
        party_of(panel, {"PartyId": ""})


def test_given_fields_win() -> None:
    """What the store gives itself cannot be overwritten by what was mapped."""
    assert {"SEQN": 5, "ID": "7"} == stored_fields(EntitySpec(ACTIVITY, {}), {"SEQN": 1, "ID": "7"}, 5, None)
    assert {"ID": "7", "Ordinal": 2} == stored_fields(EntitySpec("P", {}), {"ID": "7", "Ordinal": 9}, 5, 2)


@given(_scalars, _scalars)
def test_same_value_has_no_order(one: Scalar, other: Scalar) -> None:
    """A value is the same as itself, and whichever comes first does not matter."""
    assert same_value(one, one)
    assert same_value(one, other) is same_value(other, one)


@given(some.integers(-(10**30), 10**30), some.integers(0, 20))
def test_notations_of_one_number(value: int, zeros: int) -> None:
    """Numbers are the same by value in any notation, and no other kind is the same as a number."""
    assert same_value(value, Number(f"{value}.{'0' * (zeros + 1)}"))
    assert same_value(Number(f"{Decimal(value):E}"), value)
    assert not same_value(value, str(value))
    assert not same_value(value, Number(f"{value}.5"))


@given(some.dictionaries(some.text(max_size=3), _scalars, max_size=4))
def test_record_matches_itself(fields: dict[str, Scalar]) -> None:
    """A record matches all of its own fields, and what it lacks as null."""
    assert matches(fields, fields)
    assert matches(fields, {"long name": None})
    assert not matches(fields, {"long name": "x"})


@given(some.integers(0, 2**58), some.integers(0, 2**58))
def test_ids_sort_by_time(one: int, other: int) -> None:
    """The lowest id of a time sorts as the time does, to the millisecond."""
    assert (one // 1000 < other // 1000) is (lowest_id(one) < lowest_id(other))
    assert 10 == len(lowest_id(one))


def test_ids_of_no_time() -> None:
    """Times before the epoch and beyond what an id holds are cut to the first and the last id."""
    assert "0000000000" == lowest_id(-5)
    assert "7ZZZZZZZZZ" == lowest_id(2**80)
