"""A delivery from its event to its end: what is sent, what is kept, and what follows from each answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hookstation.adapters.sender import HttpSender
from hookstation.core.outgoing.definitions import SECONDS
from hookstation.core.outgoing.values import DeliveryState, Health, Trouble
from hookstation.core.values import JSON
from hookstation.engine.outgoing.crowd import NOTICED
from hookstation.ports.sender import Dispatch, Receipt
from tests.support.certificates import Authority
from tests.support.receiver import Answer, Call, Receiver
from tests.support.sending import SendingBench, subscription


async def ready(bench: SendingBench, **more: object) -> None:
    """One destination, one subscription to orders."""
    await bench.configure(destinations=[bench.destination(**more)], subscriptions=[subscription()])  # type: ignore[arg-type]


def answers(bench: SendingBench, *statuses: int) -> None:
    bench.receiver.plan(*(Answer(status) for status in statuses))


async def test_an_event_is_delivered_as_it_came_and_the_attempt_is_kept(bench: SendingBench) -> None:
    await ready(bench)
    await bench.raised(id="7", total=19)
    assert 1 == await bench.deliver()

    (call,), delivery, (attempt,) = bench.calls(), await bench.only(), await bench.attempts()
    assert ("POST", {"id": "7", "total": 19}) == (call.method, json.loads(call.body))
    assert (delivery.id, "application/json") == (call.header("webhook-id"), call.header("Content-Type"))
    assert (DeliveryState.DELIVERED, 1, 200) == (delivery.state, delivery.attempts, delivery.status)
    assert (call.body, 200, Trouble.NONE) == (attempt.body, attempt.status, attempt.trouble)
    assert attempt.timing.total > 0


async def test_a_failed_delivery_follows_the_plan_to_the_second_and_dies_after_it(
    bench: SendingBench,
) -> None:
    await ready(bench, breaker={"calls": 1000}, disable_after="30d")
    bench.receiver.usual = Answer(500)
    await bench.raised()
    assert 1 == await bench.deliver()
    for number, pause in enumerate(SECONDS, 2):
        assert 0 == await bench.after(pause - 1)
        assert 1 == await bench.after(1), number

    delivery = await bench.only()
    assert (DeliveryState.DEAD, len(SECONDS) + 1) == (delivery.state, delivery.attempts)
    assert (Trouble.SERVER, 500, 0) == (delivery.trouble, delivery.status, delivery.due_at)
    assert list(range(1, len(SECONDS) + 2)) == [one.number for one in await bench.attempts()]
    assert 0 == await bench.after(10 * 86_400)


async def test_the_same_id_and_body_go_out_at_each_attempt_with_a_time_of_its_own(
    bench: SendingBench,
) -> None:
    await ready(bench, signing={"type": "standard-webhooks"})
    answers(bench, 500)
    await bench.raised(id="7")
    await bench.deliver()
    await bench.after(5)

    first, second = bench.calls()
    assert (first.body, first.header("webhook-id")) == (second.body, second.header("webhook-id"))
    assert 5 == int(second.header("webhook-timestamp")) - int(first.header("webhook-timestamp"))
    assert first.header("webhook-signature") != second.header("webhook-signature")


@pytest.mark.parametrize(("asked", "waits"), [("70", 70), ("1", 5), ("999999", 86_400)])
async def test_a_receiver_is_left_alone_for_as_long_as_it_asks(
    bench: SendingBench, asked: str, waits: float
) -> None:
    await ready(bench, breaker={"calls": 1000})
    bench.receiver.plan(Answer(500, (("Retry-After", asked),)))
    await bench.raised()
    await bench.deliver()
    assert 0 == await bench.after(waits - 1)
    assert 1 == await bench.after(1)
    assert DeliveryState.DELIVERED == (await bench.only()).state


async def test_a_redirect_is_not_followed_and_is_a_failure(bench: SendingBench) -> None:
    await ready(bench)
    bench.receiver.plan(Answer(307, (("Location", f"{bench.receiver.url}/elsewhere"),)))
    await bench.raised()
    await bench.deliver()
    delivery = await bench.only()
    assert (DeliveryState.WAITING, Trouble.REDIRECT, 307) == (
        delivery.state,
        delivery.trouble,
        delivery.status,
    )
    assert [] == bench.calls("elsewhere")


async def test_a_receiver_that_is_gone_gets_nothing_more_until_a_person_says_so(bench: SendingBench) -> None:
    await ready(bench)
    answers(bench, 410)
    await bench.raised(id="1")
    await bench.deliver()
    assert (DeliveryState.DEAD, Health.GONE) == ((await bench.only()).state, await bench.health())
    await bench.raised(id="2")
    assert 0 == await bench.after(86_400)

    await bench.outgoing.destinations.enable("crm", "ann")
    assert 1 == await bench.deliver()
    assert [b'{"id": "1"}', b'{"id": "2"}'] == [call.body for call in bench.calls()]


async def test_a_body_that_cannot_be_made_is_no_fault_of_the_destination(bench: SendingBench) -> None:
    broken = subscription(body={"type": "template", "content": "$$missing$$"})
    await bench.configure(destinations=[bench.destination()], subscriptions=[broken])
    await bench.raised()
    await bench.deliver()
    delivery, (attempt,) = await bench.only(), await bench.attempts()
    assert (DeliveryState.WAITING, Trouble.MAPPING) == (delivery.state, delivery.trouble)
    assert ("", []) == (attempt.body.decode(), bench.calls())
    assert 0 == (await bench.state()).revision

    await bench.configure(subscriptions=[subscription()])
    await bench.after(5)
    assert DeliveryState.DELIVERED == (await bench.only()).state


async def test_a_try_that_breaks_the_station_is_written_down_and_follows_the_plan(
    bench: SendingBench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(_self: HttpSender, _dispatch: Dispatch) -> Receipt:
        raise KeyError("a mistake of ours")

    monkeypatch.setattr(HttpSender, "send", broken)
    await ready(bench, retry={"schedule": ["1m"]})
    await bench.raised()
    await bench.deliver()
    await bench.after(72)
    delivery = await bench.only()
    assert (DeliveryState.DEAD, Trouble.MAPPING, 2) == (delivery.state, delivery.trouble, delivery.attempts)
    assert ("its log says how" in delivery.error, "a mistake of ours" in caplog.text) == (True, True)


async def test_an_address_that_is_not_allowed_is_never_called(bench: SendingBench) -> None:
    await ready(bench, networks=[])
    await bench.raised()
    await bench.deliver()
    delivery = await bench.only()
    assert (DeliveryState.WAITING, Trouble.ADDRESS) == (delivery.state, delivery.trouble)
    assert [] == bench.receiver.calls


async def test_what_is_secret_is_masked_in_what_is_kept(bench: SendingBench) -> None:
    await ready(
        bench,
        url=f"{bench.receiver.url}/crm?token=geheim",
        authentication={"type": "api_key", "header": "X-Pass", "key": "geheim"},
    )
    bench.receiver.plan(Answer(200, (("Set-Cookie", "geheim"),)))
    await bench.raised()
    await bench.deliver()
    (call,), (attempt,) = bench.calls(), await bench.attempts()
    assert ("geheim", "/crm?token=geheim") == (call.header("X-Pass"), call.path)
    assert "geheim" not in repr(attempt)
    assert "geheim" not in repr(bench.log.lines)


CREDENTIALS: dict[str, JSON] = {
    "bearer": {"type": "bearer", "token": "geheim/42"},
    "basic": {"type": "basic", "username": "we", "password": "geheim/42"},
    "api_key": {"type": "api_key", "header": "X-Pass", "key": "geheim/42"},
}


@pytest.mark.parametrize("kind", CREDENTIALS)
async def test_a_receiver_that_repeats_what_it_was_shown_puts_no_secret_into_what_is_kept(
    bench: SendingBench, kind: str
) -> None:
    def repeat(call: Call) -> Answer:
        shown = call.header("Authorization") or call.header("X-Pass")
        return Answer(500, (("X-Echo", shown),), f"You sent {shown}, which is geheim/42.".encode())

    await ready(bench, authentication=CREDENTIALS[kind])
    bench.receiver.usual = repeat
    await bench.raised()
    await bench.deliver()
    (call,), (attempt,) = bench.calls(), await bench.attempts()
    secret = (call.header("Authorization") or call.header("X-Pass")).rpartition(" ")[2]
    assert (b"You sent", 500) == (attempt.answer[:8], attempt.status)
    assert [False] * 4 == [
        one in told for one in (secret, "geheim/42") for told in (repr(attempt), repr(bench.log.lines))
    ]


async def test_a_paused_destination_keeps_everything(bench: SendingBench) -> None:
    await ready(bench, state="paused")
    for number in range(3):
        await bench.raised(id=str(number))
    assert 0 == await bench.after(10 * 86_400)
    assert 3 == (await bench.outgoing.figures.one("crm")).waiting

    await ready(bench)
    assert 3 == await bench.deliver()
    assert 3 == len(await bench.deliveries(states=frozenset({DeliveryState.DELIVERED})))


async def test_nothing_begins_for_a_disabled_destination(bench: SendingBench) -> None:
    await ready(bench, state="disabled")
    event_id = await bench.raised()
    assert [] == await bench.deliveries()
    assert await bench.store.get_event_out(event_id) is not None


async def test_what_is_on_its_way_to_a_destination_that_goes_is_cancelled(bench: SendingBench) -> None:
    await ready(bench, state="paused")
    await bench.raised()
    await bench.engine.configurator.delete("subscription", "orders")
    await bench.engine.configurator.delete("destination", "crm")
    await bench.deliver()
    assert (DeliveryState.CANCELLED, 0) == ((await bench.only()).state, len(bench.receiver.calls))


async def test_what_waits_for_a_destination_that_is_deleted_does_not_go_to_the_next_one_of_its_name(
    bench: SendingBench,
) -> None:
    await ready(bench, retry={"schedule": ["1h"]})
    bench.receiver.plan(Answer(500))
    await bench.raised()
    await bench.deliver()
    await bench.engine.configurator.delete("subscription", "orders")
    await bench.engine.configurator.delete("destination", "crm")
    assert 0 == await bench.deliver()
    assert DeliveryState.CANCELLED == (await bench.only()).state
    await ready(bench)
    assert (0, 1) == (await bench.after(3_600), len(bench.calls()))


async def test_deliveries_of_one_key_go_one_after_the_other_and_others_pass_by(bench: SendingBench) -> None:
    await ready(bench, order="$$member$$", retry={"schedule": ["1m"]}, breaker={"calls": 1000})
    bench.receiver.usual = lambda call: Answer(500 if b'"ill"' in call.body else 200)
    for member, what in (("7", "ill"), ("7", "first"), ("8", "other"), ("7", "second")):
        await bench.raised(member=member, what=what)

    def told() -> list[str]:
        return [json.loads(call.body)["what"] for call in bench.calls()]

    await bench.deliver()
    assert ["ill", "other"] == sorted(told())
    await bench.after(60)
    assert ["ill", "first", "second"] == told()[2:]
    assert DeliveryState.DEAD == (await bench.deliveries())[0].state


async def test_no_more_are_on_their_way_at_once_than_a_destination_takes(bench: SendingBench) -> None:
    await ready(bench, concurrency=2)
    other = await bench.another_node()
    bench.receiver.usual = Answer(hang=True)
    for number in range(5):
        await bench.raised(id=str(number))
    begun = await bench.begin() + await other.begin()
    await bench.receiver.until(2)
    bench.receiver.usual = Answer()
    bench.receiver.release()
    assert (2, 0, 0) == (begun, await bench.worker.drain(60), await other.worker.drain(60))
    assert (3, 2) == (await bench.deliver(), bench.receiver.most_at_once)


async def test_a_rate_is_kept_and_shared_out_among_the_nodes_that_deliver(bench: SendingBench) -> None:
    await ready(bench, rate="60/m")
    other = await bench.another_node()
    for number in range(10):
        await bench.raised(id=str(number))
    await other.outgoing.destinations.look()
    tries = [await bench.deliver() + await other.deliver()]
    for _ in range(3):
        tries.append(await bench.after(1) + await other.deliver())
    assert 2 + 3 >= sum(tries) >= 3


async def test_a_node_that_was_buried_meanwhile_sends_nothing_of_what_it_had_leased(
    bench: SendingBench,
) -> None:
    await ready(bench)
    await bench.raised()
    await bench.engine.lookout.look()
    item = (await bench.store.lease_deliveries("crm", bench.engine.membership.node_id, 60, 1))[0]
    await bench.clock.advance(30)
    await bench.store.reap(6)
    done = await bench.engine.sending.deliver.do(item)
    assert (DeliveryState.WAITING, None, []) == (done.end.state, done.end.attempt, bench.receiver.calls)
    assert [False] == await bench.store.settle_deliveries([done.end])
    assert 1 == await bench.deliver()


async def test_each_attempt_is_one_line_with_every_id(bench: SendingBench) -> None:
    await ready(bench)
    event_id = await bench.raised()
    await bench.deliver()
    (line,), delivery = bench.log.told("delivery_attempted"), await bench.only()
    assert (delivery.id, event_id, "crm", "orders", 1, 200, "delivered") == tuple(
        line[name]
        for name in ("delivery", "event_out", "destination", "subscription", "attempt", "status", "verdict")
    )


async def test_a_receiver_that_wants_a_certificate_gets_ours(bench: SendingBench, tmp_path: Path) -> None:
    authority = Authority.new()
    ours, theirs = authority.certify("station.example"), authority.certify("127.0.0.1")
    async with Receiver(tls=theirs.serving(tmp_path, clients=authority.certificate)) as receiver:
        tls = {
            "certificate": ours.certificate,
            "key": ours.key.reveal(),
            "authorities": authority.certificate,
        }
        await ready(bench, url=f"{receiver.url}/crm", tls=tls)
        await bench.raised()
        await bench.deliver()
        assert (DeliveryState.DELIVERED, 1) == ((await bench.only()).state, receiver.count)
        await ready(bench, url=f"{receiver.url}/crm", tls={"authorities": authority.certificate})
        await bench.raised()
        await bench.deliver()
        assert (DeliveryState.WAITING, 1) == ((await bench.deliveries())[-1].state, receiver.count)


async def test_what_was_leased_ahead_and_cancelled_meanwhile_does_not_leave(bench: SendingBench) -> None:
    await ready(bench, concurrency=1)
    await bench.raised(id="quick")
    await bench.deliver()
    bench.receiver.plan(Answer(hang=True))
    for number in range(3):
        await bench.raised(id=str(number))
    assert 3 == await bench.begin()
    await bench.receiver.until(2)
    await bench.clock.advance(2)
    await bench.outgoing.resend.cancel((await bench.deliveries())[2].id, "ann")
    bench.receiver.release()
    assert 0 == await bench.worker.drain(60)
    assert [b'{"id": "0"}', b'{"id": "2"}'] == [call.body for call in bench.calls()][1:]
    assert DeliveryState.CANCELLED == (await bench.deliveries())[2].state


async def test_a_node_that_comes_to_others_waits_until_they_have_noticed(bench: SendingBench) -> None:
    await ready(bench, concurrency=1)
    await bench.deliver()
    other = SendingBench(await bench.engine.another_node(), bench.receiver)
    for number in range(2):
        await bench.raised(id=str(number))
    assert 0 == await other.begin()
    await bench.clock.advance(NOTICED)
    bench.receiver.usual = Answer(hang=True)
    assert (1, 0) == (await other.begin(), await bench.begin())
    await bench.receiver.until(1)
    bench.receiver.release()


async def test_a_node_that_was_left_alone_leases_ahead_again(bench: SendingBench) -> None:
    await ready(bench, concurrency=1)
    other = await bench.another_node()
    await bench.raised(id="quick")
    await bench.deliver()
    await bench.store.leave(other.engine.membership.node_id)
    for number in range(3):
        await bench.raised(id=str(number))
    assert 3 == await bench.begin()
