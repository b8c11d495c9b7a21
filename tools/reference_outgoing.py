"""The reference page of events that go out, written from the list of the station's own types."""

from __future__ import annotations

from hookstation.core.outgoing.body import CONTENT_TYPES, MOST_BYTES
from hookstation.core.outgoing.headers import HTTP_OWN, LONGEST
from hookstation.core.outgoing.scope import KNOWN
from hookstation.core.outgoing.types import OWN_TYPES, OWN_WORDS
from hookstation.core.pretty import indented

INTRODUCTION = """\
# Events that go out

A [subscription](config-file.md#subscriptions) names types of events. A type is made of words of lower-case letters,
digits, `_` and `-`, joined by dots.

| written | means |
|---|---|
| `record.inserted` | this type |
| `record.*` | `record.inserted`, `record.updated` |
| `*.failed` | `event.failed`, and whatever else has two words of which the second is `failed` |
| `inbound.*` | what any webhook receives |
| `*` | everything |

`*` stands for one whole word; at the end for one or more.

Three things become events: what happens in the station (below), what a webhook receives (`inbound.NAME`, with the
payload exactly as it came, whatever becomes of it), and what somebody raises by the API or on the command line.
"""
ENDING = """\

## Types that others raise

`POST /api/v1/events` and `hookstation events raise` take any type, such as `order.paid`, whose first word is none of
the station's own: {words}.

## What templates read

In the body and the headers of a subscription, and in the order of a destination, the names of the
[mapping language](templates.md) are those of the payload. Besides, there are {facts} and `payload`, which is the whole
payload. Where the payload has properties of these names itself, they are found in it: `payload.event`.
`delivery` is not known to a destination's `order` and to a [condition](conditions.md).

What of the payload is not there is left out: a member, an element, a field of a form, an element of XML, a header.

| `body.type` | `Content-Type` unless another is given |
|---|---|
{bodies}
What templates make has at most {most:,} bytes; the payload itself goes out whatever its size. A header's value has at
most {longest:,} characters of printable ASCII: a line break fails the delivery instead of making a second header, and
the filter `url_encode` writes what is beyond ASCII.

These headers cannot be set, because HTTP, signatures or the destination own them: `Authorization`, `Content-Type` (it
is the body's `content_type`), `Cookie`, `Proxy-Authorization`, everything that begins with `webhook-` or with
`hookstation-`, {headers}.
"""


def page() -> str:
    """The page in Markdown."""
    own = "".join(f"| `{one.name}` | {one.said} |\n" for one in OWN_TYPES)
    samples = "".join(f"\n### `{one.name}`\n\n```json\n{indented(one.sample)}\n```\n" for one in OWN_TYPES)
    facts = ", ".join(f"`{name}.{one}`" for name, members in KNOWN.items() for one in members)
    ending = ENDING.format(
        words=", ".join(f"`{word}`" for word in sorted(OWN_WORDS)),
        facts=facts,
        bodies="".join(f"| `{form}` | `{written}` |\n" for form, written in CONTENT_TYPES.items()),
        most=MOST_BYTES,
        longest=LONGEST,
        headers=", ".join(f"`{name}`" for name in sorted(HTTP_OWN)),
    )
    return (
        f"{INTRODUCTION}\n## The station's own types\n\n| type | when |\n|---|---|\n{own}"
        f"| `inbound.NAME` | The webhook of that name received something. |\n{ending}\n## Payloads\n{samples}"
    )
