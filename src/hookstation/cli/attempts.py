"""How an attempt of a delivery is told to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from hookstation.cli.speaking import write
from hookstation.core.values import JSON


def tell_attempt(one: Mapping[str, JSON]) -> None:
    """What was sent, secrets masked, and what came back; lines of stdout."""
    times = cast("Mapping[str, JSON]", one["microseconds"])
    write(f"Attempt {one['number']} at {one['started_at']}: {outcome(one)} after {took(times['total'])}")
    request = cast("Mapping[str, JSON]", one["request"])
    write(f"  {request['method']} {request['url']}")
    _tell_message(request)
    if one["answer"] is not None:
        answer = cast("Mapping[str, JSON]", one["answer"])
        write(f"  answered {answer['status']}")
        _tell_message(answer)
        if answer["cut"]:
            write("  (the answer was longer; the rest is not kept)")
    parts = ", ".join(
        f"{name} {took(time)}" for name, time in times.items() if time is not None and name != "total"
    )
    if parts:
        write(f"  time: {parts}")


def outcome(attempt: Mapping[str, JSON]) -> str:
    """How an attempt ended, in a few words."""
    if attempt["trouble"] is None:
        return "delivered"
    return f"{attempt['trouble']}: {attempt['error']}"


def took(microseconds: JSON) -> str:
    """A time for people, in milliseconds."""
    return f"{microseconds / 1000:.1f} ms" if isinstance(microseconds, int) else "-"


def _tell_message(message: Mapping[str, JSON]) -> None:
    for header in cast("Sequence[Sequence[str]]", message["headers"]):
        write(f"    {header[0]}: {header[1]}")
    body = message["body"]
    if body is None:
        write(f"    (base64) {message['body_base64']}")
    elif body:
        write(f"    {body}")
