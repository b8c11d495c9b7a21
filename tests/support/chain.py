"""A configuration with a workflow, a transfer, a poll and a schedule, and strategies for more of them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from hookstation.core.definitions import (
    Action,
    AnswerMode,
    Check,
    Duplicates,
    NoAuthentication,
    Webhook,
    WebhookState,
)
from hookstation.core.documents.poll import ITEM
from hookstation.core.outgoing.definitions import Bearer, NoCredentials
from hookstation.core.polling.definitions import (
    ActivitiesSource,
    AfterFile,
    Cursor,
    CursorKind,
    FeedSource,
    FilesSource,
    First,
    HttpSource,
    MailboxSource,
    Poll,
    QuerySource,
    Source,
    SqlSource,
    begins_with_date,
)
from hookstation.core.schedules.clockwork import Repeated, Skipped
from hookstation.core.schedules.cron import Cron
from hookstation.core.schedules.definitions import (
    Days,
    Every,
    Missed,
    Once,
    Overlap,
    Schedule,
    ScheduleState,
    Starts,
)
from hookstation.core.transfers.definitions import (
    AlertOn,
    Alerts,
    Column,
    Delta,
    FileTarget,
    Format,
    How,
    HttpTarget,
    JournalRows,
    MailTarget,
    QueryRows,
    RecordRows,
    RowSource,
    TableRows,
    Target,
    Transfer,
    TransferState,
)
from hookstation.core.values import JSON, Secret
from tests.support.workflows import step

NOON: Final = datetime(2026, 12, 1, 12)  # noqa: DTZ001 - a time on the wall
INSERT: Final[JSON] = {
    "type": "insert_activity",
    "connection": "records",
    "fields": {"ID": "$$id$$", "ActivityType": "X"},
}


def workflow(name: str = "courses", kind: str = "manual", **settings: Any) -> dict[str, JSON]:
    """The document of a workflow with one step."""
    return {"name": name, "trigger": {"type": kind}, "steps": [step()], **settings}


def poll(**settings: Any) -> dict[str, Any]:
    """The document of a poll that writes activities."""
    source = {"type": "http", "url": "https://lms.example.org/completions"}
    return {"name": "lms-feed", "source": source, "every": "5m", "action": INSERT, **settings}


def transfer(**settings: Any) -> dict[str, Any]:
    """The document of a transfer of records, which calls a URL."""
    target = {"type": "http", "url": "https://crm.example.org/members"}
    return {"name": "members", "source": {"type": "records"}, "destination": target, **settings}


def schedule(**settings: Any) -> dict[str, Any]:
    """The document of a schedule that starts the transfer."""
    return {"name": "nightly", "transfer": "members", "cron": "0 3 * * *", **settings}


def document(**things: list[JSON]) -> dict[str, JSON]:
    """A configuration of these things."""
    return {"version": 1, **{kind: list(some) for kind, some in things.items()}}


def whole() -> dict[str, JSON]:
    """One of each kind, each naming another."""
    return document(
        workflows=[workflow("nightly-work", "schedule"), workflow("item-came", "poll")],
        transfers=[transfer()],
        polls=[poll(), poll(name="feed", action=None, workflow="item-came")],
        schedules=[
            schedule(),
            schedule(name="work", transfer=None, workflow="nightly-work", input={"days": 3}),
        ],
    )


_PAGES: Final = st.sampled_from(
    [
        None,
        Cursor(CursorKind.NEXT_LINK),
        Cursor(CursorKind.NEXT_LINK, path="links.next"),
        Cursor(CursorKind.PAGE, parameter="page", first=0, step=100),
        Cursor(CursorKind.CURSOR, parameter="after", path="meta.next"),
    ]
)
_HTTP: Final = st.builds(
    HttpSource,
    st.just("lms"),
    path=st.sampled_from(["", "/a"]),
    query=st.sampled_from([{}, {"a": "b", "n": 5}]),
    headers=st.sampled_from([{}, {"X-A": "b"}]),
    format=st.sampled_from(["json", "xml"]),
    items=st.sampled_from(["", "data.items"]),
    pages=_PAGES,
)
_CURSORS: Final = st.sampled_from(
    [
        None,
        Cursor(CursorKind.CHANGED),
        Cursor(CursorKind.FIELD, field="at", parameter="since"),
        Cursor(CursorKind.FIELD, "at"),
    ]
)
SOURCES: Final[SearchStrategy[Source]] = st.one_of(
    st.builds(HttpSource, url=st.just("https://a.example.org/?x=1"), cursor=_CURSORS),
    _HTTP,
    st.just(FeedSource(url="https://a.example.org/feed")),
    st.just(SqlSource("db", "ID", table="t", columns=("a", "b"), where={"x": {">=": 5}, "y": None})),
    st.just(
        SqlSource(
            "db", "ID", statement="select * from t where ID > :watermark", parameters={"n": 1, "watermark": 0}
        )
    ),
    st.just(QuerySource("imis", "$/A/B", {"p": "x"}, "ID")),
    st.builds(ActivitiesSource, st.just("imis"), st.sampled_from([(), ("COURSE",)])),
    st.builds(
        FilesSource,
        st.just("sftp"),
        st.sampled_from(["", "in"]),
        st.just("*.csv"),
        st.sampled_from(["csv", "whole"]),
        st.sampled_from([{}, {"delimiter": ";", "header": False, "columns": ["a"]}]),
        st.sampled_from(["utf-8", "utf-16"]),
    ),
    st.just(FilesSource("sftp", after=AfterFile.MOVE, moved_to="done")),
    st.just(FilesSource("sftp", after=AfterFile.DELETE)),
    st.builds(MailboxSource, st.just("mail"), st.sampled_from(["INBOX", "Orders"])),
)


def _poll(
    source: Source, workflow: str, first: tuple[First, str], every: float, key: str, window: int
) -> Poll:
    action = None if workflow else Action("insert_activity", "records", {"ID": "$$id$$"})
    webhook = Webhook(
        "feed",
        NoAuthentication(),
        action,
        state=WebhookState.PAUSED,
        answer=AnswerMode.QUEUED,
        duplicates=Duplicates("body-hash", window),
        limits=ITEM,
        schema={"type": "object"},
        check=Check.LATER,
        workflow=workflow,
    )
    if not begins_with_date(source):
        first = First.NOW, ""
    return Poll(webhook, source, every, *first, most=7, key=key)


polls: Final = st.builds(
    _poll,
    SOURCES,
    st.sampled_from(["", "work"]),
    st.sampled_from([(First.NOW, ""), (First.EVERYTHING, ""), (First.SINCE, "2026-01-01")]),
    st.sampled_from([0.0, 300.0, 1.5]),
    st.sampled_from(["", "$$id$$"]),
    st.sampled_from([86_400, 90 * 86_400]),
)
ROWS: Final[SearchStrategy[RowSource]] = st.one_of(
    _HTTP,
    st.just(TableRows("db", "t", where={"a": "$$trigger.x$$"}, order=("-a",))),
    st.just(TableRows("db", statement="select 1 where :a = 1", parameters={"a": "$$trigger.x$$"})),
    st.just(QueryRows("imis", "$/A/B", {"p": "$$trigger.x$$"})),
    st.builds(RecordRows, st.sampled_from(["", "Courses"]), st.sampled_from([{}, {"ID": "23"}])),
    st.builds(
        JournalRows,
        st.sampled_from(["", "orders"]),
        st.sampled_from([(), ("failed",)]),
        st.sampled_from([0.0, 60.0]),
    ),
)
THEN: Final = Action("update_panel", "records", {"X": "$$answer.body.id$$"}, "Courses", {"ID": "$$ID$$"})
TARGETS: Final[SearchStrategy[Target]] = st.one_of(
    st.builds(
        HttpTarget,
        url=st.just("https://a.example.org/$$ID$$"),
        method=st.sampled_from(["POST", "PUT"]),
        how=st.just(How.ROWS),
        headers=st.sampled_from([{}, {"X-A": "$$ID$$"}]),
        credentials=st.sampled_from([NoCredentials(), Bearer(Secret("t0ken"))]),
        networks=st.sampled_from([(), ("10.0.0.0/8",)]),
        ports=st.sampled_from([(), (8443,)]),
        body=st.sampled_from([None, {"id": "$$ID$$"}]),
        then=st.sampled_from([None, THEN]),
    ),
    st.builds(
        HttpTarget, st.just("crm"), path=st.just("/members"), how=st.sampled_from([How.WHOLE, How.CHUNKS])
    ),
    st.just(FileTarget("sftp", "out/$$run.id$$.csv", How.CHUNKS, replace=False, encoding="utf-16")),
    st.just(MailTarget("mail", ("a@example.org",), "m.csv", "Rows", "Here")),
)
transfers: Final = st.builds(
    Transfer,
    st.just("t"),
    ROWS,
    TARGETS,
    state=st.sampled_from(TransferState),
    delta=st.sampled_from([None, Delta(("ID",)), Delta(("ID",), ("a", "b"))]),
    columns=st.sampled_from(
        [(), (Column("a"), Column("b", "c"), Column("d", value="$$a$$"), Column("e", value=5))]
    ),
    format=st.sampled_from([Format(), Format("xml", {"root": "members"}), Format("csv", {"delimiter": ";"})]),
    chunk=st.sampled_from([5_000, 10]),
    alerts=st.sampled_from(
        [None, Alerts("mail", ("a@example.org",), frozenset({AlertOn.SUCCESS, AlertOn.NOTHING}))]
    ),
)
schedules: Final = st.builds(
    Schedule,
    st.just("s"),
    st.sampled_from([Cron("0 9 * * 1-5"), Cron("0 9 FW * *"), Every(90), Every(900), Once(NOON)]),
    st.sampled_from([Starts.TRANSFER, Starts.POLL]),
    st.just("other"),
    state=st.sampled_from(ScheduleState),
    zone=st.sampled_from(["UTC", "Europe/Berlin"]),
    skipped=st.sampled_from(Skipped),
    repeated=st.sampled_from(Repeated),
    missed=st.sampled_from(Missed),
    missed_window=st.sampled_from([3_600, 60]),
    overlap=st.sampled_from(Overlap),
    jitter=st.sampled_from([0, 30]),
    starts=st.sampled_from([None, date(2026, 1, 1)]),
    ends=st.sampled_from([None, date(2026, 12, 31)]),
    exceptions=st.sampled_from(
        [(), (Days(date(2026, 12, 25), date(2026, 12, 25)), Days(date(2026, 1, 1), date(2026, 1, 6)))]
    ),
    disable_after=st.sampled_from([0, 5]),
)
