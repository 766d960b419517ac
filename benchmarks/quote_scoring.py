"""Comparison of quotes with gold: quotes are matched by overlap, speakers by heads of mentions.

Gold marks mentions only, so it cannot judge a pronoun or a definite description that was resolved
to a name. Such pairs are counted, but left out of accuracy and end to end figures.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from benchmarks.polnear import GoldDocument, GoldQuote, Span, count_overlap, trim_span
from schemas import Quote, QuoteKind
from transforms.language.word_lists import word_set

MIN_OVERLAP: Final = 0.5
"""The minimum Jaccard overlap of a quote with gold to count as found."""
RIGHT: Final = "correct"
WRONG: Final = "wrong"
MISSING: Final = "missing"
JUDGED: Final = (RIGHT, WRONG, MISSING)
NO_SOURCE: Final = "no source"
RESOLVED: Final = "resolved"
KINDS: Final = ("named", "description", "pronoun")

_PRONOUNS: Final = word_set(
    """
    he she they i we it you who that which him her his their them one this these those someone
    others himself herself themselves everyone nobody anyone many some several both
    """
)
_TITLES: Final = word_set(
    """
    mr mrs ms miss dr sir dame lord lady prof professor sen sens senator senators rep reps
    representative congressman congresswoman gov govs governor president vice vp secretary sec
    attorney general gen lt col colonel sgt capt captain maj judge justice chief speaker mayor rev
    reverend pope king queen prime minister ambassador chairman chairwoman chair director former
    then ex late the a an his her their its our my your this that republican republicans democrat
    democratic gop state presidential nominee candidate front-runner frontrunner jr sr ii iii
    """
)
_TRAILERS: Final = word_set(
    "himself herself themselves itself also both too again then later now alike each jr sr ii iii"
)
_PREPOSITIONS: Final = word_set(
    "for of at in from with on to by about as against near inside within under"
)
_POSSESSIVE = re.compile(r"[’']s\b|[’'](?=\s|$)")
_WORD = re.compile(r"[^\W_][\w.&-]*(?:[’']\w+)?")
_PARTS = re.compile(r"\s*[,;:—–]\s*|\s+(?:who|that|which|whose|when)\s+")
_DEFINITE = re.compile(r"(?:the|his|her|their|this|that)\b", re.IGNORECASE)
_SPEECH = re.compile(
    r"""\b(?:
    sa(?:y|ys|id|ying)|t(?:ell|ells|old|elling)|ad(?:d|ds|ded|ding)|wr(?:ites?|iting|ote|itten)
    |(?:ask|tweet|explain|report|insist|warn|suggest|vow|respond|call|contend|assert|repeat|mention
    |predict)(?:s|ed|ing)?
    |(?:argu|claim|announc|declar|stat|not|promis|acknowledg|describ|criticiz|accus|alleg|quot
    |reiterat|emphasiz)(?:e|es|ed|ing)
    |claim(?:s|ed|ing)?|pledg(?:e|es|ed|ing)|stress(?:es|ed|ing)?|admit(?:s|ted|ting)?
    |(?:den|repl)(?:y|ies|ied|ying)|according\ to
    )\b""",
    re.IGNORECASE | re.VERBOSE,
)


def is_speech(cue: str | None) -> bool:
    """Tell whether an attribution cue is about speech, not about thought or evidence."""
    return bool(cue and _SPEECH.search(cue))


# ------------------------------------------------------------------------------------- speakers


def split_mention(mention: str) -> list[str]:
    """Return the words of a mention, without possessive endings.

    >>> split_mention("Anna Lowe’s U.S. office")
    ['Anna', 'Lowe', 'U.S.', 'office']
    """
    return _WORD.findall(_POSSESSIVE.sub("", mention))


def find_heads(mention: str) -> set[str]:
    """Return the heads of a mention and of its appositions, in lower case.

    >>> sorted(find_heads("a doctor from Ostby, Anna Lowe, and her friends"))
    ['doctor', 'lowe']
    """
    plain = re.sub(r"\([^)]*\)", " ", " ".join(mention.split()).strip(" ,.:;“”„‟\"＂«»`'‘’"))
    heads: set[str] = set()
    for number, part in enumerate(_PARTS.split(plain)[:4]):
        if number and not _is_bare_name(part):
            continue
        owned = re.split(r"[’']s\s+", part)[-1]
        for conjunct in re.split(r"\s+(?:and|&|or)\s+", owned if split_mention(owned) else part):
            words = _without_complement(split_mention(conjunct))
            while len(words) > 1 and words[-1].lower().rstrip(".") in _TRAILERS:
                words.pop()
            if words:
                heads.add(words[-1].lower().rstrip("."))
    return heads


def _is_bare_name(part: str) -> bool:
    names = [w for w in split_mention(part) if w.lower().strip(".") not in _TITLES]
    return 2 <= len(names) <= 4 and all(name[0].isupper() for name in names)


def _without_complement(words: list[str]) -> list[str]:
    """Return the words before a preposition; "of" after nothing but titles is part of the title."""
    for number, word in enumerate(words):
        if number and word.lower() in _PREPOSITIONS:
            titles = all(w.lower().strip(".") in _TITLES for w in words[:number])
            if word.lower() != "of" or not titles:
                return words[:number]
    return words


def _name_words(mention: str) -> list[str]:
    plain = (word.lower().strip(".") for word in split_mention(mention))
    return [word for word in plain if word not in _TITLES]


def classify_mention(mention: str | None, text: str) -> str:
    """Return the kind of a mention: named, description, pronoun or none.

    Args:
        mention: the mention.
        text: its article, which tells names from capitalised words that begin a sentence.
    """
    words = split_mention(mention or "")
    if not words or not mention:
        return "none"
    if len(words) <= 2 and words[0].lower() in _PRONOUNS:
        return "pronoun"
    heads = find_heads(mention)
    head = next((w for w in words if w.lower().rstrip(".") in heads and w[0].isupper()), None)
    if head is None or head.lower().strip(".") in _TITLES:
        return "description"
    small = rf"(?<![\w@#]){re.escape(head.lower())}\b"
    return "description" if len(_name_words(mention)) <= 1 and re.search(small, text) else "named"


def judge_speaker(source: str | None, speaker: str | None, text: str) -> str:
    """Return the verdict on ``speaker`` where gold has ``source``: RIGHT, WRONG, MISSING, ...

    >>> judge_speaker("Mayor Anna Lowe", "Lowe", "")
    'correct'
    >>> judge_speaker("she", "Anna Lowe", "")
    'resolved'
    """
    kind = classify_mention(source, text)
    if kind == "none" or source is None:
        return NO_SOURCE
    if not speaker:
        return MISSING
    if _letters_only(source) == _letters_only(speaker):
        return RIGHT
    found_kind = classify_mention(speaker, text)
    if kind == "pronoun" or found_kind == "pronoun":
        if kind == found_kind:
            same = split_mention(source)[0].lower() == split_mention(speaker)[0].lower()
            return RIGHT if same else WRONG
        return RESOLVED if found_kind == "named" else WRONG
    return _judge_names(source, speaker, kind, found_kind)


def _judge_names(source: str, speaker: str, kind: str, found_kind: str) -> str:
    heads = find_heads(source)
    source_words, speaker_words = _name_words(source), _name_words(speaker)
    if heads & find_heads(speaker) or (source_words and source_words == speaker_words):
        return RIGHT
    if kind == "named" and source_words and speaker_words:
        is_shortened = (
            len(speaker_words) <= 4
            and set(speaker_words) <= set(source_words)
            and speaker_words[-1] in heads
        )
        if set(source_words) <= set(speaker_words) or is_shortened:
            return RIGHT
    definite = kind == "description" and _DEFINITE.match(source)
    if definite and found_kind == "named" and set(speaker_words).isdisjoint(source_words):
        return RESOLVED
    return WRONG


def _letters_only(mention: str) -> str:
    return re.sub(r"\W+", " ", mention).strip().lower()


# ---------------------------------------------------------------------------------- quotes


def match_spans(gold: Sequence[Sequence[Span]], found: Sequence[Span]) -> dict[int, int]:
    """Return the index in gold per index in ``found``; the best overlaps are matched first."""
    shares = sorted(
        (-jaccard(spans, span), i, j)
        for i, spans in enumerate(gold)
        for j, span in enumerate(found)
        if count_overlap(spans, [span])
    )
    pairs: dict[int, int] = {}
    taken: set[int] = set()
    for negated_share, i, j in shares:
        if -negated_share >= MIN_OVERLAP and i not in taken and j not in pairs:
            pairs[j] = i
            taken.add(i)
    return pairs


def jaccard(gold: Sequence[Span], span: Span) -> float:
    """Return the Jaccard overlap: code points in common over code points in either."""
    common = count_overlap(gold, [span])
    return common / (sum(end - start for start, end in (*gold, span)) - common)


class PrecisionRecall(NamedTuple):
    """Precision and recall from counts."""

    right: int
    found: int
    gold: int

    @property
    def precision(self) -> float:
        return self.right / self.found if self.found else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        total = self.found + self.gold
        return 2 * self.right / total if total else 0.0


class JudgedQuote(NamedTuple):
    """A quote that was found, and the verdict on its speaker."""

    quote: Quote
    verdict: str | None
    """None if gold has no such quote."""


@dataclass
class QuoteScore:
    """Counts over documents, from which the figures are computed."""

    gold: Counter[str] = field(default_factory=Counter)
    """Gold quotes by the kind of their source."""
    verdicts: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Found gold quotes by verdict and kind of source."""
    findings: list[JudgedQuote] = field(default_factory=list)
    unattributed: int = 0
    """Quoted segments to which gold attributes no speaker, such as titles and scare quotes."""
    claimed: int = 0
    """Unattributed segments that were taken for quotes."""

    def _add(
        self, text: str, gold: Sequence[GoldQuote], quotes: Sequence[Quote], *, speech: bool
    ) -> None:
        """Count a document; with ``speech``, leave out attributions that are not speech."""
        spans = [trim_span(text, quote.start, quote.end) for quote in quotes]
        pairs = match_spans([g.spans for g in gold], spans)
        excluded = [g for g in gold if speech and not is_speech(g.cue)]
        self.gold.update(classify_mention(g.source, text) for g in gold if g not in excluded)
        for j, quote in enumerate(quotes):
            if j in pairs:
                match = gold[pairs[j]]
                if match not in excluded:
                    verdict = judge_speaker(match.source, quote.speaker, text)
                    self.findings.append(JudgedQuote(quote, verdict))
                    self.verdicts[verdict, classify_mention(match.source, text)] += 1
            elif not (
                (speech and quote.cue and not is_speech(quote.cue))
                or any(count_overlap([spans[j]], g.spans) for g in excluded)
            ):
                self.findings.append(JudgedQuote(quote, None))

    def add_quotes(self, document: GoldDocument, quotes: Sequence[Quote]) -> None:
        """Count the quotes of a document, and the unattributed segments that were claimed."""
        found = [quote for quote in quotes if quote.kind != QuoteKind.INDIRECT]
        self._add(document.text, document.quotes, found, speech=False)
        spans = [trim_span(document.text, quote.start, quote.end) for quote in found]
        self.unattributed += len(document.unattributed)
        self.claimed += sum(
            any(2 * count_overlap([segment], [span]) >= segment[1] - segment[0] for span in spans)
            for segment in document.unattributed
        )

    def add_speech(self, document: GoldDocument, quotes: Sequence[Quote]) -> None:
        """Count the indirect speech of a document; other indirect attributions are left out."""
        found = [quote for quote in quotes if quote.kind == QuoteKind.INDIRECT]
        self._add(document.text, document.indirect, found, speech=True)

    def count(self, verdicts: Collection[str], kind: str | None = None) -> int:
        """Count the gold quotes with one of ``verdicts``, of one kind of source or all."""
        return sum(
            number
            for (verdict, of_kind), number in self.verdicts.items()
            if verdict in verdicts and kind in (None, of_kind)
        )

    @property
    def detection(self) -> PrecisionRecall:
        """Precision and recall of quotes, regardless of their speakers."""
        right = sum(self.verdicts.values())
        return PrecisionRecall(right, len(self.findings), sum(self.gold.values()))

    @property
    def end_to_end(self) -> PrecisionRecall:
        """Precision and recall of quotes with the right speaker, where that can be judged."""
        resolved = self.count([RESOLVED])
        return PrecisionRecall(
            self.count([RIGHT]),
            len(self.findings) - resolved - self.count([NO_SOURCE]),
            sum(self.gold.values()) - self.gold["none"] - resolved,
        )

    def accuracy(self, kind: str | None = None) -> PrecisionRecall:
        """Return the share of right speakers among those that can be judged, as precision."""
        judged = self.count(JUDGED, kind)
        return PrecisionRecall(self.count([RIGHT], kind), judged, judged)
