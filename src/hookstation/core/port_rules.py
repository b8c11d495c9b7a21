"""Which ports the station may call at another system: the other half of the address guard.

Left to itself it calls none where a well-known service that is not HTTP may listen, because such a service may take
what it can read out of a request for its own commands.
"""

from __future__ import annotations

from typing import Final

from hookstation.errors import AddressRefused

BAD_PORTS: Final = frozenset(
    (
        0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104,
        109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515,
        526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049,
        3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080,
    )
)  # fmt: skip
"""The bad ports of the Fetch standard, which browsers refuse (https://fetch.spec.whatwg.org/#port-blocking)."""

SERVICES: Final = frozenset(
    (
        445, 873,  # files: SMB, rsync
        3389, 5900, 5985, 5986,  # control of machines: RDP, VNC, WinRM
        2375, 2376, 2379, 2380, 10250, 10255,  # control of containers: Docker, etcd, kubelet
        1433, 1434, 1521, 3050, 3306, 5432, 5984, 6379, 6380, 7687, 9042, 9160, 26257, 27017, 27018, 27019, 33060,
        50000,  # databases: SQL Server, Oracle, Firebird, MySQL, PostgreSQL, CouchDB, Redis, Neo4j, Cassandra,
        # CockroachDB, MongoDB, Db2
        9200, 9300, 11211,  # search and caches: Elasticsearch, memcached
        1883, 2181, 4222, 5671, 5672, 9092, 61613, 61616,  # messages: MQTT, ZooKeeper, NATS, AMQP, Kafka, ActiveMQ
    )
)  # fmt: skip
"""Where databases, caches, brokers and the control of machines usually listen."""


def judge_port(port: int, allowed: tuple[int, ...]) -> None:
    """Return where `port` may be called; else raise `AddressRefused`, naming what to put under `ports`.

    `allowed`: the only ports that may be; empty: all but `BAD_PORTS` and `SERVICES`.
    """
    if allowed:
        if port not in allowed:
            named = ", ".join(map(str, sorted(set(allowed))))
            raise AddressRefused(
                f"Port {port} is not one of those under `ports` ({named}); add it there if it is meant."
            )
    elif port in BAD_PORTS or port in SERVICES:
        raise AddressRefused(
            f"Port {port} belongs to a service that is no receiver of webhooks (mail, a database, a shell ...). If a"
            f" receiver does listen there, put {port} under `ports`; then only the ports named there are called."
        )
