"""Trying a person's schema where it can do no harm."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from hookstation.core.values import JSON
from hookstation.errors import Problem


class SchemaTrial(Protocol):
    """Compiles schemas outside the server's own process, within bounds of time and memory.

    It is asked only about schemas that `inspect_schema` found no error in.  Nothing is raised for a bad schema:
    what it is guilty of comes back as problems, with paths inside the schema.
    """

    async def compile(self, schema: JSON) -> list[Problem]:
        """The problems of one schema; empty where it compiles within the bounds."""
        ...

    async def compile_many(self, schemas: Sequence[JSON]) -> list[list[Problem]]:
        """The problems of each schema, in order; one that breaks its bounds harms no other's verdict."""
        ...
