"""What people do with the sending side: raise, resend, cancel, rotate, try out, listen, and let guests in."""

from __future__ import annotations

import asyncio
import json
from base64 import b64encode
from typing import Any, Self

import pytest

from hookstation.core.outgoing.values import DeliveryState, Health, Trouble
from hookstation.core.values import JSON, Secret
from hookstation.engine.outgoing import listening, resend
from hookstation.errors import Conflict, Invalid, NotFound, TryLater
from hookstation.ports.deliveries import DeliveryFilter
from tests.support.receiver import Answer
from tests.support.sending import WHO, SendingBench, subscription

DELIVERED, DEAD, CANCELLED = DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.CANCELLED
ONE_TRY: JSON = {"schedule": []}


async def ready(bench: SendingBench, **more: Any) -> None:
    """Two destinations, and a subscription to each."""
    calm = {"breaker": {"calls": 1000}, "retry": ONE_TRY, **more}
    await bench.configure(
        destinations=[bench.destination(**calm), bench.destination("lms", **calm)],
        subscriptions=[subscription(), subscription("lms", "lms", events=["course.*"])],
    )


async def dead(bench: SendingBench, *types: str) -> None:
    """Deliveries that have used up their attempts."""
    bench.receiver.usual = Answer(400)
    for type_ in types:
        await bench.raised(type_)
    await bench.deliver()
    bench.receiver.usual = Answer()


async def states(bench: SendingBench) -> list[DeliveryState]:
    return [one.state for one in await bench.deliveries()]


# --- raise


async def test_an_event_is_raised_once_for_its_key(bench: SendingBench) -> None:
    await ready(bench)
    raising = bench.outgoing.raising
    first = await raising.raise_event("order.paid", b'{"id": 1}', WHO, "order-1")
    again = await raising.raise_event("order.paid", b'{ "id":1 }', WHO, "order-1")
    assert (first.event.id, False, True) == (again.event.id, first.repeated, again.repeated)
    assert (1, 1) == (first.deliveries, len(await bench.deliveries()))
    with pytest.raises(Conflict, match="belongs to another event"):
        await raising.raise_event("order.paid", b'{"id": 2}', WHO, "order-1")


@pytest.mark.parametrize(
    ("type_", "data", "key", "place"),
    [
        ("record.inserted", b"{}", "", "type"),
        ("Order Paid", b"{}", "", "type"),
        ("order.paid", b"{", "", "data"),
        ("order.paid", b'"' + b"x" * 1_048_576 + b'"', "", "data"),
        ("order.paid", b"{}", "station:x", "key"),
        ("order.paid", b"{}", "k\n", "key"),
    ],
)
async def test_what_cannot_be_raised_is_said_with_its_place(
    bench: SendingBench, type_: str, data: bytes, key: str, place: str
) -> None:
    with pytest.raises(Invalid) as refused:
        await bench.outgoing.raising.raise_event(type_, data, WHO, key)
    assert [(place,)] == [problem.path for problem in refused.value.problems]


# --- resend and cancel


async def test_a_dead_delivery_is_sent_again_with_its_count_going_on(bench: SendingBench) -> None:
    await ready(bench)
    await dead(bench, "order.paid")
    again = await bench.outgoing.resend.one((await bench.only()).id, WHO)
    assert (DeliveryState.WAITING, 1) == (again.state, again.attempts)
    assert 1 == await bench.deliver()
    assert (DELIVERED, 2) == ((await bench.only()).state, (await bench.only()).attempts)


async def test_all_that_failed_at_a_destination_since_a_time_are_sent_again(bench: SendingBench) -> None:
    await ready(bench)
    await dead(bench, "order.paid")
    await bench.clock.advance(600)
    since = bench.clock.now()
    await dead(bench, "order.paid", "course.done", "order.sent")
    assert resend.Done(2) == await bench.outgoing.resend.failed("crm", since, WHO)
    await bench.deliver()
    assert [DEAD, DELIVERED, DEAD, DELIVERED] == await states(bench)


