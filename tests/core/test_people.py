"""E-mail addresses, passwords' rules, roles, pauses, and where one goes back to: each true of every text and time."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from hookstation.core.people import (
    LONGEST_PASSWORD,
    WORST,
    Act,
    Role,
    account_of,
    check_email,
    check_password,
    check_role,
    may,
)
from hookstation.core.return_path import HOME, LONGEST, return_path
from hookstation.core.throttle import OF_ACCOUNT, OF_ADDRESS, SECOND, Patience, Tries, neighbourhood
from hookstation.errors import Invalid

EMAIL = "anna@example.org"


class TestEmail:
    @pytest.mark.parametrize(
        "email", ["a@b", "Anna.Maier+x@mail.example.org", "o'hara@example.org", "é@exämple.org"]
    )
    def test_is_kept_as_written(self, email: str) -> None:
        assert email == check_email(f" {email} ")

    @pytest.mark.parametrize(
        "email",
        ["", "anna", "@b", "a@", "a b@c", "a@b@c", "a/b@c", "a@b..c", "a@b\n", "a\u202e@b", "a@" + "b" * 253],
    )
    def test_that_is_none_is_refused(self, email: str) -> None:
        with pytest.raises(Invalid, match="email: must be an e-mail address"):
            check_email(email + "\x00" * (email == "a@b\n"))

    @given(some.emails())
    def test_is_the_same_account_in_any_case_of_letters(self, email: str) -> None:
        assert account_of(email) == account_of(email.upper()) == account_of(f" {email.lower()} ")


class TestPassword:
    @pytest.mark.parametrize(
        "password", ["four plain words", "x" * 11 + "y", "ünïcödé wörds", "aaaaaaaaaaab"]
    )
    def test_that_is_long_enough_will_do(self, password: str) -> None:
        check_password(password, EMAIL)

    @pytest.mark.parametrize(
        ("password", "why"),
        [
            ("", "at least 12"),
            ("x" * 10 + "y", "at least 12"),
            ("xy" * 513, f"at most {LONGEST_PASSWORD} bytes"),
            ("é" * 512 + "x", f"at most {LONGEST_PASSWORD} bytes"),
            (" Anna@EXAMPLE.org", "must not be the e-mail"),
            ("PasswordPassword", "guessed first"),
            ("x" * 20, "guessed first"),
        ],
    )
    def test_that_will_not_do_is_refused_with_the_reason(self, password: str, why: str) -> None:
        with pytest.raises(Invalid, match=f"password: .*{why}"):
            check_password(password, EMAIL)

    def test_the_worst_are_long_enough_to_be_tried(self) -> None:
        assert 12 == min(map(len, WORST))
        assert {*WORST} == {account_of(one) for one in WORST}


class TestRole:
    def test_an_administrator_may_everything_and_nobody_else_anything(self) -> None:
        assert all(may(Role.ADMINISTRATOR, act) for act in Act)
        assert not any(may(role, act) for role in ("", "viewer", "Administrator") for act in Act)

    def test_that_is_not_there_is_refused(self) -> None:
        assert Role.ADMINISTRATOR is check_role("administrator")
        with pytest.raises(Invalid, match="role: must be one of administrator"):
            check_role("viewer")


class TestPauses:
    patience = Patience(free=3, longest=60, forgotten=3_600)

    def test_grow_from_a_second_to_the_longest(self) -> None:
        waits = [self.patience.wait(Tries(count, 0), 0) // SECOND for count in range(12)]
        assert [0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60] == waits
        assert 0 == self.patience.wait(None, 0)

    @given(some.integers(0, 10**9), some.integers(0, 10**9), some.integers(0, 10**9))
    def test_pass_by_waiting_as_long_as_was_said(self, count: int, last_at: int, later: int) -> None:
        tries, now = Tries(count, last_at), last_at + later
        for patience in (self.patience, OF_ACCOUNT, OF_ADDRESS):
            wait = patience.wait(tries, now)
            assert 0 <= wait <= patience.longest * SECOND
            assert 0 == patience.wait(tries, now + wait)

    def test_all_is_forgotten_after_a_while_without_a_try(self) -> None:
        tries, hour = Tries(50, 0), 3_600 * SECOND
        assert 0 == self.patience.wait(tries, hour)
        assert Tries(1, hour) == self.patience.after(tries, hour)
        assert Tries(51, hour - 1) == self.patience.after(tries, hour - 1)

    @pytest.mark.parametrize(
        ("address", "counted"),
        [
            ("203.0.113.7", "203.0.113.7"),
            ("::ffff:203.0.113.7", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("2001:db8:1:2::9%eth0", "2001:db8:1:2::"),
            ("nonsense", "nonsense"),
        ],
    )
    def test_a_network_of_ipv6_counts_as_one_sender(self, address: str, counted: str) -> None:
        assert counted == neighbourhood(address)


ORIGIN = "https://hooks.example.org"


def _as_a_browser_resolves(location: str) -> tuple[str, str]:
    """Scheme and host of a Location, with what browsers do before: tabs and line ends out, backslashes turned."""
    cleaned = location.strip("".join(map(chr, range(33)))).translate({9: None, 10: None, 13: None})
    parts = urlsplit(urljoin(f"{ORIGIN}/sign-in", cleaned.replace("\\", "/")))
    return parts.scheme, parts.netloc


class TestReturn:
    @pytest.mark.parametrize(
        "path", ["/", "/events?webhook=a&after=b", "/records/Activity", "/a//b", "/x?y=//z"]
    )
    def test_a_path_of_ours_is_gone_back_to(self, path: str) -> None:
        assert path == return_path(path)

    @pytest.mark.parametrize(
        "elsewhere",
        [
            "", "events", "//evil.example", "///evil.example", "https://evil.example", "/\\evil.example",
            "/\t/evil.example", "\t//evil.example", "/\n/evil.example", "javascript:alert(1)", "/é",
            "/" + "x" * LONGEST, "/sign-in?back=/", "/sign-out", "/setup/x", "/password/x",
        ],
    )  # fmt: skip
    def test_anything_else_leads_home(self, elsewhere: str) -> None:
        assert HOME == return_path(elsewhere)

    @given(
        some.one_of(
            some.text(),
            some.text(alphabet="/\\\t\n\r .:@?#evil%").map(lambda text: "/" + text),
            some.from_regex(r"/.*"),
        )
    )
    @example("/\\\\evil")
    @example("/.//evil")
    def test_whatever_is_asked_stays_at_the_station(self, asked: str) -> None:
        assert ("https", "hooks.example.org") == _as_a_browser_resolves(return_path(asked))
