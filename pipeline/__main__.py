"""The entry point of the command line: ``newsbeam COMMAND`` or ``python -m pipeline COMMAND``."""

import sys

from pipeline.cli import run_command
from pipeline.process_setup import return_freed_memory


def main(argv: list[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: the arguments; None for those of the process.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 3 done but with too many dead letters.
    """
    return_freed_memory()
    return run_command(sys.argv[1:] if argv is None else argv)


if __name__ == "__main__":
    sys.exit(main())
