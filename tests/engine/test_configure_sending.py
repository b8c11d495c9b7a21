"""Destinations and subscriptions, configured: secrets that the station makes, references, and what is live of them."""

from __future__ import annotations

import json

import pytest

from hookstation.core.outgoing.definitions import StandardSigning
from hookstation.core.standard_keys import KeyKind, kind_of_secret
from hookstation.core.values import JSON, Secret
from hookstation.errors import Conflict, Invalid, NotFound
from hookstation.ports.store import ConfigurationChange
from tests.support.engine import Engine, engine

CRM: dict[str, JSON] = {"name": "crm", "url": "https://crm.example.org/hooks"}
MEMBERS: dict[str, JSON] = {"name": "members", "events": ["record.*"], "destination": "crm"}
SHOP: JSON = {"name": "shop", "url": "https://shop.example.org", "signing": {"type": "none"}}


def signing(bench: Engine, name: str = "crm") -> StandardSigning:
    found = bench.board.destinations[name].signing
    assert isinstance(found, StandardSigning)
    return found


def document(*destinations: JSON, subscriptions: list[JSON] | None = None) -> JSON:
    return {"version": 1, "destinations": list(destinations), "subscriptions": subscriptions or []}


async def test_a_destination_and_its_subscription_are_live_at_once() -> None:
    async with engine() as bench:
        planned = await bench.configurator.apply(document(CRM, subscriptions=[MEMBERS]))
        assert [("destination", "crm", "add"), ("subscription", "members", "add")] == [
            (one.kind, one.name, one.verb.value) for one in planned.done
        ]
        assert "https://crm.example.org/hooks" == bench.board.destinations["crm"].url
        assert ("record.*",) == bench.board.subscriptions["members"].events


async def test_a_secret_is_made_when_a_destination_is_first_saved_and_stays_when_it_is_applied_again() -> (
    None
):
    async with engine() as bench:
        made = (await bench.configurator.apply(document(CRM))).made
        secret = made["crm"]
        assert (KeyKind.HMAC, secret) == (kind_of_secret(secret), signing(bench).secret)
        again = await bench.configurator.apply(document(CRM))
        assert ([], {}) == (again.done, again.made)
        changed = await bench.configurator.apply(document({**CRM, "title": "The CRM"}))
        assert ([("title",)], {}) == ([one.paths for one in changed.done], changed.made)
        assert secret == signing(bench).secret


async def test_a_plan_makes_no_secret() -> None:
    async with engine() as bench:
        assert {} == (await bench.configurator.plan(document(CRM))).made


async def test_each_destination_gets_a_secret_of_its_own_and_one_that_has_its_own_none() -> None:
    async with engine() as bench:
        given: JSON = {
            **CRM,
            "name": "given",
            "signing": {"type": "standard-webhooks", "secret": "whsec_" + "A" * 44},
        }
        made = (await bench.configurator.apply(document(CRM, {**CRM, "name": "lms"}, SHOP, given))).made
        assert ({"crm", "lms"}, 2) == (set(made), len(set(made.values())))


async def test_at_another_address_a_destination_signs_with_a_new_secret() -> None:
    async with engine() as bench:
        before = (await bench.configurator.apply(document(CRM))).made["crm"]
        moved = await bench.configurator.apply(document({**CRM, "url": "https://elsewhere.example.org"}))
        assert {before} != set(moved.made.values()) == {signing(bench).secret}


async def test_a_secret_that_is_only_masked_is_not_carried_to_another_address() -> None:
    async with engine() as bench:
        await bench.configurator.apply(
            document({**CRM, "authentication": {"type": "bearer", "token": "t0ken"}})
        )
        moved: JSON = {
            **CRM,
            "url": "https://elsewhere.example.org",
            "authentication": {"type": "bearer", "token": "********"},
        }
        with pytest.raises(Invalid) as told:
            await bench.configurator.apply(document(SHOP, moved))
        assert [("destinations", 1, "authentication", "token")] == [one.path for one in told.value.problems]


async def test_secrets_are_sealed_in_the_store_and_masked_in_an_export_that_can_be_applied_again() -> None:
    async with engine() as bench:
        destination: JSON = {
            **CRM,
            "authentication": {"type": "bearer", "token": "t0ken"},
            "proxy": "http://a:b@p:1",
        }
        made = (await bench.configurator.apply(document(destination, subscriptions=[MEMBERS]))).made["crm"]
        stored = bench.board.stored.destinations["crm"]
        assert not any(one in stored for one in ("t0ken", "a:b", made.reveal()))
        exported = await bench.configurator.export()
        assert not any(one in json.dumps(exported) for one in ("t0ken", "a:b", made.reveal()))
        assert [] == (await bench.configurator.apply(exported, prune=True)).done
        assert (Secret("http://a:b@p:1"), made) == (
            bench.board.destinations["crm"].proxy,
            signing(bench).secret,
        )


