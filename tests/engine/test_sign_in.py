"""People sign in, stay, go, set passwords by links; whoever guesses waits. On the twin, with a clock that is moved."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from hookstation.adapters.passwords import Argon2Passwords
from hookstation.core.people import account_of
from hookstation.core.throttle import OF_ACCOUNT, OF_ADDRESS
from hookstation.core.values import JSON
from hookstation.engine.keys import digest
from hookstation.engine.people import LINK_SECONDS, Invitation, Users
from hookstation.engine.sign_in import Browser, SignedIn, SignIn
from hookstation.errors import AuthenticationFailed, Conflict, Invalid, NotFound, TryLater
from hookstation.ports.people import User, UserChange
from hookstation.testing.clock import ManualClock
from hookstation.testing.memory_store import MemoryStore

EMAIL, WORDS, OTHER = "Anna@Example.org", "four plain words", "quite other words"
HERE = Browser("203.0.113.7", "A browser")
HOUR = 3_600


class Heard:
    """The log's lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def write(self, happened: str, **fields: JSON) -> None:
        self.lines.append({"happened": happened, **fields})

    def of(self, happened: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["happened"] == happened]


class Counted(Argon2Passwords):
    """Cheap hashes, and every digest that a password was held against."""

    def __init__(self) -> None:
        super().__init__(8, 1)
        self.asked: list[str] = []

    async def verify(self, digest: str, password: str) -> bool:
        self.asked.append(digest)
        return await super().verify(digest, password)


class Bench:
    """One station's sign-in. `beside` makes another node's, on the same store and clock."""

    def __init__(self, beside: Bench | None = None) -> None:
        self.store: MemoryStore = beside.store if beside else MemoryStore()
        self.clock: ManualClock = beside.clock if beside else ManualClock()
        self.passwords = Counted()
        self.log = Heard()
        self.users = Users(self.store, self.passwords, self.clock, self.log)
        self.sign_in = SignIn(self.store, self.passwords, self.clock, self.log)

    async def first(self) -> User:
        """The first administrator."""
        return await self.users.set_up(token_of(await self.users.offer_setup()), EMAIL, WORDS)

    async def enter(self, password: str = WORDS, email: str = EMAIL, browser: Browser = HERE) -> str:
        return await self.sign_in.sign_in(email, password, browser)

    async def who(self, token: str) -> SignedIn:
        found = await self.sign_in.find(token)
        assert found is not None
        return found

    async def fail(self, times: int, email: str = EMAIL, browser: Browser = HERE) -> None:
        for _ in range(times):
            with pytest.raises(AuthenticationFailed):
                await self.enter("wrong", email, browser)


def token_of(path: str | Invitation) -> str:
    return (path.path if isinstance(path, Invitation) else path).rpartition("/")[2]


@pytest.fixture
def bench() -> Bench:
    return Bench()


class TestFirst:
    async def test_a_link_makes_the_first_administrator_once(self, bench: Bench) -> None:
        path = await bench.users.offer_setup()
        assert path.startswith("/setup/")
        assert await bench.users.is_offered(token_of(path))
        user = await bench.users.set_up(token_of(path), f" {EMAIL} ", WORDS)
        assert (EMAIL, "administrator", False) == (user.email, user.role, user.disabled)
        assert not await bench.users.is_offered(token_of(path))
        with pytest.raises(Conflict, match="does not work any more"):
            await bench.users.set_up(token_of(path), "b@example.org", WORDS)
        assert "" == await bench.users.offer_setup()

    async def test_each_start_has_a_link_of_its_own_that_works_on_any_node(self, bench: Bench) -> None:
        other = Bench(bench)
        first, second = await bench.users.offer_setup(), await other.users.offer_setup()
        assert first != second
        assert await other.users.is_offered(token_of(first))
        await other.users.set_up(token_of(first), EMAIL, WORDS)
        assert not await bench.users.is_offered(token_of(second))

    async def test_of_two_who_are_first_at_once_one_is(self, bench: Bench) -> None:
        links = [token_of(await bench.users.offer_setup()) for _ in range(2)]
        ended = await asyncio.gather(
            *[bench.users.set_up(link, f"{link[:5].strip('-_')}x@example.org", WORDS) for link in links],
            return_exceptions=True,
        )
        assert 1 == len([one for one in ended if isinstance(one, User)])
        assert 1 == len(await bench.users.list())

    async def test_a_mistake_leaves_the_link_to_be_used(self, bench: Bench) -> None:
        token = token_of(await bench.users.offer_setup())
        for email, password in (("nobody", WORDS), (EMAIL, "short")):
            with pytest.raises(Invalid):
                await bench.users.set_up(token, email, password)
        await bench.users.set_up(token, EMAIL, WORDS)

    async def test_after_a_day_a_link_is_over(self, bench: Bench) -> None:
        token = token_of(await bench.users.offer_setup())
        await bench.clock.advance(LINK_SECONDS)
        with pytest.raises(Conflict):
            await bench.users.set_up(token, EMAIL, WORDS)

    async def test_a_password_link_makes_no_administrator_and_the_other_way_round(self, bench: Bench) -> None:
        setup = token_of(await bench.users.offer_setup())
        with pytest.raises(Conflict):
            await bench.users.set_password(setup, WORDS)
        await bench.first()
        added = token_of(await bench.users.add("b@example.org", "administrator"))
        with pytest.raises(Conflict):
            await bench.users.set_up(added, "c@example.org", WORDS)


