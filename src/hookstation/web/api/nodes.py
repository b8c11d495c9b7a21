"""Operations on the nodes that work on one database."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.web.api import shapes
from hookstation.web.api.routes import Operation, listed
from hookstation.web.services import Services

STATIONS: Final = frozenset({"all", "web", "worker"})
"""Roles of nodes that stay; a command is a node too for the moment that it takes."""


async def list_nodes(_request: Request, services: Services) -> Response:
    """Nodes that are not known to be dead, the longest there first; without the commands that are at work."""
    return listed([shapes.node(one) for one in await services.store.nodes() if one.role in STATIONS])


OPERATIONS: Final = (Operation("GET", "/nodes", list_nodes, "List the nodes that are alive", "Nodes"),)
