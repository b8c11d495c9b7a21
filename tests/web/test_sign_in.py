"""Signing in by pages: forms, cookies, tokens, and the way back. Without scripts, as a browser would."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from urllib.parse import urlencode, urlsplit

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as some

from hookstation.adapters.passwords import Argon2Passwords
from hookstation.core.throttle import OF_ACCOUNT
from hookstation.engine.people import Users
from hookstation.engine.sign_in import SignIn
from hookstation.web import forgery
from hookstation.web.browsers import outer_scheme
from hookstation.web.pages.build import PAGES
from hookstation.web.pages.forms import LARGEST_OUTSIDE
from hookstation.web.rest import Rest
from hookstation.web.services import Services
from tests.support.asgi import Answered, Client
from tests.support.engine import Engine, engine, webhook
from tests.support.services import services_of

EMAIL, WORDS, OTHER = "anna@example.org", "four plain words", "quite other words"
FORM = "application/x-www-form-urlencoded"
LOCAL, PUBLIC = "127.0.0.1:8080", "hooks.example.org"
PORTAL = "/portal/{token}"
"""Pages of a link's owner, who proves with it at each of them that he may come (`test_portal_pages.py`)."""


class Tab:
    """A browser with its cookies, at one address of the station, called as `host`."""

    def __init__(self, services: Services, host: str = LOCAL) -> None:
        self.client = Client(Rest(services), {"host": host, "accept": "text/html"}, "203.0.113.7")
        self.origin = f"{'http' if host == LOCAL else 'https'}://{host}"
        self.cookies: dict[str, str] = {}
        self.text = ""

    async def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Answered:
        if self.cookies:
            headers["cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        answer = await self.client.ask(method, path, body, **headers)
        for name, morsel in SimpleCookie(answer.headers.get("set-cookie", "")).items():
            self.cookies[name] = morsel.value
        self.text = answer.body.decode()
        return answer

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.ask("GET", path)
        assert status == answer.status, self.text
        return self.text

    async def post(self, path: str, headers: dict[str, str] | None = None, **fields: str) -> Answered:
        """Send a form as a page of ours does, with the token that the page last seen holds."""
        sent = {"csrf": self.token, **fields}
        given = {"content_type": FORM, "origin": self.origin, **(headers or {})}
        return await self.ask("POST", path, urlencode(sent).encode(), **given)

    @property
    def token(self) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.text)
        return found[1] if found else ""

    async def sign_in(self, password: str = WORDS, back: str = "/", email: str = EMAIL) -> Answered:
        await self.get("/sign-in")
        return await self.post("/sign-in", email=email, password=password, back=back)


@pytest_asyncio.fixture
async def bench() -> AsyncIterator[Engine]:
    async with engine(webhook()) as made:
        yield made


@pytest_asyncio.fixture
async def services(bench: Engine) -> Services:
    """A station with one administrator."""
    cheap = Argon2Passwords(8, 1)
    users = Users(bench.store, cheap, bench.clock, bench.log)
    sign_in = SignIn(bench.store, cheap, bench.clock, bench.log)
    made = services_of(bench, users=users, sign_in=sign_in, base_url=f"https://{PUBLIC}")
    await users.set_up((await users.offer_setup()).rpartition("/")[2], EMAIL, WORDS)
    return made


@pytest.fixture
def tab(services: Services) -> Tab:
    return Tab(services)


class TestTokens:
    @given(some.text(min_size=1))
    def test_go_with_their_secret_and_are_other_texts_each_time(self, secret: str) -> None:
        first, second = forgery.issue(secret), forgery.issue(secret)
        assert first != second
        assert forgery.goes_with(secret, first)
        assert not forgery.goes_with(secret + "x", first)
        assert not forgery.goes_with("", forgery.issue(""))

    @given(some.text())
    def test_nothing_else_does(self, text: str) -> None:
        assert not forgery.goes_with("secret", text)


