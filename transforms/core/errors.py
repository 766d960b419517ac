"""An input that is given up."""

import datetime as dt
from typing import Any


class ItemError(Exception):
    """An input that a stage gives up on, with an error type and a reason for its dead letter.

    ``temporary`` says that a later try may do better, ``not_before`` when it may be made.
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
