"""What to do about an event that came to nothing: by the step at which it ended, with the section that mends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from hookstation.core.events import Event, State


@dataclass(frozen=True, slots=True)
class Advice:
    """`what` says what was wrong where the event itself does not; `section` is the wizard's that mends it, or empty."""

    text: str
    section: str = ""
    what: str = ""


SECTIONS: Final[Mapping[str, str]] = {"data": "Data", "action": "Action", "access": "Sender and access"}
"""The wizard's sections that mend something, with their headers."""

BY_STEP: Final[Mapping[str, Advice]] = {
    "method": Advice(
        "Have the sender send a POST request. A browser that opens the URL sends another one.",
        what="It was no POST request.",
    ),
    "paused": Advice(
        "The sender was told to send it again later. Activate the webhook to take its calls.",
        what="The webhook was paused.",
    ),
    "address": Advice(
        "If it is the right sender, add its address to those that may call.",
        "access",
        "Its address is not among those that may call this webhook.",
    ),
    "rate": Advice(
        "The sender was told how long to wait. If so many calls are usual, allow a higher rate.",
        "access",
        "It came too soon after too many others.",
    ),
    "authentication": Advice(
        "If it is the right sender, it uses another secret or header than this station: compare both, or generate a "
        "new secret and give it to the sender.",
        "access",
    ),
    "body": Advice("Tell the sender what stands above: the body must be one JSON document."),
    "body_type": Advice(
        "Have the sender send its body as JSON, with the header Content-Type: application/json.",
        what="It did not say that its body is JSON.",
    ),
    "compressed": Advice("Have the sender send its body as it is.", what="Its body was compressed."),
    "too_large": Advice(
        "Have the sender send less at once, or allow a larger body.", "access", "Its body was too large."
    ),
    "too_slow": Advice("The sender can send it again.", what="Its body did not arrive in time."),
    "broken_off": Advice(
        "The sender can send it again.", what="The sender hung up before its body was there."
    ),
    "full": Advice("The sender was told to send it again.", what="The station had no room for another call."),
    "stopping": Advice("The sender was told to send it again.", what="The station was being stopped."),
    "loop": Advice(
        "Look which subscription sends to this webhook what the webhook itself caused, and end that.",
        what="It went round in a circle between webhooks.",
    ),
    "schema": Advice(
        "The sender sends something else than was agreed. Tell the sender what stands above, or change the fields.",
        "data",
    ),
    "mapping": Advice(
        "A value does not fit where it is to go. Change the mapping and replay the event, or correct the payload with "
        "Fix and replay.",
        "action",
    ),
    "parked": Advice(
        "It is parked: those of its order wait behind it until somebody tries it again or ends it."
    ),
    "gave_up": Advice("It was given up; a replay tries it anew."),
}
"""By the reason that the journal keeps."""

REFUSED: Final = Advice(
    "When the cause is gone, replay it: the connection’s page tries whether the target is there."
)


def advice(event: Event) -> Advice | None:
    """What to do about an event; ``None`` where nothing went wrong, or nothing is to be done."""
    if event.reason in BY_STEP:
        return BY_STEP[event.reason]
    return REFUSED if event.state is State.FAILED and not event.reason and event.error else None


def what_was_wrong(event: Event) -> str:
    """In the event's own words; in those of its step where it has none."""
    found = advice(event)
    return event.error or (found.what if found else "")