class TestTheWay:
    async def test_leads_to_the_sign_in_page_and_back_to_where_one_was(self, tab: Tab) -> None:
        answer = await tab.ask("GET", "/events?webhook=courses&status=failed")
        assert (303, "/sign-in") == (answer.status, urlsplit(answer.headers["location"]).path)
        text = await tab.get(answer.headers["location"])
        assert 'name="back" value="/events?webhook=courses&amp;status=failed"' in text
        answer = await tab.post("/sign-in", email=EMAIL, password=WORDS, back="/events?webhook=courses")
        assert (303, "/events?webhook=courses") == (answer.status, answer.headers["location"])
        assert "Sign out" in await tab.get("/events")

    @pytest.mark.parametrize("back", ["//evil.example", "https://evil.example/", "/\\evil.example", ""])
    async def test_leads_nowhere_else(self, tab: Tab, back: str) -> None:
        assert "/" == (await tab.sign_in(back=back)).headers["location"]
        assert "/" == (await tab.ask("GET", f"/sign-in?{urlencode({'back': back})}")).headers["location"]

    @pytest.mark.parametrize("target", ["/events/", "/api/v1/events/"])
    async def test_never_goes_by_a_name_that_the_caller_gave_us(
        self, services: Services, target: str
    ) -> None:
        answer = await Tab(services, "evil.example").ask("GET", target)
        assert (404, False) == (answer.status, "location" in answer.headers)

    async def test_of_a_partial_update_is_told_to_the_page(self, tab: Tab) -> None:
        answer = await tab.ask(
            "GET", "/events?live=on", hx_request="true", hx_current_url=f"{tab.origin}/events?webhook=a"
        )
        assert (401, "/sign-in?back=%2Fevents%3Fwebhook%3Da") == (
            answer.status,
            answer.headers["hx-redirect"],
        )

    @pytest.mark.parametrize("header", ["hx-current-url", "referer"])
    async def test_is_the_first_page_where_the_browser_names_none_that_can_be_read(
        self, tab: Tab, header: str
    ) -> None:
        answer = await tab.ask("POST", "/settings/look", b"", **{header: "http://[", "hx-request": "true"})
        assert (401, "/sign-in?back=%2F") == (answer.status, answer.headers["hx-redirect"])

    async def test_of_a_change_leads_back_to_its_page(self, tab: Tab) -> None:
        answer = await tab.post("/settings/look?theme=dark", {"referer": f"{tab.origin}/settings"})
        assert (303, "/sign-in?back=%2Fsettings") == (answer.status, answer.headers["location"])

    async def test_every_page_but_those_to_sign_in_is_for_people_we_know(self, tab: Tab) -> None:
        open_pages = {one.path for one in PAGES if one.is_open and not one.path.startswith(PORTAL)}
        assert {"/sign-in", "/setup/{token}", "/password/{token}"} == open_pages
        for one in PAGES:
            if not one.is_open:
                answer = await tab.ask(one.methods[0], re.sub(r"\{\w+\}", "x", one.path))
                assert (303, True) == (answer.status, answer.headers["location"].startswith("/sign-in?"))


