"""The reference page of the config file, written from the field lists that read it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hookstation.config.export import to_yaml
from hookstation.connectors import CATALOGUE
from hookstation.core.documents.destination import DESTINATION
from hookstation.core.documents.panel import PANEL
from hookstation.core.documents.poll import POLL
from hookstation.core.documents.schedule import SCHEDULE
from hookstation.core.documents.schemas import connection_settings
from hookstation.core.documents.steps import BASE as STEP
from hookstation.core.documents.subscription import SUBSCRIPTION
from hookstation.core.documents.transfer import TRANSFER
from hookstation.core.documents.webhook import WEBHOOK
from hookstation.core.documents.workflow import WORKFLOW
from hookstation.core.fieldlist import Kind, Setting, plain

INTRODUCTION = """\
# The config file

All that a person configures can be written down in YAML or JSON and kept under version control:
`hookstation plan FILE...` shows what would change, `hookstation apply FILE...` does it, `hookstation export` writes
a file from what is there. Several files, or several YAML documents in one, are read as one. What a file does not
name stays as it is, unless `--prune` is given. A mistake is answered with file, line, column, setting and reason,
and then nothing at all is applied.

```yaml
version: 1
connections:
  - name: imis
    type: imis
    url: https://imis.example.org
    username: manager
    password: "${env:IMIS_PASSWORD}"
panels:
  - name: ABC_Courses
    fields:
      CourseCode: {type: string, length: 20, required: true}
      Grade: {type: string, length: 10, values: [pass, fail]}
      CompletedOn: {type: date}
webhooks:
  - name: course-completions
    authentication: {type: token, header: X-Token, secret: "${env:LMS_TOKEN}"}
    schema: {type: object, required: [memberId], properties: {memberId: {type: string}}}
    action:
      type: insert_activity
      connection: imis
      fields:
        ActivityType: COURSE
        ID: $$memberId$$
destinations:
  - name: crm
    url: https://crm.example.org/hooks/members
    authentication: {type: bearer, token: "${env:CRM_TOKEN}"}
subscriptions:
  - name: crm-courses
    events: [record.inserted, inbound.course-completions]
    destination: crm
    condition: record.entity == "Activity" or exists(memberId)
workflows:
  - name: nightly-summary
    trigger: {type: schedule}
    steps:
      - name: find
        type: find_panels
        with: {connection: records, panel: ABC_Courses, match: {Grade: pass}}
      - name: tell
        type: emit
        when: exists(steps.find.records.0)
        with: {type: courses.passed, payload: $$steps.find.records$$}
schedules:
  - name: every-night
    workflow: nightly-summary
    cron: "0 2 * * *"
    zone: Europe/Berlin
```

## How it is read

- `version: 1` stands in every file; beside it only `connections`, `panels`, `webhooks`, `destinations`,
  `subscriptions`, `workflows`, `transfers`, `polls` and `schedules`, each a list.
- YAML is read by the core schema of YAML 1.2: only `true` and `false` are booleans, `yes` and `on` are text, and so
  are dates. Numbers keep their digits: `19.90` stays `19.90`. A number that begins with a zero needs quotes.
- In a mapping, text is a [template](templates.md); anything else is a literal of its type.
- Refused: the same key twice, tags (`!!...`), merge keys (`<<`), aliases that grow beyond 500,000 values, more than
  100 levels, files over 8 MiB.
- What names another thing needs it: a webhook's connection and panel, a subscription's destination, the workflow
  that a webhook, a poll or a schedule starts. It stands in the files, or is there already.
- `schema_file: PATH` in place of `schema` reads a JSON file; the path is relative to the config file.

## Secrets

A secret is named, not written: `${env:NAME}` is the environment variable, `${file:PATH}` the content of a file
(relative to the config file, one new line at its end left out). It is the whole value, stands only where the tables
below say *secret*, and is resolved by the command line, never by the server. A secret that stands in the file itself
is refused unless `--allow-literal-secrets` is given. `export` writes the reference again; where a secret has none, it
writes a placeholder and tells which variable must be set.

