"""Settings: option, else environment, else file, else default, and every problem told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from hookstation.config.settings import BY_NAME, FILE, SETTINGS, Effective, effective, resolve
from hookstation.errors import Invalid

KEY = "A" * 43 + "="


def found(options: dict[str, str | None], environment: dict[str, str]) -> dict[str, Effective]:
    return {one.spec.name: one for one in effective(options, environment)}


def written(folder: Path, text: str) -> dict[str, str | None]:
    """The option that names a data folder with this file in it."""
    (folder / FILE).write_text(text)
    return {"data": str(folder)}


def problems(options: dict[str, str | None], environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(Invalid) as told:
        resolve(options, environment or {})
    return [str(problem) for problem in told.value.problems]


def test_the_defaults_are_those_of_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = resolve({}, {})
    assert ("127.0.0.1", 8080, Path("hookstation-data"), "", None) == (
        settings.host,
        settings.port,
        settings.data,
        settings.public_url,
        settings.master_key,
    )
    assert {"default"} == {one.source for one in effective({}, {})}


def test_each_source_goes_before_the_next(tmp_path: Path) -> None:
    options = written(tmp_path, 'port = 1\nhost = "file"\nlog_level = "error"\n')
    environment = {"HOOKSTATION_PORT": "2", "HOOKSTATION_HOST": "environment"}
    chosen = found({**options, "port": "3"}, environment)
    assert ("3", "option") == (chosen["port"].text, chosen["port"].source)
    assert ("environment", "environment") == (chosen["host"].text, chosen["host"].source)
    assert ("error", "file") == (chosen["log_level"].text, chosen["log_level"].source)
    assert "default" == chosen["public_url"].source


def test_an_option_that_was_not_given_gives_way(tmp_path: Path) -> None:
    options: dict[str, str | None] = {"data": str(tmp_path), "port": None}
    assert "2" == found(options, {"HOOKSTATION_PORT": "2"})["port"].text


def test_the_file_lies_in_the_folder_that_was_chosen(tmp_path: Path) -> None:
    written(tmp_path, "port = 7\n")
    assert 7 == resolve({}, {"HOOKSTATION_DATA": str(tmp_path)}).port


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("port", "x", "must be a whole number"),
        ("port", "", "must be a whole number"),
        ("port", "1.5", "must be a whole number"),
        (
            "trusted_proxies",
            "10.0.0.1, proxy.example.org",
            "“proxy.example.org” is not an address or network",
        ),
        ("trusted_proxies", "10.0.0.1/8", "has bits set beyond its length"),
        ("port", "--5", "must be a whole number"),
        ("port", "9" * 5_000, "must be a whole number"),
        ("port", "٣", "must be a whole number"),
        ("port", "65536", "must be from 0 to 65535"),
        ("port", "-1", "must be from 0 to 65535"),
        ("most_in_flight", "0", "must be from 1 to 100000"),
        ("log_level", "loud", "must be one of debug, info, warning, error"),
        ("public_url", "example.org", "must begin with http:// or https://"),
        ("role", "boss", "must be one of all, web, worker"),
        ("database_pooler", "session", "must be one of none, transaction"),
        ("database_flushers", "0", "must be from 1 to 16"),
        ("database_synchronous_commit", "off", "could lose an event that was acknowledged"),
        (
            "database_synchronous_commit",
            "maybe",
            "must be one of on, remote_apply, remote_write, local, but is",
        ),
        ("database_replica_url", "sqlite:///x", "must begin with postgresql://"),
        (
            "role",
            "worker",
            "needs a database_url that begins with postgresql://; on SQLite one process does all",
        ),
        ("database_tls_ca", "ca.pem", "needs a database_url that begins with postgresql://"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_by_name(
    tmp_path: Path, name: str, text: str, told: str
) -> None:
    [problem] = problems({"data": str(tmp_path)}, {f"HOOKSTATION_{name.upper()}": text})
    assert problem.startswith(f"{name}: ")
    assert told in problem


def test_everything_wrong_is_told_at_once_and_shown_too(tmp_path: Path) -> None:
    options: dict[str, str | None] = {"data": str(tmp_path), "port": "x", "log_level": "loud"}
    assert ["port", "log_level"] == [one.partition(":")[0] for one in problems(options)]
    assert ("x", "loud") == (found(options, {})["port"].shown(), found(options, {})["log_level"].shown())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("port = ", "cannot be read"),
        ('prot = "1"\n', "“prot” is not a setting of this file; known are"),
        ('data = "elsewhere"\n', "“data” is not a setting of this file"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_its_path(tmp_path: Path, text: str, told: str) -> None:
    [problem] = problems(written(tmp_path, text))
    assert told in problem
    assert FILE in problem


def test_a_secret_is_masked_where_it_is_shown_and_cannot_be_printed(tmp_path: Path) -> None:
    environment = {"HOOKSTATION_MASTER_KEY": KEY}
    options: dict[str, str | None] = {"data": str(tmp_path)}
    assert "********" == found(options, environment)["master_key"].shown()
    assert "" == found(options, {})["master_key"].shown()
    settings = resolve(options, environment)
    assert KEY not in repr(settings)
    assert settings.master_key is not None
    assert KEY == settings.master_key.reveal()


def test_values_have_their_types(tmp_path: Path) -> None:
    options = written(
        tmp_path, 'trusted_proxies = ["10.0.0.1", "10.0.0.2"]\npublic_url = "https://a.example/"\n'
    )
    settings = resolve(options, {"HOOKSTATION_RETENTION_DAYS": "7"})
    assert (("10.0.0.1", "10.0.0.2"), "https://a.example", 7) == (
        settings.trusted_proxies,
        settings.public_url,
        settings.retention_days,
    )
    assert 7 == found(options, {"HOOKSTATION_RETENTION_DAYS": "7"})["retention_days"].shown()


def test_every_setting_has_a_name_a_variable_and_a_sentence() -> None:
    assert len(SETTINGS) == len(BY_NAME)
    for spec in SETTINGS:
        assert f"HOOKSTATION_{spec.name.upper()}" == spec.variable
        assert spec.help.endswith(".")
        assert spec.kind in {"text", "path", "secret", "database", "choice", "integer", "list"}
        assert (spec.kind == "choice") is bool(spec.choices)