class TestCookies:
    async def test_over_https_belong_to_this_host_alone(self, services: Services) -> None:
        tab = Tab(services, PUBLIC)
        await tab.get("/sign-in")
        answer = await tab.sign_in()
        (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert ("__Host-session", True, True, "lax", "/", "", "43200") == (
            cookie.key,
            cookie["secure"],
            cookie["httponly"],
            cookie["samesite"],
            cookie["path"],
            cookie["domain"],
            cookie["max-age"],
        )
        assert {"__Host-session", "__Host-visit"} == {*tab.cookies}

    async def test_over_http_on_this_machine_have_a_plain_name(self, tab: Tab) -> None:
        answer = await tab.sign_in()
        (cookie,) = SimpleCookie(answer.headers["set-cookie"]).values()
        assert ("session", "", True, "lax") == (
            cookie.key,
            cookie["secure"],
            cookie["httponly"],
            cookie["samesite"],
        )

    async def test_behind_a_proxy_that_ends_https_are_secure_whatever_name_it_asks_for(
        self, services: Services
    ) -> None:
        tab = Tab(services)
        answer = await tab.ask("GET", "/sign-in", x_forwarded_for="198.51.100.1")
        assert answer.headers["set-cookie"].startswith("__Host-visit=")

    @pytest.mark.parametrize(
        ("version", "scheme"),
        [pytest.param("1.0", "https", id="a proxy"), pytest.param("1.1", "http", id="a browser")],
    )
    def test_a_proxy_that_tells_nothing_of_itself_is_known_by_its_old_http(
        self, version: str, scheme: str
    ) -> None:
        scope = {"scheme": "http", "http_version": version, "headers": [(b"host", LOCAL.encode())]}
        assert scheme == outer_scheme(scope, f"https://{PUBLIC}")

    async def test_a_session_that_somebody_else_chose_is_never_taken_over(self, tab: Tab) -> None:
        tab.cookies["session"] = "chosen"
        await tab.sign_in()
        assert "chosen" != tab.cookies["session"]
        tab.cookies["session"] = "chosen"
        await tab.get("/", 303)

    async def test_signing_in_again_ends_the_session_before(self, tab: Tab, services: Services) -> None:
        await tab.sign_in()
        first = tab.cookies["session"]
        tab.cookies["session"] = ""
        await tab.get("/sign-in")
        tab.cookies["session"] = first
        other = Tab(services)
        await other.get("/sign-in")
        other.cookies["session"] = first
        await other.get("/account")
        await other.post("/sign-in", email=EMAIL, password=WORDS, back="/")
        assert first != other.cookies["session"]
        await tab.get("/", 303)


class TestForgery:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "null"},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site"},
        ],
    )
    async def test_another_sites_form_changes_nothing(self, tab: Tab, headers: dict[str, str]) -> None:
        await tab.sign_in()
        await tab.get("/account")
        answer = await tab.post("/sign-out", headers)
        assert (403, True) == (answer.status, "another site" in tab.text)
        await tab.get("/account")

    @pytest.mark.parametrize(
        "token", ["", "x", forgery.issue("another session")], ids=["none", "x", "another's"]
    )
    async def test_a_form_without_its_token_changes_nothing(self, tab: Tab, token: str) -> None:
        await tab.sign_in()
        await tab.get("/account")
        answer = await tab.post("/sign-out", csrf=token)
        assert (403, True) == (answer.status, "nothing was changed" in tab.text)
        await tab.get("/account")

    async def test_each_change_wants_a_token(self, tab: Tab) -> None:
        await tab.sign_in()
        for one in PAGES:
            if "GET" not in one.methods:
                answer = await tab.ask(
                    one.methods[0], re.sub(r"\{\w+\}", "x", one.path), b"", content_type=FORM
                )
                assert 403 == answer.status, one.path

    async def test_a_token_of_another_session_does_not_do(self, tab: Tab, services: Services) -> None:
        other = Tab(services)
        await other.sign_in()
        await other.get("/account")
        await tab.sign_in()
        assert 403 == (await tab.post("/sign-out", csrf=other.token)).status

    async def test_signing_in_wants_a_token_too(self, tab: Tab) -> None:
        """Else another site could sign somebody in to an account of its own."""
        await tab.get("/sign-in")
        assert 403 == (await tab.post("/sign-in", csrf="", email=EMAIL, password=WORDS)).status
        tab.cookies.clear()
        assert 403 == (await tab.post("/sign-in", email=EMAIL, password=WORDS)).status
        assert "session" not in tab.cookies

    async def test_every_form_that_changes_something_has_the_field(self, tab: Tab) -> None:
        await tab.sign_in()
        for path in ("/", "/webhooks", "/settings", "/account", "/webhooks/courses"):
            forms = re.findall(
                r'<form\b[^>]*method="post"[^>]*>(<input type="hidden" name="csrf")?', await tab.get(path)
            )
            assert all(forms), path

    async def test_a_script_may_send_it_as_a_header(self, tab: Tab) -> None:
        await tab.sign_in()
        token = re.findall(r'<meta name="csrf-token" content="([^"]+)">', await tab.get("/account"))[0]
        answer = await tab.ask("POST", "/sign-out", b"", x_csrf_token=token)
        assert (303, "/sign-in") == (answer.status, answer.headers["location"])

    @pytest.mark.parametrize(
        ("body", "kind", "status"),
        [
            (b"x" * (LARGEST_OUTSIDE + 1), FORM, 413),
            (b"{}", "application/json", 415),
            (b"csrf=%ff", FORM, 400),
        ],
    )
    async def test_a_form_that_is_none_is_refused(
        self, tab: Tab, body: bytes, kind: str, status: int
    ) -> None:
        assert status == (await tab.ask("POST", "/sign-in", body, content_type=kind)).status


