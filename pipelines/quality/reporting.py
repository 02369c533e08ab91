"""What may leave. The rules of the exit gate: what a reader of the published tables would notice.

They follow from the columns, so a new published table is guarded without a line here. Small groups: see `leaks.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from pipelines.quality.gate import Rule

# Tables that hold rows whatever a company connects.
NEVER_EMPTY = ("dim_dates", "dim_metrics", "rpt_data_health")
LARGEST_LOSS = 0.5  # of the rows of the last release

# Shares of a reach or of an audience may exceed 1: people engage with a post that they were not counted as reached by.
NOT_A_SHARE = ("engagement_rate_by_reach", "engagement_rate_by_impressions", "engagement_rate_by_followers")


def exit_rules(table: str, columns: Sequence[str], rows_before: int = 0) -> tuple[Rule, ...]:
    """The rules for one published table; `rows_before` is what the last release held of it."""
    least = max(int(table in NEVER_EMPTY), int(rows_before * LARGEST_LOSS))
    rules = [
        Rule("rows", "ExpectTableRowCountToBeBetween", {"min_value": least}, f"{table} keeps at least half of the rows it had")
    ]
    for column in columns:
        if column.endswith(("_rate", "_share")) and column not in NOT_A_SHARE:
            rules.append(
                Rule(
                    f"{column}_between_0_and_1",
                    "ExpectColumnValuesToBeBetween",
                    {"column": column, "min_value": 0, "max_value": 1},
                    f"{column} lies between 0 and 1",
                    (column,),
                )
            )
    return tuple(rules)
