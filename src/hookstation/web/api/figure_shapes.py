"""The OpenAPI schemas of roll-ups and findings."""

from __future__ import annotations

from typing import Final

from hookstation.core.detect.findings import Kind, Remedy
from hookstation.core.values import JSON

_COUNT: Final[JSON] = {"type": "integer", "minimum": 0}
_MICROSECONDS: Final[JSON] = {"type": ["integer", "null"], "minimum": 0}
_MOMENT: Final[JSON] = {"type": ["string", "null"], "format": "date-time"}
_TEXT: Final[JSON] = {"type": "string"}
_MAYBE_TEXT: Final[JSON] = {"type": ["string", "null"]}
_COUNTS: Final[JSON] = {"type": "object", "additionalProperties": {"type": "integer"}}
_FIGURES: Final[dict[str, JSON]] = {
    "calls": _COUNT, "succeeded": _COUNT, "failed": _COUNT, "rejected": _COUNT, "repeated": _COUNT, "open": _COUNT,
    "bytes": _COUNT, "p50_us": _MICROSECONDS, "p95_us": _MICROSECONDS, "p99_us": _MICROSECONDS, "reasons": _COUNTS,
    "answers": _COUNTS,
}  # fmt: skip
_HOURLY: Final[JSON] = {"type": "array", "items": _COUNT, "minItems": 24, "maxItems": 24}

LAST_DAY: Final[dict[str, JSON]] = {
    "last_call": _MOMENT,
    "calls_last_day": _COUNT,
    "failures_last_day": _COUNT,
    "calls_by_hour": _HOURLY,
    "failures_by_hour": _HOURLY,
    "held": _COUNT,
}
"""What a webhook's last 24 hours show; the arrays have the oldest hour first."""


def figure_schemas() -> dict[str, JSON]:
    """By name."""
    course: dict[str, JSON] = {
        "hours": _COUNT,
        "total": _ref("Figures"),
        "step_seconds": _COUNT,
        "points": _many(_object({"at": _MOMENT, **_FIGURES})),
    }
    return {
        "Figures": _object(_FIGURES),
        "Dashboard": _object(
            {
                **course,
                "busiest": _many(_object({"webhook": _TEXT, **_FIGURES})),
                "needs": _many(_ref("Finding")),
                "unusual": _many(_ref("Finding")),
                "held": _COUNTS,
                "backlog": _object({"waiting": _COUNT, "parked": _COUNT, "dead": _COUNT}),
            }
        ),
        "WebhookFigures": _object({"webhook": _TEXT, **course, **LAST_DAY}),
        "Finding": _object(
            {
                "id": _TEXT,
                "kind": {"enum": list(Kind)},
                "webhook": _MAYBE_TEXT,
                "connection": _MAYBE_TEXT,
                "sentence": _TEXT,
                "figures": {"type": "object"},
                "remedy": {"enum": list(Remedy)},
                "since": _MOMENT,
                "seen_at": _MOMENT,
                "closed_at": _MOMENT,
                "dismissed_at": _MOMENT,
                "dismissed_by": _MAYBE_TEXT,
            }
        ),
        "Findings": _object({"items": _many(_ref("Finding")), "next": _MAYBE_TEXT}),
    }


def _object(properties: dict[str, JSON]) -> JSON:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _many(items: JSON) -> JSON:
    return {"type": "array", "items": items}


def _ref(name: str) -> JSON:
    return {"$ref": f"#/components/schemas/{name}"}
