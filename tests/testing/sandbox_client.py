"""A client of the sandbox for its tests: envelopes written out by hand, so that they check the sandbox's own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import aiohttp

from hookstation.testing.sandbox import Sandbox

CONTRACTS = "Asi.Soa.Core.DataContracts"
GENERIC = f"{CONTRACTS}.GenericEntityData, Asi.Contracts"
IDENTITY = f"{CONTRACTS}.IdentityData, Asi.Contracts"
ELEMENTS = "System.Collections.ObjectModel.Collection`1[[System.String, mscorlib]], mscorlib"


@dataclass
class Answer:
    """One answer, read whole."""

    status: int
    document: Any
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def items(self) -> list[Any]:
        return list(self.document["Items"]["$values"])

    @property
    def errors(self) -> list[str]:
        return [error["Message"] for error in self.document["Errors"]["$values"]]


@dataclass
class Client:
    """Calls a sandbox with a token of its own."""

    sandbox: Sandbox
    session: aiohttp.ClientSession
    token: str = ""

    async def call(self, method: str, path: str, json: object = None, **query: str) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        url = self.sandbox.url + path
        async with self.session.request(method, url, json=json, params=query, headers=headers) as answer:
            return await read(answer)

    async def grant(self, **form: str) -> Answer:
        async with self.session.post(self.sandbox.url + "/token", data=form) as answer:
            return await read(answer)

    async def log_in(self, password: str = "sandbox") -> Answer:
        granted = await self.grant(grant_type="password", username="manager", password=password)
        self.token = granted.document.get("access_token", "")
        return granted

    async def add(self, name: str, envelope: dict[str, object]) -> Answer:
        return await self.call("POST", f"/api/{name}", envelope)

    async def find(self, name: str, **query: str) -> Answer:
        return await self.call("GET", f"/api/{name}", **query)


async def read(answer: aiohttp.ClientResponse) -> Answer:
    is_json = answer.content_type == "application/json"
    document = await answer.json() if is_json else await answer.text()
    return Answer(answer.status, document, dict(answer.headers))


def properties(values: dict[str, object]) -> dict[str, object]:
    return {
        "$type": f"{CONTRACTS}.GenericPropertyDataCollection, Asi.Contracts",
        "$values": [
            {"$type": f"{CONTRACTS}.GenericPropertyData, Asi.Contracts", "Name": name, "Value": value}
            for name, value in values.items()
        ],
    }


def identity(name: str, *elements: str) -> dict[str, object]:
    made: dict[str, object] = {"$type": IDENTITY, "EntityTypeName": name}
    return made | {"IdentityElements": {"$type": ELEMENTS, "$values": list(elements)}} if elements else made


def activity(**values: object) -> dict[str, object]:
    return {
        "$type": GENERIC,
        "EntityTypeName": "Activity",
        "Properties": properties({"PartyId": "10420", "ACTIVITY_TYPE": "TEST", **values}),
    }


def row(name: str, party: str, *key: str, **values: object) -> dict[str, object]:
    """A panel row on a party, or on nothing where `party` is empty; `key` is sent in an update."""
    parent = "Party" if party else "Standalone"
    return {
        "$type": GENERIC,
        "EntityTypeName": name,
        "PrimaryParentEntityTypeName": parent,
        "Identity": identity(name, *key),
        "PrimaryParentIdentity": identity(parent, *([party] if party else [])),
        "Properties": properties(values),
    }


def typed(kind: str, value: object) -> dict[str, object]:
    return {"$type": kind, "$value": value}


def values_of(entity: dict[str, Any]) -> dict[str, Any]:
    return {each["Name"]: each.get("Value") for each in entity["Properties"]["$values"]}


def key_of(entity: dict[str, Any]) -> list[str]:
    return list(entity["Identity"]["IdentityElements"]["$values"])