class TestSigningIn:
    async def test_a_wrong_password_and_nobody_look_the_same(self, tab: Tab) -> None:
        told = []
        for email in (EMAIL, "nobody@example.org"):
            answer = await tab.sign_in("wrong", email=email)
            told.append((answer.status, re.sub(r'value="[^"]*"|content="[^"]*"', "", tab.text)))
        assert told[0] == told[1]
        assert 403 == told[0][0]

    async def test_who_goes_on_guessing_waits(self, tab: Tab) -> None:
        for _ in range(OF_ACCOUNT.free):
            await tab.sign_in("wrong")
        answer = await tab.sign_in()
        assert (429, "1") == (answer.status, answer.headers["retry-after"])
        assert "Too many tries: wait 1 s" in tab.text

    async def test_a_session_ends_by_itself(self, tab: Tab, bench: Engine) -> None:
        await tab.sign_in()
        await bench.clock.advance(2 * 3_600)
        assert "/sign-in?back=%2Fsettings" == (await tab.ask("GET", "/settings")).headers["location"]

    async def test_signing_out_ends_the_session_itself(self, tab: Tab) -> None:
        await tab.sign_in()
        session = tab.cookies["session"]
        await tab.get("/")
        await tab.post("/sign-out")
        assert "" == tab.cookies["session"]
        tab.cookies["session"] = session
        await tab.get("/", 303)

    async def test_what_is_typed_is_written_out(self, tab: Tab) -> None:
        await tab.sign_in("wrong", email='"><script>alert(1)</script>')
        assert "<script>alert" not in tab.text


class TestLinks:
    async def test_the_first_administrator_is_made_in_the_browser(
        self, services: Services, bench: Engine
    ) -> None:
        await bench.store.remove_user(EMAIL)
        tab, path = Tab(services), await services.users.offer_setup()
        assert "Nobody can sign in yet" in await tab.get("/sign-in")
        await tab.get(path)
        assert 422 == (await tab.post(path, email="nobody", password=WORDS)).status
        assert "must be an e-mail address" in tab.text.lower()
        assert 422 == (await tab.post(path, email=EMAIL, password="short")).status
        assert (303, "/") == (
            (answer := await tab.post(path, email=EMAIL, password=WORDS)).status,
            answer.headers["location"],
        )
        await tab.get("/account")
        assert "does not work any more" in await tab.get(path, 404)

    async def test_a_password_is_set_by_a_link_once(self, services: Services) -> None:
        path = (await services.users.add("b@example.org", "administrator")).path
        tab = Tab(services)
        assert 'value="b@example.org"' in await tab.get(path)
        assert 422 == (await tab.post(path, password="b@example.org")).status
        assert 303 == (await tab.post(path, password=OTHER)).status
        assert "b@example.org" in await tab.get("/account")
        assert "does not work any more" in await Tab(services).get(path, 404)

    @pytest.mark.parametrize("path", ["/setup/x", "/password/x"])
    async def test_any_other_link_says_what_to_do(self, tab: Tab, path: str) -> None:
        assert "hookstation users reset" in await tab.get(path, 404)


class TestAccount:
    async def test_a_new_password_keeps_one_signed_in_here_alone(self, services: Services) -> None:
        here, there = Tab(services), Tab(services)
        await there.sign_in()
        await here.sign_in()
        before = here.cookies["session"]
        await here.get("/account")
        assert 422 == (await here.post("/account/password", current="wrong", password=OTHER)).status
        assert "Is not your current password." in here.text
        answer = await here.post("/account/password", current=WORDS, password=OTHER)
        assert (303, "/account?changed=password") == (answer.status, answer.headers["location"])
        assert before != here.cookies["session"]
        assert "Your password is changed" in await here.get("/account?changed=password")
        await there.get("/account", 303)

    async def test_one_sees_where_one_is_signed_in_and_ends_it(
        self, services: Services, bench: Engine
    ) -> None:
        here, there, third = Tab(services), Tab(services), Tab(services)
        for tab in (there, third, here):
            await tab.sign_in()
            await bench.clock.advance(1)
        ended = re.findall(r'name="session" value="(\w+)"', await here.get("/account"))
        assert 2 == len(ended)
        await here.post("/account/sessions/end", session=ended[1])
        await there.get("/", 303)
        await here.get("/account")
        await here.post("/account/sessions/end-others")
        await third.get("/", 303)
        assert "End all others" not in await here.get("/account")

    async def test_a_browser_is_called_what_people_call_it(self, tab: Tab) -> None:
        agent = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
        tab.client.headers = {**tab.client.headers, "user-agent": agent}
        await tab.sign_in()
        assert f'title="{agent}">Firefox 145 on Linux<' in await tab.get("/account")


