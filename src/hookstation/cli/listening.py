"""The command that shows what happens as it happens, and passes inbound calls on to a program that is being written."""

from __future__ import annotations

import asyncio
import base64
import signal
from collections import OrderedDict
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, cast

import click

from hookstation.cli.attempts import took
from hookstation.cli.backend import Control
from hookstation.cli.forwarding import MOST_SHOWN, Forward, Forwarded, forward_url
from hookstation.cli.speaking import ask, json_option, out, place, say, settings_of, station_options, write
from hookstation.core.values import JSON
from hookstation.errors import StoreError
from hookstation.ports.captures import MOST_CALLS

LOOK_EVERY: Final = 0.5
"""Seconds between looks for inbound calls."""

LOOKED_AT: Final = 100
REMEMBERED: Final = 10 * LOOKED_AT
CAPTURE_SECONDS: Final = 8 * 3_600
NOTHING_RUNS: Final = (
    "No station runs on this data folder, so nothing happens that could be listened to. Start it first: hookstation "
    "serve, with the same --data."
)


@click.command()
@click.option("--destination", default="", metavar="NAME", help="Only deliveries to this destination.")
@click.option("--webhook", default="", metavar="NAME", help="Calls of this inbound webhook.")
@click.option(
    "--forward", callback=forward_url, metavar="URL", help="Pass inbound calls on to this URL, or local port."
)
@json_option
@station_options
def listen(
    destination: str,
    webhook: str,
    forward: str,
    as_json: bool,
    data: str | None,
    database_url: str | None,
) -> None:
    """Show deliveries, or inbound calls, as they happen.

    Without options all deliveries. With --forward but no --webhook a temporary URL is opened for the calls; it takes
    50 of them. Headers and the raw body go on as they came, but for secrets that the station masks. With --json a
    document a line. Ctrl-C ends it.
    """
    target = Forward(forward) if forward else None

    async def work(control: Control) -> None:
        if control.alone:
            raise StoreError(NOTHING_RUNS)
        wanted: list[Coroutine[Any, Any, None]] = []
        if webhook:
            wanted.append(_inbound(control, webhook, target, as_json))
        elif target is not None:
            wanted.append(_captured(control, target, as_json))
        if destination or not wanted:
            wanted.append(_deliveries(control, destination, as_json))
        await _until_one_ends(wanted)

    # A shell that starts a command in the background has it ignore the interrupt, which is how this one is ended.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        ask(settings_of(data, database_url), work)
    except KeyboardInterrupt:
        say("Ended.")


async def _until_one_ends(wanted: Sequence[Coroutine[Any, Any, None]]) -> None:
    """Do all of these until one ends or fails, or somebody ends this."""
    tasks = [asyncio.ensure_future(one) for one in wanted]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


async def _deliveries(control: Control, destination: str, as_json: bool) -> None:
    async with aclosing(control.stream("/deliveries/listen", {"destination": destination})) as stream:
        await anext(stream, None)
        say(f"Listening to deliveries{f' to {destination}' if destination else ''}. Ctrl-C ends it.")
        async for heard in stream:
            if heard is None:
                continue
            if as_json:
                out(heard)
            else:
                _show_delivery(cast("Mapping[str, Any]", heard))
    raise StoreError("The station has stopped. Listen again once it runs.")


def _show_delivery(heard: Mapping[str, Any]) -> None:
    """Time, destination, type, status, how long it took, how it stands now, error."""
    delivery, attempt = heard["delivery"], heard["attempt"]
    if heard["missed"]:
        say(f"{heard['missed']} deliveries were too quick to be shown; hookstation deliveries list has them.")
    at = attempt["started_at"] if attempt else delivery["ended_at"] or delivery["created_at"]
    words = (
        at,
        delivery["destination"],
        delivery["type"],
        str(delivery["status"] or "-"),
        took(attempt["microseconds"]["total"]) if attempt else "-",
        delivery["state"],
        delivery["error"],
    )
    write("  ".join(word for word in words if word))


