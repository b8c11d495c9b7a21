"""What a page does, the API does too: page by page, the operation that does the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pytest

from hookstation.web.api.build import OPERATIONS
from hookstation.web.browsers import SAFE_METHODS
from hookstation.web.pages.build import PAGES

EDIT: Final = "/webhooks/{name}/edit"
SENT: Final = "/outgoing"
CHAINED: Final = ("workflows", "schedules", "polls", "transfers")
"""What a form makes of a document: each is put as a whole."""

SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "/": ("/dashboard", "/findings", "/approvals", "/runs"),
    "/webhooks": ("/webhooks", "/drafts"),
    "/webhooks/{name}": ("/webhooks/{name}", "/webhooks/{name}/figures"),
    "/webhooks/{name}/handout": ("/webhooks/{name}/handout",),
    "/webhooks/{name}/handout.md": ("/webhooks/{name}/handout",),
    "/webhooks/{name}/versions": ("/webhooks/{name}/versions",),
    "/webhooks/{name}/versions/{number}": (
        "/webhooks/{name}/versions/{number}",
        "/webhooks/{name}/versions/{number}/differences",
    ),
    EDIT: ("/webhooks/{name}/draft",),
    f"{EDIT}/general": ("/webhooks/{name}/draft",),
    f"{EDIT}/data": ("/webhooks/{name}/draft", "/captures", "/captures/{id}"),
    f"{EDIT}/action": ("/webhooks/{name}/draft", "/connections", "/panels"),
    f"{EDIT}/access": ("/webhooks/{name}/draft", "/captures/{id}"),
    f"{EDIT}/test": ("/webhooks/{name}/draft", "/events/{id}"),
    f"{EDIT}/save": ("/webhooks/{name}/draft",),
    "/events": ("/events", "/search"),
    "/events/{id}": ("/events/{id}",),
    "/events/{id}/resolve": ("/events/{id}/look-up",),
    "/events/{id}/fix": ("/events/{id}",),
    "/replays": ("/replays",),
    "/replays/{id}": ("/replays/{id}", "/replays/{id}/items"),
    "/connections": ("/connections",),
    "/connections/{name}": ("/connections/{name}", "/findings"),
    "/connections/{name}/edit": ("/connections/{name}",),
    "/records": ("/panels", "/records/{entity}/count"),
    "/records/{entity}": ("/records/{entity}",),
    "/records/{entity}.csv": ("/records/{entity}",),
    "/panels/{name}": ("/panels/{name}",),
    "/settings": ("/settings", "/nodes", "/keys"),
    "/users": ("/users",),
    f"{SENT}": ("/destinations", "/subscriptions"),
    f"{SENT}/destinations/{{name}}": ("/destinations/{name}", "/destinations/{name}/figures"),
    f"{SENT}/destinations/{{name}}/edit": ("/destinations/{name}",),
    f"{SENT}/subscriptions/_new": ("/event-types", "/destinations"),
    f"{SENT}/subscriptions/{{name}}": ("/subscriptions/{name}", "/deliveries"),
    f"{SENT}/subscriptions/{{name}}/edit": ("/subscriptions/{name}",),
    f"{SENT}/deliveries": ("/deliveries",),
    f"{SENT}/deliveries/many": ("/deliveries",),
    f"{SENT}/deliveries/{{id}}": ("/deliveries/{id}", "/events-out/{id}"),
    "/workflows/{name}/edit": ("/workflows/{name}", "/step-types"),
    "/workflows/_editor/offer": ("/connections", "/panels"),
    **{f"/{many}": (f"/{many}",) for many in CHAINED},
    **{f"/{many}/{{name}}/edit": (f"/{many}/{{name}}",) for many in CHAINED[1:]},
    **{f"/{many}/{{name}}/file": (f"/{many}/{{name}}",) for many in CHAINED},
    "/workflows/_new": ("/gallery", "/step-types"),
    "/workflows/_new/from/{template}": ("/gallery", "/connections"),
    "/workflows/{name}": ("/workflows/{name}", "/workflows/{name}/versions", "/runs"),
    "/workflows/{name}/versions": ("/workflows/{name}/versions",),
    "/workflows/{name}/versions/{number}": (
        "/workflows/{name}/versions/{version}",
        "/workflows/{name}/versions/{version}/differences",
    ),
    "/runs": ("/runs",),
    "/runs/{id}": ("/runs/{id}", "/runs/{id}/steps", "/runs/{id}/waits"),
    "/schedules/_new": ("/workflows", "/transfers", "/polls"),
    "/schedules/{name}": ("/schedules/{name}", "/schedules/{name}/preview", "/runs"),
    "/polls/_new": ("/workflows", "/connections"),
    "/polls/{name}": ("/polls/{name}", "/polls/{name}/cursor", "/events"),
    "/transfers/_new": ("/connections",),
    "/transfers/{name}": ("/transfers/{name}", "/runs", "/runs/{id}/progress"),
    "/approvals": ("/approvals",),
}
"""Page to the operations that tell what stands on it."""

DONE: Final[Mapping[str, tuple[str, ...]]] = {
    "/findings/{id}/dismiss": ("POST /findings/{id}/dismiss",),
    "/webhooks/_new": ("POST /names", "PUT /webhooks/{name}/draft"),
    f"{EDIT}/general": ("PUT /webhooks/{name}/draft", "POST /webhooks/{name}/draft/rename"),
    f"{EDIT}/data": ("POST /draft", "POST /draft/table", "PUT /webhooks/{name}/draft"),
    f"{EDIT}/data/json": ("POST /draft/table",),
    f"{EDIT}/data/listen": ("POST /captures",),
    f"{EDIT}/data/deaf": ("DELETE /captures/{id}",),
    f"{EDIT}/action": ("POST /propose", "PUT /webhooks/{name}/draft"),
    f"{EDIT}/action/preview": ("POST /preview",),
    f"{EDIT}/access": ("POST /webhooks/{name}/draft/check", "PUT /webhooks/{name}/draft"),
    f"{EDIT}/access/secret": ("PUT /webhooks/{name}/draft",),
    f"{EDIT}/test": ("POST /webhooks/{name}/test", "POST /webhooks/{name}/send", "POST /prove"),
    f"{EDIT}/test/apply": ("POST /prove/change",),
    f"{EDIT}/save": ("POST /webhooks/{name}/draft/publish",),
    f"{EDIT}/discard": ("DELETE /webhooks/{name}/draft",),
    "/webhooks/{name}/rollback": ("POST /webhooks/{name}/rollback",),
    "/webhooks/{name}/take-up": ("POST /webhooks/{name}/draft/take-up",),
    "/webhooks/{name}/backtest": ("POST /webhooks/{name}/backtest",),
    "/webhooks/{name}/state": ("POST /webhooks/{name}/state",),
    "/webhooks/{name}/duplicate": ("GET /webhooks/{name}", "PUT /webhooks/{name}/draft"),
    "/webhooks/{name}/delete": ("DELETE /webhooks/{name}",),
    "/webhooks/{name}/rotate": ("POST /webhooks/{name}/rotate",),
    "/events/{id}/replay": ("POST /events/{id}/replay",),
    "/events/{id}/cancel": ("POST /events/{id}/cancel",),
    "/events/{id}/try-now": ("POST /runs/{id}/retry",),
    "/events/{id}/resolve": ("POST /events/{id}/resolve",),
    "/events/{id}/fix": ("POST /events/{id}/fix",),
    "/replays": ("POST /replays",),
    "/replays/new": ("POST /replays",),
    "/replays/{id}/cancel": ("POST /replays/{id}/cancel",),
    "/connections/_new": ("POST /connections", "POST /connections/{name}/try"),
    "/connections/{name}/edit": ("PUT /connections/{name}", "POST /connections/{name}/try"),
    "/connections/{name}/check": ("POST /connections/{name}/check",),
    "/connections/{name}/delete": ("DELETE /connections/{name}",),
    "/panels/_new": ("POST /panels",),
    "/panels/{name}": ("PUT /panels/{name}",),
    "/panels/{name}/delete": ("DELETE /panels/{name}",),
    "/settings/keys": ("POST /keys",),
    "/settings/keys/revoke": ("DELETE /keys/{name}",),
    "/users": ("POST /users",),
    "/users/{email}/reset": ("POST /users/{email}/reset",),
    "/users/{email}/disable": ("PATCH /users/{email}",),
    "/users/{email}/enable": ("PATCH /users/{email}",),
    "/users/{email}/remove": ("DELETE /users/{email}",),
    "/account/sessions/end": ("DELETE /users/{email}/sessions/{session}",),
    "/account/sessions/end-others": ("DELETE /users/{email}/sessions",),
    f"{SENT}/destinations/_new": ("POST /destinations",),
    f"{SENT}/destinations/{{name}}/edit": ("PUT /destinations/{name}",),
    f"{SENT}/destinations/{{name}}/test": ("POST /destinations/{name}/test",),
    f"{SENT}/destinations/{{name}}/mode": ("PUT /destinations/{name}",),
    f"{SENT}/destinations/{{name}}/enable": ("POST /destinations/{name}/enable",),
    f"{SENT}/destinations/{{name}}/rotate": ("POST /destinations/{name}/rotate",),
    f"{SENT}/destinations/{{name}}/resend": ("POST /deliveries/resend",),
    f"{SENT}/destinations/{{name}}/link": ("POST /destinations/{name}/portal",),
    f"{SENT}/destinations/{{name}}/revoke": ("DELETE /destinations/{name}/portal",),
    f"{SENT}/destinations/{{name}}/delete": ("DELETE /destinations/{name}",),
    f"{SENT}/subscriptions/_new": ("POST /subscriptions",),
    f"{SENT}/subscriptions/_preview": ("POST /subscriptions/preview",),
    f"{SENT}/subscriptions/{{name}}/edit": ("PUT /subscriptions/{name}",),
    f"{SENT}/subscriptions/{{name}}/test": ("POST /destinations/{name}/test",),
    f"{SENT}/subscriptions/{{name}}/active": ("PUT /subscriptions/{name}",),
    f"{SENT}/subscriptions/{{name}}/delete": ("DELETE /subscriptions/{name}",),
    f"{SENT}/deliveries/marked": ("POST /deliveries/resend", "POST /deliveries/cancel"),
    f"{SENT}/deliveries/many": ("POST /deliveries/resend", "POST /deliveries/cancel"),
    f"{SENT}/deliveries/{{id}}/resend": ("POST /deliveries/{id}/resend",),
    f"{SENT}/deliveries/{{id}}/cancel": ("POST /deliveries/{id}/cancel",),
    "/workflows/_new/blank": ("POST /workflows",),
    "/workflows/{name}/edit": ("PUT /workflows/{name}",),
    "/workflows/{name}/edit/state": ("PUT /workflows/{name}",),
    "/workflows/_editor/look": ("POST /workflows/{name}/check",),
    "/workflows/_editor/try": ("POST /workflows/{name}/steps/try",),
    **{f"/{many}/_new": (f"POST /{many}",) for many in CHAINED[1:]},
    **{f"/{many}/{{name}}/edit": (f"PUT /{many}/{{name}}",) for many in CHAINED},
    **{f"/{many}/{{name}}/state": (f"PUT /{many}/{{name}}",) for many in CHAINED},
    **{f"/{many}/{{name}}/duplicate": (f"GET /{many}/{{name}}", f"POST /{many}") for many in CHAINED},
    **{f"/{many}/{{name}}/delete": (f"DELETE /{many}/{{name}}",) for many in CHAINED},
    **{f"/{many}/{{name}}/run": (f"POST /{many}/{{name}}/run",) for many in CHAINED[1:]},
    "/workflows/_new/from/{template}": ("POST /gallery/{name}", "POST /config/apply"),
    "/workflows/_new/import": ("POST /config/apply",),
    "/runs/{id}/try": ("POST /runs/{id}/try",),
    "/workflows/{name}/run": ("POST /workflows/{name}/run", "POST /workflows/{name}/test"),
    "/workflows/{name}/roll-back": ("POST /workflows/{name}/rollback",),
    "/runs/{id}/cancel": ("POST /runs/{id}/cancel",),
    "/runs/{id}/again": ("POST /runs/{id}/retry",),
    "/runs/{id}/resolve": ("POST /runs/{id}/resolve",),
    "/runs/{id}/decide": ("POST /runs/{id}/approve",),
    "/schedules/_preview": ("POST /schedules/{name}/preview",),
    "/schedules/{name}/enable": ("POST /schedules/{name}/enable",),
    "/polls/{name}/try": ("POST /polls/{name}/try",),
    "/polls/{name}/repair": ("POST /polls/{name}/repair",),
    "/polls/{name}/reset": ("PUT /polls/{name}/cursor",),
    "/transfers/{name}/preview": ("GET /transfers/{name}/preview",),
}
"""Page to the operations that do what its forms do; a dry run of many is a GET of a page and a POST of the API."""

OF_A_BROWSER: Final[Mapping[str, str]] = {
    "/settings/look": "the look is kept in this browser",
    "/account": "whoever is signed in; a program has a key and is nobody's session",
    "/account/password": "proves with the old password who is there; a program makes a link: users/{email}/reset",
    "/sign-in": "makes a session of a browser",
    "/sign-out": "ends the session of this browser",
    "/setup/{token}": "the first administrator; a program is let in by the command keys add",
    "/password/{token}": "whoever has the link sets a password and is signed in",
    "/webhooks/_new": "an empty form",
    "/connections/_new": "an empty form",
    "/panels/_new": "an empty form",
    "/workflows/_new/import": "an empty form",
    f"{SENT}/destinations/_new": "an empty form",
    "/events/{id}/replay": "asks whether a replay is meant",
    "/portal/{token}": "the page of a destination's owner, who has a link and no key",
    "/portal/{token}/deliveries/{id}": "as above",
    "/portal/{token}/deliveries/{id}/resend": "as above",
    "/portal/{token}/resend": "as above",
    "/portal/{token}/rotate": "as above",
}
"""Pages that are for a person at a browser, and why nothing is missing in the API."""

THERE: Final = {f"{one.method} {one.path}" for one in OPERATIONS}
CHANGING: Final = sorted({one.path for one in PAGES if not SAFE_METHODS.issuperset(one.methods)})
SHOWING: Final = sorted({one.path for one in PAGES if SAFE_METHODS.intersection(one.methods)})


@pytest.mark.parametrize("path", CHANGING)
def test_what_a_page_changes_an_operation_changes(path: str) -> None:
    """Whoever adds a form says here which operation does the same."""
    assert path in DONE or path in OF_A_BROWSER
    assert [] == [one for one in DONE.get(path, ()) if one not in THERE]


@pytest.mark.parametrize("path", SHOWING)
def test_what_a_page_shows_an_operation_tells(path: str) -> None:
    assert path in SHOWN or path in DONE or path in OF_A_BROWSER
    assert [] == [one for one in SHOWN.get(path, ()) if f"GET {one}" not in THERE]


def test_nothing_is_named_that_is_no_page_any_more() -> None:
    assert set() == {*SHOWN, *DONE, *OF_A_BROWSER} - {one.path for one in PAGES}
