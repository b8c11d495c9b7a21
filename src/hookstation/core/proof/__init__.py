"""The proof of a mapping: what the schema allows and the target does not take, and what would close the gap."""

from hookstation.core.proof.changes import Change, Demand, NewTemplate, apply_change, read_change
from hookstation.core.proof.probes import Risk
from hookstation.core.proof.prover import Target, prove
from hookstation.core.proof.verdicts import FieldProof, Finding, Proof, Verdict

__all__ = [
    "Change",
    "Demand",
    "FieldProof",
    "Finding",
    "NewTemplate",
    "Proof",
    "Risk",
    "Target",
    "Verdict",
    "apply_change",
    "prove",
    "read_change",
]
