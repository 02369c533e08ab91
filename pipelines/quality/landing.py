"""What may enter the landing zone. Row rules hold single rows back (quarantine); batch rules refuse a connection's whole pull.

Row rules follow from the contract (required, range) plus the few lines below. Batch rules look at one row of facts per
connection and table, worked out by `pipelines/door.py`.
"""

from __future__ import annotations

from pipelines.quality.gate import Rule
from pipelines.sources.pull import MONEY_STEP, money_column
from pipelines.sources.schema import Table

# The later column must not lie before the earlier one.
IN_ORDER: dict[str, tuple[tuple[str, str], ...]] = {
    "ec.orders": (("cancelled_at", "ordered_at"),),
    "ec.subscriptions": (("cancelled_at", "started_at"),),
    "sns.mentions": (("first_reply_at", "posted_at"),),
    "hr.employees": (("leave_date", "hire_date"),),
    "plan.initiatives": (("end_date", "start_date"),),
}

SMALLEST_VOLUME_FLOOR = 0.1  # of the median of the same weekday in the last 28 days
LARGEST_SHRINK = 0.5  # of the records that a day had when it was last landed
LARGEST_UNPARSED = 0.1  # of one column's cells
LARGEST_QUARANTINE = 0.2  # of the batch's rows

BATCH_RULES: tuple[Rule, ...] = (
    Rule("readable", "ExpectColumnValuesToBeNull", {"column": "read_error"}, "the source can be read", ("read_error",)),
    Rule(
        "types",
        "ExpectColumnValuesToBeNull",
        {"column": "type_error"},
        "each column still holds the type it had",
        ("type_error",),
    ),
    Rule(
        "known_values",
        "ExpectColumnValuesToBeNull",
        {"column": "unknown_value"},
        "only known states and kinds occur",
        ("unknown_value",),
    ),
    Rule(
        "unique_keys",
        "ExpectColumnValuesToBeNull",
        {"column": "conflicting_key"},
        "a record occurs once per day",
        ("conflicting_key",),
    ),
    Rule(
        "volume",
        "ExpectColumnValuesToBeNull",
        {"column": "volume_error"},
        "the day has about as many rows as that weekday has",
        ("volume_error",),
    ),
    Rule(
        "no_shrink",
        "ExpectColumnValuesToBeNull",
        {"column": "shrink_error"},
        "a day landed again has not lost its rows",
        ("shrink_error",),
    ),
    Rule(
        "quarantine_share",
        "ExpectColumnValuesToBeBetween",
        {"column": "excess_quarantined", "max_value": 0},
        f"at most {LARGEST_QUARANTINE:.0%} of the rows are held back",
        ("quarantined_rows", "checked_rows"),
    ),
    Rule(
        "rows_conserved",
        "ExpectColumnValuesToBeBetween",
        {"column": "rows_lost", "min_value": 0, "max_value": 0},
        "rows read = landed + quarantined + duplicates + not due",
        ("rows_lost",),
    ),
    Rule(
        "money_conserved",
        "ExpectColumnValuesToBeBetween",
        {"column": "money_lost", "min_value": -float(MONEY_STEP) / 2, "max_value": float(MONEY_STEP) / 2},
        "money read = landed + quarantined + duplicates + not due",
        ("money_lost",),
    ),
)


def batch_rules(table: Table) -> tuple[Rule, ...]:
    """The batch rules that can fail for `table`: no volume where rows are not expected daily, no states where none are listed."""
    applies = {
        "known_values": any(column.enum for column in table.columns),
        "volume": table.is_daily,
        "money_conserved": money_column(table) is not None,
    }
    return tuple(rule for rule in BATCH_RULES if applies.get(rule.name, True))


def row_rules(table: Table) -> tuple[Rule, ...]:
    """The rules each row of `table` must meet, in the order in which a failing row is given its reason."""
    rules = [
        Rule("parsed", "ExpectColumnValuesToBeNull", {"column": "_unparsed"}, "every cell can be read", ("_unparsed",)),
        Rule(
            "required", "ExpectColumnValuesToBeNull", {"column": "_missing"}, "every required column is filled in", ("_missing",)
        ),
    ]
    for column in table.columns:
        if column.minimum is not None or column.maximum is not None:
            bounds = {"min_value": column.minimum, "max_value": column.maximum}
            low = "" if column.minimum is None else f"at least {column.minimum:g}"
            high = "" if column.maximum is None else f"at most {column.maximum:g}"
            why = f"{column.name} is {' and '.join(filter(None, (low, high)))}"
            rules.append(
                Rule(
                    f"range_{column.name}",
                    "ExpectColumnValuesToBeBetween",
                    {"column": column.name, **bounds},
                    why,
                    (column.name,),
                )
            )
    for later, earlier in IN_ORDER.get(table.id, ()):
        kwargs = {"column_A": later, "column_B": earlier, "or_equal": True, "ignore_row_if": "either_value_is_missing"}
        rules.append(
            Rule(
                f"{later}_after_{earlier}",
                "ExpectColumnPairValuesAToBeGreaterThanB",
                kwargs,
                f"{later} is not before {earlier}",
                (later, earlier),
            )
        )
    return tuple(rules)


def door_rules(table: Table) -> tuple[Rule, ...]:
    """Every rule that guards `table` at the door, batch rules first."""
    return (*batch_rules(table), *row_rules(table))
