"""A subscription, compiled: which events it wants, and the request that an attempt makes of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from hookstation.core.condition import Condition, compile_condition
from hookstation.core.outgoing.body import CompiledBody, compile_body
from hookstation.core.outgoing.definitions import Subscription
from hookstation.core.outgoing.headers import CompiledHeaders, compile_headers
from hookstation.core.outgoing.scope import KNOWN, OutgoingScope, facts_of, payload_of, scope_of
from hookstation.core.outgoing.types import matcher, pattern_problem
from hookstation.core.outgoing.values import EventOut
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem

METHODS: Final = ("POST", "PUT", "PATCH")

CONDITION_FACTS: Final = frozenset(KNOWN) - {"delivery"}
"""Names that a condition reads besides the payload's: see `core.outgoing.scope.facts_of`."""

_UNREAD: Final = OutgoingScope(None, {}, 0)
"""What a body gets that reads nothing."""

Part = TypeVar("Part")


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a subscription contributes to a request; the destination adds its signature and its credentials."""

    method: str
    headers: tuple[tuple[str, str], ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class CompiledSubscription:
    """A subscription, ready; safe to share. `fits` says whether a type of event is one of its own."""

    subscription: Subscription
    fits: Callable[[str], bool] = field(repr=False)
    condition: Condition = field(repr=False)
    _body: CompiledBody = field(repr=False)
    _headers: CompiledHeaders = field(repr=False)

    def wants(self, event: EventOut, payload: JSON) -> bool:
        """Whether an event is to go to its destination, by type and condition. `payload`: the event's, read."""
        return (
            self.subscription.active
            and self.fits(event.type)
            and self.condition.holds(payload, facts_of(event, payload))
        )

    def render(self, event: EventOut, delivery_id: str, attempt: int) -> Rendered:
        """Method, headers (``Content-Type`` first) and body of one attempt.

        Raises `MappingFailed` naming the place, where a template cannot do it for this payload.
        """
        typed = ("Content-Type", self._body.content_type)
        if not (self._body.reads or self.subscription.headers):
            return Rendered(self.subscription.method, (typed,), self._body.render(event, _UNREAD))
        scope = scope_of(event, payload_of(event), delivery_id, attempt)
        headers = (typed, *self._headers.render(scope))
        return Rendered(self.subscription.method, headers, self._body.render(event, scope))


def compile_subscription(subscription: Subscription) -> CompiledSubscription:
    """Compile a subscription. Raises `Invalid` with every mistake; paths begin at the subscription."""
    problems = list(_pattern_problems(subscription))
    condition = _part(lambda: compile_condition(subscription.condition), "condition", problems)
    body = _part(lambda: compile_body(subscription.body), "body", problems)
    headers = _part(lambda: compile_headers(subscription.headers), "headers", problems)
    if problems or condition is None or body is None or headers is None:
        raise Invalid(problems)
    return CompiledSubscription(subscription, matcher(subscription.events), condition, body, headers)


def _pattern_problems(subscription: Subscription) -> list[Problem]:
    return [
        problem.under("events", index)
        for index, pattern in enumerate(subscription.events)
        if (problem := pattern_problem(pattern)) is not None
    ]


def _part(compile_it: Callable[[], Part], name: str, problems: list[Problem]) -> Part | None:
    try:
        return compile_it()
    except Invalid as refusal:
        problems += [problem.under(name) for problem in refusal.problems]
        return None
