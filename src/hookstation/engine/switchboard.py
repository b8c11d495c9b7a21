"""Every webhook by its URL token, compiled when it is first called and kept within bounds.

The whole board is replaced when configuration changes, so that a request sees one configuration or the other, never
half of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from hookstation.core.access import AddressList, RateLimit
from hookstation.core.answers import ON_REQUEST, OUTCOME, Voice, prefers_async, voice_of
from hookstation.core.definitions import Webhook, WebhookState
from hookstation.core.duplicates import KeyReader
from hookstation.core.events import Settlement
from hookstation.core.mapping import CompiledMapping
from hookstation.core.records import EffectResult, EntitySpec
from hookstation.core.retrying import order_key
from hookstation.core.schema import CompiledSchema
from hookstation.core.signing import Verifier
from hookstation.core.template import Scope, Template
from hookstation.core.template.scope import text_of
from hookstation.errors import MappingFailed
from hookstation.ports.connector import LocalConnector, RemoteConnector

MOST_COMPILED: Final = 5_500


@dataclass(frozen=True, slots=True)
class CompiledWebhook:
    """A webhook made ready: everything that a request needs, as objects.

    Exactly one of `local` and `remote` is the target, or `workflow` is the name of what it starts: then `mapping` makes
    empty records, and `spec` has no fields.  `masked` names headers that the journal must not show;
    `settle` says how a record that the store wrote ended.  `order`: by whose value events that wait for their work go
    one after the other, ``None`` where they go in any order.  `voice`: how its senders are answered.
    """

    definition: Webhook
    addresses: AddressList | None
    verifier: Verifier
    masked: frozenset[str]
    key: KeyReader | None
    schema: CompiledSchema
    mapping: CompiledMapping
    spec: EntitySpec
    settle: Callable[[EffectResult | None], Settlement]
    local: LocalConnector | None
    remote: RemoteConnector | None
    order: Template | None = None
    workflow: str = ""

    name: str = field(init=False)
    voice: Voice = field(init=False)

    def __post_init__(self) -> None:
        """Every step of a call asks for the name and the voice: they are taken out of the definition once."""
        object.__setattr__(self, "name", self.definition.name)
        object.__setattr__(self, "voice", voice_of(self.definition))

    def voice_for(self, headers: Mapping[str, str]) -> Voice:
        """How a sender with these headers (lower-case names) is answered."""
        if self.definition.respond_async and "prefer" in headers and prefers_async(headers["prefer"]):
            return ON_REQUEST
        return self.voice

    def order_in(self, scope: Scope) -> str:
        """The key of the events that this one goes one after the other with, empty where it goes in any order.

        Raises `MappingFailed`.
        """
        if self.order is None:
            return ""
        scope.hide(self.masked)
        try:
            return order_key(self.name, text_of(self.order.evaluate(scope)))
        except MappingFailed as failed:
            raise MappingFailed("work.order", failed.reason) from failed


@dataclass(slots=True)
class Line:
    """One webhook on the board. `make` compiles it; it may raise `Invalid`. `voice`: of one that cannot be compiled.

    `token`: empty for what has no URL, a poll.
    """

    name: str
    state: WebhookState
    token: str
    rate: RateLimit | None
    make: Callable[[], CompiledWebhook]
    version: int = 0
    compiled: CompiledWebhook | None = None
    used: bool = False
    search: bool = True
    voice: Voice = OUTCOME


class Switchboard:
    """Lines by token. `replace` swaps all of them at once."""

    def __init__(self, most_compiled: int = MOST_COMPILED) -> None:
        self._by_token: dict[str, Line] = {}
        self._by_name: dict[str, Line] = {}
        self._compiled: list[Line] = []
        self._most_compiled = most_compiled

    def replace(self, lines: Iterable[Line]) -> None:
        """Put up a new board. Lines that did not change keep what was compiled and counted for them."""
        by_name = {line.name: line for line in lines}
        for name, line in by_name.items():
            before = self._by_name.get(name)
            if before is not None and before.rate is not None and before.rate == line.rate:
                line.rate = before.rate
        self._by_token = {line.token: line for line in by_name.values() if line.token}
        self._by_name = by_name
        self._compiled = [line for line in by_name.values() if line.compiled is not None]

    def find(self, token: str) -> Line | None:
        """The line of this URL token, whatever its state."""
        return self._by_token.get(token)

    def named(self, name: str) -> Line | None:
        """The line of this webhook."""
        return self._by_name.get(name)

    def is_searched(self, name: str) -> bool:
        """Whether the payloads of this webhook may be found by their words; those of one that is gone are not."""
        line = self._by_name.get(name)
        return line is not None and line.search

    def lines(self) -> Iterable[Line]:
        """All lines."""
        return self._by_name.values()

    def compiled(self, line: Line) -> CompiledWebhook:
        """What a request needs of this line, compiled now if it was not. Raises `Invalid`."""
        line.used = True
        if line.compiled is None:
            line.compiled = line.make()
            self._keep_within_bounds(line)
        return line.compiled

    def _keep_within_bounds(self, newest: Line) -> None:
        """Second-chance eviction: a line called since the last sweep stays once more, the newest in any case."""
        self._compiled.append(newest)
        while len(self._compiled) > self._most_compiled:
            oldest = self._compiled.pop(0)
            if oldest is newest or oldest.used:
                oldest.used = oldest is newest
                self._compiled.append(oldest)
            else:
                oldest.compiled = None
