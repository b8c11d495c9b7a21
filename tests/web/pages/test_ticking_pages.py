"""Pages of schedules, polls and transfers: lists, forms, and what is done with one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hookstation.core.values import JSON
from tests.support.asgi import Client
from tests.support.engine import PANEL, Engine, connection
from tests.support.paging import administrator, again, fill, send, shown, text
from tests.support.services import services_of

NIGHTLY: dict[str, JSON] = {
    "name": "nightly",
    "trigger": {"type": "schedule"},
    "steps": [{"name": "keep", "type": "set", "with": {"values": {"a": 1}}}],
}
FED: dict[str, JSON] = {**NIGHTLY, "name": "fed", "trigger": {"type": "poll"}}
SCHEDULE: dict[str, JSON] = {
    "name": "night",
    "workflow": "nightly",
    "cron": "30 2 * * *",
    "zone": "Europe/Berlin",
    "except": ["2026-12-25"],
}
POLL: dict[str, JSON] = {
    "name": "feed",
    "source": {
        "type": "http",
        "url": "https://127.0.0.1/done",
        "headers": {"X-Key": "a"},
        "cursor": {"type": "field", "field": "id", "parameter": "after"},
    },
    "every": "5m",
    "first": {"since": "2026-01-01"},
    "workflow": "fed",
}
TRANSFER: dict[str, JSON] = {
    "name": "members",
    "source": {"type": "records", "panel": "Courses"},
    "delta": {"key": ["ID"]},
    "columns": [{"name": "Member", "from": "ID"}, {"name": "Label", "value": "$$Code$$!"}],
    "format": {"type": "csv", "delimiter": ";"},
    "destination": {"type": "http", "url": "https://printer.example.org/in", "how": "chunks"},
    "chunk": 100,
}
FORMS = [("schedules", "night", "Schedule"), ("polls", "feed", "Poll"), ("transfers", "members", "Transfer")]


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    """A station with one of each."""
    made = Engine()
    await made.configurator.apply(
        {
            "version": 1,
            "panels": [PANEL],
            "workflows": [NIGHTLY, FED],
            "schedules": [SCHEDULE],
            "polls": [POLL],
            "transfers": [TRANSFER],
        }
    )
    yield made


@pytest_asyncio.fixture
async def pages(engine: Engine) -> Client:
    """Somebody who may do everything."""
    return await administrator(services_of(engine))


@pytest.mark.parametrize(("many", "name", "label"), FORMS)
async def test_what_is_saved_unchanged_stays_as_it_is(
    pages: Client, engine: Engine, many: str, name: str, label: str
) -> None:
    before = getattr(engine.board, many)[name]
    answer = await fill(pages, f"/{many}/{name}/edit", label)
    assert 303 == answer.status, text(answer)
    assert before == getattr(engine.board, many)[name]


@pytest.mark.parametrize(("many", "name", "label"), FORMS)
async def test_each_stands_in_its_list_and_has_its_page(
    pages: Client, many: str, name: str, label: str
) -> None:
    assert f'href="/{many}/{name}"' in await shown(pages, f"/{many}")
    assert "In short" in await shown(pages, f"/{many}/{name}")


@pytest.mark.parametrize(("many", "name", "label"), FORMS)
async def test_each_is_switched_off_and_deleted(
    pages: Client, engine: Engine, many: str, name: str, label: str
) -> None:
    await send(pages, f"/{many}/{name}/state", {"state": "disabled"})
    assert "disabled" == getattr(engine.board, many)[name].state.value
    await send(pages, f"/{many}/{name}/delete", {"typed": name})
    assert {} == getattr(engine.board, many)
    assert "was deleted" in await shown(pages, f"/{many}?done={name}")


@pytest.mark.parametrize(("many", "name", "label"), FORMS)
async def test_an_empty_form_says_what_is_missing_at_its_field(
    pages: Client, many: str, name: str, label: str
) -> None:
    answer = await fill(pages, f"/{many}/_new", label)
    assert 422 == answer.status
    assert "to put right" in text(answer)
    assert '<a href="#name">Name</a>: It is missing.' in text(answer)


async def test_a_schedule_is_made_of_a_few_choices(pages: Client, engine: Engine) -> None:
    answer = await fill(
        pages,
        "/schedules/_new",
        "Schedule",
        name="fridays",
        begins="workflow:nightly",
        kind="weekly",
        days=["5"],
        times="16:30",
    )
    assert "/schedules/fridays?done=saved" == answer.headers.get("location"), text(answer)
    assert "Every Friday at 16:30" in await shown(pages, "/schedules/fridays")


async def test_a_rhythm_that_cannot_be_says_why_and_keeps_what_was_picked(pages: Client) -> None:
    answer = await fill(
        pages, "/schedules/_new", "Schedule", name="x", begins="workflow:nightly", kind="weekly", days=[]
    )
    assert 422 == answer.status
    assert "must name at least one day" in text(answer)
    put_right = await again(pages, "/schedules/_new", answer, "Schedule", kind="weekdays")
    assert 303 == put_right.status


async def test_the_preview_marks_where_clocks_are_changed(pages: Client, engine: Engine) -> None:
    await engine.clock.advance(0)
    fields = {
        "timing": "cron",
        "cron": "30 2 25-31 3 *",
        "zone": "Europe/Berlin",
        "begins": "workflow:nightly",
    }
    assert "clocks go forward" in text(await send(pages, "/schedules/_preview", fields))


async def test_run_now_leads_to_the_run_that_began(pages: Client) -> None:
    answer = await send(pages, "/schedules/night/run", {})
    assert "Schedule night" in await shown(pages, answer.headers["location"])


async def test_a_source_that_cannot_be_asked_is_told_on_the_page_of_the_poll(pages: Client) -> None:
    answer = await send(pages, "/polls/feed/try", {})
    assert 422 == answer.status
    assert "127.0.0.1" in text(answer)


async def test_a_poll_begins_anew_when_its_name_is_typed(pages: Client) -> None:
    refused = await send(pages, "/polls/feed/reset", {"typed": "food", "first": "now"})
    assert 422 == refused.status
    done = await send(pages, "/polls/feed/reset", {"typed": "feed", "first": "since", "date": "2026-03-01"})
    assert "/polls/feed?done=reset" == done.headers["location"]


async def test_a_preview_shows_rows_as_they_would_leave(pages: Client, engine: Engine) -> None:
    insert: JSON = {
        "name": "in",
        "authentication": {"type": "none"},
        "action": {
            "type": "insert_panel",
            "connection": "records",
            "panel": "Courses",
            "fields": {"ID": "$$id$$", "Code": "$$code$$"},
        },
    }
    await engine.membership.join()
    await engine.apply(insert)
    await engine.post("in", {"id": "7", "code": "A1"})
    answer = await send(pages, "/transfers/members/preview", {})
    assert 200 == answer.status, text(answer)
    assert "A1!" in text(answer)


async def test_a_transfer_begun_by_hand_shows_how_far_it_is(pages: Client) -> None:
    answer = await send(pages, "/transfers/members/run", {})
    assert "/transfers/members#progress" == answer.headers["location"]
    assert "Under way" in await shown(pages, "/transfers/members")


@pytest.mark.parametrize(
    ("many", "place", "kind"), [("polls", "source", "mailbox"), ("transfers", "destination", "files")]
)
async def test_only_connections_that_fit_are_offered(
    pages: Client, engine: Engine, many: str, place: str, kind: str
) -> None:
    await engine.configurator.apply({"version": 1, "connections": [connection("far")]})
    page = await shown(pages, f"/{many}/_new")
    offered = re.search(rf'<select id="{place}-{kind}-connection".*?</select>(.{{0,200}})', page, re.DOTALL)
    assert offered is not None
    assert ">far<" not in offered[0]
    assert "There is no connection for it yet" in offered[1]


async def test_a_poll_is_tried_before_it_is_saved(pages: Client, engine: Engine) -> None:
    """What stands in the way is said at the source, and nothing is saved."""
    answer = await fill(pages, "/polls/feed/edit", "Poll", act="try", every="7m")
    assert "may not call this address" in text(answer)
    assert 300 == engine.board.polls["feed"].every