async def test_many_are_sent_again_in_steps_that_go_on_where_the_last_one_ended(
    bench: SendingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resend, "PAGE", 2)
    monkeypatch.setattr(resend, "MOST", 4)
    await ready(bench)
    await dead(bench, *["order.paid"] * 7)
    which = DeliveryFilter(type="order.*")
    first = await bench.outgoing.resend.matching(which, WHO)
    second = await bench.outgoing.resend.matching(which, WHO, first.next)
    assert (4, 3, "") == (first.count, second.count, second.next)
    assert 7 == await bench.deliver()
    with pytest.raises(Invalid, match="Say which"):
        await bench.outgoing.resend.matching(DeliveryFilter(), WHO)


async def test_a_waiting_delivery_is_cancelled_and_an_ended_one_is_not(bench: SendingBench) -> None:
    await ready(bench, state="paused")
    await bench.raised()
    await bench.raised()
    first, second = await bench.deliveries()
    assert CANCELLED == (await bench.outgoing.resend.cancel(first.id, WHO)).state
    with pytest.raises(Conflict, match="cancelled already"):
        await bench.outgoing.resend.cancel(first.id, WHO)
    assert 1 == (await bench.outgoing.resend.cancel_matching(DeliveryFilter("crm"), WHO)).count
    assert [CANCELLED, CANCELLED] == await states(bench)
    await ready(bench)
    await bench.outgoing.resend.one(second.id, WHO)
    assert 1 == await bench.deliver()


async def test_nothing_is_sent_again_to_where_nothing_goes(bench: SendingBench) -> None:
    await ready(bench)
    await dead(bench, "order.paid")
    delivery = await bench.only()
    await ready(bench, state="disabled")
    with pytest.raises(Conflict, match="is disabled"):
        await bench.outgoing.resend.one(delivery.id, WHO)
    await bench.engine.configurator.delete("subscription", "orders")
    await bench.engine.configurator.delete("destination", "crm")
    with pytest.raises(NotFound, match="crm"):
        await bench.outgoing.resend.one(delivery.id, WHO)
    with pytest.raises(NotFound, match="delivery"):
        await bench.outgoing.resend.one("nobody", WHO)


# --- rotate and try out


async def test_both_secrets_sign_while_a_secret_is_rotated(bench: SendingBench) -> None:
    await ready(bench, signing={"type": "standard-webhooks"})
    rotated = await bench.outgoing.rotate.rotate("crm", WHO, 3600)
    assert rotated.secret.reveal().startswith("whsec_")
    for seconds in (0, 3599, 2):
        await bench.clock.advance(seconds)
        await bench.raised()
        await bench.deliver()
    signatures = [len(call.header("webhook-signature").split()) for call in bench.calls()]
    assert [2, 2, 1] == signatures
    assert rotated.secret.reveal() not in repr(bench.log.lines)


async def test_a_receiver_may_choose_its_secret_and_a_bad_one_is_refused(bench: SendingBench) -> None:
    await ready(bench, signing={"type": "standard-webhooks"})
    with pytest.raises(Invalid):
        await bench.outgoing.rotate.rotate("crm", WHO, 60, Secret("short"))
    await ready(bench)
    with pytest.raises(Conflict, match="not signed"):
        await bench.outgoing.rotate.rotate("crm", WHO)
    with pytest.raises(Invalid, match="whole number"):
        await bench.outgoing.rotate.rotate("crm", WHO, -1)


async def test_a_test_goes_out_now_whatever_stands_against_the_destination(bench: SendingBench) -> None:
    await ready(bench, state="paused")
    attempt = await bench.outgoing.try_out.send("crm", WHO)
    assert (200, Trouble.NONE) == (attempt.status, attempt.trouble)
    sent = json.loads(bench.calls()[0].body)
    assert ("test", {"message": "A test of Hookstation.", "by": WHO}) == (sent["type"], sent["data"])
    assert [] == await bench.deliveries()
    bench.receiver.plan(Answer(cut=True))
    assert Trouble.BROKEN_OFF == (await bench.outgoing.try_out.send("crm", WHO)).trouble


