"""Newsbeam as a Dataflow Flex Template: parameters are flags of ``ingest``, each one string.

``python -m pipeline.dataflow_template`` prints the template's metadata, against which Dataflow
checks the parameters before it starts a job. deploy/dataflow/metadata.json holds that output.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline.cli import beam_parser, command_parser, run_command
from pipeline.runners.dataflow import GCS_BUCKET_PATTERN
from transforms.core.errors import UsageError
from transforms.sinks.bigquery.options import DATASET_PATTERN
from transforms.sinks.write_records import FORMATS

LEFT_OUT: Final = {
    "help": "is of the command line",
    "poll_interval_sec": "a scheduler launches the template again",
    "max_dead_letter_ratio": "is about an exit code, which nobody waits for",
    "streaming": "a stream was not run on Dataflow yet",
    "window_sec": "goes with streaming",
    "shortest_poll_sec": "goes with streaming",
    "longest_poll_sec": "goes with streaming",
    "remember_days": "goes with streaming",
    "pubsub_feeds": "goes with streaming",
    "pubsub_records": "goes with streaming",
    "postgres": "whoever sees the job would see its password, and the image has no driver",
    "postgres_schema": "goes with postgres",
    "postgres_timeout_sec": "goes with postgres",
    "bigquery_endpoint": "is for emulators",
    "allow_private_networks": "who may launch a job need not be one who may reach private hosts",
}
"""The flags of ``ingest`` that are no parameters, and why."""

_MAY_BE_ZERO: Final = frozenset(
    {"host_delay_sec", "max_retry_after_sec", "max_wait_sec", "wait_for_run_sec"}
)
_WHOLE: Final = "[0-9]+"
_DECIMAL: Final = r"([0-9]+(\.[0-9]+)?|\.[0-9]+)"
_WHOLE_ABOVE_0: Final = "0*[1-9][0-9]*"
_DECIMAL_ABOVE_0: Final = r"(0*[1-9][0-9]*(\.[0-9]+)?|0*\.0*[1-9][0-9]*)"
_FOLDER: Final = f"{GCS_BUCKET_PATTERN}(/.*)?"
_FILE: Final = f"{GCS_BUCKET_PATTERN}/.+"
_SOURCE: Final = r"(https?|gs)://\S+"
_DELAY: Final = rf"[^\s=]+={_DECIMAL}"
_FORMATS: Final = f"({'|'.join(FORMATS)})"
_PRINTABLE: Final = "[ -~]+"

_PATTERNS: Final[Mapping[str, str]] = {
    "feeds": rf"{_SOURCE}(\s+{_SOURCE})*",
    "output": _FOLDER,
    "state": _FOLDER,
    "taxonomy": _FILE,
    "gazetteer": f"(none|{_FILE})",
    "formats": f"{_FORMATS}(,{_FORMATS})*",
    "run_id": "[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*",
    "model": "[A-Za-z0-9._-]+",
    "user_agent": _PRINTABLE,
    "contact": _PRINTABLE,
    "bigquery": DATASET_PATTERN,
    "bigquery_location": "[A-Za-z0-9-]+",
    "host_delays": rf"{_DELAY}(\s+{_DELAY})*",
}
"""What a text may be. A flag without a line here, nor choices, nor a number, is an error."""


def main(argv: Sequence[str], image: str) -> int:
    """Launch a job with these parameters and the flags that Dataflow adds; the exit code.

    ``image`` is the one that this runs in, which its workers run in too.
    """
    try:
        flags = [*arguments(argv), f"--sdk_container_image={image}"]
    except UsageError as error:
        print(f"newsbeam: {error}", file=sys.stderr)  # noqa: T201
        return 2
    return run_command(["ingest", *flags])


def arguments(argv: Sequence[str]) -> list[str]:
    """The flags of a command line from those of a launcher, of which each is ``--NAME=VALUE``.

    Several values of a flag are parted by spaces, flags without values are "true" or "false", and
    an empty value is none. Dataflow's own flags may be newer than Beam's: unknown ones are left
    out, since Dataflow has checked the names of all parameters.

    >>> arguments(["--feeds=https://a.org/1 https://b.org/2", "--only_due_feeds=true"])
    ['--feeds', 'https://a.org/1', 'https://b.org/2', '--only_due_feeds']

    Raises:
        UsageError: a flag without values is something else.
    """
    known = {name: flag for flag in _all_flags() for name in flag.option_strings}
    found: list[str] = []
    for argument in argv:
        name, _, value = argument.partition("=")
        flag = known.get(name)
        if flag is None:
            print(f"newsbeam: unknown flag left out: {name}", file=sys.stderr)  # noqa: T201
        elif flag.nargs == 0:
            found += _switch(name, value, known)
        elif flag.nargs in ("+", "*"):
            found += [name, *value.split()] if value.strip() else []
        elif value:
            found.append(argument)
    return found


def _switch(name: str, value: str, known: Mapping[str, argparse.Action]) -> list[str]:
    opposite = f"--no_{name.removeprefix('--')}"
    if value.lower() not in ("", "true", "false"):
        raise UsageError(f"{name}: true or false, not {value!r}")
    if value.lower() == "false":
        return [opposite] if opposite in known else []
    return [name]


def metadata() -> dict[str, Any]:
    """The template's metadata: what it does, and every parameter with its help and its check."""
    return {
        "name": "Newsbeam",
        "description": "Turns news feeds into records of who said what about which topic.",
        "parameters": [described(flag) for flag in ingest_flags() if flag.dest not in LEFT_OUT],
    }


def described(flag: argparse.Action) -> dict[str, Any]:
    """A parameter, with its help and its check.

    Raises:
        KeyError: nothing says what it may be.
    """
    text = str(flag.help) % {"default": flag.default}
    if flag.nargs in ("+", "*"):
        text += "; parted by spaces"
    return {
        "name": flag.dest,
        "label": flag.dest.replace("_", " ").capitalize(),
        "helpText": text[:1].upper() + text[1:],
        "isOptional": not flag.required,
        "regexes": [f"^{_pattern(flag)}$"],
    }


def _pattern(flag: argparse.Action) -> str:
    if flag.nargs == 0:
        return "(true|false)"
    if flag.choices:
        return f"({'|'.join(map(str, flag.choices))})"
    if flag.type in (int, float):
        whole = flag.type is int
        if flag.dest in _MAY_BE_ZERO:
            return _WHOLE if whole else _DECIMAL
        return _WHOLE_ABOVE_0 if whole else _DECIMAL_ABOVE_0
    if flag.dest not in _PATTERNS:
        raise KeyError(
            f"say in pipeline.dataflow_template what --{flag.dest} may be, or leave it out"
        )
    return _PATTERNS[flag.dest]


def ingest_flags() -> list[argparse.Action]:
    """The flags of ``ingest``."""
    (commands,) = (a for a in command_parser()._actions if a.nargs == argparse.PARSER)
    choices: Any = commands.choices
    return list(choices["ingest"]._actions)


def _all_flags() -> Iterator[argparse.Action]:
    yield from beam_parser()._actions
    yield from ingest_flags()


if __name__ == "__main__":
    print(json.dumps(metadata(), indent=2, ensure_ascii=False))  # noqa: T201
