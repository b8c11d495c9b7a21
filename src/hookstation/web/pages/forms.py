"""What a form sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request

from hookstation.errors import BodyRefused, Invalid, Problem

LARGEST: Final = 8 * 1024 * 1024
LARGEST_OUTSIDE: Final = 16 * 1024
"""Bytes from who is not signed in."""

MOST_FIELDS: Final = 10_000
TYPE: Final = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """Fields by name, each with all its values in the order of the form."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def one(self, name: str) -> str:
        """The first value of a field; empty where there is none."""
        return self.all(name)[0] if self.all(name) else ""

    def all(self, name: str) -> Sequence[str]:
        """All values of a field."""
        return self.fields.get(name, ())


async def read_form(request: Request, most: int = LARGEST) -> Form:
    """The form that this request sends, read once. Raises `BodyRefused`."""
    known = getattr(request.state, "form", None)
    if isinstance(known, Form):
        return known
    request.state.form = form = _parse(request, await _body(request, most))
    return form


def check_typed(form: Form, name: str) -> None:
    """Whether the name of what is destroyed was typed. Raises `Invalid`."""
    if form.one("typed").strip() != name:
        message = f"must be “{name}”: what cannot be undone is done only when its name is typed. Nothing was changed."
        raise Invalid([Problem(("typed",), message)])


async def _body(request: Request, most: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > most:
            raise BodyRefused(f"The form is larger than {most} bytes.", status=413)
        chunks.append(chunk)
    return b"".join(chunks)


def _parse(request: Request, body: bytes) -> Form:
    if not body:
        return Form()
    sent = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent != TYPE:
        raise BodyRefused(f"A form is sent as {TYPE}.", status=415)
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as failure:
        raise BodyRefused("The form is not UTF-8, or has too many fields.") from failure
    return Form(fields)