class TestUsers:
    async def test_who_is_added_sets_a_password_by_the_link_and_signs_in(self, bench: Bench) -> None:
        await bench.first()
        made = await bench.users.add("b@example.org", "administrator")
        with pytest.raises(AuthenticationFailed):
            await bench.enter("", "b@example.org")
        await bench.users.set_password(token_of(made), OTHER)
        assert "b@example.org" == (await bench.who(await bench.enter(OTHER, "B@EXAMPLE.org"))).user.email
        with pytest.raises(Conflict):
            await bench.users.set_password(token_of(made), WORDS)

    async def test_an_address_is_added_once_in_any_case_of_letters(self, bench: Bench) -> None:
        await bench.first()
        with pytest.raises(Conflict, match="There is a user"):
            await bench.users.add(EMAIL.upper(), "administrator")
        assert [EMAIL] == [one.email for one in await bench.users.list()]

    async def test_a_reset_leaves_the_old_password_until_the_link_is_used(self, bench: Bench) -> None:
        await bench.first()
        made, session = await bench.users.reset(EMAIL), await bench.enter()
        await bench.users.set_password(token_of(made), OTHER)
        assert await bench.sign_in.find(session) is None
        with pytest.raises(AuthenticationFailed):
            await bench.enter(WORDS)
        await bench.enter(OTHER)

    async def test_a_disabled_user_is_out_at_once_and_comes_back_when_enabled(self, bench: Bench) -> None:
        await bench.first()
        await bench.users.set_password(
            token_of(await bench.users.add("b@example.org", "administrator")), OTHER
        )
        token = await bench.enter()
        await bench.users.change(EMAIL, disabled=True)
        assert await bench.sign_in.find(token) is None
        with pytest.raises(AuthenticationFailed):
            await bench.enter()
        with pytest.raises(Conflict, match="is disabled: enable it first"):
            await bench.users.reset(EMAIL)
        await bench.users.change(EMAIL, disabled=False)
        await bench.enter()

    async def test_the_last_administrator_who_can_sign_in_stays(self, bench: Bench) -> None:
        await bench.first()
        await bench.users.add("b@example.org", "administrator")
        with pytest.raises(Conflict, match="last administrator"):
            await bench.users.change(EMAIL, disabled=True)
        with pytest.raises(Conflict, match="last administrator"):
            await bench.users.remove(EMAIL)
        await bench.users.remove("b@example.org")
        assert [EMAIL] == [one.email for one in await bench.users.list()]

    async def test_who_is_not_there_is_not_found(self, bench: Bench) -> None:
        for work in (bench.users.get, bench.users.reset, bench.users.remove, bench.users.change):
            with pytest.raises(NotFound, match="There is no user"):
                await work("x@example.org")


