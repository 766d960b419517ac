"""The command line: ``newsbeam COMMAND`` or ``python -m pipeline COMMAND``."""

import sys

from pipeline.memory import return_freed_memory
from pipeline.quiet import silence_import_warnings


def main(argv: list[str] | None = None) -> int:
    """Run a command; returns the exit code (0 done, 1 failed, 2 usage, 3 many dead letters)."""
    return_freed_memory()
    with silence_import_warnings():
        from pipeline.cli import run_command
    return run_command(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
