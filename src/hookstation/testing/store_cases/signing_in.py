"""People who sign in: users, sessions, one-time links, and tries."""

# ruff: noqa: SIM300 -- what is expected comes first
from __future__ import annotations

import asyncio
from dataclasses import replace

from hookstation.core.throttle import Tries
from hookstation.errors import Conflict, NotFound
from hookstation.ports.people import Link, Session, User, UserChange
from hookstation.ports.store import Store
from hookstation.testing.store_cases.making import NOW, SECOND

HOUR = 3_600 * SECOND

ANNA = User("Anna@Example.org", "administrator", "digest of anna", False, NOW, NOW)
BERT = User("bert@example.org", "administrator", "", False, NOW, NOW)


def session(digest: str, user: User = ANNA, opened_at: int = NOW) -> Session:
    """A session of an hour."""
    return Session(digest, user.account, "203.0.113.7", "a browser", opened_at, opened_at, opened_at + HOUR)


async def _is_done(work: asyncio.Future[None]) -> bool:
    try:
        await work
    except Conflict:
        return False
    return True


class PeopleCases:
    """What users and their links owe."""

    async def test_users_come_back(self, store: Store) -> None:
        """Users are found by their account whatever the case of letters, and listed in its order, kept as written."""
        await store.add_user(BERT)
        await store.add_user(ANNA)

        assert [ANNA, BERT] == [*await store.users()]
        assert ANNA == await store.get_user("anna@example.org")
        assert None is await store.get_user("Anna@Example.org")

    async def test_account_is_there_once(self, store: Store) -> None:
        """A second user with the same letters in another case is a `Conflict` and changes nothing."""
        await store.add_user(ANNA)

        assert not await _is_done(
            asyncio.ensure_future(store.add_user(replace(ANNA, email="ANNA@example.org")))
        )
        assert [ANNA] == [*await store.users()]

    async def test_one_is_the_first(self, store: Store) -> None:
        """Of several who would be the first user at once, one is."""
        begun = [
            asyncio.ensure_future(store.add_user(replace(ANNA, email=f"{number}@example.org"), first=True))
            for number in range(5)
        ]

        assert 1 == [await _is_done(one) for one in begun].count(True)
        assert 1 == len(await store.users())

    async def test_change_of_a_user_touches_only_what_it_names(self, store: Store) -> None:
        """A change leaves what it does not name, and says what the user is now; of nobody it says nothing."""
        await store.add_user(ANNA)
        await store.add_user(BERT)

        changed = await store.change_user(ANNA.account, UserChange(NOW + 1, role="other"))

        assert replace(ANNA, role="other", changed_at=NOW + 1) == changed
        assert [changed, BERT] == [*await store.users()]
        assert None is await store.change_user("nobody@example.org", UserChange(NOW, disabled=True))

    async def test_new_password_ends_what_the_old_one_opened(self, store: Store) -> None:
        """With a new password, or where a user is disabled, sessions and links of the account end, and no others."""
        for change in (UserChange(NOW, "new"), UserChange(NOW, disabled=True)):
            await store.remove_user(ANNA.account)
            await store.remove_user(BERT.account)
            await store.add_user(ANNA)
            await store.add_user(BERT)
            await store.open_session(session("a"))
            await store.open_session(session("b", BERT))
            await store.add_link(Link("link a", ANNA.account, NOW + HOUR))
            await store.add_link(Link("link b", BERT.account, NOW + HOUR))

            await store.change_user(ANNA.account, change)

            assert None is await store.find_session("a")
            assert (session("b", BERT), BERT) == await store.find_session("b")
            assert None is await store.find_link("link a", NOW)
            assert None is not await store.find_link("link b", NOW)

    async def test_other_changes_end_nothing(self, store: Store) -> None:
        """A new role, and a user that is not disabled any more, leave sessions alone."""
        await store.add_user(ANNA)
        await store.open_session(session("a"))

        changed = await store.change_user(ANNA.account, UserChange(NOW, role="other", disabled=False))

        assert (session("a"), changed) == await store.find_session("a")

    async def test_removed_user_is_gone(self, store: Store) -> None:
        """A user that is removed takes sessions and links along; the account is free again."""
        await store.add_user(ANNA)
        await store.open_session(session("a"))
        await store.add_link(Link("link", ANNA.account, NOW + HOUR))

        assert await store.remove_user(ANNA.account)

        assert None is await store.find_session("a")
        assert None is await store.find_link("link", NOW)
        assert not await store.remove_user(ANNA.account)
        await store.add_user(ANNA, first=True)
        assert [] == [*await store.sessions_of(ANNA.account)]

    async def test_a_new_link_replaces_those_before(self, store: Store) -> None:
        """Of an account's links only the newest works; those that make the first user stand beside one another."""
        for user in (ANNA, BERT):
            await store.add_user(user)
        links = [
            Link("a first", ANNA.account, NOW + HOUR),
            Link("b", BERT.account, NOW + HOUR),
            Link("one node's", "", NOW + HOUR),
            Link("another node's", "", NOW + HOUR),
            Link("a second", ANNA.account, NOW + HOUR),
        ]
        for link in links:
            await store.add_link(link)

        assert [None, *links[1:]] == [await store.find_link(link.digest, NOW) for link in links]

    async def test_link_is_spent_once(self, store: Store) -> None:
        """A link is found until its time is over, and of several who take it at once one gets it."""
        link = Link("digest", "", NOW + HOUR)
        await store.add_link(link)

        assert link == await store.find_link("digest", NOW)
        assert None is await store.find_link("digest", NOW + HOUR)
        assert None is await store.spend_link("digest", NOW + HOUR)
        taken = await asyncio.gather(*[store.spend_link("digest", NOW) for _ in range(5)])
        assert [link] == [one for one in taken if one is not None]
        assert None is await store.find_link("digest", NOW)


