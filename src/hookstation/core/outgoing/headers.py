"""The headers that a subscription adds: by templates, but never one that HTTP, signing or the destination own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from hookstation.core.outgoing.scope import OutgoingScope, compile_outgoing
from hookstation.core.template import MISSING, Scope, Template, TemplateKind
from hookstation.core.template.scope import text_of
from hookstation.errors import Invalid, MappingFailed, Problem

MOST: Final = 30
"""Headers of one subscription."""

LONGEST: Final = 4_096
"""Characters of one header's value."""

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
"""A token of RFC 9110, section 5.6.2."""
_VALUE: Final = re.compile(r"[\x20-\x7e\t]*")
"""A field value of RFC 9110, section 5.5, without `obs-text`, which receivers read as they like."""

HTTP_OWN: Final = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "date",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "via",
    )
)
_CREDENTIALS: Final = frozenset({"authorization", "proxy-authorization", "cookie"})
_OWN_STARTS: Final = ("webhook-", "hookstation-")


def name_refused(name: str) -> str:
    """Why a subscription may not send a header of this name; empty where it may."""
    folded = name.lower()
    if not _NAME.fullmatch(name):
        return f"“{name[:60]}” is not a header name; write only the name, like X-Source."
    if folded == "content-type":
        return "the type of the body is said as “content_type” of the body."
    if folded in _CREDENTIALS:
        return (
            f"{name} proves who we are: set it as the destination's authentication, where it is kept secret."
        )
    if folded in HTTP_OWN:
        return f"{name} belongs to HTTP itself and is set by the station; take it out."
    if folded.startswith(_OWN_STARTS):
        return f"headers that begin with “{folded.partition('-')[0]}-” are the station's own; choose another name."
    return ""


class CompiledHeaders:
    """Headers by template. `names`: how they are written."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self._templates = tuple(templates.items())

    def render(self, scope: OutgoingScope) -> list[tuple[str, str]]:
        """The headers of one attempt; one whose only property is missing or null is left out.

        Raises `MappingFailed` naming the header where its value is none that a header can have.
        """
        rendered: list[tuple[str, str]] = []
        for name, template in self._templates:
            value = template.evaluate(scope)
            if value is not MISSING and value is not None:
                rendered.append((name, _checked(name, text_of(value).strip(" \t"))))
        return rendered


def _checked(name: str, value: str) -> str:
    if len(value) > LONGEST:
        raise MappingFailed(name, f"has {len(value):,} characters; a header has at most {LONGEST:,}.")
    if not _VALUE.fullmatch(value):
        what = "a letter beyond ASCII" if value.isprintable() else "a line break or control character"
        raise MappingFailed(name, f"holds {what}, which no header carries; use the filter url_encode.")
    return value


def compile_headers(headers: Mapping[str, str]) -> CompiledHeaders:
    """Compile templates by header name. Raises `Invalid` with every mistake, each under its name."""
    problems: list[Problem] = []
    templates: dict[str, Template] = {}
    first: dict[str, str] = {}
    if len(headers) > MOST:
        problems.append(Problem((), f"has {len(headers):,} headers; at most {MOST} are allowed."))
    for name, source in headers.items():
        refused = name_refused(name)
        if first.setdefault(name.lower(), name) != name:
            refused = f"is the same header as “{first[name.lower()]}”; keep one."
        if refused:
            problems.append(Problem((name,), refused))
            continue
        try:
            template = templates[name] = compile_outgoing(source)
            if template.kind is TemplateKind.LITERAL:
                _checked(name, text_of(template.evaluate(Scope(None))).strip(" \t"))
        except Invalid as refusal:
            problems += [problem.under(name) for problem in refusal.problems]
        except MappingFailed as never:
            problems.append(Problem((name,), never.reason))
    if problems:
        raise Invalid(problems)
    return CompiledHeaders(templates)
