"""The base of enums of strings. Records hold their members as plain strings."""

from enum import Enum


class StringEnum(str, Enum):
    """An enum whose members are strings, and print as their values."""

    __str__ = str.__str__
