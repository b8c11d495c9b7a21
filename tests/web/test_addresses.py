"""Addresses of the station's own never stand in the way of a thing that a person named."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pytest

from hookstation.core.fieldlist.kinds import NAME
from hookstation.web.api.build import OPERATIONS
from hookstation.web.pages.build import PAGES

CHOSEN: Final = frozenset({"{name}", "{entity}"})
"""Parts of an address that people chose; ids and tokens are the station's own."""


def words_in_the_way(own: str, named: str) -> list[str]:
    """The words of one address that stand where another has a name, if it fits otherwise."""
    pairs = list(zip(own.split("/"), named.split("/"), strict=False))
    if own.count("/") != named.count("/") or own == named:
        return []
    apart = [(word, place) for word, place in pairs if word != place]
    if any(word.startswith("{") or place not in CHOSEN for word, place in apart):
        return []
    return [word for word, _ in apart]


@pytest.mark.parametrize(
    "addresses",
    [
        pytest.param([one.path for one in PAGES], id="pages"),
        *(
            pytest.param([one.path for one in OPERATIONS if one.method == method], id=f"api {method}")
            for method in ("GET", "POST", "PUT", "DELETE")
        ),
    ],
)
def test_no_name_that_can_be_given_is_an_address_of_the_station(addresses: Sequence[str]) -> None:
    """A workflow called new has its page: what is the station's own begins with a line, which no name does."""
    assert [] == [
        (own, named)
        for own in addresses
        for named in addresses
        for word in words_in_the_way(own, named)
        if NAME.fullmatch(word)
    ]


def test_an_address_of_the_station_comes_before_the_one_that_takes_every_name() -> None:
    paths = [one.path for one in PAGES]
    assert [] == [
        (own, named)
        for index, named in enumerate(paths)
        for own in paths[index + 1 :]
        if own not in paths[:index] and words_in_the_way(own, named)
    ]
