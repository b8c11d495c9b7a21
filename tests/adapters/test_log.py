"""The structured log: one JSON line per thing that happened, gathered, and never a reason to fail."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from hookstation.adapters.log import MOST_WAITING, JsonLog, LoggingBridge, set_up_logging
from hookstation.core.values import Number


def lines(stream: io.StringIO) -> list[Any]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def stream() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def log(stream: io.StringIO) -> JsonLog:
    return JsonLog(stream)


@pytest.fixture
def root() -> Iterator[logging.Logger]:
    """The root logger, put back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_line_tells_when_what_and_every_field(log: JsonLog, stream: io.StringIO) -> None:
    log.write("event_received", event_id="E", size=7, amount=Number("19.90"), note="a\nb “c”", none=None)
    [line] = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", line.pop("time"))
    assert {
        "happened": "event_received",
        "event_id": "E",
        "size": 7,
        "amount": "19.90",
        "note": "a\nb “c”",
        "none": None,
    } == line
    assert 1 == stream.getvalue().count("\n")


class Flushed(io.StringIO):
    """A stream that tells when something was flushed to it."""

    def __init__(self) -> None:
        super().__init__()
        self.event = asyncio.Event()

    def flush(self) -> None:
        self.event.set()


async def test_lines_are_gathered_and_written_in_order() -> None:
    stream = Flushed()
    log = JsonLog(stream)
    for number in range(10):
        log.write("counted", number=number)
    assert "" == stream.getvalue()
    await stream.event.wait()
    assert [*range(10)] == [line["number"] for line in lines(stream)]


async def test_no_more_than_the_most_wait(log: JsonLog, stream: io.StringIO) -> None:
    for number in range(MOST_WAITING + 1):
        log.write("counted", number=number)
    assert MOST_WAITING == len(lines(stream))
    log.flush()
    assert MOST_WAITING + 1 == len(lines(stream))


def test_times_never_go_back(log: JsonLog, stream: io.StringIO) -> None:
    for _ in range(200):
        log.write("counted")
    times = [line["time"] for line in lines(stream)]
    assert sorted(times) == times


class Gone(io.StringIO):
    """A stream whose other end is closed."""

    def write(self, _: str) -> int:
        raise BrokenPipeError


def test_a_stream_that_is_gone_stops_nothing() -> None:
    JsonLog(Gone()).write("event_received")
    closed = io.StringIO()
    closed.close()
    JsonLog(closed).write("event_received")


def test_standard_logging_takes_the_same_form(
    log: JsonLog, stream: io.StringIO, root: logging.Logger
) -> None:
    set_up_logging(log, "info")
    assert (1, True) == (len(root.handlers), isinstance(root.handlers[0], LoggingBridge))
    logger = logging.getLogger("hookstation.tests")
    logger.debug("not told")
    logger.warning("%d of %s", 2, "them", extra={"event_id": "E"})
    [line] = lines(stream)
    assert ("logged", "warning", "hookstation.tests", "2 of them", "E") == tuple(
        line[name] for name in ("happened", "level", "logger", "message", "event_id")
    )
    assert {"time", "happened", "level", "logger", "message", "event_id"} == line.keys()


def test_a_stack_is_one_field_of_its_line(log: JsonLog, stream: io.StringIO, root: logging.Logger) -> None:
    set_up_logging(log, "error")
    try:
        int("why")
    except ValueError:
        logging.getLogger("hookstation.tests").exception("broke")
    [line] = lines(stream)
    assert "ValueError" in line["stack"]
    assert "broke" == line["message"]
