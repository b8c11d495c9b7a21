"""The same job in the usual way: FastAPI, SQLAlchemy and jsonschema, one session a request in the thread pool.

Written fairly: validator compiled once, one transaction a request, prepared models, write-ahead log, no access log,
and the write lock taken at the start of a transaction, without which SQLite refuses half of the calls.  It keeps the
rows that the station keeps: event, payload, dedup mark, record, stored answer.

``python -m benchmarks.reference_app`` serves it; REFERENCE_DATABASE names its file, REFERENCE_TOKEN its token.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
import os
import re
import socket
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import uvicorn
from fastapi import Body, Depends, FastAPI, Header, HTTPException, Request
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import Connection, ForeignKey, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from benchmarks.workload import FIELDS, SCHEMA

BUSY_SECONDS = 30
TOKEN = os.environ.get("REFERENCE_TOKEN", "")
PROPERTY = re.compile(r"\$\$(\w+)\$\$")
MASKED = {"x-token", "authorization", "cookie"}

log = logging.getLogger("reference")
engine = create_engine(
    f"sqlite:///{os.environ.get('REFERENCE_DATABASE', ':memory:')}", connect_args={"timeout": BUSY_SECONDS}
)
new_session = sessionmaker(engine, expire_on_commit=False)
validator = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
app = FastAPI()


@event.listens_for(engine, "connect")
def on_connect(connection: Any, _record: object) -> None:
    """Durable commits, and transactions that begin when we say so."""
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")


@event.listens_for(engine, "begin")
def on_begin(connection: Connection) -> None:
    """Take the write lock at once; a transaction that reads first may not be allowed to write."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


class Base(DeclarativeBase):
    """The tables."""


class Event(Base):
    """One call, with the answer that it was given."""

    __tablename__ = "events"
    id: Mapped[str] = mapped_column(primary_key=True)
    webhook: Mapped[str] = mapped_column(index=True)
    state: Mapped[str] = mapped_column(index=True)
    received_at: Mapped[datetime]
    sender: Mapped[str]
    size: Mapped[int]
    answer_status: Mapped[int]
    answer_body: Mapped[bytes]
    record_id: Mapped[int]


class Payload(Base):
    """What came."""

    __tablename__ = "payloads"
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"), primary_key=True)
    headers: Mapped[str]
    body: Mapped[bytes]


class Mark(Base):
    """A dedup key, and who holds it."""

    __tablename__ = "marks"
    webhook: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(ForeignKey("events.id"))
    digest: Mapped[bytes]


class Activity(Base):
    """The record."""

    __tablename__ = "activities"
    seqn: Mapped[int] = mapped_column(primary_key=True)
    party: Mapped[str] = mapped_column(index=True)
    activity_type: Mapped[str]
    transaction_date: Mapped[str | None]
    product_code: Mapped[str | None]
    category: Mapped[str | None]
    note: Mapped[str | None]
    quantity: Mapped[str | None]
    amount: Mapped[str | None]
    event_id: Mapped[str]


def open_session() -> Iterator[Session]:
    """One session a request."""
    with new_session() as session:
        yield session


async def read_body(request: Request) -> bytes:
    """The raw body, kept beside what it was parsed to."""
    return await request.body()


def mapped(payload: dict[str, Any]) -> dict[str, str]:
    """The eight fields."""
    return {
        name: PROPERTY.sub(lambda match: str(payload.get(match[1], "")), template)
        for name, template in FIELDS.items()
    }


@app.post("/hooks/{webhook}")
def receive(
    webhook: str,
    request: Request,
    session: Annotated[Session, Depends(open_session)],
    raw: Annotated[bytes, Depends(read_body)],
    payload: Annotated[dict[str, Any], Body()],
    x_token: Annotated[str, Header()],
    webhook_id: Annotated[str, Header()],
) -> dict[str, bool]:
    """Check, map and write one call."""
    if not hmac.compare_digest(x_token, TOKEN):
        raise HTTPException(401, "The call could not be authenticated.")
    violations = [error.message for error in validator.iter_errors(payload)]
    if violations:
        raise HTTPException(400, violations)
    digest = hashlib.sha256(raw).digest()
    with session.begin():
        held = session.get(Mark, (webhook, webhook_id))
        if held is not None:
            return repeat(session, held, digest)
        event_id = write(session, webhook, webhook_id, digest, raw, payload, request)
    log.info(
        json.dumps({"happened": "event_answered", "event_id": event_id, "webhook": webhook, "status": 200})
    )
    return {"success": True}


def repeat(session: Session, held: Mark, digest: bytes) -> dict[str, bool]:
    """The stored answer of the first call with this key."""
    if held.digest != digest:
        raise HTTPException(409, "This key was used with another body.")
    first = session.get(Event, held.event_id)
    assert first is not None
    answer: dict[str, bool] = json.loads(first.answer_body)
    return answer


def write(
    session: Session,
    webhook: str,
    key: str,
    digest: bytes,
    raw: bytes,
    payload: dict[str, Any],
    request: Request,
) -> str:
    """Record, event, payload and mark, in the transaction of the request."""
    event_id = str(uuid.uuid4())
    fields = mapped(payload)
    record = Activity(
        party=fields["ID"],
        activity_type=fields["ActivityType"],
        transaction_date=fields["TransactionDate"],
        product_code=fields["ProductCode"],
        category=fields["Category"],
        note=fields["Note"],
        quantity=fields["Quantity"],
        amount=fields["Amount"],
        event_id=event_id,
    )
    session.add(record)
    session.flush()
    headers = {name: "***" if name in MASKED else value for name, value in request.headers.items()}
    session.add(
        Event(
            id=event_id,
            webhook=webhook,
            state="succeeded",
            received_at=datetime.now(UTC),
            sender=request.client.host if request.client else "",
            size=len(raw),
            answer_status=200,
            answer_body=b'{"success": true}',
            record_id=record.seqn,
        )
    )
    session.flush()
    session.add(Payload(event_id=event_id, headers=json.dumps(headers), body=raw))
    session.add(Mark(webhook=webhook, key=key, event_id=event_id, digest=digest))
    return event_id


def main() -> None:
    """Serve with one worker until a signal."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    Base.metadata.create_all(engine)
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = uvicorn.Server(
        uvicorn.Config(app, log_config=None, access_log=False, loop="uvloop", http="httptools")
    )
    print(f"Reference ready at http://127.0.0.1:{listening.getsockname()[1]}", flush=True)
    with asyncio.Runner(loop_factory=server.config.get_loop_factory()) as runner:
        runner.run(server.serve([listening]))


if __name__ == "__main__":
    main()
