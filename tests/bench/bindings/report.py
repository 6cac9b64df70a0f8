# SPDX-License-Identifier: Apache-2.0
"""What is allowed, and the table."""
import dataclasses
import statistics


@dataclasses.dataclass(frozen=True)
class Limit:
    """A case of a language: at most `over` microseconds beyond `base`, a case of C; or at most `times` as long. With `own`,
    beyond what the language's own case `base` takes over C."""

    language: str
    case: str
    base: str
    over: float = 0.0
    times: float = 0.0
    own: bool = False

    def allowed(self, base_us: float) -> float:
        return base_us * self.times if self.times else base_us + self.over

    def __str__(self) -> str:
        if self.times:
            return f"{1 / self.times:.0%} of its rate"
        return f"+{self.over:g}" + (f" over its {self.base}" if self.own else "")


LIMITS = (
    Limit("java", "setters", "setters", over=0.8),
    Limit("java", "filled", "filled", over=0.1),
    Limit("java", "async", "filled", over=30.0),
    Limit("java", "inline", "filled", over=2.0, own=True),
    Limit("ruby", "filled", "filled", over=1.0),
    Limit("ruby", "keywords", "filled", over=15.0),
    Limit("python", "filled", "filled", over=1.0),
    Limit("python", "numpy", "filled", over=3.0),
    Limit("python", "frame", "frame", times=1 / 0.9),
    Limit("python", "async", "filled", over=55.0),
    Limit("python", "inline", "filled", over=2.0, own=True),
)


def expected(language: str) -> set[str]:
    return {limit.case for limit in LIMITS if limit.language == language}


def medians(lines: list[dict]) -> list[dict]:
    """One entry for each language, case and variant, in their order, with the medians of what is in microseconds."""
    groups = {}
    for line in lines:
        groups.setdefault((line["language"], line["case"], line.get("variant", "")), []).append(line)
    return [{**group[-1], **{key: statistics.median(line[key] for line in group)
                             for key in ("us", "c_us") if all(key in line for line in group)}}
            for group in groups.values()]


def judge(entries: list[dict]) -> list[dict]:
    """Adds to each entry what the C call took, in its own process where it says so, and whether it is within its limit
    (None where there is none)."""
    c = {entry["case"]: entry["us"] for entry in entries if entry["language"] == "c"}
    limits = {(limit.language, limit.case): limit for limit in LIMITS}
    with_c = []
    for entry in entries:
        limit = limits.get((entry["language"], entry["case"]))
        with_c.append({**entry, "c_us": entry.get("c_us", c.get(limit.base if limit else entry["case"]))})
    over_c = {(entry["language"], entry["case"], entry.get("variant")): entry["us"] - entry["c_us"]
              for entry in with_c if entry["c_us"] is not None}
    judged = []
    for entry in with_c:
        limit, base = limits.get((entry["language"], entry["case"])), entry["c_us"]
        if limit and limit.own and base is not None:
            own = over_c.get((limit.language, limit.base, entry.get("variant")))
            base = None if own is None else base + own
        within = entry["us"] <= limit.allowed(base) if limit and base is not None else None
        judged.append({**entry, "limit": str(limit) if limit else None, "within": within})
    return judged


def table(judged: list[dict]) -> str:
    lines = ["| language | case | us | C call | over C | allowed | |", "|---|---|---|---|---|---|---|"]
    for entry in judged:
        name = entry["case"] + (f" ({entry['variant']})" if entry.get("variant") else "")
        own = entry["language"] == "c" or entry["c_us"] is None
        c, over = ("", "") if own else (f"{entry['c_us']:.3f}", f"{entry['us'] - entry['c_us']:+.3f}")
        verdict = {True: "", False: "BEYOND", None: ""}[entry["within"]]
        lines.append(f"| {entry['language']} | {name} | {entry['us']:.3f} | {c} | {over} | {entry['limit'] or ''} | "
                     f"{verdict} |")
    return "\n".join(lines)
