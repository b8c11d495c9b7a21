"""Config files: merged, resolved, and every problem at its place."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

from hookstation.config.files import ConfigBundle, read_files
from hookstation.core.documents import PersonSecrets, decode_configuration
from hookstation.errors import Invalid, Problem
from tests.support.configurations import CATALOGUE

GOLDEN: Final = Path(__file__).parent / "golden"
ENVIRONMENT: Final = {"TOKEN": "t0ken", "EMPTY": ""}
FILES: Final = sorted(path.name for path in GOLDEN.glob("*.errors"))


def bundle_of(folder: Path, text: str, name: str = "station.yaml") -> ConfigBundle:
    path = folder / name
    path.write_text(text)
    return read_files([path], CATALOGUE, ENVIRONMENT)


def refusal(*paths: Path, literal_secrets: bool = False) -> str:
    with pytest.raises(Invalid) as caught:
        read_files(paths, CATALOGUE, ENVIRONMENT, literal_secrets=literal_secrets)
    return "\n".join(str(problem) for problem in caught.value.problems)


def errors_of(path: Path) -> list[str]:
    """Every line that a person sees for this file: from reading it, else from decoding what it says."""
    try:
        bundle = read_files([path], CATALOGUE, ENVIRONMENT)
    except Invalid as refused:
        return [str(problem) for problem in refused.problems]
    return [
        bundle.locate(problem)
        for problem in decode_configuration(bundle.document, CATALOGUE, PersonSecrets())[1]
    ]


@pytest.mark.parametrize("name", FILES)
def test_a_bad_file_gives_exactly_these_lines(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(GOLDEN)
    [path] = [one for one in Path().glob(name.replace(".errors", ".*")) if one.suffix in (".yaml", ".json")]
    assert (GOLDEN / name).read_text().splitlines() == errors_of(path)


def test_several_files_are_one_document_and_keep_their_places(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.json"
    one.write_text("version: 1\nwebhooks:\n  - name: a\n    title: x\n")
    two.write_text('{"version": 1, "webhooks": [\n  {"name": "b"}]}')
    bundle = read_files([one, two], CATALOGUE, ENVIRONMENT)
    assert bundle.document == {"version": 1, "webhooks": [{"name": "a", "title": "x"}, {"name": "b"}]}
    assert (
        bundle.locate(Problem(("webhooks", 0, "title"), "is dull."))
        == f"{one}:4:5: webhooks.0.title: is dull."
    )
    assert (
        bundle.locate(Problem(("webhooks", 1, "title"), "is missing."))
        == f"{two}:2:3: webhooks.1.title: is missing."
    )


def test_a_thing_of_a_list_is_also_found_by_its_name(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, "version: 1\nwebhooks:\n  - name: a\n  - name: b\n    title: x\n")
    assert (
        bundle.locate(Problem(("webhooks", "b", "title"), "x"))
        == f"{tmp_path}/station.yaml:5:5: webhooks.b.title: x"
    )


def test_the_same_name_in_two_files_is_refused_with_both_places(tmp_path: Path) -> None:
    one, two = tmp_path / "one.yaml", tmp_path / "two.yaml"
    one.write_text("version: 1\nwebhooks:\n  - name: a\n")
    two.write_text("version: 1\nwebhooks:\n  - {name: b}\n  - {name: A}\n")
    assert refusal(one, two) == (
        f"{two}:4:5: webhooks: “A” is defined twice, also at {one}:3:5; remove or rename one."
    )


def test_a_schema_file_becomes_the_schema_and_its_problems_point_into_it(tmp_path: Path) -> None:
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "course.json").write_text('{\n  "type":\n    "objct"\n}')
    bundle = bundle_of(tmp_path, "version: 1\nwebhooks:\n  - {name: a, schema_file: schemas/course.json}\n")
    assert bundle.document == {"version": 1, "webhooks": [{"name": "a", "schema": {"type": "objct"}}]}
    place = f"{tmp_path}/schemas/course.json:2:3"
    assert (
        bundle.locate(Problem(("webhooks", 0, "schema", "type"), "x"))
        == f"{place}: webhooks.0.schema.type: x"
    )


def test_a_poll_has_its_schema_from_a_file_too(tmp_path: Path) -> None:
    (tmp_path / "item.json").write_text('{"type": "object"}')
    bundle = bundle_of(tmp_path, "version: 1\npolls:\n  - {name: a, schema_file: item.json}\n")
    assert bundle.document == {"version": 1, "polls": [{"name": "a", "schema": {"type": "object"}}]}


def test_references_are_resolved_and_remembered_by_their_pointers(tmp_path: Path) -> None:
    (tmp_path / "password.txt").write_text("open sesame\r\n")
    bundle = bundle_of(
        tmp_path,
        "version: 1\n"
        "connections: [{name: imis, type: imis, password: '${file:password.txt}'}]\n"
        "webhooks: [{name: a, authentication: {type: token, secret: '${env:TOKEN}'}}]\n",
    )
    assert bundle.references == {
        "/connections/0/password": "${file:password.txt}",
        "/webhooks/0/authentication/secret": "${env:TOKEN}",
    }
    assert bundle.document == {
        "version": 1,
        "connections": [{"name": "imis", "type": "imis", "password": "open sesame"}],
        "webhooks": [{"name": "a", "authentication": {"type": "token", "secret": "t0ken"}}],
    }
    assert "open sesame" not in repr(bundle)


def test_a_literal_secret_needs_leave(tmp_path: Path) -> None:
    path = tmp_path / "station.yaml"
    path.write_text("version: 1\nconnections: [{name: imis, type: imis, password: open}]\n")
    assert "allow it with --allow-literal-secrets" in refusal(path)
    bundle = read_files([path], CATALOGUE, ENVIRONMENT, literal_secrets=True)
    assert bundle.references == {}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty; write the secret into it."),
        (b"\n", "is empty; write the secret into it."),
        (b"\xff", "is not UTF-8 text."),
        (b"x" * 16_385, "is larger than 16,384 bytes."),
    ],
)
def test_a_secrets_file_that_holds_no_secret_is_refused(
    tmp_path: Path, content: bytes, expected: str
) -> None:
    (tmp_path / "s").write_bytes(content)
    path = tmp_path / "station.yaml"
    path.write_text("version: 1\nconnections: [{name: imis, type: imis, password: '${file:s}'}]\n")
    assert refusal(path).endswith(f"the secret's file {tmp_path / 's'} {expected}")


def test_an_empty_variable_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "station.yaml"
    path.write_text("version: 1\nconnections: [{name: imis, type: imis, password: '${env:EMPTY}'}]\n")
    assert refusal(path).endswith("the environment variable EMPTY is empty; set it to the secret.")


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ": holds no configuration; begin with \u201cversion: 1\u201d."),
        (b"---\n---\n", ": holds no configuration; begin with \u201cversion: 1\u201d."),
        (b"# nothing\n", ": holds no configuration; begin with \u201cversion: 1\u201d."),
        (b"version: 1\nx: \xff\n", ":2:1: is not UTF-8 text; save the file as UTF-8."),
        (b"#" * (8 * 1024 * 1024 + 1), ": is larger than 8 MiB; split it into several files."),
    ],
)
def test_a_file_that_holds_no_configuration_is_refused(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "station.yaml"
    path.write_bytes(content)
    assert refusal(path) == f"{path}{expected}"


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "station.yaml"
    path.write_bytes(b"\xef\xbb\xbfversion: 1\n")
    assert read_files([path], CATALOGUE, ENVIRONMENT).document == {"version": 1}


def test_a_folder_or_an_absent_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path) == f"{tmp_path}: is a folder; name the files in it."
    assert refusal(tmp_path / "x") == f"{tmp_path / 'x'}: cannot be read: No such file or directory."


def test_without_a_file_there_is_no_configuration() -> None:
    assert refusal() == "no file: holds no configuration; begin with “version: 1”."