class TestSigningIn:
    async def test_a_token_is_told_once_and_only_its_digest_is_stored(self, bench: Bench) -> None:
        await bench.first()
        token = await bench.enter()
        who = await bench.who(token)
        assert (EMAIL, digest(token), HERE.address) == (
            who.user.email,
            who.session.digest,
            who.session.address,
        )
        assert 43 == len(token)
        assert token not in repr(vars(bench.store))
        assert WORDS not in repr(vars(bench.store))

    async def test_each_sign_in_has_a_new_token_and_ends_the_one_it_came_with(self, bench: Bench) -> None:
        await bench.first()
        first = await bench.enter()
        second = await bench.sign_in.sign_in(EMAIL, WORDS, HERE, first)
        assert first != second
        assert await bench.sign_in.find(first) is None
        for chosen in ("", "chosen by somebody", digest(second)):
            assert await bench.sign_in.find(chosen) is None

    async def test_the_refusal_never_tells_whether_the_account_is_there(self, bench: Bench) -> None:
        await bench.first()
        await bench.users.add("new@example.org", "administrator")
        told = set()
        for email in (EMAIL, "nobody@example.org", "new@example.org"):
            with pytest.raises(AuthenticationFailed) as refused:
                await bench.enter("wrong", email)
            told.add(refused.value.message)
        assert 1 == len(told)

    async def test_who_is_not_there_costs_a_hash_too(self, bench: Bench) -> None:
        await bench.first()
        await bench.fail(1)
        await bench.fail(1, "nobody@example.org")
        assert [True, False] == [bool(one) for one in bench.passwords.asked]

    async def test_the_log_has_who_and_where_from_and_never_what_was_typed(self, bench: Bench) -> None:
        await bench.first()
        await bench.fail(1)
        await bench.fail(1, "hunter2 typed in the wrong field")
        await bench.sign_in.sign_out(await bench.who(await bench.enter()))
        assert ["password", "unknown"] == [line["reason"] for line in bench.log.of("sign_in_refused")]
        assert [EMAIL, ""] == [line["user"] for line in bench.log.of("sign_in_refused")]
        assert {HERE.address} == {
            line["address"] for line in bench.log.of("signed_in") + bench.log.of("signed_out")
        }
        assert [] == re.findall("hunter2|four plain|wrong", repr(bench.log.lines))

    async def test_a_hash_of_older_costs_is_renewed(self, bench: Bench) -> None:
        await bench.first()
        old = await Argon2Passwords(16, 1).hash(WORDS)
        await bench.store.change_user(account_of(EMAIL), UserChange(0, old))
        await bench.who(await bench.enter())
        user = await bench.users.get(EMAIL)
        assert "$m=8,t=1,p=1$" in user.password

    async def test_a_password_too_long_to_be_one_is_not_hashed(self, bench: Bench) -> None:
        await bench.first()
        with pytest.raises(AuthenticationFailed):
            await bench.enter("x" * 2_000)


class TestThrottle:
    async def test_an_account_has_growing_pauses_and_then_opens_again(self, bench: Bench) -> None:
        await bench.first()
        await bench.fail(OF_ACCOUNT.free)
        for pause in (1, 2, 4):
            with pytest.raises(TryLater) as later:
                await bench.enter()
            assert pause == later.value.seconds
            await bench.clock.advance(pause)
            await bench.fail(1)
        await bench.clock.advance(8)
        await bench.enter()
        await bench.fail(OF_ACCOUNT.free)

    async def test_an_account_that_is_not_there_has_the_same_pauses(self, bench: Bench) -> None:
        await bench.first()
        await bench.fail(OF_ACCOUNT.free, "nobody@example.org")
        with pytest.raises(TryLater) as later:
            await bench.enter("wrong", "nobody@example.org")
        assert 1 == later.value.seconds

    async def test_other_addresses_wait_for_the_same_account_and_other_accounts_do_not(
        self, bench: Bench
    ) -> None:
        await bench.first()
        await bench.fail(OF_ACCOUNT.free)
        with pytest.raises(TryLater):
            await bench.enter(browser=Browser("198.51.100.1"))
        await bench.fail(1, "nobody@example.org")

    async def test_a_sender_waits_whatever_accounts_it_tries(self, bench: Bench) -> None:
        await bench.first()
        for number in range(OF_ADDRESS.free):
            await bench.fail(1, f"{number}@example.org")
        with pytest.raises(TryLater):
            await bench.enter()
        await bench.enter(browser=Browser("198.51.100.1"))

    async def test_signing_in_to_an_own_account_frees_no_sender(self, bench: Bench) -> None:
        await bench.first()
        for number in range(OF_ADDRESS.free):
            await bench.fail(1, f"{number}@example.org", Browser("2001:db8::1"))
            await bench.enter(browser=Browser("2001:db8::2")) if number < OF_ADDRESS.free - 1 else None
        with pytest.raises(TryLater):
            await bench.enter(browser=Browser("2001:db8::3"))

    async def test_nodes_count_together_and_many_guesses_at_once_as_many(self, bench: Bench) -> None:
        await bench.first()
        other = Bench(bench)
        guesses = [node.enter("wrong") for _ in range(10) for node in (bench, other)]
        ended = await asyncio.gather(*guesses, return_exceptions=True)
        assert OF_ACCOUNT.free == len([one for one in ended if isinstance(one, AuthenticationFailed)])

    async def test_pauses_are_forgotten_after_a_day(self, bench: Bench) -> None:
        await bench.first()
        await bench.fail(OF_ACCOUNT.free)
        await bench.clock.advance(OF_ACCOUNT.forgotten)
        await bench.fail(OF_ACCOUNT.free)


