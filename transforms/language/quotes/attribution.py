"""The results of attribution: the speaker and the cue of a quote, the rule, and its confidence."""

from typing import Final, NamedTuple

from schemas import QuoteKind, SpeakerKind
from transforms.language.quotes import cue_words
from transforms.language.quotes.speaker_mentions import SpeakerMention


class Attribution(NamedTuple):
    """The speaker and the cue of a quote, and how they were found.

    Attributes:
        method: The id of the rule: a key of `RULE_CONFIDENCE`, for indirect speech of
            `INDIRECT_CONFIDENCE`, or a relation of `speaker_candidates`.
        cue_start: The start of the cue in code points; None if there is no cue.
        cue_end: The end of the cue in code points, exclusive.
        speaker: The mention of the speaker, if known.
        via: The mention of the source that relays the quote, if there is one.
    """

    method: str
    cue_start: int | None = None
    cue_end: int | None = None
    speaker: SpeakerMention | None = None
    via: SpeakerMention | None = None


UNKNOWN: Final = Attribution("none")
"""The attribution of a quote whose speaker is unknown."""
LABEL: Final = Attribution("label")
"""The attribution of a segment that nobody says: a title, a nickname or a scare quote."""
NAMED_LABEL: Final = Attribution("named-label")
"""The attribution of a label that a word before it announces: "the novel", "so-called"."""

RULE_CONFIDENCE: Final = {
    # The parse, or the position beside the cue, gives the speaker.
    "subject": 0.89,  # The speaker is the cue's subject by the parse: “It is late,” Lee said.
    "inverted": 0.94,  # The speaker follows the cue: “It is late,” said Lee.
    "beside": 0.6,  # No parse leads to a speaker; the noun phrase before the cue is taken.
    "reported": 0.88,  # The cue of the clause above counts: Lee said she hoped it is “late”.
    "according-to": 0.79,  # It was “late”, according to Lee.
    "colon": 0.5,  # A colon is the cue: Lee was clear: “It is late.”
    # Punctuation or layout gives the speaker.
    "dash": 0.95,  # A name follows the quote after a dash: “It is late.” — Anna Lee
    "signature": 0.9,  # A name with a dash has a line of its own, below the quote: — Anna Lee
    "transcript": 0.7,  # The quote begins with the speaker in capitals: “LEE: It is late.”
    # The sentence has no cue, and the speaker of another sentence or quote counts.
    "same-paragraph": 0.97,  # The last speaker of the paragraph: “Yes,” Lee said. “It is late.”
    "sentence-before": 0.73,  # The cue of the sentence before: Lee spoke up. “It is late.”
    "sentence-after": 0.4,  # The cue of the sentence after: “It is late.” Lee spoke up.
    "paragraph-before": 0.75,  # The last speaker of the paragraph before.
    "continued": 0.7,  # The quote before was left open, without a closing mark.
    # No speaker.
    "none": 0.75,  # A quote whose speaker is unknown; the figure is about the quote alone.
    "label": 0.0,  # No quote: Jim “Buck” Rowan, her “Harbour Nights” album.
    "named-label": 0.0,  # No quote, as the word before it says: the film “Salt and Iron”.
}
"""The confidence of a quote by the rule (the record's `method`) that attributed it.

It is about the share of quotes in which the rule is right about the quote and the speaker:
`benchmarks.quotes --rules` over the training and development articles of PolNeAR (Newell et al.,
LREC 2018). Cues of indirect speech also have the method "owner": the mayor's claim that it is late.
"""


class QuoteReading(NamedTuple):
    """The reading of a span as a quote."""

    attribution: Attribution
    kind: QuoteKind
    confidence: float
    """From 0 to 1."""


class Cue(NamedTuple):
    """A word or mark that attributes speech, with its speaker.

    Attributes:
        start: The start in code points, with a negation: "did not say".
        end: The end in code points, exclusive, with the second word of "according to".
        lower: The verb, noun or mark in lower case, without a negation or a second word.
        method: The id of the rule that found the speaker.
        speaker: The mention of the speaker.
    """

    start: int
    end: int
    lower: str
    method: str
    speaker: SpeakerMention

    @property
    def is_relay(self) -> bool:
        """Return whether the speaker passes on the words of others: "according to the Herald"."""
        is_pronoun = self.speaker.kind == SpeakerKind.PRONOUN
        return self.lower in cue_words.RELAY_CUES and not is_pronoun
