"""Senders go on until everything is answered, and the verdict finds what is wrong."""

from pathlib import Path

from hookstation.testing.sandbox import running_sandbox
from tests.support.cluster import running_cluster
from tests.support.keyed import key_webhook, sandbox_connection
from tests.support.senders import Account, Senders, judge, settle_up


def test_the_verdict() -> None:
    """A record that is missing, one too many, and one despite a refusal are all found."""
    account = Account(acknowledged={"a": "1", "b": "2", "c": "3"}, ended={"d": "failed", "e": "succeeded"})

    verdict = judge(account, ["a", "b", "b", "d", "x"])

    assert 4 == verdict.acknowledged
    assert ({"c", "e"}, {"b"}, {"d"}) == tuple(map(set, verdict.wrong))


async def test_they_go_on_when_the_station_is_back(tmp_path: Path) -> None:
    """A station is killed and started twice under load: every single event is answered, and stands once."""
    async with running_cluster(tmp_path, "") as cluster:
        [node] = cluster.nodes
        path = await cluster.configure({"version": 1, "webhooks": [key_webhook("records")]}, "keys")
        senders = Senders(node.url, path, connections=8)
        async with senders.load() as account:
            for _ in range(2):
                await senders.answered(100)
                await node.kill()
                await node.start()
            await senders.answered(100)

        await settle_up("a station that comes back", 2, senders, node)
        assert account.answers[0] > 0
        assert set(account.sent) == account.succeeded


async def test_what_is_pending_is_followed(tmp_path: Path) -> None:
    """A call that takes longer than the webhook may is answered 202, and its end is found at its address."""
    async with running_sandbox() as sandbox, running_cluster(tmp_path, "") as cluster:
        [node] = cluster.nodes
        hook = key_webhook("imis", limits={"time": "1ms"})
        told = {"version": 1, "connections": [sandbox_connection(sandbox.url)], "webhooks": [hook]}
        senders = Senders(node.url, await cluster.configure(told, "keys"), connections=2)
        async with senders.load() as account:
            await senders.answered(2)
        assert {202} == set(account.answers)

        await senders.follow(node.url)
        assert {"succeeded"} == set(account.ended.values())
        assert ([], [], []) == judge(account, [str(row["UF_1"]) for row in sandbox.rows("Activity")]).wrong
