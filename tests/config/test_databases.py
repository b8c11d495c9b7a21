"""URLs of databases: what is accepted, what is wrong with the others, and that no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookstation.config.settings import DatabaseSettings, effective, resolve
from hookstation.config.settings.databases import MASK, masked, problem_of, with_parameters
from hookstation.errors import Invalid

PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="&?*"), min_size=8, max_size=20)


def database(folder: Path, url: str, **more: str) -> DatabaseSettings:
    given = {f"HOOKSTATION_{name.upper()}": text for name, text in more.items()}
    return resolve({"data": str(folder), "database_url": url}, given).database


def problems(folder: Path, url: str, **more: str) -> list[str]:
    with pytest.raises(Invalid) as told:
        database(folder, url, **more)
    return [str(problem) for problem in told.value.problems]


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///here.db",
        "sqlite:////var/lib/hookstation/here.db",
        "postgresql://db/journal",
        "postgres://station:p%40ss@db:5433/journal?sslmode=verify-full",
        "postgresql://station@one:5432,two:5433/journal?target_session_attrs=read-write",
        "postgresql://station@one,two/journal",
        "postgresql://[::1]:5432/journal",
        "postgresql://station@/journal?host=/var/run/postgresql",
    ],
)
def test_what_is_accepted(url: str) -> None:
    """SQLite by path, PostgreSQL by one or several hosts, or by the folder of its socket."""
    assert "" == problem_of(url)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("mysql://db/journal", "must be sqlite:///PATH for SQLite or postgresql://"),
        ("sqlite://here.db", "must be sqlite:///PATH"),
        ("sqlite:///", "names no file"),
        ("postgresql:///journal", "names no host"),
        ("postgresql://station@/journal", "names no host"),
        ("postgresql://db", "names no database"),
        ("postgresql://db/", "names no database"),
        ("postgresql://db:port/journal", "a port that is none"),
        ("postgresql://db:0/journal", "a port that is none"),
        ("postgresql://db:٣/journal", "a port that is none"),
        ("postgresql://one,:5433/journal", "a port without a host"),
        ("postgresql://station:p@ss@db/journal", "more than one @: write those in the password as %40"),
        ("postgresql://station:p@ss/word@db/journal", "more than one @"),
        ("postgresql://[::1/journal", "cannot be read"),
        ("postgresql://db/journal?sslmode", "cannot be read"),
        ("postgresql://db/journal?sslmode=full", "a sslmode that is not known: it must be one of disable"),
        ("postgresql://db/journal?target_session_attrs=writer", "a target_session_attrs that is not known"),
    ],
)
def test_what_is_refused_and_why(url: str, told: str) -> None:
    """A URL that cannot be used is refused with what is allowed, and is not repeated."""
    problem = problem_of(url)
    assert told in problem
    assert "p@ss" not in problem


@given(PASSWORDS)
def test_no_password_is_shown_wherever_it_stands(password: str) -> None:
    """Masked in front of the host, written as it should be or not, and as a parameter."""
    for url in (
        f"postgresql://station:{password}@db.example/journal",
        f"postgresql://station:{password}@db.example/journal?sslmode=require",
        f"postgresql://db.example/journal?user=station&password={password}",
        f"postgresql://db.example/journal?pass%77ord={password}&sslmode=require",
    ):
        assert password not in masked(url)
        assert MASK in masked(url)


def test_a_url_without_a_password_is_shown_as_it_is() -> None:
    """Nothing else is hidden."""
    for url in ("", "sqlite:///here.db", "postgresql://station@db:5432,two:5433/journal?sslmode=require"):
        assert url == masked(url)


def test_neither_url_is_shown_or_printed_with_its_password(tmp_path: Path) -> None:
    """The replica's is masked like the database's own; the settings as a whole can be printed."""
    urls = {
        "HOOKSTATION_DATABASE_URL": "postgresql://station:sesame@db/journal",
        "HOOKSTATION_DATABASE_REPLICA_URL": "postgresql://db2/journal?password=sesame",
    }
    options: dict[str, str | None] = {"data": str(tmp_path)}
    assert "sesame" not in str([one.shown() for one in effective(options, urls)])
    settings = resolve(options, urls)
    assert "sesame" in settings.database.url
    assert "sesame" not in repr(settings)


def test_of_several_hosts_the_one_that_takes_writes_is_asked_for(tmp_path: Path) -> None:
    """Unless the URL says what it wants itself."""
    assert (
        "postgresql://one,two/j?target_session_attrs=read-write"
        == database(tmp_path, "postgresql://one,two/j").url
    )
    wished = "postgresql://one,two/j?target_session_attrs=primary"
    assert [wished, "postgresql://one/j"] == [
        database(tmp_path, url).url for url in (wished, "postgresql://one/j")
    ]


def test_the_certificates_go_with_both_urls(tmp_path: Path) -> None:
    """The file that a server's certificate has to be signed by is handed on, where it is looked at."""
    chosen = database(
        tmp_path,
        "postgresql://one/j?sslmode=verify-full",
        database_replica_url="postgresql://two/j?sslmode=verify-ca",
        database_tls_ca="/etc/ca.pem",
    )
    assert "postgresql://one/j?sslmode=verify-full&sslrootcert=%2Fetc%2Fca.pem" == chosen.url
    assert "postgresql://two/j?sslmode=verify-ca&sslrootcert=%2Fetc%2Fca.pem" == chosen.replica_url


def test_certificates_that_nobody_would_look_at_are_refused(tmp_path: Path) -> None:
    """Without a mode that verifies, the file would only seem to protect."""
    [problem] = problems(tmp_path, "postgresql://one/j?sslmode=require", database_tls_ca="ca.pem")
    assert "unless the database's URL says sslmode=verify-full or sslmode=verify-ca" in problem


def test_a_replica_of_sqlite_is_refused(tmp_path: Path) -> None:
    """A replica needs a primary."""
    [problem] = problems(tmp_path, "", database_replica_url="postgresql://two/j")
    assert "needs a database_url that begins with postgresql://" in problem


@given(
    st.dictionaries(st.sampled_from(["sslmode", "application_name", "x"]), st.text("abc /&=@", min_size=1))
)
def test_parameters_that_are_there_stay(parameters: dict[str, str]) -> None:
    """What is added never takes another's place, and nothing is added twice."""
    url = with_parameters("postgresql://db/journal", **parameters)
    assert url == with_parameters(url, **dict.fromkeys(parameters, "other"))
