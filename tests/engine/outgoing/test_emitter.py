"""What is told when something happens: to whoever wants it, in the transaction of what happened, and to nobody else."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from hookstation.core.events import State
from hookstation.core.outgoing.hops import HEADER, MOST
from hookstation.core.outgoing.types import OWN_TYPES
from hookstation.core.values import JSON
from hookstation.errors import NeedsAuth, Retriable, Terminal, UnknownOutcome
from hookstation.ports.connector import LookUp, LookUpVerdict, Written
from tests.support.engine import FAR, PANEL, upsert, webhook
from tests.support.sending import SendingBench, subscription


async def ready(bench: SendingBench, *webhooks: Any, events: tuple[str, ...] = ("*",), **more: Any) -> None:
    """Everything goes to one destination, as it is."""
    await bench.engine.apply(
        *webhooks,
        connections=FAR,
        panels=[PANEL],
        destinations=[bench.destination(order=more.pop("order", ""))],
        subscriptions=[subscription("all", events=list(events), **more)],
    )


async def told(bench: SendingBench) -> list[tuple[str, Any]]:
    """What was told, as types and payloads, in the order of its events."""
    events = await bench.store.list_events_out(100)
    return [(one.type, json.loads(one.payload)) for one in events][::-1]


async def types(bench: SendingBench) -> list[str]:
    return [type_ for type_, _ in await told(bench)]


async def test_a_record_that_is_written_is_told_with_its_event(bench: SendingBench) -> None:
    await ready(bench, webhook())
    await bench.engine.post("courses", {"id": "7"})
    event = await bench.engine.last()
    record = {"connection": "records", "entity": "Activity", "key": event.record_key}
    source = {"id": event.id, "webhook": "courses"}
    facts = dict(await told(bench))
    assert {"record": record, "source": source, "state": "succeeded"} == facts["event.succeeded"]
    written = facts["record.inserted"]
    assert (record, source, "7") == (written["record"], written["source"], written["fields"]["ID"])
    assert {"inbound.courses", "event.succeeded", "record.inserted"} == set(facts)


async def test_what_comes_in_goes_on_to_many_exactly_as_it_came(bench: SendingBench) -> None:
    await bench.configure(
        webhook(),
        destinations=[bench.destination("one"), bench.destination("two")],
        subscriptions=[
            subscription(name, name, events=["inbound.*"], body={"type": "json"}) for name in ("one", "two")
        ],
    )
    body = b'{ "id" : "7",\n "amount": 19.90, "big": 12345678901234567890 }'
    await bench.engine.post("courses", body)
    assert 2 == await bench.deliver()
    assert [body, body] == [call.body for name in ("one", "two") for call in bench.calls(name)]
    (event,) = await bench.store.list_events_out(10)
    assert (await bench.engine.last()).id == event.source


async def test_what_is_turned_away_is_not_told_and_what_fails_is(bench: SendingBench) -> None:
    await ready(bench, webhook(fields={"Note": "{{ note | date: 'X' }}"}), webhook("far", "far"))
    assert 400 == (await bench.engine.post("courses", {"id": 7})).status
    assert [] == await types(bench)
    bench.engine.far.outcomes.append(Terminal("The member is not there."))
    assert 500 == (await bench.engine.post("far", {"id": "7"})).status
    inbound, failed = await told(bench)
    assert ("inbound.far", "event.failed") == (inbound[0], failed[0])
    assert ("target", "The member is not there.") == (failed[1]["reason"], failed[1]["error"])


async def test_what_was_acknowledged_and_does_not_fit_is_told_with_the_step_that_refused_it(
    bench: SendingBench,
) -> None:
    await ready(bench, webhook(answer="queued", check="later"), events=("event.*",))
    assert 200 == (await bench.engine.post("courses", {"id": 7})).status
    ((type_, payload),) = await told(bench)
    assert ("event.failed", "schema") == (type_, payload["reason"])


async def test_an_update_is_told_as_one(bench: SendingBench) -> None:
    await ready(bench, upsert(), events=("record.*",))
    await bench.engine.post("panel", {"id": "7", "note": "A"})
    await bench.engine.post("panel", {"id": "7", "note": "B"})
    assert ["record.inserted", "record.updated"] == await types(bench)


@pytest.mark.parametrize(("inserted", "expected"), [(True, "record.inserted"), (False, "record.updated")])
async def test_a_target_elsewhere_says_whether_a_record_is_new(
    bench: SendingBench, inserted: bool, expected: str
) -> None:
    await ready(bench, webhook("far", "far"), events=("record.*",))
    bench.engine.far.outcomes.append(Written("41", inserted))
    await bench.engine.post("far", {"id": "7"})
    ((type_, facts),) = await told(bench)
    assert (expected, "41", "far") == (type_, facts["record"]["key"], facts["record"]["connection"])


async def test_an_unknown_outcome_is_told_once_and_what_it_turns_out_to_be_too(bench: SendingBench) -> None:
    await ready(bench, webhook("far", "far", marked=True), events=("event.*", "record.*"))
    bench.engine.far.outcomes.append(UnknownOutcome("no answer came"))
    await bench.engine.post("far", {"id": "7"})
    bench.engine.far.found.append(Retriable("not now"))
    await bench.engine.settle_after(10)
    assert ["event.unknown"] == await types(bench)
    bench.engine.far.found.append(LookUp(LookUpVerdict.FOUND, ("41",)))
    await bench.engine.settle_after(600)
    assert State.SUCCEEDED == (await bench.engine.last()).state
    assert ["event.unknown", "event.succeeded", "record.inserted"] == await types(bench)


async def test_a_held_event_is_told_once_however_often_it_is_tried(bench: SendingBench) -> None:
    await ready(bench, webhook("far", "far", hold=True), events=("event.*",))
    bench.engine.far.outcomes += [Retriable("off-line")] * 3
    await bench.engine.post("far", {"id": "7"})
    await bench.engine.settle_after(1)
    await bench.engine.settle_after(2)
    assert ["event.held"] == await types(bench)
    await bench.engine.settle_after(30)
    assert ["event.held", "event.succeeded"] == await types(bench)


async def test_a_replay_that_fails_tells_nothing_of_what_stands(bench: SendingBench) -> None:
    await ready(bench, webhook("far", "far"), events=("event.*", "record.*"))
    await bench.engine.post("far", {"id": "7"})
    before = await types(bench)
    bench.engine.far.outcomes.append(Terminal("no"))
    await bench.engine.replay.replay((await bench.engine.last()).id, again=True)
    assert before == await types(bench)
    await bench.engine.replay.replay((await bench.engine.last()).id, again=True)
    assert before * 2 == await types(bench)


async def test_refused_credentials_are_told_once_for_all_nodes_and_so_is_their_recovery(
    bench: SendingBench,
) -> None:
    await ready(bench, webhook("far", "far"), events=("connection.*",))
    other = await bench.another_node()
    for node in (bench, bench, other):
        bench.engine.far.outcomes.append(NeedsAuth("The password is wrong."))
        await node.engine.post("far", {"id": "7"})
        await node.outgoing.connections.drain(60)
    for node in (other, bench):
        await node.engine.post("far", {"id": "8"})
        await node.outgoing.connections.drain(60)
    connection = {"name": "far", "type": "scripted"}
    refused = {"connection": connection, "why": "The password is wrong."}
    recovered = {"connection": connection, "why": ""}
    assert [("connection.refused", refused), ("connection.recovered", recovered)] == await told(bench)


async def test_a_condition_chooses_and_an_order_is_read(bench: SendingBench) -> None:
    await ready(
        bench, events=("order.*",), condition='total > 10 and event.type == "order.paid"', order="$$id$$"
    )
    for total in (5, 20):
        await bench.raised(id="7", total=total)
    await bench.raised("order.sent", total=30)
    assert ["7"] == [one.key for one in await bench.deliveries()]
    assert 3 == len(await told(bench))


async def test_what_nobody_wants_leaves_no_trace(bench: SendingBench) -> None:
    await ready(bench, webhook(), events=("record.updated",))
    await bench.engine.post("courses", {"id": "7"})
    assert [] == await told(bench)
    assert bench.outgoing.emitter.wants("record.updated")
    assert not bench.outgoing.emitter.wants("record.inserted")


async def test_a_change_of_subscriptions_is_live_with_the_next_event(bench: SendingBench) -> None:
    await ready(bench, webhook(), events=("record.*",))
    await bench.engine.post("courses", {"id": "7"})
    await bench.configure(subscriptions=[subscription("all", events=["record.*"], active=False)])
    await bench.engine.post("courses", {"id": "8"})
    assert ["record.inserted"] == await types(bench)


def shape(value: Any) -> Any:
    """The names in a payload, without its values; what is free (the fields of a record) is left out."""
    if not isinstance(value, dict):
        return type(value).__name__
    return {name: "free" if name == "fields" else shape(one) for name, one in value.items()}


async def test_what_is_told_has_the_shape_that_the_reference_shows(bench: SendingBench) -> None:
    await ready(bench, webhook(), webhook("far", "far"), webhook("held", "far", hold=True))
    far = bench.engine.far.outcomes
    await bench.engine.post("courses", {"id": "7"})
    for outcome in (Terminal("no"), UnknownOutcome("perhaps"), NeedsAuth("who?")):
        far.append(outcome)
        await bench.engine.post("far", {"id": "7"})
    far.append(Retriable("off-line"))
    await bench.engine.post("held", {"id": "7"})
    await bench.engine.post("far", {"id": "8"})
    await bench.outgoing.connections.drain(60)
    found = {
        type_: shape(payload) for type_, payload in await told(bench) if not type_.startswith("inbound.")
    }
    shown = {one.name: shape(one.sample) for one in OWN_TYPES}
    assert {name: shown[name] for name in found} == found
    assert {"record.inserted", "event.succeeded", "event.failed", "event.unknown", "event.held"} <= set(found)
    assert {"connection.refused", "connection.recovered"} <= set(found)


@pytest.mark.parametrize(
    "looped",
    [
        webhook(),
        webhook("courses", "far"),
        webhook(answer="queued"),
        webhook("courses", "far", answer="poll"),
    ],
)
async def test_a_webhook_that_is_told_of_its_own_events_turns_away_what_has_come_round_too_often(
    bench: SendingBench, looped: JSON
) -> None:
    """A record that is written is told to the very webhook that wrote it, by way of a destination."""
    await ready(bench, looped, events=("record.inserted",), body={"type": "template", "content": {"id": "7"}})
    statuses, hops = [(await bench.engine.post("courses", {"id": "7"})).status], ""
    async with asyncio.timeout(30), bench.engine.working():
        while statuses[-1] < 300:
            while not await bench.deliver():
                await bench.clock.settle()
            hops = bench.calls()[-1].header(HEADER)
            turned = await bench.engine.post("courses", bench.calls()[-1].body, hookstation_hops=hops)
            statuses.append(turned.status)
    rejected = await bench.engine.last()
    assert (MOST + 2, 508, str(MOST + 1)) == (len(statuses), statuses[-1], hops)
    assert (State.REJECTED, "loop") == (rejected.state, rejected.reason)
