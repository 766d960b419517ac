"""A greedy decoder for spaCy's dependency parser that gives the same trees in less time.

spaCy parses with the arc-eager transition system (Nivre 2003, with the non-monotonic extension of
Honnibal and Johnson 2015): a state has a stack and a buffer of tokens, and each transition moves a
token or adds an arc between the two. Its compiled loop takes Python's global lock again for every
question it asks of a state.

A preset sentence start, such as the first token of a paragraph, empties the stack. So paragraphs
can be decoded side by side: each row of the arrays below is the state of one paragraph. Only two
things pass between paragraphs. The last states of a paragraph see the next token, and a Break at
its end can start a sentence at the second token of the next one. Paragraphs that follow such a
Break are decoded once more.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from transforms.language.decoders.scorer import (
    Floats,
    Ints,
    StateScorer,
    require_model,
)

FEATURES: Final = 8
"""The features of a state: the first two tokens of the buffer, the top three of the stack, the last
left child of the first of the buffer, and the last left and right child of the top of the stack."""

_SHIFT, _REDUCE, _LEFT, _RIGHT, _BREAK = range(5)
_MOVES: Final = "SDLRB"

# Facts about a token, one bit each.
_STARTS_SENTENCE: Final = 1
_WAS_UNSHIFTED: Final = 2
_IS_NONE: Final = 4
_FACTS: Final = 8
"""The number of combinations of facts about a token."""

_MAX_ROUNDS: Final = 8
"""After so many rounds a text is decoded as one row, so that no text takes many rounds."""


@dataclass(frozen=True)
class Trees:
    """The trees of a batch of texts.

    Attributes:
        heads: the number of the head of each token, from 0; the token itself at a root.
        labels: the number of the label of the arc to the head; -1 at a root.
    """

    heads: Ints
    labels: Ints


class ParseDecoder:
    """Decodes the dependency trees of a batch of texts.

    Args:
        scorer: the scores of states.
        moves: the names of the transitions in the order of their scores, such as "L-nsubj".

    Raises:
        UnsupportedModel: the transitions are not those of the arc-eager system.
    """

    def __init__(self, scorer: StateScorer, moves: list[str]) -> None:
        kinds = [_MOVES.find(move[:1]) for move in moves]
        require_model(
            len(moves) == scorer.classes
            and set(kinds) == set(range(len(_MOVES)))
            and not any(move.endswith("-subtok") for move in moves),
            "the transitions are not those of the arc-eager system",
        )
        self._scorer = scorer
        self._kinds = np.array(kinds)
        self.labels = sorted({move[2:] for move in moves if move[:1] in "LR"})
        numbers = {label: number for number, label in enumerate(self.labels)}
        self._labels = np.array([numbers.get(move[2:], -1) for move in moves])
        self._invalid = _tabulate_invalid(self._kinds)

    def decode(self, starts: Ints, text_starts: Ints, count: int) -> Trees:
        """Return the trees of the tokens that the scorer has read.

        Args:
            starts: the tokens at which a sentence must start, in order, numbered from 0.
            text_starts: the first tokens of the texts; a subset of ``starts``.
            count: the number of tokens.
        """
        ends = np.append(starts[1:], count)
        text_ends = np.append(text_starts[1:], count)
        text_numbers = np.searchsorted(text_starts, starts, side="right") - 1
        tokens = _Tokens(starts, count)
        rows, broken = np.arange(len(starts)), np.zeros(len(starts), bool)
        seconds = np.where(ends - starts > 1, starts + 2, 0)
        for _ in range(_MAX_ROUNDS):
            self._run(tokens, _Rows(starts[rows], ends[rows], text_ends[text_numbers[rows]]))
            broken_now = tokens.are_broken_from_before(seconds)
            rows = np.flatnonzero(broken != broken_now)
            if not len(rows):
                break
            broken = broken_now
            for row in rows.tolist():
                tokens.reset(starts[row], ends[row], starts_at_second=bool(broken[row]))
        else:
            for text in np.unique(text_numbers[rows]).tolist():
                tokens.reset(text_starts[text], text_ends[text])
                end = text_ends[text : text + 1]
                self._run(tokens, _Rows(text_starts[text : text + 1], end, end))
        heads = tokens.heads[1 : count + 1] - 1
        is_root = heads < 0
        labels = self._labels[tokens.transitions[1 : count + 1]]
        return Trees(np.where(is_root, np.arange(count), heads), np.where(is_root, -1, labels))

    def _run(self, tokens: "_Tokens", rows: "_Rows") -> None:
        """Run all rows to their end, one transition of each at a time."""
        buffer, stack, facts = rows.buffer, rows.stack, tokens.facts
        front, end, top, bottom, after = state = rows.state
        while len(front):
            b0, b1 = buffer[front], buffer[front + 1]
            s0, s1, s2 = stack[top], stack[top - 1], stack[top - 2]
            left, right = tokens.left_child, tokens.right_child
            scores = self._scorer.score(
                np.stack([b0, b1, s0, s1, s2, left[b0], left[s0], right[s0]], axis=1)
            )
            b1_facts = b1 + (b1 > after) * tokens.count
            empty = top == bottom
            situation = facts[b0] + facts[b1_facts] * _FACTS
            situation += _EMPTY_STACK * empty + _ADJACENT * (b1 == b0 + 1)
            scores += self._invalid[situation]
            transition = scores.argmax(axis=1)
            kind = self._kinds[transition]

            unshifts = (kind == _REDUCE) & (tokens.heads[s0] == 0) & (top > bottom + 1)
            stack[top + 1] = b0  # in vain if the move does not push: then it is above the top
            top += _STACK_GROWTH[kind]
            front += _BUFFER_ADVANCE[kind]
            if unshifts.any():
                front -= unshifts
                buffer[front[unshifts]] = s0[unshifts]
                facts[s0[unshifts]] |= _WAS_UNSHIFTED
            (rows_left,) = (kind == _LEFT).nonzero()
            tokens.add_left_arcs(b0[rows_left], s0[rows_left], transition[rows_left])
            (rows_right,) = (kind == _RIGHT).nonzero()
            tokens.add_right_arcs(s0[rows_right], b0[rows_right], transition[rows_right])
            facts[b1_facts[kind == _BREAK]] |= _STARTS_SENTENCE

            is_running = (top != bottom) | (front != end)
            if not is_running.all():
                front, end, top, bottom, after = state = state[:, is_running]


class _Tokens:
    """The arcs and facts of each token of a batch. Tokens are numbered from 1; 0 is none.

    Attributes:
        count: the length of the arrays.
        heads: the head.
        transitions: the transition that added the arc to the head.
        left_child: the last left child.
        right_child: the last right child.
        facts: the facts, twice. The second half is of tokens as the end of the previous paragraph
            sees them: it does not know of later transitions.
    """

    def __init__(self, starts: Ints, tokens: int) -> None:
        self.count = tokens + 3  # the end of a text looks two tokens further
        self.heads = np.zeros(self.count, np.intp)
        self.transitions = np.zeros(self.count, np.intp)
        self.left_child = np.zeros(self.count, np.intp)
        self.right_child = np.zeros(self.count, np.intp)
        self._earlier_right_sibling = np.zeros(self.count, np.intp)
        self._preset = np.zeros(self.count, np.intp)
        self._preset[0] = _IS_NONE
        self._preset[starts + 1] = _STARTS_SENTENCE
        self.facts = np.concatenate([self._preset, self._preset])

    def add_left_arcs(self, heads: Ints, children: Ints, transitions: Ints) -> None:
        """Add arcs to the left, in place of the arcs from earlier heads of the children."""
        self.right_child[self.heads[children]] = self._earlier_right_sibling[children]
        self.heads[children] = heads
        self.transitions[children] = transitions
        self.left_child[heads] = children
        self.facts[heads] &= ~_WAS_UNSHIFTED

    def add_right_arcs(self, heads: Ints, children: Ints, transitions: Ints) -> None:
        """Add arcs to the right. The children have no head yet."""
        self.heads[children] = heads
        self.transitions[children] = transitions
        self._earlier_right_sibling[children] = self.right_child[heads]
        self.right_child[heads] = children

    def are_broken_from_before(self, seconds: Ints) -> NDArray[np.bool_]:
        """Return whether the end of the previous paragraph made these tokens sentence starts."""
        facts: Ints = self.facts[self.count + seconds]
        broken: NDArray[np.bool_] = facts == _STARTS_SENTENCE
        return broken

    def reset(self, start: int, end: int, *, starts_at_second: bool = False) -> None:
        """Forget the decoding of the tokens from ``start`` to ``end``, numbered from 0."""
        own = slice(start + 1, end + 1)
        for array in (
            self.heads,
            self.transitions,
            self.left_child,
            self.right_child,
            self._earlier_right_sibling,
        ):
            array[own] = 0
        self.facts[own] = self._preset[own]
        if starts_at_second:
            self.facts[start + 2] |= _STARTS_SENTENCE
        if end + 2 < self.count:
            self.facts[self.count + end + 2] = self._preset[end + 2]


class _Rows:
    """The states of the paragraphs that are decoded side by side.

    The buffer and the stack of a row are parts of one array each. In the buffer the tokens of the
    row and the next ones follow each other; a token that returns to it takes the place of one that
    has left it. The stack lies on three places without a token.

    Attributes:
        buffer: the buffers.
        stack: the stacks.
        state: five numbers per row: the first place of the buffer, the place of the first token
            after the row, the top of the stack, its bottom, the first token after the row.
    """

    def __init__(self, starts: Ints, ends: Ints, text_ends: Ints) -> None:
        lengths = ends - starts
        sizes = lengths + 4
        offsets = sizes.cumsum() - sizes
        tokens = np.arange(1, sizes.sum() + 1) + np.repeat(starts - offsets, sizes)
        self.buffer = np.where(tokens <= np.repeat(text_ends, sizes), tokens, 0)
        self.stack = np.zeros(len(tokens), np.intp)
        self.state = np.stack([offsets, offsets + lengths, offsets + 2, offsets + 2, ends + 1])


_STACK_GROWTH: Final = np.array([1, -1, -1, 1, 0])
_BUFFER_ADVANCE: Final = np.array([1, 0, 0, 1, 0])
_EMPTY_STACK: Final = _FACTS**2
_ADJACENT: Final = 2 * _EMPTY_STACK


def _tabulate_invalid(kinds: Ints) -> Floats:
    """Return what to add to the scores in each situation: 0 for a valid transition, else -inf.

    The number of a situation is the sum of the facts of the first token of the buffer, of those of
    the second times `_FACTS`, of `_EMPTY_STACK` if the stack is empty, and of `_ADJACENT` if the
    second token follows the first in the text.
    """
    table = np.zeros((2 * _ADJACENT, len(kinds)), np.float32)
    facts = range(_FACTS)
    for b0, b1, empty, adjacent in product(facts, facts, (False, True), (False, True)):
        starts = bool(b0 & _STARTS_SENTENCE)
        valid = {
            _SHIFT: empty or not (starts or b0 & _WAS_UNSHIFTED or b1 & _IS_NONE),
            _REDUCE: not empty,
            _LEFT: not (empty or starts or b0 & _IS_NONE),
            _RIGHT: not (empty or starts or b0 & _IS_NONE),
            _BREAK: adjacent and not b1 & (_STARTS_SENTENCE | _IS_NONE),
        }
        situation = b0 + b1 * _FACTS + empty * _EMPTY_STACK + adjacent * _ADJACENT
        table[situation] = [0 if valid[kind] else -np.inf for kind in kinds.tolist()]
    return table
