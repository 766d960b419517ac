"""The errors that end a command with a message for the user, besides usage errors."""


class LoadError(Exception):
    """A database lacks runs that are in the output. The message is for the user."""


class StreamEndedError(Exception):
    """A streaming job has ended without a signal, or has not ended after one."""


class UnaccountedInputsError(Exception):
    """Some inputs of a run have no outcome, or more than one. This is a bug of the program."""


class WarningsError(Exception):
    """The error of ``taxonomy check --strict`` for a taxonomy with warnings."""
