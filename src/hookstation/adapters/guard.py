"""The address guard's place in aiohttp: its resolver, and look-ups in threads that nothing else waits for."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from hookstation.core.addresses import judge, literal

LOOKUPS: Final = 32
"""Most names that are looked up at one time. A name server that keeps silent holds one of them for its name."""


class GuardedResolver(AbstractResolver):
    """Looks names up and lets a name through only where every one of its addresses may be called.

    The connection goes to the addresses that were judged: there is no second look-up that could answer
    otherwise.
    """

    def __init__(self, names: AbstractResolver, networks: tuple[str, ...]) -> None:
        self._names, self._networks = names, networks

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The name's addresses. Raises `AddressRefused` where one of them is forbidden."""
        literal(host)
        found = await self._names.resolve(host, port, family)
        if not found:
            raise OSError(f"“{host}” has no address")
        for each in found:
            judge(each["host"], self._networks)
        return found

    async def close(self) -> None:
        """Nothing to let go of: the look-up below belongs to the client."""


class SystemNames(AbstractResolver):
    """Asks the operating system, in threads of its own: a silent name server keeps no other thread of ours waiting."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="look-up")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The name's addresses, as the operating system orders them. Raises `OSError` where it knows none."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads,
            lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG),
        )
        return [
            ResolveResult(
                hostname=host,
                host=str(address[0]),
                port=port,
                family=of,
                proto=protocol,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for of, _, protocol, _, address in found
        ]

    async def close(self) -> None:
        """Ask nothing more; what was asked is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
