"""Pages of workflows: the list, one workflow, its versions, and new ones out of the gallery."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hookstation.core.values import JSON
from hookstation.core.workflows.gallery import GALLERY
from hookstation.web.services import Services
from tests.support.asgi import Client
from tests.support.engine import Engine
from tests.support.paging import administrator, fill, send, shown, text
from tests.support.services import services_of

GREET: dict[str, JSON] = {
    "name": "greet",
    "title": "Greetings",
    "sample": {"who": "Ann"},
    "steps": [
        {"name": "keep", "type": "set", "with": {"values": {"who": "$$trigger.who$$"}}},
        {
            "name": "known",
            "type": "if",
            "with": {"condition": 'trigger.who == "Ann"'},
            "then": [{"name": "yes", "type": "set", "title": "Known", "with": {"values": {"known": True}}}],
            "else": [{"name": "no", "type": "stop", "with": {"as": "failure", "message": "Nobody."}}],
        },
    ],
}


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    """A station with one workflow."""
    made = Engine()
    await made.configurator.apply({"version": 1, "workflows": [GREET]})
    yield made


@pytest.fixture
def services(engine: Engine) -> Services:
    """What the pages ask."""
    return services_of(engine)


@pytest_asyncio.fixture
async def pages(services: Services) -> Client:
    """Somebody who may do everything."""
    return await administrator(services)


async def test_the_list_says_what_begins_a_workflow(pages: Client) -> None:
    assert "Greetings" in await shown(pages, "/workflows")


async def test_a_run_begun_on_the_page_of_a_workflow_leads_to_its_page(pages: Client, engine: Engine) -> None:
    answer = await send(pages, "/workflows/greet/run", {"act": "run", "text": '{"who": "Ann"}'})
    assert 303 == answer.status, text(answer)
    there = answer.headers["location"]
    assert there.startswith("/runs/")
    assert "Run of Greetings" in await shown(pages, there)


async def test_a_dry_run_shows_each_step(pages: Client) -> None:
    answer = await send(pages, "/workflows/greet/run", {"act": "dry", "text": '{"who": "Bob"}'})
    assert 200 == answer.status
    assert "The dry run would not succeed" in text(answer)
    assert "Nobody." in text(answer)
    known = await send(pages, "/workflows/greet/run", {"act": "dry", "text": '{"who": "Ann"}'})
    assert "<strong>Known</strong>" in text(known)


async def test_what_is_no_json_is_told_and_stays_typed(pages: Client) -> None:
    answer = await send(pages, "/workflows/greet/run", {"text": "{who"})
    assert 422 == answer.status
    assert "is not JSON" in text(answer)
    assert "{who" in text(answer)


async def test_a_roll_back_puts_the_old_version_live_as_a_new_one(pages: Client, engine: Engine) -> None:
    await engine.configurator.apply({"version": 1, "workflows": [{**GREET, "title": "Hello"}]})
    assert "Greetings" in await shown(pages, "/workflows/greet/versions/2")
    answer = await send(pages, "/workflows/greet/roll-back", {"version": "1"})
    assert 303 == answer.status, text(answer)
    assert "Version 1 is live again" in await shown(pages, answer.headers["location"])
    assert "Greetings" == engine.board.workflows["greet"].title
    assert 3 == engine.board.workflow_version("greet")


async def test_a_workflow_is_switched_off_copied_and_deleted(pages: Client, engine: Engine) -> None:
    await send(pages, "/workflows/greet/state", {"state": "disabled"})
    assert "disabled" == engine.board.workflows["greet"].state.value
    copied = await send(pages, "/workflows/greet/duplicate", {})
    assert "/workflows/greet-copy/edit" == copied.headers["location"]
    refused = await send(pages, "/workflows/greet/delete", {"typed": "greed"})
    assert 422 == refused.status
    await send(pages, "/workflows/greet/delete", {"typed": "greet"})
    assert ["greet-copy"] == list(engine.board.workflows)


async def test_a_workflow_that_is_called_new_has_its_page_like_any_other(
    pages: Client, engine: Engine
) -> None:
    await engine.configurator.apply(
        {"version": 1, "workflows": [{**GREET, "name": "new", "title": "Newest"}]}
    )
    assert "Newest" in await shown(pages, "/workflows/new")
    assert "Versions of new" in await shown(pages, "/workflows/new/versions")


async def test_an_exported_workflow_can_be_imported(pages: Client, engine: Engine) -> None:
    file = await shown(pages, "/workflows/greet/file")
    changed = file.replace("Greetings", "Good day")
    answer = await fill(pages, "/workflows/_new/import", "Import", text=changed)
    assert "/workflows/greet?done=made" == answer.headers["location"]
    assert "Good day" == engine.board.workflows["greet"].title


async def test_an_import_says_what_is_wrong_and_keeps_the_text(pages: Client) -> None:
    answer = await fill(pages, "/workflows/_new/import", "Import", text="name: x\nsteps: 7\n")
    assert 422 == answer.status
    assert "steps: 7" in text(answer)


@pytest.mark.parametrize("name", GALLERY)
async def test_every_template_of_the_gallery_asks_its_questions(pages: Client, name: str) -> None:
    page = await shown(pages, f"/workflows/_new/from/{name}")
    assert [] == [one.title for one in GALLERY[name].questions if one.title not in page]


async def test_a_template_that_lacks_a_connection_says_so_and_makes_nothing(
    pages: Client, engine: Engine
) -> None:
    answer = await fill(
        pages, "/workflows/_new/from/course-completion", "Questions", name="courses", act="make"
    )
    assert 422 == answer.status
    assert "Mail server</a>: Choose one of the connections." in text(answer)
    assert "/connections/_new?type=smtp" in text(answer)
    assert "courses" not in engine.board.workflows
