"""Every type of step, described once: `SPECS`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hookstation.core.workflows.catalog.calls import CALLS
from hookstation.core.workflows.catalog.data import DATA
from hookstation.core.workflows.catalog.databases import DATABASES
from hookstation.core.workflows.catalog.files import FILES
from hookstation.core.workflows.catalog.flow import FLOW
from hookstation.core.workflows.catalog.messages import MESSAGES
from hookstation.core.workflows.catalog.records import RECORD_STEPS
from hookstation.core.workflows.catalog.spec import Group, Reach, StepSpec
from hookstation.core.workflows.catalog.waiting import WAITING

SPECS: Final[Mapping[str, StepSpec]] = MappingProxyType(
    {
        spec.type: spec
        for spec in (*RECORD_STEPS, *DATA, *FLOW, *WAITING, *DATABASES, *CALLS, *FILES, *MESSAGES)
    }
)
"""Type → what is said of it, in the order of the editor's menu."""

OFFERED: Final = tuple(name for name, spec in SPECS.items() if spec.offered)
"""The types that people may write."""

__all__ = ["OFFERED", "SPECS", "Group", "Reach", "StepSpec"]
