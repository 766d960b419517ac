"""The command line: ``newsbeam COMMAND`` or ``python -m pipeline COMMAND``."""

import sys

from pipeline.memory import give_memory_back
from pipeline.quiet import quiet_imports


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code (0 done, 1 failed, 2 usage, 3 many dead letters)."""
    give_memory_back()
    with quiet_imports():
        from pipeline.cli import run_command
    return run_command(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
