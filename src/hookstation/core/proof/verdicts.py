"""What a proof tells: a verdict for each field, and the payloads that show how one fails."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from hookstation.core.proof.changes import Change
from hookstation.core.proof.probes import Risk
from hookstation.core.values import JSON


class Verdict(StrEnum):
    """What is known of a field."""

    CANNOT_FAIL = "cannot-fail"
    CAN_FAIL = "can-fail"
    NOT_PROVEN = "not-proven"


@dataclass(frozen=True, slots=True)
class Finding:
    """One way in which a field fails. `payload` fits the schema; `reason` is what the mapping says of it.

    `rare`: only an odd or hostile sender sends such a thing.  `changes` were tried: with each, this payload is
    refused by the schema or mapped.
    """

    risk: Risk
    rare: bool
    reason: str
    payload: JSON
    changes: tuple[Change, ...] = ()

    def as_json(self) -> dict[str, JSON]:
        """The finding as the API tells it."""
        return {
            "risk": self.risk.value,
            "rare": self.rare,
            "reason": self.reason,
            "payload": self.payload,
            "changes": [one.as_json() for one in self.changes],
        }


@dataclass(frozen=True, slots=True)
class FieldProof:
    """What is known of one field. `part`: ``fields`` or ``match``; `certain`: one change that makes it certain."""

    part: str
    field: str
    verdict: Verdict
    why: str
    findings: tuple[Finding, ...] = ()
    certain: Change | None = None

    def as_json(self) -> dict[str, JSON]:
        """The verdict as the API tells it."""
        return {
            "part": self.part,
            "field": self.field,
            "verdict": self.verdict.value,
            "why": self.why,
            "findings": [one.as_json() for one in self.findings],
            "certain": None if self.certain is None else self.certain.as_json(),
        }


@dataclass(frozen=True, slots=True)
class Proof:
    """What is known of a mapping: of each field in its order. `steps`: how many payloads were tried."""

    fields: tuple[FieldProof, ...]
    steps: int
    exhausted: bool

    @property
    def verdict(self) -> Verdict:
        """The whole mapping's: the worst of its fields'."""
        found = {one.verdict for one in self.fields}
        worst = (Verdict.CAN_FAIL, Verdict.NOT_PROVEN)
        return next((one for one in worst if one in found), Verdict.CANNOT_FAIL)

    def as_json(self) -> dict[str, JSON]:
        """The proof as the API tells it."""
        return {
            "verdict": self.verdict.value,
            "fields": [one.as_json() for one in self.fields],
            "steps": self.steps,
            "exhausted": self.exhausted,
        }