async def test_a_subscription_is_tried_with_a_sample_or_with_what_is_given(bench: SendingBench) -> None:
    await ready(bench)
    await bench.outgoing.try_out.send("crm", WHO, "orders", "record.inserted")
    await bench.outgoing.try_out.send("crm", WHO, "orders", "order.paid", b'{"id":  1}')
    assert ("record", b'{"id":  1}') == (next(iter(json.loads(bench.calls()[0].body))), bench.calls()[1].body)
    with pytest.raises(NotFound, match="subscription"):
        await bench.outgoing.try_out.send("crm", WHO, "nobody")
    with pytest.raises(Invalid):
        await bench.outgoing.try_out.send("crm", WHO, data=b"{")


# --- the portal


async def test_a_guest_sees_and_resends_what_went_to_their_destination_and_nothing_else(
    bench: SendingBench,
) -> None:
    await ready(bench, signing={"type": "standard-webhooks"})
    await dead(bench, "order.paid", "course.done")
    own, foreign = await bench.deliveries()
    token, _ = await bench.outgoing.portal.link("crm", WHO)
    guest = await bench.outgoing.portal.enter(token)
    assert guest is not None
    guests = bench.outgoing.guests
    page = await guests.deliveries(guest, DeliveryFilter("lms"), 10)
    assert ([own.id], own.id) == (
        [one.id for one in page.items],
        (await guests.show(guest, own.id)).delivery.id,
    )
    for forbidden in (guests.show, guests.resend):
        with pytest.raises(NotFound):
            await forbidden(guest, foreign.id)
    assert 1 == (await guests.resend_failed(guest, 0)).count
    await bench.deliver()
    assert [DELIVERED, DEAD] == await states(bench)
    assert (await guests.rotate(guest, 60)).secret.reveal().startswith("whsec_")
    assert "crm" == (await guests.standing(guest)).destination.name


async def test_a_link_ends_by_its_time_by_word_and_with_its_host(bench: SendingBench) -> None:
    await ready(bench)
    portal = bench.outgoing.portal
    token, until = await portal.link("crm", WHO, 60)
    other = await bench.another_node()
    guest = await other.outgoing.portal.enter(token)
    assert guest is not None
    assert until == guest.until
    await bench.clock.advance(60)
    assert await portal.enter(token) is None

    token, _ = await portal.link("crm", WHO, 3600)
    mine, _ = await portal.link("lms", WHO, 3600)
    await portal.revoke("crm", WHO)
    assert await portal.enter(token) is None
    assert await portal.enter(mine) is not None

    for url in ("https://shared.example.org/ours", "https://shared.example.org/theirs"):
        token, _ = await portal.link("crm", WHO, 3600)
        await ready(bench, url=url)
        assert await portal.enter(token) is None


async def test_a_guest_gets_no_private_key(bench: SendingBench) -> None:
    secret = "whsk_" + b64encode(bytes(range(32))).decode()
    await ready(bench, signing={"type": "standard-webhooks", "secret": secret})
    guest = await bench.outgoing.portal.enter((await bench.outgoing.portal.link("crm", WHO))[0])
    assert guest is not None
    assert (await bench.outgoing.guests.rotate(guest, 60)).secret.reveal().startswith("whpk_")


