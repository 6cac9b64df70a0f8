# SPDX-License-Identifier: Apache-2.0
"""What scoring gives."""

import math
from dataclasses import dataclass, field
from typing import Any

from ._error import Error


@dataclass(frozen=True)
class Score:
    """One payment's score and how it was made."""

    score: float
    probability: float
    band: int
    status: int
    reason: str
    backend: str
    defaulted: int
    version: str
    run_ns: int
    precision: str = "fp32"
    numerics: int = 0
    device: int = 0
    clipped: int = 0
    bundle: int = 0
    queue_ns: int = 0
    outputs: dict[str, Any] = field(default_factory=dict)

    @property
    def is_fallback(self) -> bool:
        return self.status == 1

    def __float__(self) -> float:
        return self.score


class Scores(dict[str, list[Any]]):
    """Lists by name, a value for each row."""

    def __init__(self, answers: list[Score | Error], version: str) -> None:
        def of(name: str, missing: Any) -> list[Any]:
            return [missing if isinstance(one, Error) else getattr(one, name) for one in answers]

        super().__init__(score=of("score", math.nan), probability=of("probability", math.nan), band=of("band", -1),
                         status=[one.code if isinstance(one, Error) else one.status for one in answers],
                         reason=of("reason", "none"), defaulted=of("defaulted", 0), clipped=of("clipped", 0),
                         blamed=[one.feature if isinstance(one, Error) else -1 for one in answers])
        errors = [one for one in answers if isinstance(one, Error)]
        invalid = sum(error.name == "WB_INVALID_INPUT" for error in errors)
        fallbacks = self["status"].count(1)
        self.error = errors[0] if errors else None
        self.result = {"rows": len(answers), "scored": len(answers) - len(errors) - fallbacks, "fallbacks": fallbacks,
                       "invalid": invalid, "failed": len(errors) - invalid, "error": self.error, "version": version,
                       "first_error": self.error.row if self.error else -1}

    @property
    def score(self) -> list[float]:
        return self["score"]

    @property
    def probability(self) -> list[float]:
        return self["probability"]

    @property
    def band(self) -> list[int]:
        return self["band"]

    @property
    def status(self) -> list[int]:
        return self["status"]

    def raise_first(self) -> "Scores":
        if self.error is not None:
            raise self.error
        return self
