from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest_asyncio

from hookstation.testing.sandbox import Sandbox, running_sandbox
from tests.testing.sandbox_client import Client


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with running_sandbox() as running:
        yield running


@pytest_asyncio.fixture
async def stranger(sandbox: Sandbox) -> AsyncIterator[Client]:
    async with aiohttp.ClientSession() as session:
        yield Client(sandbox, session)


@pytest_asyncio.fixture
async def client(stranger: Client) -> Client:
    await stranger.log_in()
    return stranger