async def _inbound(control: Control, webhook: str, target: Forward | None, as_json: bool) -> None:
    shown = cast("Mapping[str, JSON]", await control.call("GET", place("/webhooks", "webhook", webhook)))
    known: OrderedDict[str, None] = OrderedDict.fromkeys(
        str(one["id"]) for one in await _newest(control, webhook)
    )
    say(f"Listening to calls of {webhook}, {shown['url']}. Ctrl-C ends it.")
    async for event in _new_events(control, webhook, known):
        words = (
            event["received_at"],
            webhook,
            event["state"],
            str(event["answer_status"] or "-"),
            f"{event['size']} bytes",
            event["error"] or event["reason"],
        )
        forwarded = await _pass_on(event, target)
        _show_call(event, "event", "  ".join(word for word in words if word), forwarded, target, as_json)


async def _new_events(
    control: Control, webhook: str, known: OrderedDict[str, None]
) -> AsyncIterator[Mapping[str, Any]]:
    """Events in full that were not known, the oldest first."""
    while True:
        for one in (await _newest(control, webhook))[::-1]:
            if one["id"] not in known:
                known[one["id"]] = None
                yield cast("Mapping[str, Any]", await control.call("GET", f"/events/{one['id']}"))
        while len(known) > REMEMBERED:
            known.popitem(last=False)
        await asyncio.sleep(LOOK_EVERY)


async def _newest(control: Control, webhook: str) -> Sequence[Mapping[str, Any]]:
    query = {"webhook": webhook, "limit": str(LOOKED_AT)}
    page = cast("Mapping[str, Any]", await control.call("GET", "/events", None, query))
    return cast("Sequence[Mapping[str, Any]]", page["items"])


async def _captured(control: Control, target: Forward, as_json: bool) -> None:
    """Calls of a temporary URL, which is closed at the end."""
    capture = cast(
        "Mapping[str, JSON]", await control.call("POST", "/captures", {"seconds": CAPTURE_SECONDS})
    )
    path = f"/captures/{capture['id']}"
    try:
        say(f"Calls to this URL go to {target.url} until {capture['until']}; Ctrl-C ends it:")
        if as_json:
            out({"capture": cast("JSON", capture)})
        else:
            write(str(capture["url"]))
        heard = 0
        while heard < MOST_CALLS:
            page = cast("Mapping[str, Any]", await control.call("GET", path, None, {"after": str(heard)}))
            for call in page["calls"]:
                heard = call["number"]
                line = f"{call['received_at']}  {call['sender']}"
                _show_call(call, "call", line, await _pass_on(call, target), target, as_json)
            await asyncio.sleep(LOOK_EVERY)
        say(f"It has heard its {MOST_CALLS} calls. Listen again for another URL, or to a webhook: --webhook.")
    finally:
        await control.call("DELETE", path)


async def _pass_on(call: Mapping[str, Any], target: Forward | None) -> Forwarded | None:
    if target is None:
        return None
    if call["body"] is None and call["body_base64"] is None:
        return Forwarded(error="its body is not kept: see keep_rejected_bodies of the webhook")
    body = base64.b64decode(call["body_base64"]) if call["body"] is None else call["body"].encode()
    return await target.send(call["headers"], call["query"], body)


def _show_call(
    call: Mapping[str, Any],
    kind: str,
    line: str,
    forwarded: Forwarded | None,
    target: Forward | None,
    as_json: bool,
) -> None:
    if as_json:
        out({kind: cast("JSON", call), "forwarded": forwarded.as_json() if forwarded else None})
        return
    write(line)
    if forwarded is not None and target is not None:
        said = forwarded.body if len(forwarded.body) <= MOST_SHOWN else f"{forwarded.body[:MOST_SHOWN]}…"
        answer = f"{forwarded.status} from {target.url} in {took(forwarded.microseconds)}  {said}"
        write(f"  → {answer if forwarded.status else 'not passed on: ' + forwarded.error}")


COMMANDS: Final[tuple[click.Command, ...]] = (listen,)
