"""The parser of flags."""

import argparse
from typing import NoReturn

from transforms.core.errors import UsageError


class FlagParser(argparse.ArgumentParser):
    """A parser that raises :class:`UsageError` for wrong flags, instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")
