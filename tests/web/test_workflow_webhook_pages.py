"""The pages and the API of a webhook that starts a workflow: none breaks, and each says what it starts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hookstation.core.values import JSON
from hookstation.web.rest import Rest
from tests.support.asgi import Client
from tests.support.chain import document, workflow
from tests.support.engine import Engine, engine
from tests.support.services import services_of
from tests.web.test_wizard_pages import HERE, SECTIONS, send

HOOK: dict[str, JSON] = {
    "name": "orders",
    "authentication": {"type": "none"},
    "schema": {"type": "object", "properties": {"memberId": {"type": "string"}}},
    "workflow": "order-came",
}


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    """A station with a webhook that starts a workflow."""
    async with engine() as made:
        await made.configurator.apply(
            document(webhooks=[HOOK], workflows=[workflow("order-came", "webhook")])
        )
        yield made


@pytest_asyncio.fixture
async def pages(bench: Engine) -> Client:
    """Somebody who may change everything, by a key of the API."""
    services = services_of(bench)
    key = await services.keys.add("tests", "administrator")
    return Client(Rest(services), {**HERE, "authorization": f"Bearer {key}"})


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("/webhooks", "workflow order-came"),
        ("/webhooks/orders", "What it starts"),
        ("/webhooks/orders/edit/action", "It starts the workflow"),
        ("/webhooks/orders/edit/test?prove=1", "It starts the workflow “order-came”"),
    ],
)
async def test_a_page_says_what_the_webhook_starts(pages: Client, target: str, said: str) -> None:
    answer = await pages.ask("GET", target)
    assert 200 == answer.status
    assert said in answer.body.decode()


@pytest.mark.parametrize("section", SECTIONS)
async def test_every_section_of_the_wizard_can_be_looked_at(pages: Client, section: str) -> None:
    assert 200 == (await pages.ask("GET", f"/webhooks/orders/edit/{section}")).status


async def test_a_change_of_its_title_is_saved_and_published(pages: Client, bench: Engine) -> None:
    saved = await send(pages, "/webhooks/orders/edit/general", title="Orders", began="1", do="next")
    draft = await bench.changing.drafts.show("orders")
    published = await send(pages, "/webhooks/orders/edit/save", began=str(draft.began), state="active")
    assert (303, 303) == (saved.status, published.status)
    found = bench.board.webhooks(["orders"])["orders"]
    assert ("Orders", "order-came") == (found.title, found.workflow)


async def test_a_dry_run_says_what_it_would_start(pages: Client) -> None:
    sent = json.dumps({"body": "{}"}).encode()
    answer = await pages.ask("POST", "/api/v1/webhooks/orders/test", sent, content_type="application/json")
    assert 200 == answer.status
    assert "It starts the workflow “order-came”." in answer.body.decode()


async def test_the_api_shows_it_with_its_workflow(pages: Client) -> None:
    answer = await pages.ask("GET", "/api/v1/webhooks/orders")
    assert 200 == answer.status
    assert "order-came" in answer.body.decode()
