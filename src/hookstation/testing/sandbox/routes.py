"""The addresses that a client of iMIS calls: the token and everything under ``/api``."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hookstation.testing.sandbox.answers import (
    CONTRACTS,
    Refused,
    invalid,
    read_json,
    refusal,
    reply,
    validation_results,
)
from hookstation.testing.sandbox.definitions import ACTIVITY, Entity
from hookstation.testing.sandbox.envelope import (
    LIST,
    definition,
    identity,
    page,
    present,
    present_flat,
    present_sparse,
    read_entity,
)
from hookstation.testing.sandbox.faults import invalid_grant
from hookstation.testing.sandbox.state import State
from hookstation.testing.sandbox.table import Condition, Row, Table, column_of, order, read_condition

Handler: TypeAlias = Callable[[Request], Awaitable[Response]]
_Presenter: TypeAlias = Callable[[Entity, Row], dict[str, object]]

DEFAULT_PAGE: Final = 100
_PAGING: Final = frozenset({"limit", "offset", "orderby", "entityid", "queryname"})


class Api:
    """The handlers, over one `State`."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[Route]:
        """All routes; everything but the token asks for a bearer token."""
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/api/BOEntityDefinition", self._list_definitions),
            ("GET", "/api/BOEntityDefinition/{name}", self._get_definition),
            ("GET", "/api/metadata/{name}", self._get_metadata),
            ("GET", "/api/query", self._query_flat),
            ("GET", "/api/iqa", self._query_entities),
            ("POST", "/api/{entity}/_validate", self._validate),
            ("POST", "/api/{entity}/_bulkInsert", self._bulk_insert),
            ("POST", "/api/{entity}/_bulkUpdate", self._bulk_update),
            ("POST", "/api/{entity}/_execute", self._execute),
            ("POST", "/api/{entity}", self._add),
            ("GET", "/api/{entity}", self._find),
            ("PUT", "/api/{entity}", self._update),
            ("DELETE", "/api/{entity}", self._delete),
            ("GET", "/api/{entity}/{id:path}", self._get),
            ("PUT", "/api/{entity}/{id:path}", self._update),
            ("DELETE", "/api/{entity}/{id:path}", self._delete),
        ]
        guarded = [Route(path, self._guard(handler), methods=[method]) for method, path, handler in table]
        return [Route("/token", self._token, methods=["POST"]), *guarded]

    def _guard(self, handler: Handler) -> Handler:
        async def guarded(request: Request) -> Response:
            scheme, _, token = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() != "bearer" or not self._state.holds_token(token):
                return reply(401, {"Message": "Authorization has been denied for this request."})
            try:
                return await handler(request)
            except Refused as refused:
                return refusal(refused)

        return guarded

    async def _token(self, request: Request) -> Response:
        if not request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return reply(
                400, {"error": "invalid_request", "error_description": "The body has to be form-encoded."}
            )
        form = {key: values[-1] for key, values in parse_qs((await request.body()).decode("latin-1")).items()}
        grants = {"password": ("username", "password"), "refresh_token": _REFRESH}
        needed = grants.get(form.get("grant_type", ""))
        if needed is None:
            return reply(400, {"error": "unsupported_grant_type"})
        given = [form.get(name, "").encode() for name in needed]
        right = [str(getattr(self._state.settings, name)).encode() for name in needed]
        if not all(map(secrets.compare_digest, given, right)):
            return invalid_grant()
        return reply(200, self._grant())

    def _grant(self) -> dict[str, object]:
        settings = self._state.settings
        return {
            "access_token": self._state.issue_token(),
            "token_type": "bearer",
            "expires_in": int(settings.token_life),
            "refresh_token": settings.refresh_token,
            "userName": settings.username,
        }

    async def _list_definitions(self, request: Request) -> Response:
        offset, limit = self._paging(request)
        entities = [table.entity for table in self._state.tables.values()]
        shown = [definition(entity) for entity in entities[offset : offset + limit]]
        return reply(200, page(shown, offset, limit, len(entities)))

    async def _get_definition(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in self._state.tables:
            raise Refused(404, f"There is no BOEntityDefinition {name}.")
        return reply(200, definition(self._state.table(name).entity))

    async def _get_metadata(self, request: Request) -> Response:
        entity = self._state.table(request.path_params["name"]).entity
        if not entity.described:
            raise Refused(501, f"metadata is not implemented for {entity.name}.")
        return reply(200, definition(entity, "EntityDefinitionData"))

    async def _query_flat(self, request: Request) -> Response:
        return self._page_of(self._queried(request, "query"), request, present_flat)

    async def _query_entities(self, request: Request) -> Response:
        return self._page_of(self._queried(request, "iqa"), request, present_sparse)

    async def _find(self, request: Request) -> Response:
        if "EntityId" in request.query_params:
            return await self._get(request)
        return self._page_of(self._table(request), request, present)

    async def _get(self, request: Request) -> Response:
        table = self._table(request)
        return reply(200, present(table.entity, _row(table, request)))

    async def _add(self, request: Request) -> Response:
        table = self._writable(request, "insert")
        sent = read_entity(table.entity, await _document(request))
        row = table.insert(self._state.check_insert(table, sent))
        return reply(201, present(table.entity, row))

    async def _update(self, request: Request) -> Response:
        table = self._writable(request, "update")
        row = _row(table, request)
        sent = read_entity(table.entity, await _document(request))
        table.update(row, self._state.check_update(table, row, sent))
        return reply(200, present(table.entity, row))

    async def _delete(self, request: Request) -> Response:
        table = self._writable(request, "delete")
        table.delete(_row(table, request))
        return Response(status_code=204)

    async def _validate(self, request: Request) -> Response:
        table = self._writable(request, "insert")
        document = await _document(request)
        messages: tuple[str, ...] = ()
        try:
            self._state.check_insert(table, read_entity(table.entity, document))
        except Refused as refused:
            messages = refused.messages
        kind = f"{CONTRACTS}.ValidateResultsData, Asi.Contracts"
        results = validation_results(messages)
        shown = {"$type": kind, "IsValid": not messages, "Entity": document, "ValidationResults": results}
        return reply(200, shown | {key: results[key] for key in ("Errors", "Warnings", "Summary")})

    async def _bulk_insert(self, request: Request) -> Response:
        """All or none: the rows of a batch that fails half-way are taken back."""
        table = self._writable(request, "insert")
        checked = [
            self._state.check_insert(table, read_entity(table.entity, item)) for item in await _batch(request)
        ]
        inserted: list[Row] = []
        try:
            inserted.extend(map(table.insert, checked))
        except Refused:
            for row in inserted:
                table.delete(row)
            raise
        keys = [identity(table.entity.name, row.key) for row in inserted]
        return reply(200, {"$type": LIST, "$values": keys})

    async def _bulk_update(self, request: Request) -> Response:
        table = self._writable(request, "update")
        sent = [read_entity(table.entity, item) for item in await _batch(request)]
        rows = [_existing(table, each.key) for each in sent]
        changes = [self._state.check_update(table, row, each) for row, each in zip(rows, sent, strict=True)]
        for row, change in zip(rows, changes, strict=True):
            table.update(row, change)
        return Response(status_code=204)

    async def _execute(self, request: Request) -> Response:
        name = self._table(request).entity.name
        raise Refused(501, f"_execute is not implemented for {name}.")

    def _table(self, request: Request) -> Table:
        return self._state.table(request.path_params["entity"])

    def _writable(self, request: Request, operation: str) -> Table:
        table = self._table(request)
        changeable = table.entity.name == ACTIVITY and self._state.settings.changeable_activities
        if operation not in table.entity.writable and not changeable:
            raise Refused(501, f"{operation} is not implemented for {table.entity.name}.")
        return table

    def _queried(self, request: Request, place: str) -> Table:
        if self._state.settings.queries_at not in ("both", place):
            raise Refused(404, f"This platform has no /api/{place}.")
        name = request.query_params.get("queryname", "")
        if name not in self._state.queries:
            raise Refused(404, f"There is no query {name}.")
        return self._state.table(self._state.queries[name])

    def _page_of(self, table: Table, request: Request, show: _Presenter) -> Response:
        offset, limit = self._paging(request)
        rows = find(table, request.query_params.multi_items())
        chosen = order(rows, table.entity, _parameter(request, "orderby"))[offset : offset + limit]
        return reply(200, page([show(table.entity, row) for row in chosen], offset, limit, len(rows)))

    def _paging(self, request: Request) -> tuple[int, int]:
        offset, limit = (
            _whole(_parameter(request, name) or default)
            for name, default in (("offset", "0"), ("limit", str(DEFAULT_PAGE)))
        )
        if offset < 0 or limit < 1:
            raise Refused(400, "offset is 0 or more and limit 1 or more, both in digits.")
        return offset, min(limit, self._state.settings.largest_page)


def find(table: Table, parameters: Collection[tuple[str, str]]) -> Collection[Row]:
    """The rows that a find's query string asks for. Raises `Refused` 400 for a property that is not there."""
    conditions: list[Condition] = []
    for name, text in parameters:
        if name.lower() in _PAGING:
            continue
        column = column_of(table.entity, name)
        if column is None:
            raise invalid(f"{name}: {table.entity.name} has no such property.")
        conditions.append(read_condition(column, text))
    return table.find(conditions)


async def _document(request: Request) -> object:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(415, "Send the body with Content-Type: application/json.")
    return read_json(await request.body())


async def _batch(request: Request) -> list[object]:
    document = await _document(request)
    items = document.get("$values") if isinstance(document, dict) else document
    if not isinstance(items, list):
        raise invalid("The body has to be a list of entities.")
    return items


def _row(table: Table, request: Request) -> Row:
    given: Mapping[str, str] = request.path_params
    text = request.query_params.get("EntityId", given.get("id", ""))
    key = text[1:].split("|") if text.startswith("~") else [text]
    return _existing(table, tuple(key))


def _existing(table: Table, key: tuple[str, ...]) -> Row:
    row = table.rows.get(key)
    if row is None:
        raise Refused(404, f"{table.entity.name}: there is no row {'|'.join(key)}.")
    return row


def _parameter(request: Request, name: str) -> str:
    return next((value for key, value in request.query_params.items() if key.lower() == name), "")


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < len(str(2**31)) else -1


_REFRESH: Final = ("client_id", "client_secret", "refresh_token")
