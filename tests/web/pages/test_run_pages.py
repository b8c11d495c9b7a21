"""Pages of runs: how one stands, what it did, and what people do with it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from html import unescape

import pytest
import pytest_asyncio

from hookstation.core.values import JSON
from hookstation.core.workflows.values import Entry, EntryState, Run, RunStart, RunState, run_job
from hookstation.web.pages.awaited import awaited
from hookstation.web.services import Services
from tests.support.asgi import Client
from tests.support.engine import Engine
from tests.support.paging import administrator, send, shown, text
from tests.support.services import services_of

LOOPED: dict[str, JSON] = {
    "name": "looped",
    "steps": [
        {
            "name": "each",
            "type": "for_each",
            "title": "Each member",
            "with": {"items": "$$trigger.items$$", "failures": "continue"},
            "steps": [
                {"name": "small", "type": "gate", "title": "A small one?", "with": {"condition": "item < 3"}},
                {"name": "keep", "type": "set", "with": {"values": {"n": "$$item$$"}}},
            ],
        },
        {
            "name": "good",
            "type": "if",
            "title": "Good?",
            "with": {"condition": "trigger.good == true"},
            "then": [{"name": "yes", "type": "set", "with": {"values": {"a": 1}}}],
            "else": [{"name": "no", "type": "stop", "with": {"as": "failure", "message": "Not good."}}],
        },
    ],
}
ASKS: dict[str, JSON] = {
    "name": "asks",
    "steps": [
        {
            "name": "boss",
            "type": "approval",
            "with": {"person": "ann@example.org", "message": "May it be?", "expire": "2d"},
        }
    ],
}


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[Engine]:
    """A station with two workflows."""
    made = Engine()
    await made.configurator.apply({"version": 1, "workflows": [LOOPED, ASKS]})
    await made.membership.join()
    yield made


@pytest.fixture
def services(engine: Engine) -> Services:
    """What the pages ask."""
    return services_of(engine)


@pytest_asyncio.fixture
async def pages(services: Services) -> Client:
    """Somebody who may do everything."""
    return await administrator(services)


async def run(engine: Engine, services: Services, name: str, given: JSON = None) -> str:
    """A run, as far as it goes."""
    begun = await services.chain.workflows.run(name, given, "ann")
    await work_off(engine)
    return begun.id


async def work_off(engine: Engine) -> None:
    """Do what is due."""
    await engine.lookout.look()
    while await engine.runs.take():
        assert 0 == await engine.runs.drain(5)
        await engine.lookout.look()


async def unknown(engine: Engine) -> str:
    """A run in which nobody knows what became of a step."""
    now = engine.clock.now()
    one = Run(
        engine.identifiers.run_id(), "looped", 1, RunState.UNKNOWN, "manual:ann", now, '{"items": []}',
        started_at=now,
    )  # fmt: skip
    entry = Entry("each", EntryState.UNKNOWN, started_at=now, error="The line broke.")
    await engine.store.start_runs([RunStart(one, run_job(one, delay=10**9), (entry,))])
    return one.id


async def test_turns_of_a_loop_are_one_line_that_says_how_many_failed(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "looped", {"items": [1, 2, 3, 4], "good": True})
    page = await shown(pages, f"/runs/{run_id}")
    assert "4 turns" in page
    assert "2 steps failed" in page
    assert "2 failed, 2 done" in page


async def test_steps_without_a_title_can_be_told_apart(
    pages: Client, engine: Engine, services: Services
) -> None:
    steps: list[JSON] = [
        {"name": name, "type": "set", "with": {"values": {"a": 1}}} for name in ("one", "two")
    ]
    await engine.configurator.apply({"version": 1, "workflows": [{"name": "alike", "steps": steps}]})
    page = await shown(pages, f"/runs/{await run(engine, services, 'alike')}")
    timeline = page.partition('id="as-flow"')[0]
    assert all(f'<code class="soft small">{name}</code>' in timeline for name in ("one", "two"))


async def test_a_block_stands_before_what_it_holds(pages: Client, engine: Engine, services: Services) -> None:
    run_id = await run(engine, services, "looped", {"items": [], "good": True})
    page = await shown(pages, f"/runs/{run_id}")
    assert ["each", "good", "good/then/yes"] == re.findall(
        r"\?step=([^#]+)#step\">[^<]+</a></strong>", page.replace("%2F", "/")
    )


async def test_only_what_went_wrong_in_a_loop_can_be_looked_at(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "looped", {"items": [1, 9], "good": True})
    assert "each[0]/small" in await shown(pages, f"/runs/{run_id}?loop=each")
    bad = await shown(pages, f"/runs/{run_id}?loop=each&bad=1")
    assert "each[1]/small" in bad
    assert "each[0]/small" not in bad


async def test_a_step_shows_what_it_got_and_put_out(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "looped", {"items": [7], "good": True})
    assert "Try 1" in await shown(pages, f"/runs/{run_id}?step=each[0]/small")
    assert "has no step" in await shown(pages, f"/runs/{run_id}?step=nowhere")


async def test_a_failed_run_names_its_step_and_what_to_do(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "looped", {"items": [], "good": False})
    page = await shown(pages, f"/runs/{run_id}")
    assert "Not good." in page
    assert "At the step" in page
    assert "run again with another input" in page


@pytest.mark.parametrize("how", ["whole", "failed", "edited"])
async def test_a_run_that_failed_is_done_again(
    pages: Client, engine: Engine, services: Services, how: str
) -> None:
    run_id = await run(engine, services, "looped", {"items": [1], "good": False})
    answer = await send(pages, f"/runs/{run_id}/again", {"how": how, "text": '{"items": [], "good": true}'})
    assert 303 == answer.status, text(answer)
    there = answer.headers["location"].partition("?")[0]
    await work_off(engine)
    assert f'href="/runs/{run_id}"' in await shown(pages, there)
    assert f'href="{there}"' in await shown(pages, f"/runs/{run_id}")
    assert ("Not good." not in await shown(pages, there)) == (how == "edited")


async def test_the_input_of_a_run_stands_masked_and_can_be_sent_back_so(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "looped", {"items": [], "good": True, "api_key": "hush"})
    assert "hush" not in await shown(pages, f"/runs/{run_id}")
    given = '{"items": [], "good": false, "api_key": "***"}'
    answer = await send(pages, f"/runs/{run_id}/again", {"how": "edited", "text": given})
    there = answer.headers["location"].partition("?")[0]
    new = await engine.store.get_run(there.rpartition("/")[2])
    assert new is not None
    assert {"items": [], "good": False, "api_key": "hush"} == json.loads(new.input)


async def test_another_input_that_is_no_json_is_told_and_kept(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "looped", {"items": [], "good": True})
    answer = await send(pages, f"/runs/{run_id}/again", {"how": "edited", "text": "{items"})
    assert 422 == answer.status
    assert "{items" in text(answer)


@pytest.mark.parametrize(
    ("fields", "status", "told"),
    [
        ({"expression": "$$trigger.items$$"}, 200, "What it gives"),
        ({"expression": "trigger.good == true", "as": "condition"}, 200, "It holds."),
        ({"expression": "trigger.good == false", "as": "condition"}, 200, "It does not hold."),
        ({"expression": "$$vars.none$$"}, 200, "is not there"),
        ({"expression": " "}, 422, "Write a template"),
        ({"expression": "{{ trigger | nothing }}"}, 422, "nothing"),
    ],
)
async def test_a_template_is_tried_on_what_a_run_has(
    pages: Client, engine: Engine, services: Services, fields: dict[str, str], status: int, told: str
) -> None:
    run_id = await run(engine, services, "looped", {"items": [1], "good": True})
    answer = await send(pages, f"/runs/{run_id}/try", fields)
    assert (status, True, True) == (
        answer.status,
        told in text(answer),
        fields["expression"].strip() in unescape(text(answer)),
    )


async def test_an_unknown_step_is_resolved_by_a_word(pages: Client, engine: Engine) -> None:
    run_id = await unknown(engine)
    assert "Did" in await shown(pages, f"/runs/{run_id}")
    unsaid = await send(pages, f"/runs/{run_id}/resolve", {"path": "each"})
    assert 422 == unsaid.status
    said = await send(pages, f"/runs/{run_id}/resolve", {"path": "each", "happened": "yes", "output": "[]"})
    assert 303 == said.status, text(said)
    assert ["each"] == [one.path for one in await engine.store.list_signals(run_id)]


async def test_who_is_asked_is_listed_and_an_approval_lets_the_run_go_on(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "asks")
    assert "Nothing waits for you" in await shown(pages, "/approvals")
    assert "May it be?" in await shown(pages, "/approvals?whose=all")
    fields = {"path": "boss", "decision": "approve", "note": "Yes", "back": "approvals"}
    answer = await send(pages, f"/runs/{run_id}/decide", fields)
    assert "/approvals?done=approve" == answer.headers["location"]
    await work_off(engine)
    assert "It came to its end" in await shown(pages, f"/runs/{run_id}")


async def test_a_waiting_run_is_cancelled_and_says_by_whom(
    pages: Client, engine: Engine, services: Services
) -> None:
    run_id = await run(engine, services, "asks")
    assert 303 == (await send(pages, f"/runs/{run_id}/cancel", {})).status
    assert "Cancelled by tests." in await shown(pages, f"/runs/{run_id}")


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", True),
        ("?workflow=asks", False),
        ("?status=failed", True),
        ("?status=open", False),
        ("?trigger=schedule:", False),
        ("?trigger=manual:", True),
        ("?since=1h", True),
    ],
)
async def test_the_list_of_runs_is_filtered_by_its_address(
    pages: Client, engine: Engine, services: Services, query: str, there: bool
) -> None:
    run_id = await run(engine, services, "looped", {"items": [], "good": False})
    assert there == (run_id in await shown(pages, f"/runs{query}"))


async def test_a_filter_that_cannot_be_read_says_so(pages: Client) -> None:
    assert "is not known" in await shown(pages, "/runs?status=odd", 422)


async def test_the_front_page_leads_to_runs_that_need_a_person(
    pages: Client, engine: Engine, services: Services
) -> None:
    assert "Nothing. No event waits" in await shown(pages, "/")
    await unknown(engine)
    await run(engine, services, "looped", {"items": [1], "good": False})
    page = await shown(pages, "/")
    assert "Nothing. No event waits" not in page
    assert "1 run of unknown outcome" in page
    assert 'href="/runs?status=failed&since=24h"' in page


async def test_a_decision_is_counted_for_who_is_asked(engine: Engine, services: Services) -> None:
    await run(engine, services, "asks")
    assert 1 == (await awaited(services, "Ann@example.org")).decisions
    assert 0 == (await awaited(services, "bob@example.org")).decisions
