"""The form of a schedule, poll or transfer, made of its document's settings, with what is wrong at its field."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from hookstation.core.documents import PLURALS
from hookstation.core.fieldlist import Setting
from hookstation.core.people import Act
from hookstation.core.records import RECORDS
from hookstation.core.values import JSON
from hookstation.errors import Invalid, Problem
from hookstation.web.pages.chain.things import document_of
from hookstation.web.pages.forms import Form, read_form
from hookstation.web.pages.outgoing.items import elsewhere, is_missing, items_of
from hookstation.web.pages.outgoing.reading import Reading
from hookstation.web.pages.outgoing.saving import look_through, save
from hookstation.web.pages.rendering import page
from hookstation.web.pages.routes import Page, View
from hookstation.web.services import Services

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "http": ("An HTTP API", "Its answer is a list, or holds one."),
    "rss": ("A feed", "RSS or Atom."),
    "sql": ("A database", "Rows of a table or of a statement."),
    "imis_query": ("An iMIS query", "Rows of a stored query."),
    "imis_activities": ("iMIS activities", "By their sequence number."),
    "files": ("Files", "SFTP, FTPS, S3 or a folder."),
    "mailbox": ("A mailbox", "Mails of one folder."),
    "mail": ("Mail", "The rows as an attachment."),
    "records": ("The records database", "Activities, or rows of a panel."),
    "journal": ("The journal", "Events that webhooks received."),
    "": ("Not set", ""),
    "field": ("A field that grows", "Its greatest value is remembered."),
    "changed": ("What changed", "ETag or Last-Modified of the answer."),
    "next_link": ("A link to the next page", "In the answer or its Link header."),
    "page": ("Numbered pages", ""),
    "cursor": ("A cursor in the answer", ""),
    "none": ("Nothing", ""),
    "bearer": ("A token", "Sent as Authorization: Bearer."),
    "basic": ("User and password", ""),
    "api_key": ("A key in a header", ""),
    "oauth2": ("OAuth 2.0", "The station fetches a token and keeps it."),
    "csv": ("CSV", "With commas, or another delimiter."),
    "tsv": ("TSV", "With tabs."),
    "pipe": ("Pipes", "With |."),
    "json": ("JSON", "One list."),
    "ndjson": ("NDJSON", "An object on each line."),
    "xml": ("XML", ""),
    "insert_activity": ("Insert an Activity", ""),
    "insert_panel": ("Insert a panel record", ""),
    "update_panel": ("Update a panel record", ""),
    "upsert_panel": ("Update a panel record, or insert it", ""),
}
"""Kinds of a thing: label, and a few words about it."""


class Ways(dict[str, tuple[str, str]]):
    """The words for a way, by the id of its item and its name; what has none of its own is called by its name."""

    def __missing__(self, key: str) -> tuple[str, str]:
        """The words of the last part of an id."""
        name = key.rpartition(".")[2]
        return WORDS.get(name, (name.replace("_", " ").capitalize(), ""))


class Told(dict[str, str]):
    """What is wrong, by field; empty where nothing is."""

    def __missing__(self, key: str) -> str:
        """Nothing is wrong there."""
        return ""


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a form: what it would do, or what stands in the way."""

    found: Sequence[object] = ()
    problems: Sequence[Problem] = ()


Tries: TypeAlias = Callable[[Mapping[str, JSON], Sequence[Problem], Services], Awaitable[Tried]]
Special: TypeAlias = Callable[[Form], tuple[dict[str, JSON], list[Problem]]]
More: TypeAlias = Callable[[Services, Mapping[str, JSON], Form | None], dict[str, object]]


def nothing_special(_form: Form) -> tuple[dict[str, JSON], list[Problem]]:
    """Every field is read by its setting."""
    return {}, []


