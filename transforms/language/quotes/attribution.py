"""Attributions of quotes: who says something, by which cue, and how sure that is."""

from typing import Final, NamedTuple

from transforms.language.quotes import cue_words
from transforms.language.quotes.speaker_mentions import SpeakerMention


class Attribution(NamedTuple):
    """Who says something, by which cue, and how that was found."""

    method: str
    cue_start: int | None = None
    cue_end: int | None = None
    speaker: SpeakerMention | None = None
    via: SpeakerMention | None = None


UNKNOWN: Final = Attribution("none")
LABEL: Final = Attribution("label")
"""Nobody says it: the title of a work, a nickname, a word held at arm's length."""
NAMED_LABEL: Final = Attribution("named-label")
"""The same, and the text says so: the so-called "...", the novel "..."."""

RULE_CONFIDENCE: Final = {
    "same-paragraph": 0.97,
    "dash": 0.95,
    "inverted": 0.94,
    "signature": 0.9,
    "subject": 0.89,
    "reported": 0.88,
    "according-to": 0.79,
    "none": 0.75,
    "paragraph-before": 0.75,
    "sentence-before": 0.73,
    "continued": 0.7,
    "transcript": 0.7,
    "beside": 0.6,
    "colon": 0.5,
    "sentence-after": 0.4,
    "label": 0.0,
    "named-label": 0.0,
}
"""About how often a rule is right about the quote and the speaker: `benchmarks.quotes --rules` over
PolNeAR's training and development articles. "none" claims no speaker, and its figure is about the
quote alone."""


class QuoteReading(NamedTuple):
    """How a quoted segment reads."""

    attribution: Attribution
    kind: str
    """direct or mixed."""
    confidence: float


class Cue(NamedTuple):
    """A word that attributes, and to whom."""

    start: int
    end: int
    lower: str
    method: str
    speaker: SpeakerMention

    @property
    def is_relay(self) -> bool:
        return self.lower in cue_words.RELAY_CUES and self.speaker.kind != "pronoun"
