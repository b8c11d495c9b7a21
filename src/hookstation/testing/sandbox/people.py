"""The people of the sandbox: parties 10001 to 10500."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Final

FIRST_PARTY: Final = 10001
SHARED_EMAIL: Final = "family@example.org"
"""The address of the last two people: a find by it matches both."""

_FIRST_NAMES: Final = (
    *("Ada", "Ben", "Carla", "Dmitri", "Elena", "Farid", "Grace", "Hugo", "Ines", "Jonas", "Kaya", "Liam"),
    *(
        "Mona",
        "Nils",
        "Olga",
        "Pablo",
        "Qi",
        "Rosa",
        "Samir",
        "Tara",
        "Umar",
        "Vera",
        "Wanda",
        "Ximena",
        "Yusuf",
    ),
)
_LAST_NAMES: Final = (
    *("Abbott", "Bauer", "Castillo", "Dubois", "Eriksen", "Fischer", "Garcia", "Haddad", "Ivanova", "Jensen"),
    *(
        "Kowalski",
        "Lindqvist",
        "Moreau",
        "Nakamura",
        "Okafor",
        "Petrov",
        "Quinn",
        "Rossi",
        "Santos",
        "Tanaka",
    ),
)


def seeded_people() -> Iterator[dict[str, str]]:
    """Each person's ``id``, ``first``, ``last``, ``email`` and ``major_key``, in the order of their ids."""
    names = list(product(_LAST_NAMES, _FIRST_NAMES))
    for number, (last, first) in enumerate(names):
        shared = number >= len(names) - 2
        email = SHARED_EMAIL if shared else f"{first}.{last}@example.org".lower()
        party = FIRST_PARTY + number
        yield {"id": str(party), "first": first, "last": last, "email": email, "major_key": f"M-{party}"}
