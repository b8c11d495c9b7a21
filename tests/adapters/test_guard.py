from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hookstation.adapters.guard import GuardedResolver, SystemNames
from hookstation.errors import AddressRefused
from tests.support.names import Names


class Lookups:
    """The operating system's look-up, which is silent until a test lets it speak."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.may_answer = threading.Event()

    def __call__(self, host: str, *more: Any, **named: Any) -> list[Any]:
        self.asked.append(host)
        self.may_answer.wait(60)
        if host == "nowhere":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80))]


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Lookups:
    one = Lookups()
    monkeypatch.setattr(socket, "getaddrinfo", one)
    return one


@pytest.fixture
async def names() -> AsyncIterator[SystemNames]:
    one = SystemNames()
    yield one
    await one.close()


async def test_all_that_want_one_name_wait_for_one_look_up(system: Lookups, names: SystemNames) -> None:
    wanting = [asyncio.ensure_future(names.resolve("here", 80)) for _ in range(100)]
    await asyncio.sleep(0)
    system.may_answer.set()
    assert ["127.0.0.1"] * 100 == [found[0]["host"] for found in await asyncio.gather(*wanting)]
    assert ["here"] == system.asked
    await names.resolve("here", 80)
    assert ["here", "here"] == system.asked


async def test_who_gives_up_takes_the_answer_from_nobody_else(system: Lookups, names: SystemNames) -> None:
    leaving, staying = (asyncio.ensure_future(names.resolve("here", 80)) for _ in range(2))
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.sleep(0)
    system.may_answer.set()
    assert 1 == len(await staying)
    assert leaving.cancelled()


async def test_an_unknown_name_that_nobody_waits_for_any_more_is_no_error(
    system: Lookups, names: SystemNames
) -> None:
    leaving = asyncio.ensure_future(names.resolve("nowhere", 80))
    await asyncio.sleep(0)
    leaving.cancel()
    system.may_answer.set()
    with pytest.raises(OSError, match="no such name"):
        await names.resolve("nowhere", 80)


async def test_an_answer_passes_only_where_all_of_it_may_be_called() -> None:
    resolver = GuardedResolver(Names(mixed=[["127.0.0.1", "10.0.0.1"]]), ("127.0.0.0/8",))
    with pytest.raises(AddressRefused, match=r"10\.0\.0\.1/32"):
        await resolver.resolve("mixed", 80)
