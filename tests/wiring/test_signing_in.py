"""People sign in to real stations: the first link, a restart, two nodes on PostgreSQL, and what commands do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.command_line import heard, here
from tests.support.program import start
from tests.support.station import serving
from tests.support.visitor import EMAIL, WORDS, Visitor, first_user, setup_link


def test_a_station_without_users_logs_a_link_and_one_with_users_none(tmp_path: Path) -> None:
    """The first administrator is made by the link; a session outlasts a restart, after which there is no new link."""
    data = tmp_path / "data"
    with serving(data) as program:
        person = first_user(program.url, setup_link(program.log))
        assert EMAIL in person.get("/account").body.decode()
        assert 404 == Visitor(program.url).get(setup_link(program.log)).status
    before = program.log.read_text().count("setup_link_made")
    with serving(data) as program:
        assert 200 == Visitor(program.url, person.cookies).get("/account").status
        assert 403 == Visitor(program.url).sign_in("wrong").status
        assert 303 == Visitor(program.url).sign_in().status
    log = program.log.read_text()
    assert 1 == before == log.count("setup_link_made")
    assert ["signed_in", "sign_in_refused"] == [one for one in ("signed_in", "sign_in_refused") if one in log]
    assert WORDS not in log


def test_a_user_of_the_command_line_sets_a_password_by_the_link(tmp_path: Path) -> None:
    """No command takes or shows a password; a user who is disabled or removed is out."""
    data = tmp_path / "data"
    made = heard("users", "add", EMAIL, "--data", data)
    assert (EMAIL, False) == (made["email"], made["has_password"])
    assert [EMAIL] == [one["email"] for one in heard("users", "list", "--data", data)["items"]]
    with serving(data) as program:
        path = urlsplit(made["link"]).path
        person = Visitor(program.url)
        assert EMAIL in person.get(path).body.decode()
        assert 303 == person.post(path, password=WORDS).status
        assert "setup_link_made" not in program.log.read_text()
        refused = here("users", "remove", EMAIL, "--data", data)
        assert (1, True) == (refused.exit_code, "last administrator" in refused.stderr)
        heard("users", "add", "b@example.org", "--data", data)
        reset = heard("users", "reset", EMAIL.upper(), "--data", data)
        assert reset["link"].startswith(f"{program.url}/password/")
        assert 200 == person.get("/account").status
    shown = here("users", "list", "--data", data).stdout
    assert ("active" in shown, "no password yet" in shown) == (True, True)
    ended = here("users", "add", "nobody", "--data", data)
    assert (1, True) == (ended.exit_code, "email: must be an e-mail address" in ended.stderr)
    assert 0 == here("users", "remove", "b@example.org", "--data", data).exit_code
    assert "no password yet" not in here("users", "list", "--data", data).stdout


def test_two_nodes_share_people_sessions_and_pauses(tmp_path: Path, shared: Mapping[str, str]) -> None:
    """Whoever signs in on one node is signed in on the other, and out on both; both count the same guesses."""
    nodes = [
        start(tmp_path / f"{name}.log", "serve", "--port", "0", "--data", tmp_path / name, variables=shared)
        for name in ("one", "two")
    ]
    try:
        one, two = nodes
        for node in nodes:
            node.ready()
        person = first_user(two.url, setup_link(one.log))
        assert 404 == Visitor(one.url).get(setup_link(two.log)).status
        elsewhere = Visitor(one.url, person.cookies)
        assert EMAIL in elsewhere.get("/account").body.decode()
        assert 303 == elsewhere.post("/sign-out").status
        assert 303 == person.get("/account").status
        guesses = [Visitor(node.url).sign_in("wrong").status for node in (one, two) * 6]
        assert ([403] * 5, True) == (guesses[:5], 429 in guesses)
    finally:
        for node in nodes:
            node.close()
