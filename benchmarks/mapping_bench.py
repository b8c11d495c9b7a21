"""What a mapping costs: eight fields, four ways. Run: python benchmarks/mapping_bench.py

Prints microseconds per record, best of `ROUNDS`; the figures of docs/decisions/0004-template-engine.md are from here.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import liquid

from hookstation.core.activity import ACTIVITY_SPEC
from hookstation.core.definitions import Action
from hookstation.core.mapping import compile_mapping
from hookstation.core.template import Scope, compile_template
from hookstation.core.values import JSON, Number

ROUNDS: Final = 15
CALLS: Final = 300
AT: Final = 1_795_339_800_123_000

PAYLOAD: Final[dict[str, JSON]] = {
    "firstName": "Homer",
    "lastName": "Simpson",
    "date": "2021-05-26",
    "dateTime": "2021-05-26T10:00:00Z",
    "count": 3,
    "amount": Number("19.90"),
    "memberId": "10420",
    "courseCode": "X1",
}
TYPED: Final[dict[str, JSON]] = {
    "ActivityType": "$$courseCode$$",
    "ID": "$$memberId$$",
    "TransactionDate": "$$dateTime$$",
    "Category": "$$date$$",
    "UF_1": "$$firstName$$",
    "UF_2": "$$lastName$$",
    "Quantity": "$$count$$",
    "Amount": "$$amount$$",
}
COLUMNS: Final = ("ID", "ActivityType", "Category", "UF_1", "UF_2", "UF_3", "Description", "Note")
NAMES: Final = ("count", "courseCode", "date", "firstName", "lastName", "memberId", "dateTime", "courseCode")


def best(call: Callable[[], object]) -> float:
    """Microseconds of one call."""
    fastest = float("inf")
    for _ in range(ROUNDS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        fastest = min(fastest, time.perf_counter() - started)
    return fastest / CALLS * 1e6


def mapping(fields: dict[str, JSON]) -> float:
    """The cost of a record with these fields."""
    action = Action("insert_activity", "imis", {"TransactionDate": "2026-11-22", **fields})
    compiled = compile_mapping(action, ACTIVITY_SPEC, True, "America/Chicago", frozenset())
    return best(lambda: compiled.map(Scope(PAYLOAD, AT, "E", "h"), AT))


def eight(pattern: str) -> dict[str, JSON]:
    """Eight text fields, each with `pattern` around its property's name."""
    return {column: pattern.format(name) for column, name in zip(COLUMNS, NAMES, strict=True)}


def alone() -> float:
    """python-liquid as it comes, the same eight Liquid fields."""
    environment = liquid.Environment()
    templates = [environment.from_string(f"{{{{ {name} | upcase }}}}") for name in NAMES]
    plain = {name: str(value) for name, value in PAYLOAD.items()}
    return best(lambda: [template.render(**plain) for template in templates])


def main() -> None:
    """Print the table."""
    templates = [compile_template(str(source)) for source in TYPED.values()]
    scope = Scope(PAYLOAD)
    rows = {
        "eight lone properties, not fitted": best(lambda: [one.evaluate(scope) for one in templates]),
        "$$name$$ into text": mapping(eight("$${}$$")),
        "$$name$$ into text, date-time, decimals": mapping(TYPED),
        "text around a name": mapping(eight("A $${}$$")),
        "{{ name | upcase }}": mapping(eight("{{{{ {} | upcase }}}}")),
        "python-liquid as it comes": alone(),
    }
    for label, microseconds in rows.items():
        print(f"{label:45} {microseconds:7.1f} µs")


if __name__ == "__main__":
    main()
