"""What the doctor says of a destination: whether it may be called from here, and how it stands."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.wiring.doctor_destinations import examine

GOOD: dict[str, Any] = {"state": "good", "until": None, "why": ""}
UNTIL = "2026-11-22T09:30:00.000Z"


def destination(**more: Any) -> dict[str, Any]:
    """As the API shows it."""
    plain = {
        "name": "crm",
        "url": "http://127.0.0.1:9999/hook",
        "state": "active",
        "networks": ["127.0.0.0/8", "::1"],
        "ports": [],
        "proxy": None,
        "health": GOOD,
        "waiting": 0,
        "more_waiting": False,
    }
    return {**plain, **more}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "http://127.0.0.1:9999/hook; good; 0 deliveries wait"),
        ({"url": "http://localhost:9999/"}, "http://localhost:9999/; good; 0 deliveries wait"),
        ({"waiting": 1}, "http://127.0.0.1:9999/hook; good; 1 delivery waits"),
        ({"proxy": "********", "networks": []}, "through its proxy; good; 0 deliveries wait"),
        (
            {"waiting": 10_000, "more_waiting": True},
            "http://127.0.0.1:9999/hook; good; more than 9999 deliveries wait",
        ),
        ({"state": "paused", "networks": [], "waiting": 3}, "paused by its settings; 3 deliveries wait"),
        (
            {"health": {"state": "slowed", "until": UNTIL, "why": "It answered 429."}},
            f"http://127.0.0.1:9999/hook; slowed until {UNTIL}; 0 deliveries wait",
        ),
    ],
)
async def test_what_may_be_called_and_stands_well_is_well(more: dict[str, Any], said: str) -> None:
    assert ("destination crm", True, said) == await examine(destination(**more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"networks": []}, "127.0.0.1"),
        ({"networks": [], "url": "http://localhost:9999/"}, "networks"),
        ({"ports": [443]}, "9999"),
        ({"url": f"http://{'a' * 64}.example:9999/"}, "see to the spelling and to DNS"),
        ({"problem": "It is stored in a form that cannot be read."}, "cannot be read"),
        (
            {"health": {"state": "gone", "until": None, "why": "It answered 410."}},
            "gone: It answered 410. Once its receiver is well: hookstation destinations enable crm",
        ),
        ({"health": {"state": "open", "until": UNTIL, "why": "8 of 10 failed."}}, "open: 8 of 10 failed."),
    ],
)
async def test_what_may_not_be_called_or_fails_is_told_with_what_to_do(
    more: dict[str, Any], said: str
) -> None:
    what, well, detail = await examine(destination(**more))
    assert ("destination crm", False, True) == (what, well, said in detail), detail
