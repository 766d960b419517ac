"""Comparison of two revisions of the code: proves that a change of code changes no record.

usage: python -m benchmarks.revisions --before REV [--cases FOLDER]

Checks out the git revision REV into a temporary worktree. Runs the commands of Newsbeam there and
in this checkout, by the same Python, over the same inputs:

- the sample site, ingested twice into one output;
- with ``--cases``, every folder within FOLDER. FOLDER has a ``serve.py`` that serves it on
  127.0.0.1:8471 and 8472. The feeds of a folder (``*.xml``, ``*.json``) are ingested together and
  each of its feed lists (``*.opml``, ``*.txt``) alone, twice into one output. A file
  ``analyze.jsonl`` or ``extract.jsonl`` is the input of the command of that name;
- command lines that are wrong, and the flags that each ``--help`` names.

Compares records, summaries, the names of all files, exit codes and the output of the commands, but
not run ids, times and folders. Prints a line per difference.

Exit codes: 0 no difference, 1 a difference, 2 wrong usage or a server that did not start.
"""

import argparse
import difflib
import re
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from sample.server import PORT as SAMPLE_PORT
from sample.server import SampleSite
from tests.support.paths import ROOT
from tests.support.run_comparison import (
    RUN_DAY,
    compare_runs,
    list_changes,
    read_start,
)
from tests.support.server_processes import ServerProcess, ServerProcessError
from tests.support.visible_records import read_visible_records

CASES_PORTS: Final = (8471, 8472)
OUTPUTS: Final = "{outputs}"
"""Stands for the folder of a revision's outputs, in arguments and in what is printed."""
INGEST_FLAGS: Final = (
    *("--allow_private_networks", "127.0.0.0/8"),
    *("--host_delays", "127.0.0.1=0"),
)
HELP_COMMANDS: Final = ("ingest", "analyze", "extract", "load", "feeds", "taxonomy")
WRONG_USAGE: Final = (
    ("ingest",),
    ("no-such-command",),
    ("ingest", "--feeds", "x", "--output", "y", "--no_such_flag"),
)
_RUN_ID: Final = re.compile(r"(\d{4})(\d{2})(\d{2})T\d{6}Z-[0-9a-f]{8}")
_PROGRESS: Final = re.compile(r"newsbeam: (?:\w+ \d+ *)+\n")
"""A line of progress. How many of them a run prints depends on how long it takes."""
_MAX_LINE: Final = 300
"""Characters of a difference that are printed."""


class CommandResult(NamedTuple):
    """The exit code and the normalised output of a command."""

    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Revision:
    """A checkout of the code, and the folder into which its commands write."""

    code: Path
    outputs: Path

    def run(self, arguments: Sequence[str]) -> CommandResult:
        """Run a command of Newsbeam.

        Args:
            arguments: its command line, in which `OUTPUTS` stands for the folder of outputs.
        """
        expanded = [argument.replace(OUTPUTS, str(self.outputs)) for argument in arguments]
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *expanded],
            cwd=self.code,  # comes first in the search path of `python -m`
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        printed = (self._normalise(text) for text in (done.stdout, done.stderr))
        return CommandResult(done.returncode, *printed)

    def _normalise(self, text: str) -> str:
        text = text.replace(str(self.outputs), OUTPUTS).replace(str(self.code), "{code}")
        return _PROGRESS.sub("", normalise_run(text))


def normalise_run(text: str) -> str:
    """Replace the ids of runs, and the days on which these runs started.

    >>> normalise_run('{"run_id": "20261128T093000Z-0123abcd", "day": "2026-11-28"}')
    '{"run_id": "RUN", "day": "DAY OF THE RUN"}'
    """
    for year, month, day in set(_RUN_ID.findall(text)):
        text = text.replace(f"{year}-{month}-{day}", RUN_DAY)
    return _RUN_ID.sub("RUN", text)


class Case(NamedTuple):
    """A named input of `ingest`, or of a command that reads one file."""

    name: str
    command: str
    inputs: list[str]
    """URLs of feeds or feed lists, or the path of the file."""


def list_cases(folder: Path) -> Iterator[Case]:
    """Yield the inputs in a folder of cases, which is served on the first of `CASES_PORTS`."""
    for case in sorted(path for path in folder.iterdir() if path.is_dir()):
        files = sorted(path for path in case.rglob("*") if path.is_file())
        urls = {
            path: f"http://127.0.0.1:{CASES_PORTS[0]}/{path.relative_to(folder)}" for path in files
        }
        feeds = [urls[path] for path in files if path.suffix in (".xml", ".json")]
        if feeds:
            yield Case(case.name, "ingest", feeds)
        for path in files:
            name = f"{case.name}-{path.name}"
            if path.suffix in (".opml", ".txt"):
                yield Case(name, "ingest", [urls[path]])
            elif path.name in ("analyze.jsonl", "extract.jsonl"):
                yield Case(name, path.stem, [str(path)])


def compare_case(case: Case, before: Revision, after: Revision) -> list[str]:
    """Run a case by both revisions, and return a line per difference."""
    if case.command == "ingest":
        arguments = ["ingest", "--feeds", *case.inputs, "--output", f"{OUTPUTS}/{case.name}"]
        lines = []
        for number in ("first", "second"):
            results = [revision.run([*arguments, *INGEST_FLAGS]) for revision in (before, after)]
            lines += [f"{number} run, {line}" for line in compare_results(*results)]
        return lines + compare_outputs(before.outputs / case.name, after.outputs / case.name)
    arguments = [case.command, "--input", *case.inputs, "--output", f"{OUTPUTS}/{case.name}"]
    lines = compare_results(before.run(arguments), after.run(arguments))
    return lines + compare_files(before.outputs / case.name, after.outputs / case.name)


