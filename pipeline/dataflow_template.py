"""Newsbeam as a Dataflow Flex Template, whose parameters are flags of ``ingest`` as strings.

``python -m pipeline.dataflow_template`` prints the template's metadata. Dataflow checks the
parameters against them before it starts a job. deploy/dataflow/metadata.json holds that output.
"""

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pipeline.beam_flags import build_beam_parser
from pipeline.cli import build_parser, run_command
from pipeline.commands.output import print_message
from pipeline.runners.dataflow import GCS_BUCKET_PATTERN
from transforms.core.errors import UsageError
from transforms.sinks.bigquery.options import DATASET_PATTERN
from transforms.sinks.write_records import FORMATS

EXCLUDED_FLAGS: Final = {
    "help": "only for the command line",
    "poll_interval_sec": "a scheduler launches the template again",
    "max_dead_letter_ratio": "sets an exit code, but nobody waits for the end of the job",
    "streaming": "streaming was not tested on Dataflow yet",
    "window_sec": "only for streaming",
    "shortest_poll_sec": "only for streaming",
    "longest_poll_sec": "only for streaming",
    "remember_days": "only for streaming",
    "pubsub_feeds": "only for streaming",
    "pubsub_records": "only for streaming",
    "postgres": "everybody who sees the job would see the password, and the image has no driver",
    "postgres_schema": "only with postgres",
    "postgres_timeout_sec": "only with postgres",
    "bigquery_endpoint": "only for emulators",
    "allow_private_networks": "people who may launch a job may not be allowed on private hosts",
}
"""The flags of ``ingest`` that are not parameters of the template, and the reasons."""

_ZERO_ALLOWED: Final = frozenset(
    {"host_delay_sec", "max_retry_after_sec", "max_wait_sec", "wait_for_run_sec"}
)
_INTEGER: Final = "[0-9]+"
_DECIMAL: Final = r"([0-9]+(\.[0-9]+)?|\.[0-9]+)"
_POSITIVE_INTEGER: Final = "0*[1-9][0-9]*"
_POSITIVE_DECIMAL: Final = r"(0*[1-9][0-9]*(\.[0-9]+)?|0*\.0*[1-9][0-9]*)"
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
"""The regular expression of each parameter that is neither a number nor a choice."""


def main(argv: Sequence[str], image: str) -> int:
    """Launch a job.

    Args:
        argv: the parameters, and the flags that Dataflow adds, each as ``--NAME=VALUE``.
        image: the container image of the launcher, which the job's workers run in too.

    Returns:
        The exit code.
    """
    try:
        flags = [*convert_parameters(argv), f"--sdk_container_image={image}"]
    except UsageError as error:
        print_message(str(error))
        return 2
    return run_command(["ingest", *flags])


def convert_parameters(argv: Sequence[str]) -> list[str]:
    """Return the flags of a command line for the parameters of a launcher.

    Each parameter is ``--NAME=VALUE``. Several values of a flag are separated by spaces, a flag
    without a value has "true" or "false", and an empty value is omitted. Unknown flags are ignored:
    Dataflow has checked the names of the parameters, and its own flags may be newer than Beam's.

    >>> convert_parameters(["--feeds=https://a.org/1 https://b.org/2", "--only_due_feeds=true"])
    ['--feeds', 'https://a.org/1', 'https://b.org/2', '--only_due_feeds']

    Raises:
        UsageError: a flag without a value has another value than "true" or "false".
    """
    known = {name: flag for flag in _iterate_flags() for name in flag.option_strings}
    flags: list[str] = []
    for argument in argv:
        name, _, value = argument.partition("=")
        flag = known.get(name)
        if flag is None:
            print_message(f"ignoring the unknown flag {name}")
        elif flag.nargs == 0:
            flags += _convert_switch(name, value, known)
        elif flag.nargs in ("+", "*"):
            flags += [name, *value.split()] if value.strip() else []
        elif value:
            flags.append(argument)
    return flags


def _convert_switch(name: str, value: str, known: Mapping[str, argparse.Action]) -> list[str]:
    opposite = f"--no_{name.removeprefix('--')}"
    if value.lower() not in ("", "true", "false"):
        raise UsageError(f"{name} must be true or false, not {value!r}")
    if value.lower() == "false":
        return [opposite] if opposite in known else []
    return [name]


def build_metadata() -> dict[str, Any]:
    """Return the template's metadata: its description, and its parameters with their checks."""
    return {
        "name": "Newsbeam",
        "description": "Turns news feeds into records of who said what about which topic.",
        "parameters": [
            describe_parameter(flag)
            for flag in list_ingest_flags()
            if flag.dest not in EXCLUDED_FLAGS
        ],
    }


def describe_parameter(flag: argparse.Action) -> dict[str, Any]:
    """Return the metadata of a parameter: its name, its help and the check of its value.

    Raises:
        KeyError: the flag is neither a number nor a choice, and has no pattern.
    """
    text = str(flag.help) % {"default": flag.default}
    if flag.nargs in ("+", "*"):
        text += "; separated by spaces"
    return {
        "name": flag.dest,
        "label": flag.dest.replace("_", " ").capitalize(),
        "helpText": text[:1].upper() + text[1:],
        "isOptional": not flag.required,
        "regexes": [f"^{_make_pattern(flag)}$"],
    }


def _make_pattern(flag: argparse.Action) -> str:
    if flag.nargs == 0:
        return "(true|false)"
    if flag.choices:
        return f"({'|'.join(map(str, flag.choices))})"
    if flag.type in (int, float):
        is_integer = flag.type is int
        if flag.dest in _ZERO_ALLOWED:
            return _INTEGER if is_integer else _DECIMAL
        return _POSITIVE_INTEGER if is_integer else _POSITIVE_DECIMAL
    if flag.dest not in _PATTERNS:
        raise KeyError(
            f"add a pattern for --{flag.dest} to pipeline.dataflow_template, or exclude the flag"
        )
    return _PATTERNS[flag.dest]


def list_ingest_flags() -> list[argparse.Action]:
    """Return the flags of ``ingest``."""
    (commands,) = (a for a in build_parser()._actions if a.nargs == argparse.PARSER)
    parsers: Any = commands.choices
    return list(parsers["ingest"]._actions)


def _iterate_flags() -> Iterator[argparse.Action]:
    yield from build_beam_parser()._actions
    yield from list_ingest_flags()


if __name__ == "__main__":
    print(json.dumps(build_metadata(), indent=2, ensure_ascii=False))  # noqa: T201