async def test_who_gets_the_name_of_a_deleted_destination_gets_nothing_else_of_it(
    bench: SendingBench,
) -> None:
    await ready(bench)
    portal, guests = bench.outgoing.portal, bench.outgoing.guests
    await dead(bench, "order.paid")
    old, _ = await portal.link("crm", WHO, 3600)
    bench.receiver.plan(Answer(410))
    await dead(bench, "order.paid")
    assert Health.GONE == await bench.health()

    await bench.clock.advance(10)
    await bench.engine.configurator.delete("subscription", "orders")
    await bench.engine.configurator.delete("destination", "crm")
    await ready(bench)
    assert (Health.GOOD, None) == (await bench.health(), await portal.enter(old))

    token, _ = await portal.link("crm", WHO, 3600)
    await bench.raised("order.paid")
    await bench.deliver()
    guest = await portal.enter(token)
    assert guest is not None
    assert (await portal.enter(old), DELIVERED) == (None, (await bench.deliveries())[-1].state)
    first, *_, last = await bench.deliveries(destination="crm")
    assert [last.id] == [one.id for one in (await guests.deliveries(guest, DeliveryFilter(), 10)).items]
    assert 0 == (await guests.resend_failed(guest, 0)).count
    with pytest.raises(NotFound):
        await guests.resend(guest, first.id)


async def test_a_link_that_was_touched_opens_nothing(bench: SendingBench) -> None:
    await ready(bench)
    token, _ = await bench.outgoing.portal.link("crm", WHO)
    claim, _, proof = token.partition(".")
    mine, _ = await bench.outgoing.portal.link("lms", WHO)
    touched = [
        "",
        ".",
        "x",
        f"{mine.partition('.')[0]}.{proof}",
        f"{claim}.",
        f"{claim}.AAAA",
        f"{claim}é.{proof}",
    ]
    assert [None] * len(touched) == [await bench.outgoing.portal.enter(one) for one in touched]
    with pytest.raises(Invalid):
        await bench.outgoing.portal.link("crm", WHO, 1)


# --- listening


class Listener:
    """Somebody who listens, in a task of their own."""

    def __init__(self, bench: SendingBench, destination: str = "") -> None:
        self._stream = bench.outgoing.listening.breaths(destination)
        self._bench = bench

    async def begin(self) -> Self:
        """Listen; what stands before is no news, and has been looked at now."""
        assert await anext(self._stream) is None
        self._task = asyncio.ensure_future(anext(self._stream))
        return self

    async def next(self) -> listening.Heard:
        """What is heard next; time goes by until then."""
        async with asyncio.timeout(60):
            while (found := await self._breath()) is None:
                pass
        await self._bench.clock.settle()
        return found

    async def close(self) -> None:
        """Listen no more."""
        self._task.cancel()
        await asyncio.wait({self._task})
        await self._stream.aclose()

    async def _breath(self) -> listening.Heard | None:
        while not self._task.done():
            await self._bench.clock.advance(listening.LOOK_EVERY)
        found = self._task.result()
        self._task = asyncio.ensure_future(anext(self._stream))
        return found


async def test_who_listens_hears_what_happens_from_then_on(bench: SendingBench) -> None:
    await ready(bench)
    await dead(bench, "order.paid")
    ear = await Listener(bench, "crm").begin()
    await dead(bench, "course.done", "order.sent")
    heard = await ear.next()
    assert ("order.sent", DEAD) == (heard.delivery.type, heard.delivery.state)
    assert heard.attempt is not None
    assert 400 == heard.attempt.status
    await ear.close()


async def test_who_listens_hears_what_other_nodes_do(bench: SendingBench) -> None:
    await ready(bench)
    other = await bench.another_node()
    ear = await Listener(other).begin()
    await dead(bench, "order.paid")
    heard = await ear.next()
    assert (DEAD, None) == (heard.delivery.state, heard.attempt)
    await ear.close()


async def test_who_reads_too_slowly_is_told_what_was_missed(
    bench: SendingBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "ROOM", 2)
    monkeypatch.setattr(listening, "MOST_LISTENERS", 1)
    await ready(bench)
    ear = await Listener(bench).begin()
    with pytest.raises(TryLater):
        await anext(bench.outgoing.listening.listen())
    await dead(bench, *["order.paid"] * 5)
    assert [0, 0] == [(await ear.next()).missed for _ in range(2)]
    await dead(bench, "order.sent")
    assert ("order.sent", True) == ((last := await ear.next()).delivery.type, last.missed > 0)
    await ear.close()
