"""Objects that a process creates once and all its stages share. Imports no Beam."""

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class ProcessShared(ABC, Generic[T]):
    """A picklable handle to an object that exists once per process: a model, a fetcher, the state.

    A stage opens its handles when it is set up and closes them when it is torn down. The object
    lives as long as one stage of the process holds it.
    """

    _value: T | None = None

    @abstractmethod
    def get(self) -> T:
        """Return the object of this process. Create it if there is none.

        The caller must hold a reference for as long as it needs the object.
        """

    def open(self) -> None:
        """Hold the object of this process."""
        self._value = self.get()

    def close(self) -> None:
        """Release the object. It ends with the last handle that holds it."""
        self._value = None

    @property
    def value(self) -> T:
        """The object, while the handle is open.

        Raises:
            RuntimeError: the handle is not open.
        """
        if self._value is None:
            raise RuntimeError(f"{type(self).__name__} is not open")
        return self._value

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_value"}
