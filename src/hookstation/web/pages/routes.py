"""How a page enters: its address and its view, one list for each noun."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeAlias

from starlette.requests import Request
from starlette.responses import Response

from hookstation.web.services import Services

View: TypeAlias = Callable[[Request, Services], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page. `path` as Starlette writes it; a view of `methods` other than GET changes something, and redirects."""

    path: str
    view: View
    methods: tuple[str, ...] = ("GET",)