"""
KINDS = {
    Kind.TEXT: "text",
    Kind.NAME: "name",
    Kind.URL: "http or https address",
    Kind.ENDPOINT: "http or https address, query included",
    Kind.SECRET: "secret",
    Kind.INTEGER: "whole number",
    Kind.DURATION: "duration: `25s`, `5m`, `12h`, `7d`, or seconds",
    Kind.DURATIONS: "list of durations: `5s`, `2m`, `12h`",
    Kind.SIZE: "size: `1MiB`, `500KB`, or bytes",
    Kind.RATE: "rate: `100/s`, `1000/min`, `10/h`",
    Kind.BOOLEAN: "`true` or `false`",
    Kind.NETWORKS: "list of networks: `10.0.0.0/8`, `203.0.113.7`",
    Kind.PORTS: "list of ports: `443`, `8443`",
    Kind.ZONE: "IANA time zone",
    Kind.HEADER: "header name",
    Kind.LIST: "list of texts",
    Kind.MAPPING: "names and values",
    Kind.JSON: "any JSON",
}


def page() -> str:
    """The page in Markdown."""
    connections = "".join(
        f"### Type `{kind}`\n\n{table(connection_settings(kind, CATALOGUE))}" for kind in sorted(CATALOGUE)
    )
    return (
        f"{INTRODUCTION}## `webhooks`\n\n{table(WEBHOOK)}"
        f"## `panels`\n\n{table(PANEL)}"
        "## `connections`\n\nThe built-in records database is always there as connection `records` and is not "
        f"defined.\n\n{connections}"
        f"## `destinations`\n\n{table(DESTINATION)}"
        "## `subscriptions`\n\nWhat leaves, and how: the types are those of [events that go out](outgoing-events.md), "
        f"the condition is written in [its own language](conditions.md).\n\n{table(SUBSCRIPTION)}"
        f"## `workflows`\n\n{table(WORKFLOW)}"
        "### A step\n\nThe settings under `with` are those of its type: [all types](steps.md). Types that hold other "
        "steps have them under `steps`, `then` and `else`, `cases` and `default`, or `branches`.\n\n"
        f"{table(STEP)}"
        f"## `transfers`\n\n{table(TRANSFER)}"
        f"## `polls`\n\n{table(POLL)}"
        f"## `schedules`\n\n{table(SCHEDULE)}"
    ).rstrip() + "\n"


def table(settings: tuple[Setting, ...]) -> str:
    """A table of settings, those inside others with their paths."""
    return "| setting | value | default | meaning |\n|---|---|---|---|\n" + "".join(rows(settings, "")) + "\n"


def rows(settings: tuple[Setting, ...], prefix: str) -> Iterator[str]:
    """A row per setting, and behind it those that it holds."""
    for setting in settings:
        path = f"{prefix}{setting.name}"
        yield row(path, setting)
        match setting.kind:
            case Kind.GROUP:
                yield from rows(setting.fields, f"{path}.")
            case Kind.ENTRIES:
                yield from rows(setting.fields, f"{path}.NAME.")
            case Kind.GROUPS:
                yield from rows(setting.fields, f"{path}[].")
            case Kind.ONE_OF:
                yield from variant_rows(setting, path)


def variant_rows(setting: Setting, path: str) -> Iterator[str]:
    """The type, then each setting of the variants once, with the types that have it."""
    yield row(f"{path}.type", Setting("type", Kind.CHOICE, required=True, choices=tuple(setting.variants)))
    inner: list[Setting] = []
    for one in (one for fields in setting.variants.values() for one in fields if one not in inner):
        inner.append(one)
        owners = [variant for variant, fields in setting.variants.items() if one in fields]
        yield row(f"{path}.{one.name}", one, "" if len(owners) == len(setting.variants) else codes(owners))


def row(path: str, setting: Setting, owners: str = "") -> str:
    """A line of the table; `owners` are the types that a setting is for."""
    meaning = f"For {owners}. {setting.help}" if owners else setting.help
    return f"| `{path}` | {value(setting)} | {default(setting)} | {meaning} |\n"


def codes(words: Iterable[str]) -> str:
    """Words as code, with commas."""
    return ", ".join(f"`{word}`" for word in words)


def value(setting: Setting) -> str:
    """What may stand there."""
    if setting.choices:
        return codes(setting.choices)
    inner = {
        Kind.GROUP: "settings",
        Kind.ENTRIES: "settings by name",
        Kind.GROUPS: "list of settings",
        Kind.ONE_OF: "settings, by `type`",
    }
    words = inner.get(setting.kind) or setting.pattern_words or KINDS[setting.kind]
    return (
        f"{words}; {example(setting)}"
        if setting.kind in (Kind.TEXT, Kind.HEADER) and setting.example
        else words
    )


def example(setting: Setting) -> str:
    """How it may look."""
    return f"like `{to_yaml(plain(setting.example)).strip().removesuffix('...').strip()}`"


def default(setting: Setting) -> str:
    """What it is where it is left out."""
    if setting.required:
        return "required"
    return (
        "" if setting.default is None else f"`{to_yaml(setting.default).strip().removesuffix('...').strip()}`"
    )