class SessionCases:
    """What sessions and tries owe."""

    async def test_session_is_found_with_its_user(self, store: Store) -> None:
        """A session comes back with whose it is; nothing else is found by its beginning or in another case."""
        await store.add_user(ANNA)
        await store.open_session(session("abc"))

        assert (session("abc"), ANNA) == await store.find_session("abc")
        assert None is await store.find_session("ab")
        assert None is await store.find_session("ABC")

    async def test_nobody_has_no_session(self, store: Store) -> None:
        """For an account that is not there or is disabled no session is opened."""
        await store.add_user(replace(ANNA, disabled=True))
        refused = 0
        for user in (ANNA, BERT):
            try:
                await store.open_session(session("a", user))
            except NotFound:
                refused += 1

        assert 2 == refused
        assert None is await store.find_session("a")

    async def test_seen_goes_forward(self, store: Store) -> None:
        """A session that is seen says when, and never earlier than it did; one that is not there stays away."""
        await store.add_user(ANNA)
        await store.open_session(session("a"))

        await store.touch_session("a", NOW + 2 * SECOND)
        await store.touch_session("a", NOW + SECOND)
        await store.touch_session("b", NOW + SECOND)

        assert (replace(session("a"), seen_at=NOW + 2 * SECOND), ANNA) == await store.find_session("a")
        assert None is await store.find_session("b")

    async def test_sessions_end(self, store: Store) -> None:
        """Sessions are listed newest first and end one by one, or all of an account but one."""
        await store.add_user(ANNA)
        await store.add_user(BERT)
        for number, digest in enumerate("abcd"):
            await store.open_session(session(digest, opened_at=NOW + number))
        await store.open_session(session("x", BERT))

        assert ["d", "c", "b", "a"] == [one.digest for one in await store.sessions_of(ANNA.account)]
        assert await store.end_session("d")
        assert not await store.end_session("d")
        assert 2 == await store.end_sessions_of(ANNA.account, but="b")
        assert ["b"] == [one.digest for one in await store.sessions_of(ANNA.account)]
        assert 1 == await store.end_sessions_of(ANNA.account)
        assert ["x"] == [one.digest for one in await store.sessions_of(BERT.account)]

    async def test_tries_are_swapped(self, store: Store) -> None:
        """Tries take the place of those that stand there, and of no others."""
        one, two = Tries(1, NOW), Tries(2, NOW + 1)

        assert None is await store.get_tries("k")
        assert await store.swap_tries("k", None, None)
        assert not await store.swap_tries("k", one, two)
        assert await store.swap_tries("k", None, one)
        assert not await store.swap_tries("k", None, two)
        assert one == await store.get_tries("k")
        assert await store.swap_tries("k", one, two)
        assert not await store.swap_tries("k", one, None)
        assert await store.swap_tries("k", two, None)
        assert None is await store.get_tries("k")

    async def test_one_swap_wins(self, store: Store) -> None:
        """Of several swaps of the same tries at once, one is made."""
        swapped = await asyncio.gather(*[store.swap_tries("k", None, Tries(n, NOW)) for n in range(1, 6)])

        assert 1 == swapped.count(True)

    async def test_sessions_that_are_over_are_forgotten(self, store: Store) -> None:
        """Sessions at their end or not seen for long, links at theirs and old tries go; the rest stays."""
        await store.add_user(ANNA)
        await store.open_session(session("ends", opened_at=NOW - HOUR))
        await store.open_session(session("idle", opened_at=NOW - SECOND))
        await store.open_session(session("stays"))
        await store.add_link(Link("ends", "", NOW))
        await store.add_link(Link("stays", "", NOW + 1))
        await store.swap_tries("old", None, Tries(3, NOW - 1))
        await store.swap_tries("stays", None, Tries(3, NOW))

        assert 4 == await store.forget_people(NOW, NOW - SECOND, NOW)

        assert ["stays"] == [one.digest for one in await store.sessions_of(ANNA.account)]
        assert None is not await store.find_link("stays", NOW)
        assert None is not await store.get_tries("stays")
        assert None is await store.get_tries("old")
        assert 0 == await store.forget_people(NOW, NOW - SECOND, NOW)
