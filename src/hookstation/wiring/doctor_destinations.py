"""Destinations, looked at: whether they may be called from this machine, and how they stand. Nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Final

from hookstation.adapters.guard import GuardedResolver, SystemNames
from hookstation.adapters.sender.request import judge_target
from hookstation.core.outgoing.definitions import DestinationMode
from hookstation.core.outgoing.values import Health
from hookstation.errors import AddressRefused

LOOK_UP_SECONDS: Final = 5.0
RESTING: Final = frozenset({Health.OPEN, Health.GONE, Health.GIVEN_UP})
Finding = tuple[str, bool, str]


async def examine(one: Mapping[str, Any]) -> Finding:
    """What stands for one destination, as the API shows it."""
    what = f"destination {one['name']}"
    if problem := one.get("problem"):
        return what, False, str(problem)
    if one["state"] != DestinationMode.ACTIVE:
        return what, True, f"{one['state']} by its settings; {_waiting(one)}"
    if why := await _refused(one):
        return what, False, why
    return what, *_standing(one)


async def _refused(one: Mapping[str, Any]) -> str:
    """Why its address may not be called, or cannot be found; empty where it may, and where a proxy does the calling."""
    if one.get("proxy"):
        return ""
    networks, ports = tuple(one.get("networks") or ()), tuple(int(port) for port in one.get("ports") or ())
    names = SystemNames()
    try:
        target = judge_target(one["url"], networks, ports, None)
        host, port = target.url.raw_host or "", target.url.port or 0
        if target.named:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                await GuardedResolver(names, networks).resolve(host, port)
    except AddressRefused as refused:
        return refused.message
    except OSError as failure:
        told = str(failure) or f"no answer within {LOOK_UP_SECONDS:g} s"
        return f"the name in {one['url']} is not found from here: see to the spelling and to DNS. ({told})"
    finally:
        await names.close()
    return ""


def _standing(one: Mapping[str, Any]) -> tuple[bool, str]:
    health = one["health"]
    if health["state"] in RESTING:
        return False, (
            f"{health['state']}: {health['why']} Once its receiver is well: hookstation destinations enable "
            f"{one['name']}; {_waiting(one)}"
        )
    until = f" until {health['until']}" if health["until"] else ""
    through = "through its proxy" if one.get("proxy") else one["url"]
    return True, f"{through}; {health['state']}{until}; {_waiting(one)}"


def _waiting(one: Mapping[str, Any]) -> str:
    many = f"more than {one['waiting'] - 1}" if one["more_waiting"] else str(one["waiting"])
    return f"{many} {'delivery waits' if many == '1' else 'deliveries wait'}"