class TestUsers:
    async def test_somebody_is_let_in_by_a_link_that_is_shown_once(
        self, tab: Tab, services: Services
    ) -> None:
        await tab.sign_in()
        await tab.get("/users")
        assert 422 == (await tab.post("/users", email="nobody")).status
        assert "Must be an e-mail address" in tab.text
        assert 200 == (await tab.post("/users", email="b@example.org")).status
        (path,) = set(re.findall(rf"https://{PUBLIC}(/password/[\w-]+)", tab.text))
        assert 422 == (await tab.post("/users", email="B@example.org")).status
        assert "no password yet" in await tab.get("/users")
        assert "/password/" not in tab.text
        other = Tab(services)
        await other.get(path)
        assert 303 == (await other.post(path, password=OTHER)).status
        await other.get("/users")

    async def test_somebody_is_kept_out_let_in_again_and_removed(self, tab: Tab, services: Services) -> None:
        await services.users.add("b@example.org", "administrator")
        await tab.sign_in()
        await tab.get("/users")
        for act, state in (("disable", "disabled"), ("enable", "no password yet")):
            assert 303 == (await tab.post(f"/users/b@example.org/{act}")).status
            assert state in await tab.get("/users")
        assert 422 == (await tab.post("/users/b@example.org/remove", typed="b")).status
        await tab.get("/users")
        assert 200 == (await tab.post("/users/b@example.org/reset")).status
        assert "/password/" in tab.text
        assert 303 == (await tab.post("/users/b@example.org/remove", typed="b@example.org")).status
        assert "b@example.org" not in await tab.get("/users")
        assert 409 == (await tab.post(f"/users/{EMAIL}/disable")).status


class TestApi:
    async def test_a_session_counts_with_its_token_only(self, tab: Tab) -> None:
        await tab.sign_in()
        token = re.findall(r'<meta name="csrf-token" content="([^"]+)">', await tab.get("/"))[0]
        for headers, status in (({}, 403), ({"x-csrf-token": "x"}, 403), ({"x-csrf-token": token}, 200)):
            assert status == (await tab.ask("GET", "/api/v1/users", **headers)).status
        foreign = {"x-csrf-token": token, "origin": "https://evil.example"}
        assert 403 == (await tab.ask("POST", "/api/v1/users/x/reset", b"{}", **foreign)).status

    async def test_a_wrong_key_is_not_made_good_by_a_session(self, tab: Tab) -> None:
        await tab.sign_in()
        assert 401 == (await tab.ask("GET", "/api/v1/users", authorization="Bearer hsk_x")).status

    async def test_users_are_managed(self, services: Services) -> None:
        key = await services.keys.add("tests", "administrator")
        api = Client(Rest(services), {"Authorization": f"Bearer {key}"})
        made = (await api.ask("POST", "/api/v1/users", {"email": "B@example.org"})).document
        assert made["link"].startswith(f"https://{PUBLIC}/password/")
        one = "/api/v1/users/b@example.org"
        assert ("B@example.org", False) == (
            (shown := (await api.ask("GET", one)).document)["email"],
            shown["has_password"],
        )
        assert (await api.ask("PATCH", one, {"disabled": True})).document["disabled"]
        assert 409 == (await api.ask("POST", f"{one}/reset")).status
        assert 422 == (await api.ask("PATCH", one, {"role": "viewer"})).status
        assert 409 == (await api.ask("POST", "/api/v1/users", {"email": "b@EXAMPLE.org"})).status
        assert 204 == (await api.ask("DELETE", one)).status
        assert 404 == (await api.ask("GET", one)).status
        assert 409 == (await api.ask("DELETE", f"/api/v1/users/{EMAIL}")).status

    async def test_sessions_are_seen_and_ended(self, services: Services, tab: Tab) -> None:
        key = await services.keys.add("tests", "administrator")
        api, place = (
            Client(Rest(services), {"Authorization": f"Bearer {key}"}),
            f"/api/v1/users/{EMAIL}/sessions",
        )
        await tab.sign_in()
        (one,) = (await api.ask("GET", place)).document["items"]
        assert ("203.0.113.7", False) == (one["address"], tab.cookies["session"] in str(one))
        assert "An unnamed browser" == one["browser"]
        assert 204 == (await api.ask("DELETE", f"{place}/{one['id']}")).status
        assert 404 == (await api.ask("DELETE", f"{place}/{one['id']}")).status
        await tab.get("/", 303)
        await tab.sign_in()
        assert 204 == (await api.ask("DELETE", place)).status
        await tab.get("/", 303)
