"""Every command of docs/deploy.md is one that its program takes."""

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path
from string import Template
from typing import Any, Final

import pytest

from pipeline.beam_flags import build_beam_parser
from pipeline.cli import build_parser
from tests.pipeline.test_dataflow_template import accepts, parameters

ROOT: Final = Path(__file__).parents[2]


def blocks() -> list[str]:
    """The commands of the page, a line each, with the names that it begins with filled in."""
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    lines = "\n".join(line[4:] for line in page.splitlines() if line.startswith("    "))
    names: dict[str, str] = {}
    found = []
    for line in lines.replace("\\\n", " ").splitlines():
        assigned = re.fullmatch(r"([A-Z]+)=(\S+)", line)
        if assigned:
            names[assigned[1]] = Template(assigned[2]).substitute(names)
        else:
            found.append(Template(line).safe_substitute(names))
    return found


def commands(program: str) -> list[list[str]]:
    return [shlex.split(line) for line in blocks() if line.split()[0] == program]


def test_the_page_has_its_commands() -> None:
    assert len(commands("gcloud")) > 40
    assert {command[1] for command in commands("newsbeam")} == {"ingest", "load"}
    assert not [line for line in blocks() if line.startswith("gcloud") and "$" in line]


def test_newsbeam_takes_its_commands() -> None:
    for _, *arguments in commands("newsbeam"):
        args, rest = build_parser().parse_known_args(arguments)
        assert args.output.startswith("gs://")
        beam, unknown = build_beam_parser().parse_known_args(rest)
        assert unknown == []
        if arguments[0] == "ingest":
            assert beam.sdk_container_image and beam.use_public_ips is False


def given(command: list[str], name: str) -> list[str]:
    return [word.partition("=")[2] for word in command if word.startswith(f"--{name}=")]


def test_the_template_takes_its_parameters() -> None:
    known = parameters()
    runs = [c for c in commands("gcloud") if c[1:4] == ["dataflow", "flex-template", "run"]]
    assert runs
    for command in runs:
        values = dict(value.split("=", 1) for value in given(command, "parameters"))
        assert {"feeds", "output"} <= set(values)
        for name, value in values.items():
            assert accepts(known[name], value), name


def test_the_schedule_gives_parameters_that_the_template_takes() -> None:
    text = (ROOT / "deploy/cloud_scheduler/launch.json").read_text(encoding="utf-8")
    launch = json.loads(text.replace("BUCKET", "my-bucket"))["launchParameter"]
    known = parameters()
    for name, value in launch["parameters"].items():
        assert accepts(known[name], value), name
    needed = {name for name, parameter in known.items() if not parameter["isOptional"]}
    assert needed <= set(launch["parameters"])
    assert launch["environment"]["ipConfiguration"] == "WORKER_IP_PRIVATE"


def test_files_and_folders_that_are_named_exist() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\((\.\.?/[^)#]+)\)", page):
        assert (ROOT / "docs" / link).exists(), link
    for path in re.findall(r"(?<![\w/-])(?:deploy|tests)/[\w/.]+\w", page):
        assert (ROOT / path).exists(), path


def test_every_flag_that_is_spoken_of_exists() -> None:
    page = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
    text = re.sub(r"\n    .*", "", page)
    known = {word for words in commands("gcloud") for word in words}
    flags = {
        flag for parser in (ingest_parser(), build_beam_parser()) for flag in all_flags(parser)
    }
    spoken = set(re.findall(r"--\w+(?:-\w+)*", text))
    assert {flag for flag in spoken - flags if not any(w.startswith(flag) for w in known)} == set()


def ingest_parser() -> Any:
    (choices,) = (a.choices for a in build_parser()._actions if isinstance(a.choices, dict))
    return choices["ingest"]


def all_flags(parser: Any) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings]


@pytest.mark.deploy
@pytest.mark.skipif(not shutil.which("gcloud"), reason="no gcloud on this machine")
def test_gcloud_takes_its_commands(tmp_path: Path) -> None:
    file = tmp_path / "commands.json"
    lines = [{"command_string": shlex.join(command)} for command in commands("gcloud")]
    file.write_text(json.dumps(lines), encoding="utf-8")
    done = subprocess.run(
        ["gcloud", "meta", "lint-gcloud-commands", f"--commands-file={file}"],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "CLOUDSDK_CONFIG": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    results = json.loads(done.stdout)
    assert len(results) == len(commands("gcloud"))
    for read in results:
        command = read["command_string"]
        assert read["success"], f"{command}: {read['error_message']}"
        names = set(re.findall(r'"name": "([\w-]+)"', json.dumps(read["args_structure"])))
        flags = {name[2:] for name in read["command_args"] if name.startswith("--")}
        assert {flag for flag in flags if flag.removeprefix("no-") not in names} == set(), command


@pytest.mark.deploy
@pytest.mark.skipif(not shutil.which("gcloud"), reason="no gcloud on this machine")
def test_gcloud_takes_the_metadata(tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *("gcloud", "dataflow", "flex-template", "build", "gs://bucket/newsbeam.json"),
            *("--image=registry.example/newsbeam:1", "--sdk-language=PYTHON", "--print-only"),
            *("--metadata-file=deploy/dataflow/metadata.json", "--project=news-project"),
        ],
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "CLOUDSDK_CONFIG": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in parameters():
        assert f'"name": "{name}"' in done.stdout
