"""How much the ranking of customers depends on the weights of the engagement score; prints the table of docs/customer_score.md.

    python -m tests.bench.sensitivity_of_score <published parquet folder>

For each other set of weights: Spearman's rank correlation with the configured score over the customers of the last month, and the
share of customers whose tier changes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from pipelines.settings import PROJECT

COMPONENTS = ("purchase", "advocacy", "participation", "interaction")
HIGH_FROM, LOW_BELOW = 80, 40


def tiers(score: pd.Series) -> pd.Series:
    """high, middle or low of each customer, by percentile of `score`."""
    percentile = 100 * (score.rank(method="min") - 1) / (len(score) - 1)
    return pd.cut(percentile, [-1, LOW_BELOW - 1e-9, HIGH_FROM - 1e-9, 101], labels=["low", "middle", "high"]).astype(str)


def alternatives(weights: dict[str, float]) -> dict[str, dict[str, float]]:
    """Other weights worth trying: equal ones, each one half as much more, each one left out."""
    sets = {"equal weights": dict.fromkeys(COMPONENTS, 1.0)}
    for name in COMPONENTS:
        sets[f"{name} half as much more"] = weights | {name: 1.5 * weights[name]}
        sets[f"without {name}"] = weights | {name: 0.0}
    return sets


def table(customers: pd.DataFrame, weights: dict[str, float]) -> pd.DataFrame:
    """One row per alternative: Spearman's correlation and the share of customers who change tier."""

    def score(by: dict[str, float]) -> pd.Series:
        return sum((customers[f"{name}_score"] * by[name] for name in COMPONENTS), start=0 * customers["purchase_score"]).round(6)

    own = score(weights)
    rows = []
    for name, other in alternatives(weights).items():
        changed = score(other)
        correlation = spearmanr(own, changed).statistic
        rows.append({"weights": name, "rank correlation": correlation, "change tier": (tiers(own) != tiers(changed)).mean()})
    return pd.DataFrame(rows)


def main(folder: Path) -> None:
    """Print the table for the last month published in `folder`."""
    months = pd.read_parquet(folder / "fct_customer_engagement_months.parquet")
    seed = pd.read_csv(PROJECT / "dbt_project" / "seeds" / "customer_score_weights.csv")
    last = months[months["month_start"] == months["month_start"].max()]
    result = table(last, dict(zip(seed["component"], seed["weight"], strict=True)))
    print("| weights | rank correlation | customers who change tier |\n| --- | --- | --- |")
    for row in result.itertuples(index=False):
        print(f"| {row[0]} | {row[1]:.2f} | {row[2]:.0%} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
