"""The options of the analysis."""

from dataclasses import dataclass

from transforms.core.options import flag
from transforms.language.model_check import DEFAULT_MODEL


@dataclass(frozen=True)
class AnalysisOptions:
    """The language model and the gazetteer."""

    model: str = flag("spaCy model for English", default=DEFAULT_MODEL, metavar="NAME")
    gazetteer: str | None = flag(
        "file of names that are known beforehand (default: the shipped one; `none` for none)",
        default=None,
        metavar="FILE",
    )