class TestSessions:
    async def test_a_session_that_rests_too_long_is_over(self, bench: Bench) -> None:
        await bench.first()
        token = await bench.enter()
        for _ in range(3):
            await bench.clock.advance(2 * HOUR - 1)
            await bench.who(token)
        await bench.clock.advance(2 * HOUR)
        assert await bench.sign_in.find(token) is None
        assert 1 == len(bench.log.of("session_expired"))

    async def test_a_session_that_is_used_ends_in_any_case(self, bench: Bench) -> None:
        await bench.first()
        token = await bench.enter()
        for _ in range(11):
            await bench.clock.advance(HOUR)
            await bench.who(token)
        await bench.clock.advance(HOUR)
        assert await bench.sign_in.find(token) is None

    async def test_another_node_knows_the_session_and_its_end(self, bench: Bench) -> None:
        await bench.first()
        other, token = Bench(bench), await bench.enter()
        who = await other.who(token)
        await other.sign_in.sign_out(who)
        assert await bench.sign_in.find(token) is None

    async def test_a_new_password_signs_out_everywhere_and_in_here(self, bench: Bench) -> None:
        await bench.first()
        here, there = await bench.enter(), await bench.enter(browser=Browser("198.51.100.1"))
        renewed = await bench.sign_in.change_password(await bench.who(here), WORDS, OTHER, HERE)
        assert [None, None] == [await bench.sign_in.find(one) for one in (here, there)]
        assert EMAIL == (await bench.who(renewed)).user.email
        await bench.enter(OTHER)

    async def test_a_new_password_wants_the_old_one_and_guessing_it_waits(self, bench: Bench) -> None:
        await bench.first()
        who = await bench.who(await bench.enter())
        with pytest.raises(Invalid, match="password: must have at least"):
            await bench.sign_in.change_password(who, WORDS, "short", HERE)
        for _ in range(OF_ACCOUNT.free):
            with pytest.raises(Invalid, match="current: is not your current password"):
                await bench.sign_in.change_password(who, "wrong", OTHER, HERE)
        with pytest.raises(TryLater):
            await bench.sign_in.change_password(who, WORDS, OTHER, HERE)

    async def test_one_ends_ones_own_sessions_only(self, bench: Bench) -> None:
        await bench.first()
        await bench.users.set_password(
            token_of(await bench.users.add("b@example.org", "administrator")), OTHER
        )
        mine, other = await bench.enter(), await bench.enter(OTHER, "b@example.org")
        me, them = await bench.who(mine), await bench.who(other)
        with pytest.raises(NotFound):
            await bench.sign_in.end(me.user.account, them.session.digest)
        second = await bench.who(await bench.enter())
        await bench.sign_in.end(me.user.account, second.session.digest)
        await bench.enter()
        assert 1 == await bench.sign_in.end_all(me.user.account, but=me.session.digest)
        assert [me.session] == [*await bench.sign_in.sessions_of(me.user.account)]
        await bench.who(other)

    async def test_what_a_browser_calls_itself_is_kept_short_and_printable(self, bench: Bench) -> None:
        await bench.first()
        who = await bench.who(await bench.enter(browser=replace(HERE, agent="a\x1b[2J\u202e" + "b" * 500)))
        assert "a[2J" + "b" * 194 == who.session.agent

    async def test_what_is_over_is_forgotten_by_itself(self, bench: Bench) -> None:
        await bench.first()
        await bench.enter()
        going = asyncio.ensure_future(bench.sign_in.run())
        await bench.clock.advance(13 * HOUR)
        going.cancel()
        await asyncio.gather(going, return_exceptions=True)
        assert [] == [*await bench.store.sessions_of(account_of(EMAIL))]
