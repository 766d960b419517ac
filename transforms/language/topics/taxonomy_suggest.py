"""Phrases for a topic from labelled articles, and phrases of it that speak against it.

How typical a phrase is of a label is the log-odds ratio with an informative Dirichlet prior, over
its standard deviation (Monroe, Colaresi and Quinn, "Fightin' Words", 2008). It is taken over
articles and not over words, so that an article counts once however often it repeats itself.
Imports neither Beam nor spaCy.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.extraction.cleaning import clean_line
from transforms.language.topics.labelled_texts import Labelled
from transforms.language.topics.phrase_index import list_phrases
from transforms.language.topics.phrases import MAX_WORDS, Found, Matcher, goes_on, phrase_symbols
from transforms.language.topics.stop_words import STOP_WORDS
from transforms.language.topics.tagger import search_of
from transforms.language.topics.taxonomy import Rule, Taxonomy, Topic

USUAL_WORDS: Final = 3
"""Words of a phrase that is proposed at most, unless a part of it hardly occurs without it."""

NAME_WORDS: Final = 5
"""Words of a phrase that is proposed at most: longer ones are sentences that outlets copied."""

PRIOR_ARTICLES: Final = 20.0
"""Articles of the general kind that each side is taken to have besides its own."""

LEAST_Z: Final = 3.0
LEAST_Z_ELSEWHERE: Final = 2.0
"""What z is at least without the outlet that has the phrase most."""

LEAST_ARTICLES: Final = 5
LEAST_OUTLETS: Final = 3
"""Outlets among the articles with the label, if there are so many."""

EXPLAINS: Final = 0.75
"""A longer phrase stands for a part of it that it makes up so much of."""

KNOWN_WEIGHT: Final = 1.0
"""Words in a match of the topic of this weight or more are none to find anything new in."""

WEIGHTS: Final = ((0.8, 3.0), (0.6, 2.0), (0.45, 1.0), (0.33, 0.5))
"""Least precision, prior included, and the weight that it is good for."""

_BREAK: Final = -1
_OWN: Final = 0
_FAMILY: Final = 1
_SNIPPET: Final = 40


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a phrase occurs, in articles."""

    z: float
    """Above 0 if it is typical of the label, below if of all others."""
    inside: int
    """Articles with the label."""
    outside: int
    """Articles without it."""

    @property
    def precision(self) -> float:
        """Share of its articles that have the label."""
        return self.inside / (self.inside + self.outside)


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A phrase that the topic could have."""

    phrase: str
    counts: Counts
    outlets: int
    """Outlets that have it in articles with the label."""
    weight: float
    example: str
    """A piece of a title or text with it, of one line."""


@dataclass(frozen=True, slots=True)
class Doubtful:
    """A phrase or pattern of the topic that is less common with the label than without it."""

    text: str
    rule: str
    line: int
    counts: Counts


@dataclass(frozen=True, slots=True)
class Suggestions:
    """What labelled articles say of the phrases of a topic."""

    topic: Topic
    labels: tuple[str, ...]
    articles: int
    labelled: int
    outlets: int
    """Outlets of the articles with the label."""
    phrases: list[Suggestion]
    """The most typical first."""
    doubtful: list[Doubtful]
    """The least typical first."""


def suggest(
    taxonomy: Taxonomy,
    topic_id: str,
    articles: Callable[[], Iterable[Labelled]],
    *,
    labels: Sequence[str] = (),
    most: int,
) -> Suggestions:
    """Propose phrases for a topic, at most so many.

    `articles` is read twice, the second time for the examples. Without labels the topic's id is
    the label. Memory is 4 bytes a word of the articles, and some 80 more while phrases are counted.

    Raises KeyError if there is no such topic, and ValueError if no article has the label, or all.
    """
    topic = {each.id: each for each in taxonomy.topics}[topic_id]
    wanted = tuple(labels) or (topic_id,)
    below = [
        each for each in taxonomy.topics if each is not topic and topic in taxonomy.lineage(each.id)
    ]
    corpus = _Corpus(topic, below)
    for article in articles():
        corpus.add(article, is_labelled=article.label in wanted)
    if not 0 < sum(corpus.labelled) < len(corpus.labelled):
        known = ", ".join(sorted(corpus.labels)) or "none at all"
        every = "every" if sum(corpus.labelled) else "no"
        raise ValueError(f"{every} article is labelled {' or '.join(wanted)}; labels are {known}")
    chosen = _choose(_candidates(_Arrays(corpus)), _Known(taxonomy, topic, below), most)
    examples = _examples([phrase.words for phrase in chosen], articles(), wanted)
    return Suggestions(
        topic=topic,
        labels=wanted,
        articles=len(corpus.labelled),
        labelled=sum(corpus.labelled),
        outlets=len(corpus.outlets_inside()),
        phrases=[
            Suggestion(
                " ".join(phrase.words),
                phrase.counts,
                phrase.outlets,
                phrase.weight,
                examples.get(phrase.words, ""),
            )
            for phrase in chosen
        ],
        doubtful=_doubtful(taxonomy, topic, corpus),
    )


def log_odds_z(
    inside: NDArray[Any],
    outside: NDArray[Any],
    articles_inside: NDArray[Any],
    articles_outside: NDArray[Any],
) -> NDArray[np.float64]:
    """How typical phrases are of one side, in standard deviations; one value a phrase.

    The arguments count, a phrase each, its articles on both sides, and all articles there. The
    prior of both sides is `PRIOR_ARTICLES` articles, of which the phrase has its share of all.
    """
    share = (inside + outside + 1) / (articles_inside + articles_outside + 2)
    sums = []
    variance = np.zeros_like(share)
    for count, articles in ((inside, articles_inside), (outside, articles_outside)):
        present = count + PRIOR_ARTICLES * share
        absent = articles - count + PRIOR_ARTICLES * (1 - share)
        sums.append(np.log(present / absent))
        variance += 1 / present + 1 / absent
    found: NDArray[np.float64] = (sums[0] - sums[1]) / np.sqrt(variance)
    return found


@dataclass
class _Corpus:
    """The words of articles as numbers, and in which articles the topic's own phrases occur."""

    topic: Topic
    below: Sequence[Topic]
    vocabulary: dict[str, int] = field(default_factory=dict)
    words: "array[int]" = field(default_factory=lambda: array("i"))
    """Numbers of words; `_BREAK` stands where no phrase goes on, for words in a match of the topic
    or of one below it, and after each text."""
    ends: "array[int]" = field(default_factory=lambda: array("q"))
    """Where each article ends in `words`."""
    outlets: dict[str, int] = field(default_factory=dict)
    outlet_of: list[int] = field(default_factory=list)
    labelled: list[bool] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    own_inside: Counter[int] = field(default_factory=Counter)
    """Articles with the label by number of a phrase of the topic that counts there."""
    own_outside: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        own = [search_of(rule, (_OWN, _FAMILY)) for rule in self.topic.rules]
        others = [search_of(rule, (_FAMILY,)) for topic in self.below for rule in topic.rules]
        self._matcher = Matcher([*own, *others], 2)

    def add(self, article: Labelled, *, is_labelled: bool) -> None:
        own = set[int]()
        for text in (article.title, article.text):
            found = self._matcher.find(text)
            own.update(hit.phrase for hit in found.hits[_OWN])
            self._add_words(text, found)
        self.ends.append(len(self.words))
        self.outlet_of.append(self.outlets.setdefault(article.source, len(self.outlets)))
        self.labelled.append(is_labelled)
        self.labels.add(article.label)
        (self.own_inside if is_labelled else self.own_outside).update(own)

    def _add_words(self, text: str, found: Found) -> None:
        known = [hit for hit in found.hits[_FAMILY] if hit.search.weight >= KNOWN_WEIGHT]
        known.reverse()
        end = 0
        for word, start, word_end in zip(found.words, found.starts, found.ends, strict=True):
            while known and known[-1].end <= start:
                known.pop()
            if end and not goes_on(text, end, start):
                self.words.append(_BREAK)
            if known and known[-1].start <= start:
                self.words.append(_BREAK)
            else:
                self.words.append(self.vocabulary.setdefault(word, len(self.vocabulary)))
            end = word_end
        self.words.append(_BREAK)

    def outlets_inside(self) -> set[int]:
        """The outlets of the articles with the label."""
        return {
            outlet for outlet, is_in in zip(self.outlet_of, self.labelled, strict=True) if is_in
        }


