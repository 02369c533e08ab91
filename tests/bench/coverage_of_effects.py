"""How often the intervals of pipelines/analysis/effects.py hold the truth, by design, size and planted effect.

    python -m tests.bench.coverage_of_effects [--repeats 1000]

prints the tables of docs/effects.md. Every row is made of that many made-up initiatives whose true effect is known.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from zlib import crc32

import numpy as np
import pandas as pd

from pipelines.analysis.effects import estimate
from pipelines.analysis.verdicts import verdict


class Case(NamedTuple):
    """One kind of made-up initiative; effects in standard deviations of a subject's period."""

    design: str
    treated: int
    control: int
    effect: float
    trend: float = 0.0  # by how much more the treated rise per period, measure or not
    before: int = 8
    since: int = 8
    beyond: str = ""  # what is unlike what the methods presume, a key of BEYOND


SIZES = {"none": 0.0, "small": 0.2, "large": 1.0}
CASES = (
    *(Case("holdout", 100, 100, effect) for effect in SIZES.values()),
    *(Case("holdout", 6, 6, effect) for effect in SIZES.values()),
    *(Case("diff_in_diff", 40, 40, effect) for effect in SIZES.values()),
    *(Case("diff_in_diff", 5, 6, effect) for effect in SIZES.values()),
    *(Case("diff_in_diff", 40, 40, 0.0, trend) for trend in (0.05, 0.15)),
    *(Case("diff_in_diff", 40, 40, effect, 0.15) for effect in (0.2, 1.0)),
    Case("diff_in_diff", 5, 6, 0.0, 0.3),
    *(Case("staggered", 12, 6, effect) for effect in SIZES.values()),
    *(Case("staggered", 4, 0, effect) for effect in SIZES.values()),
    *(Case("staggered", 12, 6, effect, 0.3) for effect in SIZES.values()),
    Case("staggered", 4, 0, 0.0, 0.3),
    *(Case("before_after", 1, 0, effect, before=12, since=12) for effect in SIZES.values()),
    Case("before_after", 1, 0, 0.0, 0.15, before=12, since=12),
)
BEYOND = {
    "sticky": "errors hang together at 0.6",
    "walk": "each subject wanders off at random, 0.3 per period",
    "unequal": "the treated scatter twice as much",
    "bent": "the treated begin to rise 4 periods before the start",
    "grows": "the effect grows evenly from nothing to twice its mean",
    "fades": "the effect fades evenly from twice its mean to nothing",
}
STRANGE = (
    *(Case(*arms, 0.0, beyond=key) for key in ("sticky", "walk") for arms in (("diff_in_diff", 40, 40), ("staggered", 12, 6))),
    *(Case("diff_in_diff", *arms, 0.0, beyond="unequal") for arms in ((40, 40), (5, 6), (6, 30))),
    Case("diff_in_diff", 40, 40, 0.0, 0.1, beyond="bent"),
    *(Case(*arms, 1.0, beyond=key) for key in ("grows", "fades") for arms in (("diff_in_diff", 40, 40), ("staggered", 12, 6))),
)


def made_up(case: Case, rng: np.random.Generator) -> pd.DataFrame:
    """A panel with levels of its own per subject, waves that all share, and errors that hang together from period to period."""
    n, t = case.treated + case.control, case.before + case.since
    rho = 0.6 if case.beyond == "sticky" else 0.3
    level = rng.normal(0, 1, n)[:, None]
    shared = rng.normal(0, 0.5, t)[None, :] if case.design != "before_after" else 0.0
    errors = np.empty((n, t))
    errors[:, 0] = rng.normal(0, 1, n)
    for period in range(1, t):
        errors[:, period] = rho * errors[:, period - 1] + np.sqrt(1 - rho**2) * rng.normal(0, 1, n)
    if case.beyond == "walk":
        errors += rng.normal(0, 0.3, (n, t)).cumsum(axis=1)
    if case.beyond == "unequal":
        errors[: case.treated] *= 2
    starts = np.full(n, np.nan)
    if case.design == "staggered":
        starts[: case.treated] = rng.permutation(np.linspace(3, t - 2, case.treated).round())
    else:
        starts[: case.treated] = case.before
    periods = np.arange(t)
    treated = (periods[None, :] >= starts[:, None]).astype(float)
    if case.beyond in ("grows", "fades"):
        way = np.where(treated > 0, (periods - starts[:, None]) / np.maximum(t - 1 - starts[:, None], 1), 0.0)
        treated *= 2 * (way if case.beyond == "grows" else 1 - way)
        treated *= (periods >= starts[:, None]).sum() / treated.sum()
    rising = np.maximum(periods - case.before + 4, 0) if case.beyond == "bent" else periods
    rises = np.where(np.isnan(starts), 0.0, case.trend)[:, None] * rising[None, :]
    if case.design == "staggered" and case.trend:
        # Whoever starts early was rising more.
        rises = case.trend * (np.nan_to_num(t - starts, nan=0.0) / t)[:, None] * periods[None, :]
    values = level + shared + rises + case.effect * treated + errors
    return pd.DataFrame(
        {
            "subject": np.repeat(np.arange(n), t),
            "period": np.tile(periods, n),
            "treated_from": np.repeat(starts, t),
            "value": values.ravel(),
        }
    )


def rows(repeats: int, cases: tuple[Case, ...] = CASES) -> Iterator[dict[str, object]]:
    """One row per case: share of intervals that hold the truth, mean width, and how often which verdict was given."""
    for case in cases:
        rng = np.random.default_rng(crc32(repr(case).encode()))  # so that no two rows share their luck
        held, width, verdicts = 0, [], []
        made = 0
        for _ in range(repeats):
            effect = estimate(made_up(case, rng), case.design)
            verdicts.append(verdict(effect, case.design, "up").code)
            if effect.effect is None:
                continue
            made += 1
            held += bool(effect.ci_low <= case.effect <= effect.ci_high)  # type: ignore[operator]
            width.append(effect.ci_high - effect.ci_low)  # type: ignore[operator]
        shares = pd.Series(verdicts).value_counts(normalize=True)
        yield {
            **case._asdict(),
            "made": made,
            "coverage": held / made if made else float("nan"),
            "width": float(np.mean(width)) if width else float("nan"),
            **{
                code: float(shares.get(code, 0))
                for code in ("supported", "suggestive", "inconclusive", "contradicted", "not_testable")
            },
        }


def table(found: Iterable[dict[str, object]]) -> str:
    """The rows as they stand in docs/effects.md, with what is strange about them where something is."""
    verdicts = ("supported", "suggestive", "inconclusive", "contradicted")
    titles = ["design", "treated + control", "effect", "trend", "coverage", "width", *verdicts]
    lines = []
    for row in found:
        shares = " | ".join(f"{row[code]:.3f}" for code in verdicts)
        strange = f"| {BEYOND[str(row['beyond'])]} " if row["beyond"] else ""
        lines.append(
            f"{strange}| {row['design']} | {row['treated']} + {row['control']} | {row['effect']:.1f} | {row['trend']:.2f} "
            f"| {row['coverage']:.3f} | {row['width']:.2f} | {shares} |"
        )
    is_strange = lines[0].count("|") > len(titles) + 1
    head = f"| {' | '.join([*['unlike'] * is_strange, *titles])} |"
    return "\n".join([head, "| --- |" + " --- |" * is_strange + " ---: |" * (len(titles) - 1), *lines])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    repeats = parser.parse_args().repeats
    print(table(rows(repeats)), table(rows(repeats, STRANGE)), sep="\n\n")


if __name__ == "__main__":
    main()
