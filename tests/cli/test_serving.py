"""serve, sandbox and demo as processes: how they start, what they say, and that they leave nothing behind."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import os
import shlex
import signal
import socket
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.program import ENDING, environment
from tests.support.station import apply, command, serving, told, until
from tests.support.webhooks import webhook

DOCUMENT = {"version": 1, "webhooks": [webhook("courses")]}


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that we signed ourselves, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + datetime.timedelta(days=1))
    pem = serialization.Encoding.PEM
    (tmp_path / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (tmp_path / "key.pem").write_bytes(key.private_bytes(pem, *plain))
    return tmp_path / "cert.pem", tmp_path / "key.pem"


def refused(*words: str | Path) -> str:
    """What a process that cannot start says, in one sentence a line."""
    ended = command(*words)
    assert (1, "", False) == (ended.returncode, ended.stdout, "Traceback" in ended.stderr)
    return ended.stderr


def test_https_serves_calls_and_the_control_channel(tmp_path: Path, certificate: tuple[Path, Path]) -> None:
    data = tmp_path / "data"
    apply(data, DOCUMENT)
    with serving(data, "--tls-cert", str(certificate[0]), "--tls-key", str(certificate[1])) as process:
        assert process.url.startswith("https://127.0.0.1:")
        url = told("webhooks", "show", "courses", "--data", data)["url"]
        assert url.startswith(process.url)
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        call = urllib.request.Request(url, b'{"memberId": "1"}', {"Content-Type": "application/json"})
        with urllib.request.urlopen(call, context=trusting) as answer:
            assert {"success": True} == json.load(answer)
        assert {"count": 1} == told("records", "count", "Activity", "--data", data)
        process.end()
        assert process.running.stdout is not None
        assert "" == process.running.stdout.read()


def test_a_certificate_that_does_not_fit_is_told_before_anything_starts(
    tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    data, (cert, key) = tmp_path / "data", certificate
    assert "error: tls_cert: no certificate" in refused("serve", "--data", data, "--tls-cert", cert)
    assert "error: tls_key: needs a certificate" in refused("serve", "--data", data, "--tls-key", key)
    nothing = refused("serve", "--data", data, "--tls-cert", tmp_path / "none", "--tls-key", key)
    assert "cannot be read" in nothing
    assert not data.exists()


@pytest.mark.parametrize("name", ["serve --data data", "demo --data data", "sandbox"])
def test_a_port_in_use_is_told_with_what_to_do(
    tmp_path: Path, taken: int, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = refused(*name.split(), "--port", str(taken)).strip()
    assert said.startswith("error: ")
    assert f"cannot listen on 127.0.0.1 port {taken}: Address already in use." in said.replace(
        "Cannot", "cannot"
    )
    assert "--port" in said


def test_two_stations_beside_each_other_are_told_apart_by_their_database(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine" / "a.db", tmp_path / "other" / "b.db"
    other.parent.mkdir()
    mine.parent.mkdir()
    with serving(tmp_path / "data", "--database-url", f"sqlite:///{mine}"):
        given = ("--data", tmp_path / "data", "--database-url")
        made = command("keys", "add", "mine", "--role", "administrator", *given, f"sqlite:///{mine}")
        assert 0 == made.returncode
        assert ["mine"] == [one["name"] for one in told("keys", "list", *given, f"sqlite:///{mine}")["items"]]
        assert [] == told("keys", "list", *given, f"sqlite:///{other}")["items"]


@contextlib.contextmanager
def demo(data: Path) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """`hookstation demo` as a shell starts it, with the lines that it printed."""
    words = [sys.executable, "-m", "hookstation", "demo", "--port", "0", "--data", str(data)]
    with (
        data.with_suffix(".log").open("w") as log,
        subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log, text=True, env=environment()) as running,
    ):
        assert running.stdout is not None
        lines = []
        for line in running.stdout:
            lines.append(line)
            if line.startswith("Ctrl-C"):
                break
        try:
            yield running, lines
        finally:
            running.kill()


def pasted(line: str) -> Any:
    """What a printed curl line is answered, body only, read as a shell reads it."""
    words = shlex.split(line)[1:]
    assert "curl" == shlex.split(line)[0]
    headers = {name: value for name, _, value in (one.partition(": ") for one in values(words, "-H"))}
    url = next(word for word in words if word.startswith("http"))
    body = next(iter(values(words, "-d")), None)
    call = urllib.request.Request(url, body.encode() if body else None, headers)
    try:
        with urllib.request.urlopen(call) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as answer:
        with answer:
            return json.load(answer)


def values(words: list[str], option: str) -> list[str]:
    """What stands after each `option`."""
    return [after for word, after in itertools.pairwise(words) if word == option]


def both_noted(line: str) -> list[dict[str, str]] | None:
    """The two events that the journal lists, once the note of the rejected one has followed its answer."""
    items: list[dict[str, str]] = pasted(line)["items"]
    return items if len(items) == 2 else None


def gone(url: str) -> bool | None:
    """True once nobody listens there."""
    try:
        with urllib.request.urlopen(url):
            return None
    except urllib.error.URLError:
        return True
    except ConnectionError:  # it was let in while the door was closing
        return None


def test_what_the_demo_prints_works_as_pasted(tmp_path: Path) -> None:
    with demo(tmp_path / "data") as (running, lines):
        assert lines[0].startswith("Hookstation ready at http://127.0.0.1:")
        assert 1 == "".join(lines).count("/setup/")
        works, refuses, sandbox, receiver, api = [
            line.split("curl", 1)[1] for line in lines if "curl" in line
        ]
        assert {"success": True} == pasted("curl" + works)
        assert "amount: must be a number, but is text" in pasted("curl" + refuses)["validationErrors"]
        assert 1 == pasted("curl" + sandbox)["count"]
        (came,) = until(lambda: pasted("curl" + receiver)["items"] or None)
        assert (True, "record.inserted", "10420") == (
            came["verified"],
            came["body"]["type"],
            came["body"]["data"]["fields"]["ID"],
        )
        assert ["rejected", "succeeded"] == [one["state"] for one in until(lambda: both_noted("curl" + api))]
        look = next(line for line in lines if "events list" in line).split("call", 1)[1]
        listed = subprocess.run(shlex.split(look), capture_output=True, text=True, cwd="/", check=True)
        assert 3 == len(listed.stdout.splitlines())
        assert "is held by process" in refused("demo", "--port", "0", "--data", tmp_path / "data")
        running.send_signal(signal.SIGINT)
        assert 0 == running.wait(ENDING)
        assert until(lambda: gone(sandbox.split()[0]))
    assert not (tmp_path / "data" / "control.json").exists()
    assert "/setup/" not in (tmp_path / "data.log").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_stand_in_ends_with_the_demo_however_that_ends(tmp_path: Path, number: signal.Signals) -> None:
    with demo(tmp_path / "data") as (running, lines):
        sandbox = next(line for line in lines if "_sandbox" in line).split()[-1]
        assert [] == pasted(f"curl {sandbox}")["items"]
        os.kill(running.pid, number)
        running.wait(ENDING)
        assert until(lambda: gone(sandbox))
