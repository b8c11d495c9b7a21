"""The control address ``/_sandbox``: JSON without authentication, for callers on this machine only."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hookstation.errors import Invalid
from hookstation.testing.sandbox.answers import Refused, read_json, refusal, reply
from hookstation.testing.sandbox.definitions import read_panel
from hookstation.testing.sandbox.envelope import definition, plain
from hookstation.testing.sandbox.faults import CONTROL, KINDS, Fault
from hookstation.testing.sandbox.routes import find
from hookstation.testing.sandbox.state import State, settings_with

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class Control:
    """The handlers, over one `State`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes of the control address."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "", self._overview),
            ("POST", "/reset", self._reset),
            ("GET", "/settings", self._show_settings),
            ("PUT", "/settings", self._change_settings),
            ("DELETE", "/tokens", self._revoke_tokens),
            ("GET", "/faults", self._list_faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._clear_faults),
            ("DELETE", "/faults/{id:int}", self._remove_fault),
            ("GET", "/calls", self._list_calls),
            ("DELETE", "/calls", self._clear_calls),
            ("GET", "/rows/{entity}", self._list_rows),
            ("PUT", "/entities/{name}", self._define),
            ("PUT", "/people/{id}", self._add_person),
            ("PUT", "/queries", self._add_query),
        ]
        return [Route(CONTROL + path, _local(handler), methods=[method]) for method, path, handler in table]

    async def _overview(self, _: Request) -> Response:
        counts = {name: len(table.rows) for name, table in self._state.tables.items()}
        return reply(200, {"rows": counts, "queries": self._state.queries, "fault_kinds": KINDS})

    async def _reset(self, _: Request) -> Response:
        self._state.reset()
        return Response(status_code=204)

    async def _show_settings(self, _: Request) -> Response:
        return reply(200, asdict(self._state.settings))

    async def _change_settings(self, request: Request) -> Response:
        changes = await _object(request)
        self._state.change(settings_with(self._state.settings, changes))
        return reply(200, asdict(self._state.settings))

    async def _revoke_tokens(self, _: Request) -> Response:
        self._state.tokens.clear()
        return Response(status_code=204)

    async def _list_faults(self, _: Request) -> Response:
        return _items([asdict(fault) for fault in self._state.faults])

    async def _add_fault(self, request: Request) -> Response:
        try:
            fault = msgspec.convert(await _object(request), _FaultRequest)
        except msgspec.ValidationError as error:
            raise Refused(400, f"{error}. Fields: {', '.join(_FaultRequest.__struct_fields__)}.") from error
        made = self._state.faults.add(Fault(**msgspec.structs.asdict(fault)))
        return reply(201, asdict(made))

    async def _clear_faults(self, _: Request) -> Response:
        self._state.faults.clear()
        return Response(status_code=204)

    async def _remove_fault(self, request: Request) -> Response:
        if not self._state.faults.remove(request.path_params["id"]):
            raise Refused(404, "There is no such fault; it may be used up.")
        return Response(status_code=204)

    async def _list_calls(self, _: Request) -> Response:
        calls = self._state.calls.items()
        return _items([{"method": method, "path": path, "count": n} for (method, path), n in calls])

    async def _clear_calls(self, _: Request) -> Response:
        self._state.calls.clear()
        return Response(status_code=204)

    async def _list_rows(self, request: Request) -> Response:
        table = self._state.tables.get(request.path_params["entity"])
        if table is None:
            raise Refused(404, f"There is no entity of that name; there are {', '.join(self._state.tables)}.")
        return _items([plain(row) for row in find(table, request.query_params.multi_items())])

    async def _define(self, request: Request) -> Response:
        try:
            entity = read_panel(request.path_params["name"], await _object(request))
        except Invalid as error:
            raise Refused(400, str(error)) from error
        self._state.define(entity)
        return reply(200, definition(entity))

    async def _add_person(self, request: Request) -> Response:
        given = await _object(request)
        person = {name: str(given.get(name, "")) for name in ("first", "last", "email", "major_key")}
        self._state.add_person(request.path_params["id"], **person)
        return reply(201, {"id": request.path_params["id"], **person})

    async def _add_query(self, request: Request) -> Response:
        given = await _object(request)
        name, entity = str(given.get("name", "")), str(given.get("entity", ""))
        if not name.startswith("$/") or entity not in self._state.tables:
            raise Refused(400, "name starts with $/ and entity is one that the sandbox has.")
        self._state.queries[name] = entity
        return reply(200, self._state.queries)


class _FaultRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A fault as it is asked for; the fields of `Fault`."""

    kind: str
    method: str = ""
    path: str = ""
    times: int | None = None
    status: int = 500
    seconds: float = 1.0
    retry_after: str = ""
    variant: str = "result"


def _local(handler: Handler) -> Handler:
    async def guarded(request: Request) -> Response:
        if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
            return reply(403, {"Message": "The control address answers callers on this machine only."})
        try:
            return await handler(request)
        except Refused as refused:
            return refusal(refused)

    return guarded


def _items(items: Sequence[Mapping[str, object]]) -> Response:
    return reply(200, {"items": items, "count": len(items)})


async def _object(request: Request) -> dict[str, object]:
    document = read_json(await request.body())
    if not isinstance(document, dict):
        raise Refused(400, "The body has to be one object.")
    return document