@dataclass(frozen=True, slots=True)
class FormOf:
    """The form of one kind. `special` reads fields that are not just settings, `more` says what else its page shows.

    `own`: settings that `special` reads, whose problems the page shows at fields of its own.  `tries`: what it would
    do as it stands, without being saved.  `fits`: the types of connection that may be chosen, by the id of the item;
    at any other item all may.  `instead`: settings that stand in for those of `own`, and are not missing beside them.
    """

    kind: str
    settings: Sequence[Setting]
    template: str
    more: More
    special: Special = nothing_special
    own: frozenset[str] = frozenset()
    tries: Tries | None = None
    fits: Mapping[str, frozenset[str]] = field(default_factory=dict)
    instead: frozenset[str] = frozenset()

    @property
    def home(self) -> str:
        """Where the list is."""
        return f"/{PLURALS[self.kind]}"

    @property
    def shown(self) -> tuple[Setting, ...]:
        """The settings that are read by what they are."""
        return tuple(one for one in self.settings if one.name not in self.own)

    def read(self, form: Form, before: Mapping[str, JSON]) -> tuple[dict[str, JSON], list[Problem]]:
        """The document that a form says, and what cannot be read of it."""
        reading = Reading(form)
        settings = tuple(one for one in self.shown if one.name != "name")
        document = reading.document(settings, before)
        special, problems = self.special(form)
        return {**document, **special}, [*reading.problems, *problems]

    async def show_new(self, request: Request, services: Services) -> Response:
        """The form of a new one; the address may say what it begins with."""
        begun: dict[str, JSON] = {
            one.name: request.query_params[one.name]
            for one in self.settings
            if one.name in request.query_params
        }
        return await self.render(request, services, "", begun)

    async def show_edit(self, request: Request, services: Services) -> Response:
        """The form of one that is there."""
        name: str = request.path_params["name"]
        return await self.render(request, services, name, document_of(self.kind, name, services))

    async def submit_new(self, request: Request, services: Services) -> Response:
        """Make one."""
        name = (await read_form(request)).one("name").strip()
        taken = Problem(("name",), f"is taken by another {self.kind}; choose another one.")
        return await self.submit(
            request,
            services,
            "",
            name,
            {},
            [taken] if name in services.board.documents(self.kind) else [],
        )

    async def submit_edit(self, request: Request, services: Services) -> Response:
        """Change one."""
        name: str = request.path_params["name"]
        before = document_of(self.kind, name, services)
        return await self.submit(request, services, name, name, before, [])

    async def submit(
        self,
        request: Request,
        services: Services,
        old: str,
        name: str,
        before: Mapping[str, JSON],
        problems: Sequence[Problem],
    ) -> Response:
        """Save what the form says, or show it again with what is wrong."""
        form = await read_form(request)
        document, unread = self.read(form, before)
        document = {**document, **({"name": name} if name else {})}
        wrong = [*problems, *unread]
        if form.one("act") == "try" and self.tries is not None:
            tried = await self.tries({**document, "name": name or "trial"}, unread, services)
            return await self.render(request, services, old, before, form, tried.problems, tried)
        if unread:
            known = {one.path[:1] for one in unread}
            looked = await look_through(services, self.kind, document)
            lacking = [one for one in looked if is_missing(one) and one.path[:1] not in known - {()}]
            wrong += [one for one in lacking if not any(f"“{name}”" in one.message for name in self.instead)]
        if not wrong:
            try:
                await save(request, services, self.kind, document)
            except Invalid as invalid:
                wrong += invalid.problems
            else:
                return RedirectResponse(f"{self.home}/{quote(name)}?done=saved", 303)
        return await self.render(request, services, old, before, form, wrong)

    async def render(
        self,
        request: Request,
        services: Services,
        name: str,
        before: Mapping[str, JSON],
        form: Form | None = None,
        problems: Sequence[Problem] = (),
        tried: Tried | None = None,
    ) -> Response:
        """The page with the form, and what came of trying it."""
        items = items_of(self.shown, before, problems, form)
        own = Told(
            {str(one.path[0]): one.message for one in problems if one.path and one.path[0] in self.own}
        )
        others = [one for one in problems if not one.path or str(one.path[0]) not in self.own]
        context = {
            "name": name,
            "items": items,
            "elsewhere": elsewhere(items, others),
            "wrong": [one for each in items.values() for one in each.all() if one.error],
            "own": own,
            "ways": Ways(),
            "choices": self.choices(services),
            "tried": tried,
            **self.more(services, before, form),
        }
        return await page(request, self.template, context, 422 if problems else 200)

    def choices(self, services: Services) -> dict[str, list[str]]:
        """The connections that are offered: by the id of the item, and for all others by the name of the setting."""
        known = sorted(services.board.connections.items())
        fitting = {
            place: [name for name, one in known if one.type in types] for place, types in self.fits.items()
        }
        return {"connection": [RECORDS, *(name for name, _ in known)], **fitting}

    def pages(self) -> tuple[Page, ...]:
        """The addresses of the form."""

        def at(path: str, show: View, submit: View) -> tuple[Page, Page]:
            return Page(path, show, act=Act.CHANGE), Page(path, submit, ("POST",))

        return (
            *at(f"{self.home}/_new", self.show_new, self.submit_new),
            *at(f"{self.home}/{{name}}/edit", self.show_edit, self.submit_edit),
        )