def compare_results(before: CommandResult, after: CommandResult) -> list[str]:
    """Return a line per difference between the outputs and exit codes of two commands."""
    lines = []
    if before.exit_code != after.exit_code:
        lines.append(f"exit code: {before.exit_code} became {after.exit_code}")
    for name, old, new in (
        ("stdout", before.stdout, after.stdout),
        ("stderr", before.stderr, after.stderr),
    ):
        lines += [f"{name}: {line}" for line in _diff_lines(old, new)]
    return lines


def compare_outputs(before: Path, after: Path) -> list[str]:
    """Return a line per difference between two outputs, whose runs are paired by their order."""
    old_runs, new_runs = _list_runs(before), _list_runs(after)
    lines = read_visible_records(after).errors
    if len(old_runs) != len(new_runs):
        lines.append(f"{len(old_runs)} runs became {len(new_runs)}")
    for number, (old, new) in enumerate(zip(old_runs, new_runs, strict=False), start=1):
        changes = list_changes(_list_files(old), _list_files(new), "file ")
        lines += [f"run {number}: {line}" for line in [*changes, *compare_runs(old, new)]]
    return lines


def compare_files(before: Path, after: Path) -> list[str]:
    """Return a line per difference between two text files; one that is missing counts as empty."""
    old, new = (
        normalise_run(path.read_text(encoding="utf-8")) if path.exists() else ""
        for path in (before, after)
    )
    return _diff_lines(old, new)


def _diff_lines(old: str, new: str) -> list[str]:
    changes = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
    # The first two lines name the files.
    return [line for line in list(changes)[2:] if not line.startswith("@@")]


def compare_usage(before: Revision, after: Revision) -> Iterator[tuple[str, list[str]]]:
    """Yield command lines that are wrong or ask for help, with a line per difference.

    The texts of ``--help`` may differ; the flags in them may not.
    """
    for arguments in WRONG_USAGE:
        yield " ".join(arguments), compare_results(before.run(arguments), after.run(arguments))
    for command in HELP_COMMANDS:
        texts = [revision.run([command, "--help"]).stdout for revision in (before, after)]
        old, new = (Counter(set(re.findall(r"--\w+", text))) for text in texts)
        yield f"{command} --help", list_changes(old, new)


def _list_runs(output: Path) -> list[Path]:
    return sorted((output / "runs").glob("*"), key=read_start)


def _list_files(run: Path) -> Counter[str]:
    names = (str(path.relative_to(run)) for path in run.rglob("*") if path.is_file())
    return Counter(name.replace(f"day={read_start(run)[:10]}", f"day={RUN_DAY}") for name in names)


@contextmanager
def check_out(revision: str, folder: Path) -> Iterator[Path]:
    """Check a git revision out into a new folder, which is removed with the context."""
    git = ["git", "-C", str(ROOT), "worktree"]
    subprocess.run([*git, "add", "--quiet", "--detach", str(folder), revision], check=True)
    try:
        yield folder
    finally:
        subprocess.run([*git, "remove", "--force", str(folder)], check=True)


def compare_revisions(revision: str, cases: Path | None) -> bool:
    """Run all cases by both revisions and print what differs; return whether anything does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        before = Revision(
            stack.enter_context(check_out(revision, folder / "code")), folder / "before"
        )
        after = Revision(ROOT, folder / "after")
        for side in (before, after):
            side.outputs.mkdir()
        site = stack.enter_context(SampleSite(port=SAMPLE_PORT))
        inputs = [Case("sample", "ingest", [f"{site.base}/feeds.opml"])]
        if cases:
            command = [sys.executable, str(cases / "serve.py")]
            server = stack.enter_context(ServerProcess("cases", command, folder))
            for port in CASES_PORTS:
                server.wait_for_port(port)
            inputs += list_cases(cases)
        results = [_print_result(case.name, compare_case(case, before, after)) for case in inputs]
        results += [_print_result(*result) for result in compare_usage(before, after)]
    print(f"{sum(results)} of {len(results)} differ from {revision}")
    return any(results)


def _print_result(name: str, lines: Sequence[str]) -> bool:
    print(f"{name}: {'differs' if lines else 'same'}", flush=True)
    for line in lines:
        print(f"    {line[:_MAX_LINE]}", flush=True)
    return bool(lines)


def main() -> int:
    """Parse the command line and compare."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.revisions",
        description="Compare the records of this checkout with those of another revision.",
    )
    parser.add_argument(
        "--before", required=True, metavar="REV", help="git revision to compare with"
    )
    parser.add_argument("--cases", type=Path, metavar="FOLDER", help="folder of further inputs")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that the worktree is removed
    known = [
        "git",
        "-C",
        str(ROOT),
        "rev-parse",
        "--quiet",
        "--verify",
        f"{args.before}^{{commit}}",
    ]
    if subprocess.run(known, stdout=subprocess.DEVNULL, check=False).returncode:
        parser.error(f"git knows no revision {args.before}")
    if args.cases and not (args.cases / "serve.py").is_file():
        parser.error(f"{args.cases} has no serve.py")
    try:
        return int(compare_revisions(args.before, args.cases and args.cases.resolve()))
    except (ServerProcessError, OSError) as error:  # such as a port that is in use
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
