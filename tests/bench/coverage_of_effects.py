"""How often the intervals of pipelines/analysis/effects.py hold the truth, by design, size and planted effect.

    python -m tests.bench.coverage_of_effects [--repeats 1000]

prints the table of docs/effects.md. Every row is made of that many made-up initiatives whose true effect is known.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from typing import NamedTuple

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


def made_up(case: Case, rng: np.random.Generator) -> pd.DataFrame:
    """A panel with levels of its own per subject, waves that all share, and errors that hang together from period to period."""
    n, t = case.treated + case.control, case.before + case.since
    level = rng.normal(0, 1, n)[:, None]
    shared = rng.normal(0, 0.5, t)[None, :] if case.design != "before_after" else 0.0
    errors = np.empty((n, t))
    errors[:, 0] = rng.normal(0, 1, n)
    for period in range(1, t):
        errors[:, period] = 0.3 * errors[:, period - 1] + np.sqrt(1 - 0.09) * rng.normal(0, 1, n)
    starts = np.full(n, np.nan)
    if case.design == "staggered":
        starts[: case.treated] = rng.permutation(np.linspace(3, t - 2, case.treated).round())
    else:
        starts[: case.treated] = case.before
    periods = np.arange(t)
    treated = (periods[None, :] >= starts[:, None]).astype(float)
    rises = np.where(np.isnan(starts), 0.0, case.trend)[:, None] * periods[None, :]
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
        rng = np.random.default_rng(1)
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
    """The rows as they stand in docs/effects.md."""
    verdicts = ("supported", "suggestive", "inconclusive", "contradicted")
    titles = ("design", "treated + control", "effect", "trend", "coverage", "width", *verdicts)
    lines = [f"| {' | '.join(titles)} |", "| --- |" + " ---: |" * (len(titles) - 1)]
    for row in found:
        shares = " | ".join(f"{row[code]:.3f}" for code in verdicts)
        lines.append(
            f"| {row['design']} | {row['treated']} + {row['control']} | {row['effect']:.1f} | {row['trend']:.2f} "
            f"| {row['coverage']:.3f} | {row['width']:.2f} | {shares} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=1000)
    print(table(rows(parser.parse_args().repeats)))


if __name__ == "__main__":
    main()
