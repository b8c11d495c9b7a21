"""The programs that we hand to receivers run as they stand, accept what we sign and nothing else."""

from __future__ import annotations

import ast
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest
from _pytest.mark.structures import ParameterSet
from hypothesis import given
from hypothesis import strategies as st

from hookstation.core.outgoing.definitions import HmacSigning, NoSigning, Signing, StandardSigning
from hookstation.core.outgoing.families import FAMILIES
from hookstation.core.outgoing.signing import rotate, sign
from hookstation.core.outgoing.snippets.forms import quoted
from hookstation.core.outgoing.verify_help import PLACEHOLDER, Snippet, how_to_verify
from hookstation.core.standard_keys import KeyKind, new_standard_secret, public_text
from hookstation.core.values import Secret
from tests.support.receivers import Call, is_there, verdicts

BODY: Final = '{"name": "Søren 🎓", "line": "a\\nb"}'.encode()
LANGUAGES: Final = ("Python", "JavaScript", "C#", "PHP")
END: Final = 2_000_000_000 * 1_000_000
"""When rotations end, in microseconds."""

SHARED, OTHER_SHARED = (new_standard_secret(bytes([one]) * 32) for one in (1, 2))
KEY, OTHER_KEY = (new_standard_secret(bytes([one]) * 32, KeyKind.ED25519) for one in (1, 2))
TRICKY: Final = Secret('it\'s "a" \\ $secret {with} all /of/ «it» ü🎓')
OWN: Final = HmacSigning(
    "X-Own",
    TRICKY,
    algorithm="sha512",
    encoding="base64",
    content="[{id}]/{timestamp}+{body}\\'\"$",
    value="a.b*({signature})|{id}/$",
    timestamp_header="X-Own-Time",
)
FORMS: Final[dict[str, Signing]] = {
    "v1": StandardSigning(SHARED),
    "v1 without padding": StandardSigning(Secret(SHARED.reveal().rstrip("="))),
    "v1a": StandardSigning(KEY),
    **{name: family.with_secret(TRICKY) for name, family in FAMILIES.items()},
    "own": OWN,
    "own sha1": replace(OWN, algorithm="sha1", encoding="hex", content="{body}"),
}
COMPILED: Final = ("v1", "v1 without padding", "github", "shopify", "stripe", "own")
"""Forms of which C# is run, which is slow to compile; its ``v1a`` needs a package that nothing here could bring."""


def cases(*forms: str) -> list[ParameterSet]:
    """Each language with each of the forms that it is run for, where this machine can run it."""
    return [
        pytest.param(
            language,
            form,
            id=f"{language}-{form}",
            marks=pytest.mark.skipif(
                not is_there(language), reason=f"python -m tools.judges brings {language}"
            ),
        )
        for language in LANGUAGES
        for form in forms
        if language != "C#" or form in COMPILED
    ]


def snippet(signing: Signing, language: str) -> Snippet:
    (found,) = (one for one in how_to_verify(signing, shown=True) if one.language == language)
    return found


def call(signing: Signing, body: bytes = BODY, age: int = 0) -> Call:
    moment = int(datetime.now(UTC).timestamp()) - age
    headers = sign(signing, "0199f1c2", moment, body, END - 1)
    return Call({name.lower(): value for name, value in headers}, body)


def foreign(signing: Signing) -> Signing:
    """The same form under another secret."""
    other = {SHARED: OTHER_SHARED, KEY: OTHER_KEY}
    assert not isinstance(signing, NoSigning)
    assert signing.secret is not None
    return replace(signing, secret=other.get(signing.secret, new_standard_secret(bytes(32))))


def rotating(signing: Signing) -> Signing:
    """The form while its secret is the one being replaced, for receivers that know the old one alone."""
    other = foreign(signing)
    assert not isinstance(other, NoSigning)
    assert other.secret is not None
    return rotate(signing, other.secret, END)


@pytest.mark.parametrize(("language", "form"), cases(*FORMS))
def test_a_program_accepts_what_we_sign_and_nothing_else(language: str, form: str, tmp_path: Path) -> None:
    signing = FORMS[form]
    right = call(signing)
    wrong = [
        Call(right.headers, right.body + b" "),
        call(foreign(signing)),
        Call({}, right.body),
        Call(dict.fromkeys(right.headers, ""), right.body),
        Call(dict.fromkeys(right.headers, "x"), right.body),
    ]
    said = verdicts(language, snippet(signing, language).code, [right, *wrong], tmp_path)
    assert [True, *[False] * len(wrong)] == said


@pytest.mark.parametrize(("language", "form"), cases("v1", "v1a", "stripe", "slack"))
def test_a_program_refuses_a_call_that_is_old_or_early(language: str, form: str, tmp_path: Path) -> None:
    signing = FORMS[form]
    calls = [call(signing, age=age) for age in (200, 400, -200, -400)]
    said = verdicts(language, snippet(signing, language).code, calls, tmp_path)
    assert [True, False, True, False] == said


@pytest.mark.parametrize(("language", "form"), cases("v1", "v1a", "stripe"))
def test_a_program_with_the_old_secret_goes_on_during_a_rotation(
    language: str, form: str, tmp_path: Path
) -> None:
    code = snippet(FORMS[form], language).code
    assert [True] == verdicts(language, code, [call(rotating(FORMS[form]))], tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_the_secret_stands_in_a_program_only_where_it_is_shown(form: str) -> None:
    hidden = [one.code for one in how_to_verify(FORMS[form])]
    assert len(LANGUAGES) == len(hidden)
    for secret in (SHARED, KEY, TRICKY):
        assert not any(secret.reveal() in code for code in hidden)
    assert all(PLACEHOLDER in code or public_text(KEY) in code for code in hidden)
    assert not any("«" in code for code in hidden)


def test_the_public_key_is_shown_always_and_what_verifies_with_it_is_named() -> None:
    snippets = how_to_verify(StandardSigning(KEY))
    assert all(public_text(KEY) in one.code for one in snippets)
    needs = {one.language: one.needs for one in snippets if one.needs}
    assert {
        "Python": "pip install cryptography",
        "C#": "dotnet add package BouncyCastle.Cryptography",
    } == needs


@pytest.mark.parametrize("signing", [NoSigning(), StandardSigning()])
def test_what_is_not_signed_needs_no_program(signing: Signing) -> None:
    assert () == how_to_verify(signing)


@given(st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\r\n\t\x85")))
def test_a_text_in_quotes_reads_back_as_it_was(text: str) -> None:
    assert text == ast.literal_eval(quoted(text))
    assert 1 == len(quoted(text).splitlines())


def test_a_secret_that_is_no_text_has_no_place_in_a_program() -> None:
    signing = FAMILIES["github"].with_secret(Secret("a\udcff"))
    assert all(PLACEHOLDER in one.code for one in how_to_verify(signing, shown=True))
