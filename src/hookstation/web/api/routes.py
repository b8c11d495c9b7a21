"""The operations of the API, each with what its OpenAPI entry says."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.jsontext import dump_json
from hookstation.core.people import Act
from hookstation.core.values import JSON
from hookstation.web.services import Services

PAGED: Final = {"limit": "How many items, 1 to 1000 (50).", "after": "The `next` of the page before."}
"""The parameters of a list."""

View: TypeAlias = Callable[[Request, Services], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    `query` and `headers`: parameters with a sentence each.  `body` and `result` name schemas of the OpenAPI document
    (empty: none).
    `repeated`: the status where it was done before, with the same result; 0: it knows no repeats.
    `refusals`: the statuses besides 401 and 403 that it may refuse with.
    `media_type`: of the result.  `act`: what it takes the right to; ``None``: to see or to change, by its method.
    """

    method: str
    path: str
    view: View
    summary: str
    result: str
    body: str = ""
    status: int = 200
    query: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[int, ...] = ()
    act: Act | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    repeated: int = 0

    @property
    def needs(self) -> Act:
        """What whoever asks must have the right to."""
        if self.act is not None:
            return self.act
        return Act.SEE if self.method == "GET" else Act.CHANGE


def reply(body: JSON, status: int = 200) -> Response:
    """A JSON answer, numbers with their digits."""
    return Response(dump_json(body), status, media_type="application/json")


def listed(items: list[JSON], following: str = "") -> Response:
    """A page of a list; `following` is the ``after`` of the next one."""
    return reply({"items": items, "next": following or None})
