"""The state of feeds and hosts, read from a state folder without its lock."""

import logging
from typing import Final

from apache_beam.io.filesystems import FileSystems

from transforms.core.errors import UsageError
from transforms.core.options import require
from transforms.state.file_format import DamagedStateError, read_state_file
from transforms.state.loaded_state import State
from transforms.storage.filesystems import (
    check_filesystem,
    folder_exists,
    list_names,
    quiet_usage_errors,
)

_LOG = logging.getLogger("newsbeam.state")
_LINE_PREFIXES: Final = ('["feed"', '["host"')


def read_feed_state(folder: str) -> State:
    """Read the state of feeds and hosts from a state folder.

    A damaged file is reported and skipped. The files may be read in any order and may overlap,
    since the later of two records with the same key counts.

    Raises:
        UsageError: there is no such folder, or it cannot be read.
    """
    check_filesystem(folder)
    with quiet_usage_errors(f"cannot read the state folder {folder}"):
        exists = folder_exists(folder)
        names = [name for name in list_names(folder) if name.endswith(".state")]
    require(exists, f"there is no state folder {folder}")
    if not names:
        _LOG.warning("the state folder %s is still empty", folder)
    state = State()
    for name in names:
        _apply_file(FileSystems.join(folder, name), state)
    return state


def _apply_file(path: str, state: State) -> None:
    try:
        for line in read_state_file(path).lines:
            if line.startswith(_LINE_PREFIXES):
                state.apply(line)
    except FileNotFoundError:
        _LOG.info("%s is gone: a run has merged it into a snapshot meanwhile", path)
    except (DamagedStateError, ValueError, KeyError, TypeError) as error:
        _LOG.warning("skipping the state file %s, which is damaged (%s)", path, error)
    except OSError as error:
        raise UsageError(f"cannot read the state file {path}: {error.strerror}") from error
