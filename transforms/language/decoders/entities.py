"""A greedy decoder for spaCy's entity recogniser, with the same entities in a tenth of the time.

spaCy takes one transition per token and text: it begins an entity (B), goes on with it (I), ends
it (L), finds an entity of one token (U), or none (O). Its compiled loop asks of each of some 70
transitions whether it is valid, and takes Python's global lock again for each question.

Two facts allow another order of the same steps. Entities never cross a sentence start, so
sentences can be decoded side by side. And outside of entities a state depends on the current token
alone, so all tokens can be scored at once; only tokens within entities need one step after another.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from transforms.language.decoders.scorer import (
    Floats,
    Ints,
    StateScorer,
    require_model,
)

FEATURES: Final = 3
"""The features of a state: the current token, the first of the open entity, the last of it."""

_SPACE: Final = 0
_LAST_OF_SENTENCE: Final = 1
_INSIDE: Final = 2


class EntitySpans(NamedTuple):
    """Entities by their first token, their end (exclusive), and the number of their label."""

    firsts: Ints
    ends: Ints
    labels: Ints


class EntityDecoder:
    """Decodes the entities of a batch of texts.

    Args:
        scorer: the scores of states.
        moves: the names of the transitions in the order of their scores, such as "B-ORG".

    Raises:
        UnsupportedModel: a label does not have the four transitions B, I, L and U.
    """

    def __init__(self, scorer: StateScorer, moves: list[str]) -> None:
        self._scorer = scorer
        self.labels = [move[2:] for move in moves if move.startswith("B-")]
        numbers = {label: number for number, label in enumerate(self.labels)}
        classes = {move: number for number, move in enumerate(moves)}
        names = {f"{kind}-{label}" for label in self.labels for kind in "BILU"}
        require_model(
            names | {"O"} == set(moves) - {"U-"} and len(moves) == scorer.classes,
            "the transitions are not B, I, L and U per label, and O",
        )
        self._out = classes["O"]
        self._in = np.array([classes[f"I-{label}"] for label in self.labels])
        self._last = np.array([classes[f"L-{label}"] for label in self.labels])
        self._label_of_class = np.array([numbers.get(move[2:], -1) for move in moves])
        self._begins = np.array([move.startswith("B-") for move in moves])
        # What may follow outside of an entity, by the kind of token, to be added to the scores.
        self._outside: Floats = np.full((3, len(moves)), -np.inf, np.float32)
        self._outside[:, self._out] = 0
        for label in self.labels:
            self._outside[_LAST_OF_SENTENCE:, classes[f"U-{label}"]] = 0
            self._outside[_INSIDE, classes[f"B-{label}"]] = 0

    def decode(self, first_of_sentence: NDArray[np.bool_], space: NDArray[np.bool_]) -> EntitySpans:
        """Return the entities of the tokens that the scorer has read, in order.

        Args:
            first_of_sentence: which tokens start a sentence. The first of each text must.
            space: which tokens are white space, where no entity starts.
        """
        count = len(space)
        last_of_sentence = np.append(first_of_sentence[1:], True)
        kinds = np.where(space, _SPACE, np.where(last_of_sentence, _LAST_OF_SENTENCE, _INSIDE))
        scores = self._scorer.score_one_token()
        scores += self._outside[kinds]
        best = scores.argmax(axis=1)
        firsts, ends, labels = self._decode_long(best, first_of_sentence, last_of_sentence)
        depth = np.zeros(count + 1, np.intp)
        np.add.at(depth, firsts, 1)
        np.add.at(depth, ends, -1)
        single = np.flatnonzero(
            (best != self._out) & ~self._begins[best] & (depth[:-1].cumsum() == 0)
        )
        firsts = np.concatenate([firsts, single])
        order = np.argsort(firsts)
        ends = np.concatenate([ends, single + 1])
        labels = np.concatenate([labels, self._label_of_class[best[single]]])
        return EntitySpans(firsts[order], ends[order], labels[order])

    def _decode_long(
        self, best: Ints, first_of_sentence: NDArray[np.bool_], last_of_sentence: NDArray[np.bool_]
    ) -> EntitySpans:
        """Return the entities of several tokens, with one step for all sentences at a time."""
        count = len(best)
        begins = np.append(np.where(self._begins[best], np.arange(count), count), count)
        next_begin = np.minimum.accumulate(begins[::-1])[::-1]
        sentence_starts = np.flatnonzero(first_of_sentence)
        sentence_ends = np.append(sentence_starts[1:], count)
        first, end = next_begin[sentence_starts], sentence_ends
        found: list[tuple[Ints, Ints, Ints]] = []
        first, end = first[first < end], end[first < end]
        token = first + 1
        while len(first):
            label = self._label_of_class[best[first]]
            # Token numbers of the scorer start at 1, so `token` is the number of the one before.
            scores = self._scorer.score(np.stack([token + 1, first + 1, token], axis=1))
            rows = np.arange(len(first))
            go_on, stop = self._in[label], self._last[label]
            go_on_score, stop_score = scores[rows, go_on], scores[rows, stop]
            goes_on = (go_on_score > stop_score) | ((go_on_score == stop_score) & (go_on < stop))
            ended = ~goes_on | last_of_sentence[token]
            found.append((first[ended], token[ended] + 1, label[ended]))
            first = np.where(ended, next_begin[token + 1], first)
            token = np.where(ended, first, token) + 1
            has_more = first < end
            first, token, end = first[has_more], token[has_more], end[has_more]
        if not found:
            return EntitySpans(*(np.zeros(0, np.intp) for _ in range(3)))
        return EntitySpans(*map(np.concatenate, zip(*found, strict=True)))
