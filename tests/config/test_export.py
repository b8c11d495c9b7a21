"""A configuration as YAML that reads back to the same."""

from __future__ import annotations

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings

from hookstation.config.export import Export, export, export_document, to_yaml
from hookstation.config.files import ConfigBundle, read_files
from hookstation.core.definitions import Configuration
from hookstation.core.documents import (
    PersonSecrets,
    decode_configuration,
    encode_configuration,
    known_secrets,
    with_references,
)
from hookstation.core.documents.places import Steps, at
from hookstation.core.plan import plan
from hookstation.core.values import JSON, Number
from tests.support.configurations import CATALOGUE, configurations, course_document, value_of


def read_back(folder: Path, exported: Export, environment: dict[str, str]) -> ConfigBundle:
    path = folder / "hookstation.yaml"
    path.write_text(exported.text)
    return read_files([path], CATALOGUE, environment)


def courses() -> Configuration:
    return decode_configuration(course_document(), CATALOGUE, PersonSecrets())[0]


def test_an_export_is_short_ordered_and_holds_no_secret() -> None:
    exported = export(courses(), CATALOGUE)
    assert (
        exported.text
        == """\
version: 1
connections:
- name: imis
  type: imis
  url: http://127.0.0.1:8090
  networks: [127.0.0.0/8]
  username: manager
  password: ${env:HOOKSTATION_IMIS_PASSWORD}
  zone: America/Chicago
panels:
- name: ABC_Courses
  fields:
    CourseCode:
      type: string
      length: 20
      required: true
    Grade:
      type: string
      length: 10
      values: [pass, fail]
    CompletedOn:
      type: date
    Credits:
      type: decimal
webhooks:
- name: course-completions
  title: Course completions
  authentication:
    type: token
    header: X-Token
    secret: ${env:HOOKSTATION_COURSE_COMPLETIONS_SECRET}
  access:
    allow: [203.0.113.0/24]
    rate: 100/s
  duplicates:
    key: header:webhook-id
  schema:
    type: object
    properties:
      memberId:
        type: string
    required: [memberId]
  action:
    type: insert_activity
    connection: imis
    fields:
      ActivityType: TEST
      ID: $$memberId$$
      Note: $$firstName$$, $$lastName$$
"""
    )


def test_the_placeholders_are_told_with_their_places() -> None:
    exported = export(courses(), CATALOGUE)
    assert [(one.variable, one.path) for one in exported.placeholders] == [
        ("HOOKSTATION_IMIS_PASSWORD", ("connections", 0, "password")),
        ("HOOKSTATION_COURSE_COMPLETIONS_SECRET", ("webhooks", 0, "authentication", "secret")),
    ]


def test_two_places_never_share_a_placeholder() -> None:
    document: JSON = {
        "connections": [
            {"name": name, "type": "imis", "password": "********"} for name in ("a-b", "a.b", "a_b")
        ]
    }
    assert [one.variable for one in export_document(document, CATALOGUE).placeholders] == [
        "HOOKSTATION_A_B_PASSWORD",
        "HOOKSTATION_A_B_PASSWORD_2",
        "HOOKSTATION_A_B_PASSWORD_3",
    ]


def test_templates_of_several_lines_are_blocks_and_odd_texts_are_quoted() -> None:
    document: JSON = {
        "a": "one\ntwo\n",
        "b": "yes",
        "c": "1e5",
        "d": "",
        "e": Number("19.90"),
        "f": "007",
        "g": None,
    }
    assert to_yaml(document) == 'a: |\n  one\n  two\nb: yes\nc: "1e5"\nd: ""\ne: 19.90\nf: "007"\ng: null\n'


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(configuration=configurations)
def test_what_is_exported_and_applied_again_changes_nothing(
    tmp_path: Path, configuration: Configuration
) -> None:
    exported = export(configuration, CATALOGUE)
    bundle = read_back(tmp_path, exported, environment_for(configuration, exported))
    document = with_references(bundle.document, bundle.references)
    again, problems = decode_configuration(document, CATALOGUE, PersonSecrets())
    assert problems == []
    assert again == configuration
    changed = {path for change in plan(configuration, again, prune=True) for path in change.paths}
    secret = {"password", "authentication.secret", "authentication.token", "signing.secret"}
    assert changed <= secret, "only where a placeholder is a reference now"


def environment_for(configuration: Configuration, exported: Export) -> dict[str, str]:
    """Every variable that the export names, set to the secret it stands for."""
    secrets = known_secrets(configuration)
    document = encode_configuration(configuration, CATALOGUE, PersonSecrets())
    named = re.findall(r"\$\{env:([A-Z]{3})\}", exported.text)
    return {name: value_of(name) for name in named} | {
        one.variable: secrets[purpose_of(document, one.path)].reveal() for one in exported.placeholders
    }


def purpose_of(document: JSON, path: Steps) -> str:
    kind, index, *rest = path
    thing = at(document, (kind, index))
    assert isinstance(thing, dict)
    return "/".join([str(kind).removesuffix("s"), str(thing["name"]), *map(str, rest)])
