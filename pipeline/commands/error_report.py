"""The report of an error that ended a command: a message for the user, or a traceback."""

import traceback
from typing import Final

from pipeline.commands.output import print_message
from pipeline.errors import LoadError, StreamEndedError, UnaccountedInputsError, WarningsError
from transforms.core.errors import UsageError

_USER_ERRORS: Final = (
    UsageError,
    UnaccountedInputsError,
    LoadError,
    StreamEndedError,
    WarningsError,
)
"""Errors whose message tells the user enough."""

_EXPECTED_CAUSES: Final = (UsageError, LoadError, KeyboardInterrupt)


def report_error(error: Exception) -> None:
    """Print an error to stderr, with a traceback if it may be a bug of the program."""
    if isinstance(error, _USER_ERRORS):
        if isinstance(error, LoadError) and not isinstance(error.__cause__, _EXPECTED_CAUSES):
            traceback.print_exception(error.__cause__)
        print_message(str(error))
        return
    traceback.print_exception(error)
    print_message("the run failed; it committed no records")
