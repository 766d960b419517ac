"""The taxonomy: topics, the rules that recognise them, and weights.

`taxonomy_file.py` reads it from a file. Imports neither Beam nor spaCy.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

DEFAULT_WITHIN_WORDS: Final = 10
"""The default for `within`: words on each side of a match that `near` and `not_near` look at."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of evidence for a topic: any of some phrases, or a pattern."""

    id: str
    """Unique in the file; `Evidence.rule`."""
    weight: float
    phrases: tuple[str, ...] = ()
    """Phrases as written in the file; empty if the rule has a pattern."""
    pattern: str | None = None
    """Regular expression of the safe subset; see `patterns.py`."""
    case: bool = False
    """True if case is significant."""
    near: tuple[str, ...] = ()
    """Words of which one must stand near a match, unless there are none."""
    not_near: tuple[str, ...] = ()
    """Words of which none may stand near a match."""
    within: int = DEFAULT_WITHIN_WORDS
    """Words on each side of a match that are near."""
    lines: tuple[int, ...] = field(default=(), compare=False)
    """Line of the file of each phrase, or of the pattern."""


@dataclass(frozen=True, slots=True)
class FieldWeights:
    """The factor for a match in the title, in the lede and in the rest of the text."""

    title: float
    lede: float
    body: float


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """How the topic model contributes to the score of a topic."""

    share: float
    """Share of the model in the score, above 0 and up to 1."""
    chance: float
    """Probability by the model that counts as the topic's threshold, between 0 and 1."""
    sure: float
    """Score by rules from which the model cannot lower the score, between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic and the rules that recognise it."""

    id: str
    label: str
    description: str
    parent: str | None
    """Id of the wider topic. Evidence for this topic is evidence for the parent, too."""
    iptc: tuple[str, ...]
    """IPTC Media Topic codes, 8 digits each."""
    threshold: float
    """The minimum score of a tag, between 0 and 1."""
    rules: tuple[Rule, ...]
    fields: FieldWeights | None = None
    """Weights that replace those of the taxonomy."""
    model: ModelSettings | None = None
    """None if rules alone decide."""
    line: int = field(default=0, compare=False)
    """Line of the file at which the topic begins."""
    iptc_lines: tuple[int, ...] = field(default=(), compare=False)
    """Line of the file of each code."""


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """A checked taxonomy."""

    version: str
    iptc_release: str
    """Date of the Media Topics release that the codes come from, YYYY-MM-DD."""
    fields: FieldWeights
    topics: tuple[Topic, ...]
    release_line: int = field(default=0, compare=False)
    """Line of the file with `iptc_release`."""

    def lineage(self, topic_id: str) -> Iterator[Topic]:
        """Yield a topic and its ancestors, the widest last."""
        by_id = {topic.id: topic for topic in self.topics}
        ancestor: str | None = topic_id
        while ancestor is not None:
            yield by_id[ancestor]
            ancestor = by_id[ancestor].parent
