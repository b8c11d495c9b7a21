"""Connections that are kept, in a bounded number of pools."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver

from hookstation.adapters.guard import GuardedResolver
from hookstation.adapters.sender.bounded import BoundedConnector, TimedRequest
from hookstation.adapters.sender.progress import dial
from hookstation.adapters.sender.request import Target
from hookstation.adapters.sender.tls import tls_context
from hookstation.ports.sender import Dispatch, Tls

MOST_POOLS: Final = 64
"""Pools that are kept open while nobody uses them."""

KEEP_SECONDS: Final = 15.0
"""How long an idle connection is kept: shorter than servers do (IIS 120 s, proxies 30 to 60 s), because what is sent
into a connection that is just being closed has to be sent again."""

LOOKUP_SECONDS: Final = 5
"""How long a name's judged addresses are used again, and how many wait for one look-up: all that want the same name."""

CONNECT_SECONDS: Final = 10.0
"""Longest wait for one address to take the connection."""

CONNECTIONS: Final = 2_000
CONNECTIONS_TO_ONE_HOST: Final = 200

Key: TypeAlias = tuple[frozenset[str], Tls | None]


@dataclass(slots=True)
class Pool:
    """The connections for one set of permissions. `users`: requests under way."""

    session: aiohttp.ClientSession
    connector: BoundedConnector
    users: int = 0


class Pools:
    """One pool for each set of permitted networks and each kind of TLS; aiohttp parts them by proxy itself.

    A connection that was opened under wider permissions is never lent to a narrower request.
    """

    def __init__(self, names: AbstractResolver) -> None:
        self._names = names
        self._pools: OrderedDict[Key, Pool] = OrderedDict()

    def __len__(self) -> int:
        return len(self._pools)

    def take(self, dispatch: Dispatch, target: Target) -> Pool:
        """The pool for a request, until `give_back`. Raises `TlsUnusable`."""
        key = (target.networks, dispatch.tls)
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = self._open(dispatch)
        else:
            self._pools.move_to_end(key)
        pool.users += 1
        return pool

    def give_back(self, pool: Pool) -> None:
        """The request is over."""
        pool.users -= 1

    @property
    def too_many(self) -> bool:
        """Whether there are more than are kept open while nobody uses them."""
        return len(self._pools) > MOST_POOLS

    async def clear(self) -> None:
        """Of too many pools, those that were not used for the longest time go."""
        while self.too_many:
            key = next((key for key, each in self._pools.items() if not each.users), None)
            if key is None:
                return
            await self._pools.pop(key).session.close()

    async def close(self) -> None:
        """Close every connection. Safe to call twice."""
        while self._pools:
            await self._pools.popitem()[1].session.close()

    def _open(self, dispatch: Dispatch) -> Pool:
        connector = BoundedConnector(
            resolver=GuardedResolver(self._names, dispatch.networks),
            ssl=tls_context(dispatch.tls),
            ttl_dns_cache=LOOKUP_SECONDS,
            keepalive_timeout=KEEP_SECONDS,
            limit=CONNECTIONS,
            limit_per_host=CONNECTIONS_TO_ONE_HOST,
            socket_factory=dial,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            raise_for_status=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS),
            request_class=TimedRequest,
        )
        return Pool(session, connector)
