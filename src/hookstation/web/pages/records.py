"""The built-in records: which tables there are, their rows, and a table as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from hookstation.core.records import ACTIVITY, RECORDS, EntitySpec, StoredRecord
from hookstation.core.values import Scalar
from hookstation.engine.browsing import Found
from hookstation.errors import NotFound
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page
from hookstation.web.services import Services

PER_PAGE: Final = 50
PER_READ: Final = 500
KEY: Final = "KEY"
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""How a text begins that a spreadsheet would run as a formula (OWASP, CSV injection)."""


async def list_tables(request: Request, services: Services) -> Response:
    """The tables."""
    names = [ACTIVITY, *sorted(services.board.panels)]
    context = {
        "names": names,
        "specs": {name: services.targets.spec(RECORDS, name) for name in names},
        "counts": {name: await services.store.count_records(name) for name in names},
        "done": request.query_params.get("done", ""),
    }
    return await page(request, "records/list.html", context)


async def show_table(request: Request, services: Services) -> Response:
    """A table's rows in the order of writing: all, those with some words, or the one with a key."""
    spec = entity(request, services)
    asked = {name: request.query_params.get(name, "") for name in ("key", "text", "after")}
    if asked["key"]:
        one = await services.store.get_record(spec.name, asked["key"])
        found = Found([] if one is None else [one], "", 0)
    else:
        found = await services.browse.search(spec.name, asked["text"], PER_PAGE, asked["after"])
    context = {
        "spec": spec,
        "rows": found.records,
        "columns": _filled(spec, found.records),
        "next": found.after,
        "looked_at": found.looked_at,
        "asked": asked,
        "is_panel": spec.name in services.board.panels,
        "done": request.query_params.get("done", ""),
    }
    return await page(request, "records/show.html", context)


async def export_table(request: Request, services: Services) -> Response:
    """The whole table as CSV (RFC 4180), written while it is read."""
    spec = entity(request, services)
    disposition = f'attachment; filename="{spec.name}.csv"'
    return StreamingResponse(
        _lines(spec, services),
        headers={"Content-Disposition": disposition},
        media_type="text/csv; charset=utf-8",
    )


def entity(request: Request, services: Services) -> EntitySpec:
    """The table that the address names, in any case of letters. Raises `NotFound`."""
    wanted: str = request.path_params["entity"]
    for name in (ACTIVITY, *services.board.panels):
        if name.casefold() == wanted.casefold():
            return services.targets.spec(RECORDS, name)
    raise NotFound("table", wanted)


def _filled(spec: EntitySpec, rows: Sequence[StoredRecord]) -> list[str]:
    """The fields that any of these rows has, in the table's order: an Activity has many more than are used."""
    there = {name for one in rows for name, value in one.fields.items() if value is not None}
    return [name for name in spec.fields if name in there] + sorted(there - spec.fields.keys())


async def _lines(spec: EntitySpec, services: Services) -> AsyncIterator[bytes]:
    columns = [*spec.fields]
    yield _line([KEY, *columns])
    after = ""
    while True:
        found = await services.store.list_records(spec.name, PER_READ, after)
        yield b"".join(
            _line([cell(one.key), *(cell(one.fields.get(name)) for name in columns)]) for one in found
        )
        if len(found) < PER_READ:
            return
        after = found[-1].key


def _line(cells: list[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue().encode()


def cell(value: Scalar) -> str:
    """A value as a spreadsheet takes it; a text that it would run as a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else str(value)


PAGES: Final = (
    Page("/records", list_tables),
    Page("/records/{entity}.csv", export_table),
    Page("/records/{entity}", show_table),
)
