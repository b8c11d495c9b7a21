"""What is checked before a configuration is saved: schemas, mappings, and the targets' own field lists."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.definitions import Action, Connection, Panel, Webhook
from hookstation.core.mapping import check_mapping
from hookstation.core.mapping_checks import check_order
from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec
from hookstation.core.schema_inspect import inspect_schema
from hookstation.core.signing import secret_headers
from hookstation.core.values import JSON
from hookstation.core.workflows.definitions import Workflow
from hookstation.core.workflows.places import placed
from hookstation.engine.board import Builder, RecordsBuilder
from hookstation.engine.compiler import entity_of
from hookstation.errors import ActionFailed, AddressRefused, Invalid, NotFound, Problem
from hookstation.ports.connector import Connector
from hookstation.ports.trial import SchemaTrial

ASK_SECONDS: Final = 10.0
"""How long a target may take to say what its fields are before the check goes on without it."""


@dataclass(slots=True)
class Findings:
    """What a check found: problems by webhook name (paths inside the webhook), and field lists that targets gave."""

    problems: dict[str, list[Problem]] = field(default_factory=dict)
    specs: dict[tuple[str, str], EntitySpec] = field(default_factory=dict)

    def add(self, webhook: str, *problems: Problem) -> None:
        """Note problems of a webhook."""
        self.problems.setdefault(webhook, []).extend(problems)


class Checks:
    """Checks webhooks against schema rules and targets."""

    def __init__(self, trial: SchemaTrial, build: Builder, build_records: RecordsBuilder) -> None:
        self._trial, self._build, self._build_records = trial, build, build_records

    async def check(
        self,
        webhooks: Iterable[Webhook],
        connections: Mapping[str, Connection],
        panels: Mapping[str, Panel],
        known: Mapping[tuple[str, str], EntitySpec],
    ) -> Findings:
        """Everything that is wrong with `webhooks` as they stand among `connections` and `panels`.

        `known`: field lists from earlier, used where a target cannot be asked now.
        """
        wanted = list(webhooks)
        findings = Findings()
        await self._check_schemas(wanted, findings)
        for webhook in wanted:
            self._check_order(webhook, findings)
        async with self._connectors(connections, panels) as connectors:
            specs = await self._ask(wanted, connectors, known, findings)
            for webhook in wanted:
                place = _place(webhook)
                if webhook.action is not None and place in specs:
                    self._check_mapping(webhook, webhook.action, specs[place], connectors[place[0]], findings)
        return findings

    async def check_schema(self, schema: JSON) -> list[Problem]:
        """Everything that is wrong with one schema; paths inside it."""
        problems = inspect_schema(schema)
        if any(problem.severity == "error" for problem in problems):
            return problems
        return [*problems, *await self._trial.compile(schema)]

    async def check_workflows(self, workflows: Iterable[Workflow]) -> list[tuple[str, Problem]]:
        """Everything that is wrong with the schemas of these workflows' steps: name, and the problem inside it."""
        found: list[tuple[str, Problem]] = []
        for workflow in workflows:
            for step, place in placed(workflow.steps):
                if step.type == "validate" and "schema" in step.settings:
                    wrong = await self.check_schema(step.settings.get("schema"))
                    found += [(workflow.name, one.under(*place, "with", "schema")) for one in wrong]
        return found

    async def _check_schemas(self, webhooks: list[Webhook], findings: Findings) -> None:
        sound: list[Webhook] = []
        for webhook in webhooks:
            problems = inspect_schema(webhook.schema)
            findings.add(webhook.name, *(problem.under("schema") for problem in problems))
            if all(problem.severity != "error" for problem in problems):
                sound.append(webhook)
        trials = await self._trial.compile_many([webhook.schema for webhook in sound])
        for webhook, problems in zip(sound, trials, strict=True):
            findings.add(webhook.name, *(problem.under("schema") for problem in problems))

    async def _ask(
        self,
        webhooks: list[Webhook],
        connectors: Mapping[str, Connector],
        known: Mapping[tuple[str, str], EntitySpec],
        findings: Findings,
    ) -> dict[tuple[str, str], EntitySpec]:
        """The field list of every entity that is written, asked once each."""
        users: dict[tuple[str, str], list[Webhook]] = {}
        for webhook in webhooks:
            users.setdefault(_place(webhook), []).append(webhook)
        specs: dict[tuple[str, str], EntitySpec] = {}
        for (connection, entity), those in users.items():
            connector = connectors.get(connection)
            if connector is None:
                continue
            spec, problem = await self._describe(connector, entity, known.get((connection, entity)))
            if spec is not None:
                specs[connection, entity] = spec
            if problem is None and connection != RECORDS and spec is not None:
                findings.specs[connection, entity] = spec
            if problem is not None:
                for webhook in those:
                    findings.add(webhook.name, problem)
        return specs

    async def _describe(
        self, connector: Connector, entity: str, known: EntitySpec | None
    ) -> tuple[EntitySpec | None, Problem | None]:
        try:
            async with asyncio.timeout(ASK_SECONDS):
                return await connector.describe(entity), None
        except NotFound as missing:
            named = "connection" if entity == ACTIVITY or not connector.operations else "panel"
            return None, Problem(("action", named), missing.message)
        except (ActionFailed, AddressRefused, TimeoutError) as failure:
            why = (
                failure.message
                if isinstance(failure, ActionFailed | AddressRefused)
                else "It did not answer in time."
            )
            spec = known if known is not None else connector.presumed(entity)
            told = "what it said earlier" if known is not None else "what is usual"
            return spec, Problem(
                ("action", "connection"),
                f"“{connector.name}” could not be asked for its fields ({why}); the mapping was checked by {told}.",
                "warning",
            )

    def _check_mapping(
        self, webhook: Webhook, action: Action, spec: EntitySpec, connector: Connector, findings: Findings
    ) -> None:
        problems = check_mapping(
            action, spec, webhook.schema, connector.zone, secret_headers(webhook.authentication)
        )
        findings.add(webhook.name, *(problem.under("action") for problem in problems))

    def _check_order(self, webhook: Webhook, findings: Findings) -> None:
        problems = check_order(webhook.work.order, webhook.schema, secret_headers(webhook.authentication))
        findings.add(webhook.name, *(problem.under("work", "order") for problem in problems))

    def connector(self, connection: Connection) -> Connector:
        """A connector of its own for these settings, which its user closes. Raises `Invalid`."""
        return self._build(connection)

    async def check_connection(self, connection: Connection) -> list[Problem]:
        """Why no connector can be made of these settings; paths inside the connection."""
        try:
            await self._build(connection).close()
        except Invalid as invalid:
            return list(invalid.problems)
        return []

    @asynccontextmanager
    async def _connectors(
        self, connections: Mapping[str, Connection], panels: Mapping[str, Panel]
    ) -> AsyncIterator[Mapping[str, Connector]]:
        """Connectors for the length of one check, closed at its end; those that cannot be made are left out."""
        async with AsyncExitStack() as closing:
            made: dict[str, Connector] = {RECORDS: self._build_records(panels)}
            closing.push_async_callback(made[RECORDS].close)
            for name, connection in connections.items():
                with suppress(Invalid):
                    made[name] = self._build(connection)
                    closing.push_async_callback(made[name].close)
            yield made


def _place(webhook: Webhook) -> tuple[str, str]:
    """Connection and entity that it writes; of one that starts a workflow there are none of that name."""
    return webhook.connection, entity_of(webhook.action) if webhook.action else ""
