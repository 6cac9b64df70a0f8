# SPDX-License-Identifier: Apache-2.0
"""Payments that come as numpy matrices of one stored type each: the quickest way in."""

from collections.abc import Sequence

from . import _native
from ._columns import Features
from ._error import InvalidArgument

_TEXTS = ("category", "text")


class Arrays:
    """Scores numpy matrices of a model's features; made by Model.arrays, for one thread at a time.

        cards = model.arrays(["amount", "ratio"], ["country", "mcc"])
        cards.score_one(numpy.array([12.5, 0.3], "float32"), numpy.array([250, 5411]))

    score_one(*matrices, timeout=None, deadline_ns=None)  the score of one payment, a float: [columns] for each group, or
                                                          [length, columns] where it is of sequences
    score(*matrices, timeout=None, deadline_ns=None)      scores of several, with the rows as first dimension; NaN for a
                                                          row that cannot be scored (Model.score says why)

    Elements are of the stored type (float32, float64, int64, bool); strides are free.
    """

    def __init__(self, target: _native.Target, schema: _native.Schema, features: Features,
                 groups: Sequence[Sequence[str]]) -> None:
        indices = [[schema.find(name) for name in group] for group in groups]
        for group in indices:
            forms = {(str(features[i]["type"]), bool(features[i]["is_sequence"])) for i in group}
            if len(forms) != 1 or any(kind in _TEXTS for kind, _ in forms):
                raise InvalidArgument(f"group: expected numbers of one type, got {sorted(kind for kind, _ in forms)}")
        native = _native.Arrays(target, schema, indices)
        self.score_one, self.score = native.score_one, native.score
