"""Running a command as a user does, and reading what it prints."""

import json
from dataclasses import dataclass
from typing import Any, Final

import pytest

from pipeline.cli import run_command

LOCAL: Final = ["--allow_private_networks", "127.0.0.1/32", "--host_delays", "127.0.0.1=0"]
"""Flags that let a command reach a test's own server."""


@dataclass
class CommandResult:
    """The exit code of a command, and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def rows(self) -> list[dict[str, Any]]:
        """Return the JSON objects that it printed, one per line."""
        return [json.loads(line) for line in self.lines]


class Command:
    """A command of the program, which runs when it is called with arguments."""

    def __init__(self, capsys: pytest.CaptureFixture[str], name: str) -> None:
        self._capsys = capsys
        self._name = name

    def __call__(self, *arguments: object, flags: list[str] | None = None) -> CommandResult:
        code = run_command([self._name, *map(str, arguments), *(flags or [])])
        out, err = self._capsys.readouterr()
        return CommandResult(code, out, err)
