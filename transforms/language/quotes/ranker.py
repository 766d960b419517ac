"""A linear model that chooses among the ways to attribute words, and says how sure it is.

Three tables of weights: one over the candidates of a quoted segment (the highest sum speaks), one
that tells quotes from labels, titles and words held at arm's length, one over what a cue may
report without marks. `benchmarks.train` makes them from a folder of PolNeAR; the file states
what it was made from.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple, Protocol

from transforms.language.document import Document
from transforms.language.quotes.attribution import NAMED_LABEL, UNKNOWN, Attribution, Reading
from transforms.language.quotes.attribution_rules import Rules
from transforms.language.quotes.indirect_candidates import Option, Options
from transforms.language.quotes.indirect_speech import Contents
from transforms.language.quotes.quotation_marks import Segment
from transforms.language.quotes.sentences import Page
from transforms.language.quotes.speaker_candidates import Candidate, Candidates, Context, Site
from transforms.language.quotes.speaker_mentions import Speakers

SPEAKERS: Final = "speaker"
QUOTES: Final = "quote"
REPORTS: Final = "report"
LEAST: Final = 0.57
"""A segment less likely than this to be a quote is none."""
LEAST_REPORT: Final = 0.55
LEAST_FIRM_REPORT: Final = 0.4
"""A cue less likely than this to report something reports nothing: in general, and if what it
reports is a clause by rule."""
NOTHING: Final = ("nothing",)
"""The features of the option that a cue reports nothing."""
_ALIKE: Final = 0.5
"""Options that share this much of their text say the same."""

Weights = Mapping[str, Mapping[str, float]]
"""By table and feature."""


class Decision(NamedTuple):
    """Whether a segment is a quote, and who says it."""

    is_quote: float
    """Probability that somebody says it."""
    candidate: Candidate | None
    is_speaker: float
    """Probability of the candidate among the others."""


class Chooser(Protocol):
    """What decides about quoted segments."""

    def choose(self, site: Site) -> Decision:
        """The decision about ``site``."""


class Ranker:
    """The linear model."""

    def __init__(self, weights: Weights) -> None:
        self._speakers = weights[SPEAKERS]
        self._quotes = weights[QUOTES]
        self._reports = weights[REPORTS]

    def choose(self, site: Site) -> Decision:
        """The likeliest candidate, and how likely it is that the segment is a quote."""
        chances = softmax([total(self._speakers, c.features) for c in site.candidates])
        best = max(range(len(chances)), key=chances.__getitem__, default=None)
        candidate = None if best is None else site.candidates[best]
        chance = 0.0 if best is None else chances[best]
        odds = total(self._quotes, quote_features(site, candidate, chance))
        return Decision(1 / (1 + math.exp(-odds)), candidate, chance)

    def report(self, options: Sequence[Option]) -> tuple[Option, float] | None:
        """The likeliest option, if it is likely enough that there is one at all."""
        described = (*(option.features for option in options), NOTHING)
        *chances, nothing = softmax([total(self._reports, features) for features in described])
        if not chances:
            return None
        best = options[max(range(len(chances)), key=chances.__getitem__)]
        if 1 - nothing < (LEAST_FIRM_REPORT if best.is_firm else LEAST_REPORT):
            return None
        alike = (c for c, o in zip(chances, options, strict=True) if _share(best, o) >= _ALIKE)
        return best, sum(alike)


def _share(one: Option, other: Option) -> float:
    common = min(one.end, other.end) - max(one.start, other.start)
    return common / (max(one.end, other.end) - min(one.start, other.start))


def quote_features(site: Site, candidate: Candidate | None, chance: float) -> list[str]:
    """The features by which a quote is told from a label: its own, and its best candidate's."""
    of_candidate = candidate.features if candidate else ["none"]
    return [
        *site.features,
        *(f"c:{f}" for f in of_candidate),
        f"c:chance={int(chance * 5)}",
        "bias",
    ]


def total(weights: Mapping[str, float], features: Iterable[str]) -> float:
    """The sum of the weights of distinct features, whatever their order."""
    return math.fsum(map(weights.__getitem__, weights.keys() & features))


def softmax(totals: Sequence[float]) -> list[float]:
    """Chances that add up to 1."""
    highest = max(totals, default=0.0)
    shares = [math.exp(value - highest) for value in totals]
    return [share / sum(shares) for share in shares]


@cache
def load_ranker() -> Ranker:
    """The ranker that comes with the package."""
    return Ranker(read_weights(files(__package__).joinpath("ranker.tsv").read_text("utf-8")))


def read_weights(lines: str) -> Weights:
    """Weights from lines of table, feature and weight, separated by tabs; "#" begins a comment."""
    weights: dict[str, dict[str, float]] = {SPEAKERS: {}, QUOTES: {}, REPORTS: {}}
    for line in lines.splitlines():
        if not line.startswith("#"):
            table, feature, weight = line.split("\t")
            weights[table][feature] = float(weight)
    return weights


def read_quotes(
    page: Page, speakers: Speakers, rules: Rules, chooser: Chooser
) -> dict[Segment, Reading]:
    """The quotes of a page as ``chooser`` decides, in order."""
    by_rule = rules.read()
    candidates = Candidates(page, speakers)
    readings: dict[Segment, Reading] = {}
    spoken = lead = previous = UNKNOWN
    paragraph = -1
    for number, (unit, choice) in enumerate(zip(page.units, rules.choices, strict=True)):
        if unit.paragraph != paragraph:
            paragraph, previous, spoken = unit.paragraph, spoken, UNKNOWN
        following = rules.choices[number + 1].first() if number + 1 < len(page.units) else UNKNOWN
        context = Context(spoken, lead, previous, following)
        places = [n for n, item in enumerate(unit.items) if isinstance(item, Segment)]
        cue_places = candidates.cue_places(unit) if places else []
        for place in places:
            segment = unit.items[place]
            assert isinstance(segment, Segment)
            rule = by_rule[segment]
            if rule.attribution == NAMED_LABEL:
                continue
            site = candidates.site(unit, place, cue_places, choice, rule, context)
            decision = chooser.choose(site)
            # A whole sentence that the rules give a speaker is a quote, however rare its kind.
            certain = rule.kind == "direct" and rule.attribution.speaker and page.is_clause(segment)
            if decision.is_quote < LEAST and not certain:
                continue
            said = decision.candidate.attribution if decision.candidate else UNKNOWN
            confidence = decision.is_quote * (decision.is_speaker if said.speaker else 1.0)
            readings[segment] = Reading(choice.with_via(said), rule.kind, round(confidence, 2))
            if said.speaker:
                spoken = said
                context = context._replace(spoken=said)
        lead = UNKNOWN if places else choice.last()
    return readings


def read_reports(
    document: Document, contents: Contents, rules: Rules, ranker: Ranker
) -> dict[tuple[int, int], Reading]:
    """The indirect speech of a text as ``ranker`` decides, by start and end."""
    options = Options(document, contents, rules.heard)
    readings: dict[tuple[int, int], Reading] = {}
    for index, cue in sorted(rules.heard.items()):
        chosen = ranker.report(options.of(index))
        if chosen:
            option, confidence = chosen
            said = Attribution(option.method, cue.start, cue.end, cue.speaker)
            reading = Reading(said, "indirect", round(confidence, 2))
            readings.setdefault((option.start, option.end), reading)
    return readings