async def test_a_destination_that_subscriptions_lead_to_cannot_be_deleted_and_they_are_named() -> None:
    async with engine() as bench:
        others: list[JSON] = [MEMBERS, {**MEMBERS, "name": "records"}]
        await bench.configurator.apply(document(CRM, subscriptions=others))
        with pytest.raises(
            Conflict, match="used by the subscriptions “members”, “records”; change or delete those"
        ):
            await bench.configurator.delete("destination", "crm")
        await bench.configurator.delete("subscription", "members")
        with pytest.raises(Conflict, match="used by the subscription “records”; change or delete that first"):
            await bench.configurator.delete("destination", "crm")
        await bench.configurator.delete("subscription", "records")
        await bench.configurator.delete("destination", "crm")
        assert ({}, {}) == (bench.board.destinations, bench.board.subscriptions)


@pytest.mark.parametrize("kind", ["destination", "subscription"])
async def test_what_is_not_there_is_not_found(kind: str) -> None:
    async with engine() as bench:
        with pytest.raises(NotFound):
            await bench.configurator.delete(kind, "crm")


async def test_with_pruning_a_destination_goes_only_with_its_subscriptions() -> None:
    async with engine() as bench:
        await bench.configurator.apply(document(CRM, subscriptions=[MEMBERS]))
        with pytest.raises(Invalid, match="there is no destination “crm”"):
            await bench.configurator.apply(document(subscriptions=[MEMBERS]), prune=True)
        pruned = await bench.configurator.apply(document(), prune=True)
        assert ["subscription", "destination"] == [one.kind for one in pruned.done][:2]


async def test_a_misspelt_property_is_a_warning_that_stops_nothing() -> None:
    async with engine() as bench:
        subscription: JSON = {**MEMBERS, "condition": 'record.entty == "ACTIVITY"'}
        planned = await bench.configurator.apply(document(CRM, subscriptions=[subscription]))
        [problem] = planned.problems
        assert (("subscriptions", 0, "condition"), "warning", 0) == (
            problem.path,
            problem.severity,
            problem.position,
        )
        assert "Did you mean “record.entity”?" in problem.message


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"url": "http://10.0.0.1/"}, "10.0.0.1/32"),
        ({"url": "http://[::ffff:127.0.0.1]:8080/"}, "127.0.0.1/32"),
        ({"url": "https://169.254.169.254/", "networks": ["0.0.0.0/0"]}, "169.254.169.254/32"),
        ({"url": "http://0x7f.1/"}, "unusual"),
        ({"url": "https://crm.example.org:25/"}, "Port 25"),
    ],
)
async def test_what_the_guard_will_refuse_for_sure_is_a_warning_when_it_is_saved(
    settings: dict[str, JSON], told: str
) -> None:
    async with engine() as bench:
        (warning,) = (await bench.configurator.apply(document(SHOP, {**CRM, **settings}))).problems
    assert (("destinations", 1, "url"), "warning") == (warning.path, warning.severity)
    assert told in warning.message


@pytest.mark.parametrize(
    "settings",
    [
        {"url": "http://10.0.0.1/", "networks": ["10.0.0.0/8"]},
        {"url": "http://10.0.0.1/", "proxy": "http://proxy.example.org:3128"},
        {"url": "https://crm.example.org:25/", "ports": [25]},
        {"url": "https://localhost/"},
    ],
)
async def test_what_the_guard_may_let_through_is_saved_without_a_word(settings: dict[str, JSON]) -> None:
    async with engine() as bench:
        assert [] == (await bench.configurator.apply(document({**CRM, **settings}))).problems


async def test_who_wants_to_know_is_told_of_changes_of_what_goes_out_and_of_no_others() -> None:
    async with engine() as bench:
        told: list[tuple[int, int]] = []
        board = bench.board
        board.on_new_destinations(lambda: told.append((len(board.destinations), len(board.subscriptions))))
        await bench.configurator.apply(document(CRM))
        kept = board.destinations
        await bench.configurator.apply(
            {"version": 1, "panels": [{"name": "P", "fields": {"A": {"type": "string"}}}]}
        )
        await bench.configurator.apply(document(subscriptions=[MEMBERS]))
        assert kept is board.destinations
        await bench.configurator.delete("subscription", "members")
        assert [(1, 0), (1, 1), (1, 0)] == told


async def test_what_did_not_change_is_the_same_object_and_what_cannot_be_read_is_left_out() -> None:
    async with engine() as bench:
        await bench.configurator.apply(document(CRM, SHOP, subscriptions=[MEMBERS]))
        crm, members = bench.board.destinations["crm"], bench.board.subscriptions["members"]
        damage = ConfigurationChange(destinations={"shop": "{}"}, subscriptions={"bad": "no JSON"})
        await bench.store.save_configuration(damage, await bench.store.revision())
        await bench.board.refresh()
        assert ["crm"] == [*bench.board.destinations]
        assert (crm, members) == (bench.board.destinations["crm"], bench.board.subscriptions["members"])
        assert crm is bench.board.destinations["crm"]
        assert members is bench.board.subscriptions["members"]
