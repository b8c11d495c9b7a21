"""Configuration of the in-memory twin, with the versions of webhooks and workflows that it brings about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from hookstation.core.workflows.run_rules import QUEUE_OF, WORKFLOWS
from hookstation.errors import Conflict
from hookstation.ports.leases import CONFIGURATION_CHANGED
from hookstation.ports.runs import WorkflowVersion
from hookstation.ports.store import ConfigurationChange, StoredConfiguration
from hookstation.ports.versions import Draft
from hookstation.testing.memory_deliveries import MemoryDeliveries
from hookstation.testing.memory_facts import MemoryFacts
from hookstation.testing.memory_versions import MemoryVersions

Name = TypeVar("Name")
Thing = TypeVar("Thing")


class MemoryConfiguration(MemoryVersions, MemoryDeliveries, MemoryFacts):
    """Implements the configuration of `ports.store.Settings`."""

    def _begin_configuration(self) -> None:
        self._configuration = StoredConfiguration(0)

    async def load_configuration(self) -> StoredConfiguration:
        """Everything configured."""
        return self._configuration

    async def revision(self) -> int:
        """The configuration's revision."""
        return self._configuration.revision

    async def save_configuration(self, change: ConfigurationChange, expected_revision: int) -> int:
        """Write a change."""
        self._check()
        now = self._configuration
        if now.revision != expected_revision:
            raise Conflict(
                "The configuration was changed by somebody else meanwhile: read it again, then repeat the change."
            )
        self._check_begun(change.began)
        self._publish_webhooks(change)
        self._number_workflows(change)
        things = _changed_things(now.things, change.things)
        self._configuration = StoredConfiguration(
            now.revision + 1,
            _changed(now.webhooks, change.webhooks),
            _changed(now.connections, change.connections),
            _changed(now.panels, change.panels),
            _changed(now.destinations, change.destinations),
            _changed(now.subscriptions, change.subscriptions),
            _changed(now.specs, change.specs),
            things,
            {name: self._flow_numbers[name] for name in things.get(WORKFLOWS, {})},
        )
        self._forget_removed(change)
        self._facts.update(change.facts)
        self._tell_ready()
        self._tell(CONFIGURATION_CHANGED)
        return now.revision + 1

    def _publish_webhooks(self, change: ConfigurationChange) -> None:
        for name, webhook in change.webhooks.items():
            before = self._configuration.webhooks.get(name)
            if webhook is None:
                self._forget_versions(name)
            elif before is None or before.document != webhook.document:
                self._publish(Draft(name, webhook.document, webhook.updated_at, change.by, change.note))

    def _number_workflows(self, change: ConfigurationChange) -> None:
        known = self._configuration.things.get(WORKFLOWS, {})
        for (kind, name), document in change.things.items():
            if kind == WORKFLOWS and document is not None and document != known.get(name):
                number = self._flow_numbers.get(name, 0) + 1
                version = WorkflowVersion(name, number, self._now(), change.by, change.note, document)
                self._flows.setdefault(name, []).append(version)
                self._flow_numbers[name] = number

    def _forget_removed(self, change: ConfigurationChange) -> None:
        """What is removed takes with it how it stood."""
        for name in (name for name, document in change.destinations.items() if document is None):
            self._standing.pop(name, None)
        for kind, name in (place for place, document in change.things.items() if document is None):
            self._values.pop((kind, name), None)
            self._standings.pop((kind, name), None)
            if kind in QUEUE_OF:
                self._remove(QUEUE_OF[kind], name)
            if kind == WORKFLOWS:
                self._tidy_versions(name)

    def _is_configured(self, workflow: str) -> bool:
        return workflow in self._configuration.things.get(WORKFLOWS, {})


def _changed(now: Mapping[Name, Thing], change: Mapping[Name, Thing | None]) -> Mapping[Name, Thing]:
    merged = {**now, **change}
    return {name: thing for name, thing in merged.items() if thing is not None}


def _changed_things(
    now: Mapping[str, Mapping[str, str]], change: Mapping[tuple[str, str], str | None]
) -> Mapping[str, Mapping[str, str]]:
    """Things by kind and name; a kind of which there is none is left out."""
    kinds = {*now, *(kind for kind, _ in change)}
    after = {
        kind: _changed(now.get(kind, {}), {name: one for (of, name), one in change.items() if of == kind})
        for kind in sorted(kinds)
    }
    return {kind: things for kind, things in after.items() if things}
