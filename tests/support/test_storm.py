"""A storm opens what it says, hears every answer and sees what a process grows by."""

import resource
from pathlib import Path

from tests.support.cluster import running_cluster
from tests.support.keyed import key_webhook
from tests.support.storm import allow_files, growth, storm

CONNECTIONS = 150


def request(path: str, key: str) -> bytes:
    body = f'{{"key": "{key}", "memberId": "10420"}}'
    return f"POST {path} HTTP/1.1\r\nHost: station\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


async def test_a_storm(tmp_path: Path) -> None:
    """What has room is answered as ever; a connection too many is told when to come again."""
    async with running_cluster(tmp_path, "", most_connections="100") as cluster:
        path = await cluster.configure({"version": 1, "webhooks": [key_webhook("records")]}, "keys")
        [node] = cluster.nodes
        requests = [[request(path, f"{n}-{time}") for time in range(3)] for n in range(CONNECTIONS)]

        async with growth(node) as grown:
            weather = await storm(node.url, requests)

        assert (CONNECTIONS, 0) == (weather.connected, weather.refused)
        assert {0, 200, 503} >= set(weather.answers)
        assert weather.answers[200] >= 100 * 3
        assert 0 == weather.bare
        assert 0 < grown[0] < 100 << 20


def test_files() -> None:
    """The limit is raised as far as the system lets it be, and never lowered."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)

    assert 50 == allow_files(50)
    assert allow_files(10_000_000) < 10_000_000

    assert before[0] <= resource.getrlimit(resource.RLIMIT_NOFILE)[0] <= before[1]
