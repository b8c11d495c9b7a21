"""The wheel, as somebody without this checkout would install it."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Installed:
    """A wheel, and a fresh environment that holds it."""

    wheel: Path
    bin: Path


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(cwd)}
    return subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The libraries are those of this environment; Hookstation itself comes from the wheel alone."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "-qq"]
    built = run(*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT, cwd=folder)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("*.whl")
    fresh = folder / "fresh"
    venv.create(fresh, with_pip=False)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(fresh), "platbase": str(fresh)}))
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    placed = run(*pip, "--python", fresh, "install", "--no-deps", wheel, cwd=folder)
    assert placed.returncode == 0, placed.stderr
    return Installed(wheel, fresh / "bin")


def test_the_installed_command_tells_how_it_is_used(installed: Installed, tmp_path: Path) -> None:
    answer = run(installed.bin / "hookstation", "--help", cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "serve" in answer.stdout


def test_the_installed_package_is_the_wheels_own(installed: Installed, tmp_path: Path) -> None:
    code = "import hookstation; print(hookstation.__file__)"
    answer = run(installed.bin / "python", "-I", "-c", code, cwd=tmp_path)
    assert str(installed.bin.parent) in answer.stdout


def test_the_wheel_carries_every_file_of_the_package(installed: Installed) -> None:
    """SQL, help texts and pages are read at run time: one that is left behind fails far from here."""
    tracked = run("git", "ls-files", "src/hookstation", cwd=ROOT).stdout.splitlines()
    expected = {name.removeprefix("src/") for name in tracked if (ROOT / name).exists()}
    assert expected <= set(zipfile.ZipFile(installed.wheel).namelist())


def test_the_wheel_carries_the_pages_bundle_with_its_licences(installed: Installed) -> None:
    """Who installs it needs no Node; what is bundled came under licences that want to be passed on."""
    archive = zipfile.ZipFile(installed.wheel)
    static = "hookstation/web/static/"
    manifest = json.loads(archive.read(f"{static}manifest.json"))
    assert {"main.ts", "main.css", "icon.svg"} == set(manifest["entries"])
    wanted = {"licences.txt", *manifest["files"], *(f"{name}.br" for name in manifest["files"])}
    assert {static + name for name in wanted} <= set(archive.namelist())


def test_the_wheel_carries_its_licence(installed: Installed) -> None:
    names = zipfile.ZipFile(installed.wheel).namelist()
    assert {"LICENSE", "NOTICE"} <= {Path(name).name for name in names}
