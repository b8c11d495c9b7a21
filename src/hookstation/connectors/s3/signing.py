"""AWS Signature Version 4 for S3, with the body's hash in the header.

Source: “Authenticating Requests (AWS Signature Version 4)” of the Amazon S3 API reference.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote

from hookstation.core.values import Secret

ALGORITHM: Final = "AWS4-HMAC-SHA256"
UNRESERVED: Final = "-_.~"


@dataclass(frozen=True, slots=True)
class Keys:
    """Who signs, and for which region. `token`: of temporary keys."""

    access_key: str
    secret_key: Secret
    region: str
    token: Secret | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it is signed: `host` with its port where that is not the usual one, `path` before it is encoded."""

    method: str
    host: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body_hash: str


def encoded_path(path: str) -> str:
    """The path as it is signed and sent."""
    return quote(path, safe=f"/{UNRESERVED}")


def encoded_query(query: Mapping[str, str]) -> str:
    """The query as it is signed and sent: by name, each byte but the unreserved ones in its escape."""
    pairs = sorted(
        (quote(name, safe=UNRESERVED), quote(value, safe=UNRESERVED)) for name, value in query.items()
    )
    return "&".join(f"{name}={value}" for name, value in pairs)


def sign(call: Call, keys: Keys, now: int) -> dict[str, str]:
    """The headers to send: those of the call, and who signed. `now`: microseconds since the epoch."""
    moment = datetime.fromtimestamp(now // 1_000_000, UTC).strftime("%Y%m%dT%H%M%SZ")
    headers = {**call.headers, "x-amz-content-sha256": call.body_hash, "x-amz-date": moment}
    if keys.token is not None:
        headers["x-amz-security-token"] = keys.token.reveal()
    signed = {"host": call.host, **{name.lower(): value.strip() for name, value in headers.items()}}
    names = ";".join(sorted(signed))
    request = "\n".join(
        (
            call.method,
            encoded_path(call.path),
            encoded_query(call.query),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            call.body_hash,
        )
    )
    scope = f"{moment[:8]}/{keys.region}/s3/aws4_request"
    text = "\n".join((ALGORITHM, moment, scope, hashlib.sha256(request.encode()).hexdigest()))
    signature = hmac.new(_key_of(keys, moment[:8]), text.encode(), hashlib.sha256).hexdigest()
    credential = (
        f"{ALGORITHM} Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return {**headers, "Authorization": credential}


def _key_of(keys: Keys, day: str) -> bytes:
    """The day's key, made of the secret step by step."""
    key = b"AWS4" + keys.secret_key.reveal().encode()
    for part in (day, keys.region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
