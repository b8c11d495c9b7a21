"""The settings of one step by its type: what is wrong with them alone, and the form in which they are kept."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from hookstation.core.documents.secrets import PersonSecrets
from hookstation.core.fieldlist import Values, decode, listed
from hookstation.core.nearest import did_you_mean
from hookstation.core.outgoing.types import raised_type_refused
from hookstation.core.template import rewrite
from hookstation.core.values import JSON, kind_of
from hookstation.core.workflows.catalog import StepSpec
from hookstation.core.workflows.catalog.common import COMPARISONS
from hookstation.core.workflows.catalog.spec import SAFE_METHODS
from hookstation.core.workflows.definitions import Then
from hookstation.core.workflows.places import CASES
from hookstation.core.workflows.rules import read_rule
from hookstation.errors import Invalid, Problem

OTHERWISE: Final = (Then.FAIL, Then.SUCCEED, Then.GO_TO)
"""What a gate may lead to."""
_OPENINGS: Final = ("$$", "{{", "{%")
_HOST: Final = re.compile(
    r"(?:\*\.)?[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[?[0-9A-Fa-f:.]{2,45}\]?"
)
_NO_SECRETS: Final = PersonSecrets()
_AS_WRITTEN: Final = frozenset({"schema"})
"""Static settings in which what looks like a template may mean itself."""


def check_settings(spec: StepSpec, settings: Mapping[str, JSON]) -> list[Problem]:
    """What is wrong with a step's settings; paths begin at ``with``. Templates and conditions are not compiled."""
    values, problems = decode(spec.settings, dict(settings), _NO_SECRETS)
    problems += _check_one(spec, settings)
    problems += _check_static(spec, settings)
    problems += [one for name in spec.rules if name in settings for one in _check_rule(name, settings[name])]
    check = CHECKS.get(spec.type)
    return problems + (list(check(values)) if check is not None and not problems else [])


def kept_settings(spec: StepSpec, settings: Mapping[str, JSON]) -> dict[str, JSON]:
    """The settings as they are kept: templates in the form that they are compiled from, and no defaults."""
    return {
        name: rewritten(value) if name in spec.templates | spec.row_templates else value
        for name, value in settings.items()
        if value is not None and not _is_default(spec, name, value)
    }


def written_settings(
    spec: StepSpec, settings: Mapping[str, JSON], *, defaults: bool = False
) -> dict[str, JSON]:
    """The settings as their document has them, in the order of the type."""
    written: dict[str, JSON] = {}
    for setting in spec.settings:
        value = settings.get(setting.name)
        if value is None and defaults:
            value = setting.default
        if value is not None:
            written[setting.name] = value
    others = {name: one for name, one in settings.items() if name not in written and name != CASES}
    return written | others


def _is_default(spec: StepSpec, name: str, value: JSON) -> bool:
    setting = spec.setting(name)
    default = setting.default if setting else None
    return type(default) is type(value) and default == value


def rewritten(value: JSON) -> JSON:
    """The value with every text in it as a template is saved."""
    match value:
        case str():
            return rewrite(value)
        case dict():
            return {name: rewritten(one) for name, one in value.items()}
        case list():
            return [rewritten(one) for one in value]
    return value


def _check_one(spec: StepSpec, settings: Mapping[str, JSON]) -> Iterator[Problem]:
    """Of some settings exactly one must be given."""
    for group in spec.needs_one:
        given = [name for name in group if settings.get(name) not in (None, False)]
        if not given:
            yield Problem((), f"needs one of {listed(group)}.")
        for name in given[1:]:
            yield Problem((name,), f"cannot stand beside “{given[0]}”; write one of the two.")


def _check_static(spec: StepSpec, settings: Mapping[str, JSON]) -> Iterator[Problem]:
    for name, value in settings.items():
        if spec.setting(name) is not None and spec.static(name) and name not in _AS_WRITTEN:
            yield from _untemplated(value, (name,))


def _untemplated(value: JSON, place: tuple[str | int, ...]) -> Iterator[Problem]:
    match value:
        case str() if any(opening in value for opening in _OPENINGS):
            told = "is taken as it is written, so it cannot hold a template."
            if place == ("statement",):
                told = "cannot hold a template: write :name, and name: $$...$$ under “parameters”."
            yield Problem(place, told)
        case dict():
            for name, one in value.items():
                yield from _untemplated(one, (*place, name))
        case list():
            for index, one in enumerate(value):
                yield from _untemplated(one, (*place, index))


def _check_rule(name: str, value: JSON) -> list[Problem]:
    try:
        read_rule(value, OTHERWISE)
    except Invalid as refusal:
        return [problem.under(name) for problem in refusal.problems]
    return []


def _check_set(values: Values) -> Iterator[Problem]:
    for name in values.mapping("values"):
        if not (name.isascii() and name.replace("-", "_").isidentifier() and len(name) <= 64):
            told = f"“{name[:64]}” is not a name; allowed are letters, digits, “_” and “-”, beginning with a letter."
            yield Problem(("values", name), told)