class _Candidate(NamedTuple):
    words: tuple[str, ...]
    counts: Counts
    outlets: int
    weight: float


class _Arrays:
    """A corpus for counting: arrays a word, an article and a word of the vocabulary."""

    def __init__(self, corpus: _Corpus) -> None:
        self.names = list(corpus.vocabulary)
        self.words = np.frombuffer(corpus.words, dtype=np.int32).astype(np.int64)
        ends = np.frombuffer(corpus.ends, dtype=np.int64)
        self.article = np.repeat(np.arange(len(ends)), np.diff(ends, prepend=0))
        """Number of the article of each word."""
        self.labelled = np.array(corpus.labelled)
        self.outlet = np.array(corpus.outlet_of)
        is_stop = [name in STOP_WORDS or (len(name) < 2 and name.isalpha()) for name in self.names]
        self.is_stop = np.array(is_stop, dtype=bool)
        self.is_content = ~self.is_stop & np.array([not name.isdigit() for name in self.names])

    def pairs(self, grams: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Phrases and articles in which they occur, each pair once.

        `grams` has the number of the phrase that begins at each word, or -1.
        """
        is_gram = grams >= 0
        keys = np.unique(grams[is_gram] * len(self.labelled) + self.article[: len(grams)][is_gram])
        return keys // len(self.labelled), keys % len(self.labelled)

    def common(self, grams: NDArray[np.int64]) -> NDArray[np.int64]:
        """The phrases that are common enough, numbered from 0; the others become -1."""
        gram, article = self.pairs(grams)
        gram, article = gram[self.labelled[article]], article[self.labelled[article]]
        size = int(grams.max(initial=-1)) + 1
        enough = min(LEAST_OUTLETS, len(np.unique(self.outlet[self.labelled])))
        is_kept = (np.bincount(gram, minlength=size) >= LEAST_ARTICLES) & (
            self.outlets(gram, article, size) >= enough
        )
        numbers = np.append(np.where(is_kept, np.cumsum(is_kept) - 1, -1), -1)
        kept: NDArray[np.int64] = numbers[grams]  # of which -1 finds the last
        return kept

    def outlets(
        self, gram: NDArray[np.int64], article: NDArray[np.int64], size: int
    ) -> NDArray[np.int64]:
        """The number of outlets of each phrase."""
        count = int(self.outlet.max()) + 1
        return np.bincount(np.unique(gram * count + self.outlet[article]) // count, minlength=size)

    def longer(self, grams: NDArray[np.int64], length: int) -> NDArray[np.int64]:
        """Phrases of one word more: of this length, where both of their parts are phrases."""
        goes_on = (grams[:-1] >= 0) & (grams[1:] >= 0)
        last = self.words[length - 1 :][: len(goes_on)]
        keys = grams[:-1][goes_on] * len(self.names) + last[goes_on]
        found = np.full(len(goes_on), _BREAK, dtype=np.int64)
        found[goes_on] = np.unique(keys, return_inverse=True)[1]
        return found


def _candidates(arrays: _Arrays) -> list[_Candidate]:
    """The phrases that are typical of the label, of each length."""
    found: list[_Candidate] = []
    grams = arrays.common(arrays.words)
    for length in range(1, MAX_WORDS + 1):
        if length > 1:
            grams = arrays.common(arrays.longer(grams, length))
        if (grams >= 0).any():
            found += _typical(arrays, grams, length)
    return found


def _typical(arrays: _Arrays, grams: NDArray[np.int64], length: int) -> Iterator[_Candidate]:
    size = int(grams.max()) + 1
    gram, article = arrays.pairs(grams)
    is_in = arrays.labelled[article]
    inside = np.bincount(gram[is_in], minlength=size)
    outside = np.bincount(gram[~is_in], minlength=size)
    outlets = arrays.outlets(gram[is_in], article[is_in], size)
    all_in, all_out = int(arrays.labelled.sum()), int((~arrays.labelled).sum())
    z = log_odds_z(inside, outside, np.full(size, all_in), np.full(size, all_out))

    # Once more without the outlet that has the phrase most, as far as there is another.
    outlet = arrays.outlet[article]
    count = int(arrays.outlet.max()) + 1
    keys, times = np.unique(gram[is_in] * count + outlet[is_in], return_counts=True)
    order = np.argsort(times, kind="stable")
    main = np.zeros(size, dtype=np.int64)
    main[keys[order] // count] = keys[order] % count
    of_main = outlet == main[gram]
    elsewhere = log_odds_z(
        inside - np.bincount(gram[is_in & of_main], minlength=size),
        outside - np.bincount(gram[~is_in & of_main], minlength=size),
        all_in - np.bincount(arrays.outlet[arrays.labelled], minlength=count)[main],
        all_out - np.bincount(arrays.outlet[~arrays.labelled], minlength=count)[main],
    )
    is_typical = z >= LEAST_Z
    if len(np.unique(arrays.outlet[arrays.labelled])) > 1:
        is_typical &= elsewhere >= LEAST_Z_ELSEWHERE

    numbers, places = np.unique(grams, return_index=True)
    for number, place in zip(numbers.tolist(), places.tolist(), strict=True):
        words = arrays.words[place : place + length]
        if (
            number < 0
            or not is_typical[number]
            or arrays.is_stop[words[[0, -1]]].any()
            or not arrays.is_content[words].any()
        ):
            continue
        counts = Counts(float(z[number]), int(inside[number]), int(outside[number]))
        weight = _weight(counts, all_in, all_out)
        phrase = tuple(arrays.names[word] for word in words)
        if weight and _is_phrase(phrase):
            yield _Candidate(phrase, counts, int(outlets[number]), weight)


def _weight(counts: Counts, inside: int, outside: int) -> float:
    """The weight that a phrase is good for, 0 if none."""
    base = inside / (inside + outside)
    precision = (counts.inside + base) / (counts.inside + counts.outside + 1)
    return next((weight for least, weight in WEIGHTS if precision >= least), 0.0)


def _is_phrase(words: tuple[str, ...]) -> bool:
    """Whether a taxonomy can have the phrase: in lower case a few letters become two marks."""
    try:
        return phrase_symbols(" ".join(words), False) == words
    except ValueError:
        return False


def _choose(candidates: Sequence[_Candidate], known: "_Known", most: int) -> list[_Candidate]:
    """The most typical ones, of which none says what another or the taxonomy says already.

    Nothing of a sentence that was copied is among them, unless it occurs without it, too.
    """
    by_words = {candidate.words: candidate for candidate in candidates}
    dropped = set[tuple[str, ...]]()
    for candidate in candidates:
        parts = [by_words[part] for part in _parts(candidate.words) if part in by_words]
        most_inside = candidate.counts.inside / EXPLAINS
        explained = [part.words for part in parts if part.counts.inside <= most_inside]
        says_no_more = any(
            part.words not in explained and part.counts.precision >= candidate.counts.precision
            for part in parts
        )
        is_copied = len(candidate.words) > NAME_WORDS
        is_needless = says_no_more or (not explained and len(candidate.words) > USUAL_WORDS)
        if is_copied or is_needless:
            dropped.add(candidate.words)
        if is_copied or not is_needless:
            dropped.update(explained)
    chosen: list[_Candidate] = []
    for candidate in sorted(candidates, key=lambda each: (-each.counts.z, each.words)):
        if len(chosen) == most:
            break
        if candidate.words not in dropped and not known.has(candidate.words):
            chosen.append(candidate)
    return chosen


def _parts(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The shorter phrases within one."""
    for length in range(1, len(words)):
        for first in range(len(words) - length + 1):
            yield words[first : first + length]


class _Known:
    """What the family of a topic has already, in whatever context and case."""

    def __init__(self, taxonomy: Taxonomy, topic: Topic, below: Sequence[Topic]) -> None:
        family = [*taxonomy.lineage(topic.id), *below]
        rules = [
            replace(rule, case=False, near=(), not_near=())
            for each in family
            for rule in each.rules
        ]
        self._matcher = Matcher((search_of(rule, (0,)) for rule in rules), 1)

    def has(self, words: tuple[str, ...]) -> bool:
        """Whether a phrase or pattern matches all of these words."""
        text = " ".join(words)
        return any(
            (hit.start, hit.end) == (0, len(text)) for hit in self._matcher.find(text).hits[0]
        )


def _examples(
    phrases: Sequence[tuple[str, ...]], articles: Iterable[Labelled], labels: Sequence[str]
) -> Mapping[tuple[str, ...], str]:
    """A piece of an article with the label for each phrase."""
    examples: dict[tuple[str, ...], str] = {}
    for article in articles:
        if len(examples) == len(phrases):
            break
        if article.label not in labels:
            continue
        for text in (article.title, article.text):
            missing = [phrase for phrase in phrases if phrase not in examples]
            if missing:
                examples |= _first_places(missing, text)
    return examples


def _first_places(phrases: Sequence[tuple[str, ...]], text: str) -> dict[tuple[str, ...], str]:
    rules = [
        Rule(id=str(number), weight=1, phrases=(" ".join(phrase),))
        for number, phrase in enumerate(phrases)
    ]
    matcher = Matcher((search_of(rule, (n,)) for n, rule in enumerate(rules)), len(rules))
    return {
        phrase: _snippet(text, hits[0].start, hits[0].end)
        for phrase, hits in zip(phrases, matcher.find(text).hits, strict=True)
        if hits
    }


def _snippet(text: str, start: int, end: int) -> str:
    """What stands around a place of a text, from word to word."""
    before, after = text[max(0, start - _SNIPPET) : start], text[end : end + _SNIPPET]
    if start > _SNIPPET:
        before = before.partition(" ")[2]
    if end + _SNIPPET < len(text):
        after = after.rpartition(" ")[0]
    return clean_line(before + text[start:end] + after)


def _doubtful(taxonomy: Taxonomy, topic: Topic, corpus: _Corpus) -> list[Doubtful]:
    """The topic's own phrases that are less common with the label than without it."""
    all_in = sum(corpus.labelled)
    all_out = len(corpus.labelled) - all_in
    own = [phrase for phrase in list_phrases(taxonomy) if phrase.topic is topic]
    inside = np.array([corpus.own_inside[number] for number in range(len(own))], dtype=float)
    outside = np.array([corpus.own_outside[number] for number in range(len(own))], dtype=float)
    z = log_odds_z(inside, outside, np.full(len(own), all_in), np.full(len(own), all_out))
    found = [
        Doubtful(phrase.text, phrase.rule.id, phrase.line, Counts(float(z[n]), int(i), int(o)))
        for n, (phrase, i, o) in enumerate(zip(own, inside, outside, strict=True))
        if i + o >= LEAST_ARTICLES and z[n] < 0
    ]
    return sorted(found, key=lambda doubtful: doubtful.counts.z)
