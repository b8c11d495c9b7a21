"""Connections that hold no records: a webhook's action cannot name one, and is told what to do."""

from __future__ import annotations

from typing import Any

import pytest

from hookstation.connectors.system import SystemConnector
from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.documents.webhook import decode_webhook
from hookstation.engine.compiler import SchemaShelf, compile_webhook
from hookstation.engine.targets import Targets
from hookstation.errors import Invalid
from tests.support.engine import upsert, webhook


class Warehouse(SystemConnector):
    """One that can be reached."""

    async def check(self) -> str:
        return "Reached."


@pytest.mark.parametrize("written", [webhook(), upsert()])
def test_a_webhook_that_names_one_is_told_at_its_connection(written: dict[str, Any]) -> None:
    """An activity or a panel, it is the connection that is wrong."""
    action = {**written["action"], "connection": "warehouse"}
    decoded, problems = decode_webhook({**written, "action": action}, PersonSecrets())
    assert decoded is not None, problems
    targets = Targets()
    targets.replace({"warehouse": Warehouse("warehouse", "sql")}, {})
    with pytest.raises(Invalid) as refused:
        compile_webhook(decoded, targets, SchemaShelf())
    [problem] = refused.value.problems
    assert ("action", "connection") == problem.path
    assert "Name a workflow in the webhook" in problem.message
