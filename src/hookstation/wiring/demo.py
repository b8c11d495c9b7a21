"""The demo: a station, the iMIS stand-in as a second process, three webhooks, and a receiver that hears of records."""

from __future__ import annotations

import asyncio
import shlex
import signal
import sys
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final

from hookstation.adapters.clock import SystemClock, SystemIdentifiers
from hookstation.config.files import read_files
from hookstation.config.settings import StationSettings
from hookstation.connectors import CATALOGUE
from hookstation.core.values import Secret
from hookstation.engine.outgoing.rotate import made_secret
from hookstation.engine.runs import moment
from hookstation.errors import HookstationError
from hookstation.wiring.demo_receiver import DemoReceiver
from hookstation.wiring.running import run_loop, serve_station
from hookstation.wiring.station import Station

SANDBOX_SECONDS: Final = 20.0
WEBHOOKS: Final = ("course-completions", "course-records", "course-panel")
PAYLOAD: Final = (
    '{"firstName": "Homer", "lastName": "Simpson", "date": "2026-11-22", "dateTime": "2026-11-22T09:30:00Z", '
    '"count": 3, "amount": 19.90, "memberId": "10420", "courseCode": "SAFE-101"}'
)
BAD_PAYLOAD: Final = '{"firstName": "Homer", "date": "yesterday", "amount": "a lot", "memberId": "10420"}'


class DemoFailed(HookstationError):
    """The iMIS stand-in did not start."""


def run(settings: StationSettings) -> None:
    """The command ``demo``: until Ctrl-C, with nothing left running behind."""
    run_loop(_demo(settings))


async def _demo(settings: StationSettings) -> None:
    sandbox = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "hookstation",
        "sandbox",
        "--port",
        "0",
        "--until-stdin-ends",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert sandbox.stdout is not None
        try:
            line = await asyncio.wait_for(sandbox.stdout.readline(), SANDBOX_SECONDS)
        except TimeoutError:
            line = b""
        address = line.decode().rpartition(" ")[2].strip()
        if not address.startswith("http"):
            raise DemoFailed

        clock = SystemClock()
        secret = made_secret(SystemIdentifiers(clock))
        async with DemoReceiver(secret, clock) as receiver:

            async def ready(station: Station, url: str) -> bool:
                await _set_up(station, address, receiver.url, secret)
                await _tell(station, url, address, receiver.url)
                return True

            await serve_station(settings, ready)
    finally:
        if sandbox.returncode is None:
            sandbox.send_signal(signal.SIGTERM)
            await sandbox.wait()


async def _set_up(station: Station, sandbox: str, receiver: str, secret: Secret) -> None:
    """Apply the demo's configuration, with the addresses that the sandbox and the receiver have this time."""
    with as_file(files("hookstation.wiring").joinpath("demo.yaml")) as path:
        environment = {
            "HOOKSTATION_DEMO_PASSWORD": "sandbox",
            "HOOKSTATION_DEMO_SECRET": secret.reveal(),
        }
        bundle = read_files([Path(path)], CATALOGUE, environment)
    document = bundle.document
    assert isinstance(document, dict)
    for kind, url in (("connections", sandbox), ("destinations", receiver)):
        things = document[kind]
        assert isinstance(things, list)
        first = things[0]
        assert isinstance(first, dict)
        first["url"] = url
    await station.services.configurator.apply(document, bundle.references)


async def _tell(station: Station, url: str, sandbox: str, receiver: str) -> None:
    """Everything that a newcomer needs, as lines that work when pasted."""
    board = station.services.board
    key = await station.services.keys.add(f"demo {moment(station.services.clock.now())}", "administrator")
    hooks = {name: f"{url}/hooks/{board.token(board.stored.webhooks[name])}" for name in WEBHOOKS}
    setup = await station.services.users.offer_setup()
    pages = f"{url}{setup}  (makes the first user, once)" if setup else f"{url}/sign-in"
    data = shlex.quote(str(station.settings.data.absolute()))
    command = shlex.quote(str(Path(sys.executable).with_name("hookstation")))
    print(
        f"""Hookstation ready at {url}

The pages, for a browser:
  {pages}

Webhooks (each takes a POST of JSON):
  an Activity in the iMIS stand-in     {hooks["course-completions"]}
  an Activity in the built-in records  {hooks["course-records"]}
  a row of the panel ABC_Courses       {hooks["course-panel"]}

A call that works:
  curl -i {hooks["course-completions"]} -H 'Content-Type: application/json' -d '{PAYLOAD}'

A call that is refused, and says why:
  curl -i {hooks["course-records"]} -H 'Content-Type: application/json' -d '{BAD_PAYLOAD}'

Look at what happened:
  every call       {command} events list --data {data}
  in the stand-in  curl {sandbox}/_sandbox/rows/Activity
  in the records   {command} records list Activity --data {data}

Each record that is written is told to a receiver of the demo's own, signed, within a second:
  what it got      curl {receiver}
  each delivery    {command} deliveries list --data {data}
  as they happen   {command} listen --data {data}
  on a page        {url}/outgoing

The API ({url}/api/openapi.json), with a key made for this demo:
  curl {url}/api/v1/events -H 'Authorization: Bearer {key}'

Ctrl-C ends it; the journal stays in {data}.""",
        flush=True,
    )
