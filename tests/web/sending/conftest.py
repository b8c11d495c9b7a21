"""A station with two destinations, and a program that may do everything there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from hookstation.web.api import build_api
from hookstation.web.services import Services
from tests.support.asgi import Client
from tests.support.engine import webhook
from tests.support.sending import SendingBench, sending, subscription
from tests.support.sending_api import BEARER, CALM
from tests.support.services import services_of
from tests.web.test_api import CONTROL


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[SendingBench]:
    """Two destinations that get one try a delivery, each with a subscription."""
    async with sending() as made:
        places = [made.destination(**CALM), made.destination("lms", authentication=BEARER, **CALM)]
        shapes = [subscription(), subscription("lms", "lms", events=["course.*"])]
        await made.configure(webhook(), destinations=places, subscriptions=shapes)
        yield made


@pytest.fixture
def services(bench: SendingBench) -> Services:
    return services_of(bench.engine, control_key=CONTROL)


@pytest.fixture
def api(services: Services) -> Client:
    return Client(build_api(services), {"Authorization": f"Bearer {CONTROL}"})
