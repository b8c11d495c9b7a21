"""What was changed of a webhook, by whom, and how two versions differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hookstation.core.differences import Difference, Verb, differences
from hookstation.core.documents import MASK, SealedSecrets, drafts
from hookstation.core.documents.drafts import Document
from hookstation.core.values import Secret
from hookstation.engine.drafts import is_name, is_number, read
from hookstation.errors import NotFound
from hookstation.ports.secrets import Vault
from hookstation.ports.versions import Version, VersionDocument, Versions

MOST_DIFFERENCES: Final = 1_000
"""Differences that are told; a schema of another kind may have any number of them."""


class History:
    """The versions of webhooks."""

    def __init__(self, store: Versions, vault: Vault) -> None:
        self._store, self._vault = store, SealedSecrets(vault)

    async def list(self, name: str, limit: int, before: int = 0) -> Sequence[Version]:
        """Versions, the newest first, before the number `before` (0: all). Raises `NotFound` where there is none."""
        if not is_name(name) or await self._store.newest_version(name) is None:
            raise NotFound("webhook", name)
        return await self._store.list_versions(name, limit, before)

    async def show(self, name: str, number: int) -> tuple[Version, Document]:
        """One version with its document, secrets masked. Raises `NotFound`."""
        kept = await self._get(name, number)
        return kept.version, drafts.masked(read(kept.document))

    async def compare(self, name: str, before: int, after: int) -> Sequence[Difference]:
        """What version `after` has otherwise than version `before`, setting by setting.

        A secret is never told, only that it is another one.  Raises `NotFound`.
        """
        old, new = await self._get(name, before), await self._get(name, after)
        left, right = read(old.document), read(new.document)
        found = [*differences(drafts.masked(left), drafts.masked(right))]
        secrets = drafts.secrets_of(name, left, self._vault), drafts.secrets_of(name, right, self._vault)
        return [*_other_secrets(*secrets, found), *found][:MOST_DIFFERENCES]

    async def _get(self, name: str, number: int) -> VersionDocument:
        known = is_name(name) and is_number(number)
        kept = await self._store.get_version(name, number) if known else None
        if kept is None:
            raise NotFound("version", f"{name} {number}")
        return kept


def _other_secrets(
    before: Mapping[str, Secret], after: Mapping[str, Secret], told: Sequence[Difference]
) -> list[Difference]:
    """Secrets that are other ones, and are not told of already by their references."""
    places = {one.path for one in told}
    found: list[Difference] = []
    for purpose in before.keys() & after.keys():
        place = tuple(purpose.split("/")[2:])
        if before[purpose] != after[purpose] and place not in places:
            found.append(Difference(place, Verb.CHANGED, MASK, MASK))
    return found
