"""The two errors that this program raises by itself: a failed input, and a mistake of the user."""

import datetime as dt
from typing import Any


class UsageError(Exception):
    """A request of the user that cannot be fulfilled. Its message tells the user why."""


class ItemError(Exception):
    """The failure of one input, with the error type and the message of its dead letter.

    Args:
        error_type: the kind of error, one word; a field of the dead letter.
        message: the reason, for people; a field of the dead letter.
        attempts: the number of times that the input was tried in this run; 0 if postponed.
        http_status: the status of the HTTP response, if there was one.
        temporary: whether a later attempt may succeed.
        not_before: the earliest time for a later attempt, UTC; None if any time will do.
    """

    def __init__(
        self,
        error_type: str,
        message: str,
        *,
        attempts: int = 1,
        http_status: int | None = None,
        temporary: bool = False,
        not_before: dt.datetime | None = None,
    ) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.attempts = attempts
        self.http_status = http_status
        self.temporary = temporary
        self.not_before = not_before

    def __reduce__(self) -> tuple[Any, ...]:
        return (ItemError, (self.error_type, self.message), self.__dict__)

    @classmethod
    def from_exception(cls, error: BaseException) -> "ItemError":
        """Return the error itself if it is an item error, else one with its type and message.

        >>> ItemError.from_exception(KeyError("title")).error_type
        'KeyError'
        """
        if isinstance(error, cls):
            return error
        error_type = type(error).__name__
        return cls(error_type, str(error) or error_type)
