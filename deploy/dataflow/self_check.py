"""Check, while the image is built and without network, that the image is complete.

usage: self_check.py [LOCK]

Imports all modules and analyses a text. With a LOCK, also checks that exactly its packages are
installed, and that the programs exist that Dataflow starts. Fails if anything is missing.
"""

import importlib
import json
import os
import pkgutil
import re
import sys
import tempfile
from importlib.metadata import distributions
from pathlib import Path

PACKAGES = ("pipeline", "schemas", "transforms")
PROGRAMS = ("/opt/apache/beam/boot", "/opt/google/dataflow/python_template_launcher")
NOT_LOCKED = {"newsbeam", "pip"}
NOT_OF_JOBS = {"psycopg"}  # of an extra that jobs do not use
TEXT = "The election bill was vetoed. “It is not fair to voters,” Lena Maris said on Friday."


def check_modules() -> None:
    """Import all modules, and thereby all that they need."""
    for name in PACKAGES:
        package = importlib.import_module(name)
        for module in pkgutil.walk_packages(package.__path__, f"{name}."):
            if module.name.endswith("__main__"):
                continue
            try:
                importlib.import_module(module.name)
            except ModuleNotFoundError as error:
                if (error.name or "").partition(".")[0] not in NOT_OF_JOBS:
                    raise


def check_analysis() -> None:
    """Analyse a text in a child process, with the model and the tables that are shipped."""
    from pipeline.cli import run_command
    from transforms.language.topics.media_topics import load_media_topics
    from transforms.language.topics.model import load_topic_model
    from transforms.language.topics.taxonomy_file import load_taxonomy

    assert load_media_topics() and load_topic_model() and load_taxonomy()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "in.jsonl"), Path(folder, "out.jsonl")
        source.write_text(json.dumps({"id": 1, "text": TEXT}) + "\n", encoding="utf-8")
        files = ["--input", str(source), "--output", str(target)]
        code = run_command(["analyze", *files, "--max_dead_letter_ratio", "0"])
        found = json.loads(target.read_text(encoding="utf-8"))
    assert code == 0, f"analyze ended with {code}"
    assert [quote["speaker_name"] for quote in found["quotes"]] == ["Lena Maris"], found
    assert "elections" in {topic["id"] for topic in found["topics"]}, found


def check_installed(lock: Path) -> None:
    """Check that the installed packages are those of the lock."""
    pinned = re.findall(r"^([\w.-]+)==(\S+)", lock.read_text(encoding="utf-8"), re.MULTILINE)
    wanted = {(_name(name), version) for name, version in pinned}
    there = {(_name(d.name), d.version) for d in distributions()}
    there = {(name, version) for name, version in there if name not in NOT_LOCKED}
    assert there == wanted, f"not as in {lock}: {sorted(there ^ wanted)}"


def check_programs() -> None:
    """Check that the programs that Dataflow starts are executable."""
    for program in PROGRAMS:
        assert os.access(program, os.X_OK), f"{program} cannot be run"


def _name(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main(arguments: list[str]) -> None:
    """Run all checks."""
    for lock in arguments:
        check_installed(Path(lock))
        check_programs()
    check_modules()
    check_analysis()


if __name__ == "__main__":
    main(sys.argv[1:])
