"""Every type of step with what does it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hookstation.core.records import Operation
from hookstation.engine.outgoing.emitter import Emitter
from hookstation.engine.targets import Targets
from hookstation.engine.workflows.calls import CallTokens
from hookstation.engine.workflows.fitting import Fitting
from hookstation.engine.workflows.plans import TRANSFER
from hookstation.engine.workflows.steps.calls import HttpStep, ImisCall
from hookstation.engine.workflows.steps.children import Child, Starting
from hookstation.engine.workflows.steps.converting import Convert
from hookstation.engine.workflows.steps.delta import Delta
from hookstation.engine.workflows.steps.files import Download, Upload
from hookstation.engine.workflows.steps.mails import SendMail
from hookstation.engine.workflows.steps.plain import Respond, Select, SetVariables, Validate
from hookstation.engine.workflows.steps.records import FINDS, OPERATIONS, FindRecords, WriteRecord
from hookstation.engine.workflows.steps.rows import QueryRows, SelectRows, WriteRows
from hookstation.engine.workflows.steps.tell import Emit
from hookstation.engine.workflows.steps.waits import Approval, WaitStep
from hookstation.engine.workflows.tasks import StepRunner
from hookstation.ports.clock import Clock
from hookstation.ports.http import HttpClient
from hookstation.ports.rows import RowWrite
from hookstation.ports.store import Store


@dataclass(slots=True)
class Tools:
    """What steps work with."""

    store: Store
    targets: Targets
    fitting: Fitting
    emitter: Emitter
    starting: Starting
    calls: CallTokens
    http: HttpClient
    clock: Clock
    base_url: str


def runners_of(tools: Tools) -> dict[str, StepRunner]:
    """The runners by type; what decides about the run's course has none."""
    targets, fitting = tools.targets, tools.fitting
    runners: dict[str, StepRunner] = {
        "validate": Validate(),
        "set": SetVariables(),
        "select": Select(),
        "respond": Respond(),
        "convert": Convert(),
        "delta": Delta(tools.store),
        "emit": Emit(tools.emitter),
        "mail": SendMail(targets),
        "upload": Upload(targets),
        "download": Download(targets),
        "http_request": HttpStep(targets, tools.http, tools.clock),
        "imis_call": ImisCall(targets),
        "imis_query": QueryRows(targets),
        "sql_select": SelectRows(targets),
        "workflow": Child("workflow", "", tools.starting),
        "transfer": Child("transfer", TRANSFER, tools.starting),
        "wait": WaitStep(tools.calls),
        "approval": Approval(targets, tools.base_url),
    }
    for write in RowWrite:
        runners[f"sql_{write.value}"] = WriteRows(write, targets)
    runners |= _of_records(tools, OPERATIONS)
    for what, name in zip(("activity", "panel"), FINDS, strict=True):
        runners[name] = FindRecords(what, targets, fitting, tools.store)
    return runners


def _of_records(tools: Tools, operations: Mapping[str, tuple[Operation, str]]) -> dict[str, StepRunner]:
    return {
        name: WriteRecord(operation, what, tools.targets, tools.fitting)
        for name, (operation, what) in operations.items()
    }
