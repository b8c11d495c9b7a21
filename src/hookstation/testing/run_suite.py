"""What every driver of the port in `hookstation.ports.runs` has to pass, and what the store's other ports owe to runs.

It is part of `hookstation.testing.store_suite.StoreSuite`; subclass that one.
"""

from __future__ import annotations

from hookstation.testing.store_cases.deleting import DeletingCases, FindingRecordsCases
from hookstation.testing.store_cases.remembering import HashCases, KeptCases
from hookstation.testing.store_cases.running import RunListCases, RunStartCases
from hookstation.testing.store_cases.things import ThingCases, WorkflowVersionCases
from hookstation.testing.store_cases.turning import TurnJobCases, TurnWritingCases
from hookstation.testing.store_cases.turning_out import EventRunCases, TurnAcceptingCases
from hookstation.testing.store_cases.waiting import RunCancelCases, SignalCases, WaitCases


class RunSuite(
    RunStartCases,
    RunListCases,
    TurnWritingCases,
    TurnJobCases,
    EventRunCases,
    TurnAcceptingCases,
    SignalCases,
    WaitCases,
    RunCancelCases,
    KeptCases,
    HashCases,
    ThingCases,
    WorkflowVersionCases,
    DeletingCases,
    FindingRecordsCases,
):
    """Every obligation of `hookstation.ports.runs`, of things and their versions, and of effects that delete."""
