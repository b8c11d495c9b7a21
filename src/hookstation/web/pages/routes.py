"""How a page enters: its address and its view, one list for each noun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from hookstation.core.people import Act
from hookstation.web.browsers import SAFE_METHODS
from hookstation.web.services import Services

View: TypeAlias = Callable[[Request, Services], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page. `path` as Starlette writes it; a view of `methods` other than GET changes something, and redirects.

    `act` is what a visitor must have the right to; ``None``: to see, and to change what a view changes.  `is_open`:
    the page is for who is not signed in, too.
    """

    path: str
    view: View
    methods: tuple[str, ...] = ("GET",)
    act: Act | None = None
    is_open: bool = False

    def act_of(self, method: str) -> Act:
        """What a request of this method needs the right to."""
        if self.act is not None:
            return self.act
        return Act.SEE if method in SAFE_METHODS else Act.CHANGE
