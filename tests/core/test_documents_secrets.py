"""Secrets in documents: text from a person, sealed in the store, masked in answers."""

from __future__ import annotations

from typing import Final

import pytest
from hypothesis import given

from hookstation.core.definitions import Configuration
from hookstation.core.documents import (
    MASK,
    PersonSecrets,
    SealedSecrets,
    decode_configuration,
    encode_configuration,
    known_secrets,
    with_references,
)
from hookstation.core.documents.places import at, secret_paths
from hookstation.core.values import JSON, Secret
from hookstation.errors import Invalid, SecretError
from tests.support.configurations import CATALOGUE, configurations, course_document

PURPOSE: Final = "connection/imis/password"


class Backwards:
    """A vault whose sealing is easy to see through: the text reversed, the purpose in front."""

    def seal(self, secret: Secret, purpose: str) -> str:
        return f"{purpose}|{secret.reveal()[::-1]}"

    def open(self, sealed: str, purpose: str, reference: str = "") -> Secret:
        bound, _, text = sealed.partition("|")
        if bound != purpose:
            raise SecretError
        return Secret(text[::-1], reference)


def refusal(value: JSON, known: dict[str, Secret] | None = None) -> str:
    with pytest.raises(Invalid) as caught:
        PersonSecrets(known).decode(value, PURPOSE)
    return str(caught.value)


def test_a_person_sends_text() -> None:
    assert PersonSecrets().decode("open sesame", PURPOSE) == Secret("open sesame")


def test_a_resolved_reference_comes_with_its_name_and_goes_out_as_it() -> None:
    secret = PersonSecrets().decode({"value": "x${env:Y}", "reference": "${env:PASSWORD}"}, PURPOSE)
    assert (secret.reveal(), secret.reference) == ("x${env:Y}", "${env:PASSWORD}")
    assert PersonSecrets().encode(secret, PURPOSE) == "${env:PASSWORD}"


def test_a_secret_without_reference_goes_out_masked() -> None:
    assert PersonSecrets().encode(Secret("open sesame"), PURPOSE) == MASK


def test_a_mask_or_the_reference_sent_back_leaves_the_secret_as_it_is() -> None:
    known = {PURPOSE: Secret("open sesame", "${env:PASSWORD}")}
    assert PersonSecrets(known).decode(MASK, PURPOSE) is known[PURPOSE]
    assert PersonSecrets(known).decode("${env:PASSWORD}", PURPOSE) is known[PURPOSE]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (MASK, "is a mask, and there is no secret yet that it could stand for; send the secret itself."),
        ("", "must not be empty."),
        (5, "must be text, but is integer."),
        ("a\x00b", "must be text without control characters, of at most 16,384 characters."),
        ("x" * 16_385, "must be text without control characters, of at most 16,384 characters."),
        (
            "${env:PASSWORD}",
            "${env:NAME} and ${file:PATH} are resolved by the command line (`hookstation apply`) only, and must be "
            "the whole value; send the secret itself.",
        ),
        (
            {"value": "x", "reference": "from the vault"},
            "has a reference that is neither ${env:NAME} nor ${file:PATH}.",
        ),
        ({"sealed": "x", "reference": ""}, "must be text, but is object."),
    ],
)
def test_what_is_no_secret_is_refused(value: JSON, expected: str) -> None:
    assert refusal(value) == expected


def test_an_empty_text_does_not_stand_for_a_secret_without_reference() -> None:
    assert refusal("", {PURPOSE: Secret("open sesame")}) == "must not be empty."


@given(configurations)
def test_the_stored_form_reads_back_with_references_and_shows_no_secret(configuration: Configuration) -> None:
    sealed = SealedSecrets(Backwards())
    document = encode_configuration(configuration, CATALOGUE, sealed)
    again, problems = decode_configuration(document, CATALOGUE, sealed)
    assert problems == []
    assert again == configuration
    before, after = known_secrets(configuration), known_secrets(again)
    assert {purpose: one.reference for purpose, one in after.items()} == {
        purpose: one.reference for purpose, one in before.items()
    }


def test_a_secret_sealed_for_another_place_is_a_problem_at_its_setting() -> None:
    document = course_document()
    configuration, _ = decode_configuration(document, CATALOGUE, PersonSecrets())
    stored = encode_configuration(configuration, CATALOGUE, SealedSecrets(Backwards()))
    renamed = with_name(stored, "other")
    problems = decode_configuration(renamed, CATALOGUE, SealedSecrets(Backwards()))[1]
    assert str(problems[0]) == (
        "connections.0.password: A sealed value cannot be opened with this master key."
    )


def with_name(document: dict[str, JSON], name: str) -> JSON:
    connection = at(document, ("connections", 0))
    assert isinstance(connection, dict)
    return document | {"connections": [connection | {"name": name}]}


def test_a_broken_stored_form_is_refused() -> None:
    with pytest.raises(Invalid, match="is not in the stored form of a secret"):
        SealedSecrets(Backwards()).decode("text", PURPOSE)


def test_references_are_put_at_their_pointers_and_nowhere_else() -> None:
    document: JSON = {"a/b": ["x", {"~": "y"}], "c": 1}
    references = {
        "/a~1b/1/~0": "${env:Y}",
        "/c": "${env:C}",
        "/nowhere/at/all": "${env:N}",
        "/a~1b/7/x": "${env:N}",
        "/a~1b/0": "${env:N}",
        "": "${env:N}",
        "/c/0/x": "${env:N}",
        "/a~1b/²": "${env:N}",
    }
    assert with_references(document, references) == {
        "a/b": ["x", {"~": {"value": "y", "reference": "${env:Y}"}}],
        "c": 1,
    }


def test_the_places_of_secrets_are_found_by_the_field_lists() -> None:
    assert list(secret_paths(course_document(), CATALOGUE)) == [
        ("connections", 0, "password"),
        ("webhooks", 0, "authentication", "secret"),
    ]