def _check_select(values: Values) -> Iterator[Problem]:
    yield from check_columns(values)
    if not values.groups("columns") and not values.mapping("constants"):
        yield Problem((), "changes nothing: write “columns”, “constants” or both.")


def check_columns(values: Values) -> Iterator[Problem]:
    """A list of columns: each name once, and made in one way."""
    names: set[str] = set()
    for index, column in enumerate(values.groups("columns")):
        name = column.text("name")
        if name in names:
            yield Problem(("columns", index, "name"), f"“{name}” is there twice; remove one.")
        if "from" in column and "value" in column:
            yield Problem(("columns", index, "value"), "cannot stand beside “from”; write one of the two.")
        names.add(name)


def check_source(values: Values) -> Iterator[Problem]:
    """Which rows of a SQL connection are read."""
    if "statement" in values:
        for name in ("columns", "where", "order"):
            if values.get(name):
                yield Problem((name,), "is for “table”; write it into the statement.")
    elif values.mapping("parameters"):
        yield Problem(("parameters",), "is for “statement”; with “table” write “where”.")
    for column, wanted in values.mapping("where").items():
        if not isinstance(wanted, dict):
            continue
        for comparison in wanted:
            if comparison not in COMPARISONS:
                told = f"“{comparison}” is no comparison; there are {listed(COMPARISONS)}."
                yield Problem(("where", column, comparison), told + did_you_mean(comparison, COMPARISONS))


def _check_loop(values: Values) -> Iterator[Problem]:
    match values.json("failures"):
        case "stop" | "continue":
            return
        case {"most": int(most), **more} if not more and most >= 0 and not isinstance(most, bool):
            return
    yield Problem(("failures",), "must be stop, continue, or most: N with a whole number.")


def _check_request(values: Values) -> Iterator[Problem]:
    if "url" in values:
        if "connection" in values:
            yield Problem(("url",), "cannot stand beside “connection”; write “path”, below its address.")
        yield from _check_url(values)
    elif "connection" not in values:
        yield Problem(("path",), "needs a connection; name one, or write the whole address as “url”.")
    for index, host in enumerate(values.texts("hosts")):
        if not _HOST.fullmatch(host):
            told = f"“{host[:60]}” is not a host; write one like api.example.org, or *.example.org for all below it."
            yield Problem(("hosts", index), told)
    if "body" in values and "form" in values:
        yield Problem(("form",), "cannot stand beside “body”; write one of the two.")
    yield from _check_body(values)


def _check_url(values: Values) -> Iterator[Problem]:
    url = values.text("url")
    host = url.partition("://")[2].partition("/")[0] if "://" in url else ""
    if not url.startswith(("http://", "https://")) and not url.startswith(_OPENINGS):
        yield Problem(("url",), "must begin with http:// or https://, or be a template.")
    elif (not host or any(opening in host for opening in _OPENINGS)) and not values.texts("hosts"):
        told = "is needed, because a template says which host is called; list the hosts that may be."
        yield Problem(("hosts",), told)
    elif host and "@" in urlsplit(url).netloc:
        yield Problem(("url",), "must not hold a user name or password; make an `http` connection for them.")


def _check_body(values: Values) -> Iterator[Problem]:
    if values.text("method") in ("GET", "HEAD"):
        for name in ("body", "form"):
            if name in values:
                yield Problem(
                    (name,), f"is not sent with {values.text('method')}; set “method”, or leave this out."
                )


def _check_imis(values: Values) -> Iterator[Problem]:
    yield from _check_body(values)
    if values.flag("all_pages") and values.text("method") not in SAFE_METHODS:
        yield Problem(("all_pages",), "is for GET; leave it out.")


def _check_respond(values: Values) -> Iterator[Problem]:
    status = values.json("status")
    if isinstance(status, str) and any(opening in status for opening in _OPENINGS):
        return
    if isinstance(status, bool) or not isinstance(status, int) or not 200 <= status <= 599:
        yield Problem(("status",), "must be a whole number from 200 to 599, or a template that makes one.")


def _check_mail(values: Values) -> Iterator[Problem]:
    if "text" not in values and "html" not in values:
        yield Problem((), "says nothing; write “text”, “html” or both.")
    attachments = values.json("attachments")
    if attachments is not None and not isinstance(attachments, str | list):
        yield Problem(("attachments",), f"must be a list, but is {kind_of(attachments)}.")


def _check_emit(values: Values) -> Iterator[Problem]:
    written = values.text("type")
    if not any(opening in written for opening in _OPENINGS) and (refused := raised_type_refused(written)):
        yield Problem(("type",), refused)


CHECKS: Final[Mapping[str, Callable[[Values], Iterator[Problem]]]] = {
    "set": _check_set,
    "select": _check_select,
    "sql_select": check_source,
    "for_each": _check_loop,
    "http_request": _check_request,
    "imis_call": _check_imis,
    "respond": _check_respond,
    "mail": _check_mail,
    "emit": _check_emit,
}
