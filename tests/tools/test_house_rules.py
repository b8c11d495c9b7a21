"""Every house rule has an example that it catches and one that it lets pass."""

from __future__ import annotations

import pytest

from tools.house_rules import FILE_ALARM, FUNCTION_ALARM, TEXT_RULES, TREE_RULES, check

CORE = "src/hookstation/core/thing.py"
ENGINE = "src/hookstation/engine/thing.py"
ADAPTER = "src/hookstation/adapters/thing.py"
CLOCK = "src/hookstation/adapters/clock.py"
TEST = "tests/core/test_thing.py"

LOGS_AND_RAISES = """\
try:
    work()
except KeyError:
    logger.warning("no key")
    raise
"""

TRANSLATES = """\
try:
    work()
except KeyError:
    raise NotFound("webhook", name) from None
"""

CAUGHT = [
    ("pure-core", CORE, "import time\n"),
    ("pure-core", CORE, "from pathlib import Path\n"),
    ("pure-core", CORE, "import os.path\n"),
    ("pure-core", CORE, "def read(name: str) -> str:\n    return open(name).read()\n"),
    ("one-clock", ENGINE, "now = time.time()\n"),
    ("one-clock", ENGINE, "now = datetime.now(UTC)\n"),
    ("log-and-raise", ENGINE, LOGS_AND_RAISES),
    ("log-and-raise", ENGINE, LOGS_AND_RAISES.replace("logger.", "self._log.")),
    ("foreign-raise", ENGINE, "import aiohttp\nraise aiohttp.ClientError('no')\n"),
    ("foreign-raise", ENGINE, "from click import UsageError\nraise UsageError('no')\n"),
    ("sleep", TEST, "async def test() -> None:\n    await asyncio.sleep(0.1)\n"),
    ("mock", TEST, "from unittest.mock import Mock\n"),
    ("long-function", ENGINE, "def work() -> None:\n" + "    step()\n" * FUNCTION_ALARM),
    ("long-file", ENGINE, "step = 1\n" * (FILE_ALARM + 1)),
    ("registry", "setup.cfg", "index-" + "url = somewhere\n"),
    ("registry", "docs/a.md", "from https://py" + "pi.org/simple\n"),
    ("machine-path", "docs/a.md", "open /home" + "/anna/thing\n"),
    ("unfinished", ENGINE, "# TO" + "DO: later\n"),
]

PASSED = [
    (
        "core may compute with dates",
        CORE,
        "from datetime import datetime\nwhen = datetime.fromisoformat(text)\n",
    ),
    (
        "an adapter may raise what a library expects",
        "src/hookstation/adapters/x.py",
        "import apsw\nraise apsw.E()\n",
    ),
    (
        "the clock's own adapter reads the clock",
        "src/hookstation/adapters/clock.py",
        "now = time.time_ns()\n",
    ),
    (
        "an error that is translated is not logged",
        ENGINE,
        TRANSLATES,
    ),
    (
        "own errors and Python's may be raised",
        ENGINE,
        "from hookstation.errors import Invalid\nraise Invalid()\n",
    ),
    ("yielding to the loop is no sleep", TEST, "async def test() -> None:\n    await asyncio.sleep(0)\n"),
    ("a service's own folders are nobody's machine", "docs/a.md", "put it in /var/lib/hookstation/data\n"),
    ("a home folder by its sign is nobody's machine", "docs/a.md", "put it in ~/projects/thing\n"),
]


@pytest.mark.parametrize(("rule", "path", "text"), CAUGHT)
def test_a_broken_rule_is_found_and_teaches(rule: str, path: str, text: str) -> None:
    findings, _ = check(path, text)
    assert [rule] == [finding.rule for finding in findings]
    assert f"{path}:{findings[0].line}: {rule}: " in str(findings[0])


@pytest.mark.parametrize(("why", "path", "text"), PASSED)
def test_what_is_fine_passes(why: str, path: str, text: str) -> None:
    assert check(path, text) == ([], 0), why


def test_a_waiver_with_a_reason_is_counted_instead() -> None:
    text = "time.sleep(1)  # house: allow sleep - the kernel tells nobody when the port is free\n"
    assert check(TEST, text) == ([], 1)


@pytest.mark.parametrize("comment", ["# house: allow sleep", "# house: allow mock - wrong rule"])
def test_a_waiver_without_a_reason_or_for_another_rule_is_none(comment: str) -> None:
    findings, allowed = check(TEST, f"time.sleep(1)  {comment}\n")
    assert ([finding.rule for finding in findings], allowed) == (["sleep"], 0)


def test_every_rule_has_an_example() -> None:
    assert {"long-file", *TREE_RULES, *TEXT_RULES} == {rule for rule, _, _ in CAUGHT}
