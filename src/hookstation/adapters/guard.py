"""The address guard's place in aiohttp: its resolver, and look-ups in threads that nothing else waits for."""

from __future__ import annotations

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

from hookstation.core.addresses import judge, literal

Question: TypeAlias = tuple[str, int, socket.AddressFamily]

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
    """Asks the operating system, in threads of its own, and about one name once at a time.

    A silent name server keeps nobody waiting but those who want its names.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="look-up")
        self._asked: dict[Question, asyncio.Future[list[ResolveResult]]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """The name's addresses, as the operating system orders them. Raises `OSError` where it knows none."""
        question = (host, port, family)
        answer = self._asked.get(question)
        if answer is None:
            answer = asyncio.get_running_loop().run_in_executor(self._threads, _ask, *question)
            self._asked[question] = answer
            answer.add_done_callback(lambda told: self._forget(question, told))
        return await asyncio.shield(answer)

    async def close(self) -> None:
        """Ask nothing more; what was asked is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _forget(self, question: Question, told: asyncio.Future[list[ResolveResult]]) -> None:
        """The question is answered; everybody who wanted to know may have gone meanwhile."""
        del self._asked[question]
        if not told.cancelled():
            told.exception()


def _ask(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    try:
        found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    except UnicodeError:
        raise OSError(f"“{host}” has an empty label or one that is too long for a name") from None
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
