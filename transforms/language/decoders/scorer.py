"""The scores that a trained transition model of spaCy gives to each transition of a state."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from thinc.api import Model

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]

_STANDARD_PIECES: Final = 2
_MAX_KEPT_ROWS: Final = 1 << 15
"""The rows of the buffer that is kept, since the kernel clears new memory: 128 MiB for a parser.
Only texts of very short tokens have more."""


class UnsupportedModel(Exception):
    """A model does not have the architecture that the decoders are made for."""


def require_model(condition: bool, reason: str) -> None:
    """Check that a model has a property that the decoders rely on.

    Raises:
        UnsupportedModel: it does not.
    """
    if not condition:
        raise UnsupportedModel(reason)


def read_parameter(layer: Model[Any, Any], name: str) -> Floats:
    """Return a parameter of a layer of a model."""
    return np.asarray(layer.get_param(name), np.float32)


class StateScorer:
    """The two layers of spaCy's `TransitionBasedParser.v2` that score states.

    A state is described by a fixed number of tokens, its features. The lower layer maps the vector
    of each feature token by a matrix of its own, adds these up and takes the larger of two pieces.
    The upper layer maps the result to a score per transition. The products of the lower layer are
    computed once per token and then only added up, as in spaCy.

    Args:
        model: the model of a spaCy component that parses or recognises entities.
        features: the number of features of a state that the decoder provides.

    Raises:
        UnsupportedModel: the model has another architecture.
    """

    def __init__(self, model: Model[Any, Any], features: int) -> None:
        require_model(model.name == "parser_model", f"the model is a {model.name}")
        require_model(bool(model.attrs["has_upper"]), "the model has no upper layer")
        require_model(not model.attrs["unseen_classes"], "the model has classes without examples")
        lower, upper = model.get_ref("lower"), model.get_ref("upper")
        require_model(lower.name == "precomputable_affine", f"the lower layer is a {lower.name}")
        require_model(upper.name == "linear", f"the upper layer is a {upper.name}")
        require_model(lower.get_dim("nF") == features, f"a state has {lower.get_dim('nF')} tokens")
        require_model(lower.get_dim("nP") == _STANDARD_PIECES, "the lower layer has no two pieces")
        self.classes: int = upper.get_dim("nO")
        self._features = features
        self._width: int = lower.get_dim("nO")
        # The pieces stand side by side in the model. Here all first pieces come first, because
        # numpy takes the maximum of two arrays much faster than that of neighbours.
        weights = read_parameter(lower, "W").transpose(0, 2, 1, 3)  # feature, piece, output, input
        self._lower_weights: Floats = np.ascontiguousarray(weights.reshape(-1, weights.shape[-1]))
        self._lower_bias: Floats = read_parameter(lower, "b").T.ravel()
        self._padding: Floats = read_parameter(lower, "pad")[0].transpose(0, 2, 1).ravel()
        self._upper_weights: Floats = np.ascontiguousarray(read_parameter(upper, "W").T)
        self._upper_bias: Floats = read_parameter(upper, "b")
        self._buffer: Floats = np.empty((0, self._lower_weights.shape[0]), np.float32)
        self._products: Floats = self._buffer
        self._feature_numbers: Ints = np.arange(features)

    def read(self, vectors: Floats) -> None:
        """Compute the products of the lower layer for the tokens of a batch.

        Token numbers count through the batch and start at 1. Number 0 stands for no token.

        Args:
            vectors: the vectors of the tokens, tokens x width.
        """
        rows = len(vectors) + 1
        buffer = self._buffer
        if len(buffer) < rows:
            buffer = np.empty((rows, self._lower_weights.shape[0]), np.float32)
            if rows <= _MAX_KEPT_ROWS:
                self._buffer = buffer
        np.dot(vectors, self._lower_weights.T, out=buffer[1:rows])
        buffer[0] = self._padding
        self._products = buffer[:rows].reshape(rows * self._features, -1)

    def score(self, tokens: Ints) -> Floats:
        """Return the scores of the transitions of each state.

        Args:
            tokens: the numbers of the feature tokens, states x features.

        Returns:
            The scores, states x transitions.
        """
        products = self._products.take(tokens * self._features + self._feature_numbers, axis=0)
        return self._score_sums(np.add.reduce(products, axis=1))

    def score_one_token(self) -> Floats:
        """Return the scores of the states whose only feature is the first, tokens x transitions."""
        products = self._products.reshape(-1, self._features, 2 * self._width)
        sums = products[1:, 0] + products[0, 1]
        for feature in range(2, self._features):
            sums += products[0, feature]
        return self._score_sums(sums)

    def _score_sums(self, sums: Floats) -> Floats:
        sums += self._lower_bias
        hidden = np.maximum(sums[:, : self._width], sums[:, self._width :])
        scores: Floats = hidden @ self._upper_weights
        scores += self._upper_bias
        return scores
