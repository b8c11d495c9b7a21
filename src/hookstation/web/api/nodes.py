"""Operations on the nodes that work on one database."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from hookstation.web.api import shapes
from hookstation.web.api.routes import Operation, listed
from hookstation.web.services import Services


async def list_nodes(_request: Request, services: Services) -> Response:
    """Nodes that are not known to be dead, the longest there first."""
    return listed([shapes.node(one) for one in await services.store.nodes()])


OPERATIONS: Final = (Operation("GET", "/nodes", list_nodes, "List the nodes that are alive", "Nodes"),)
