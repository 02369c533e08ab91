"""Weights that make the respondents of a wave look like the staff: raking to headcount, one dimension after the other.

Data flow: a row per wave and person (employed or not, answered or not, group in each dimension) -> the dimensions that can be
used -> small groups taken together -> iterative proportional fitting, capped -> a weight per respondent, 1 on average.

Raking: Deming & Stephan, Annals of Mathematical Statistics 1940. Whose group is unknown is left as he is by that dimension.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]

REST = "rest"
KNOWN_SHARE = 0.8  # a dimension that fewer respondents than this have a group in says too little of the others
ROUNDS = 500
TOLERANCE = 1e-9  # largest change of a weight in a round at which the fitting has come to rest


def rake(
    groups: pd.DataFrame, targets: Mapping[str, Mapping[str, float]], base: Floats | None = None, *, cap: float = np.inf
) -> Floats:
    """Weights of mean 1, fitted to the targets.

    Args:
        groups: one row per respondent, one column per dimension; missing where the group is not known.
        targets: per dimension the share or number of each group in the population. A group nobody answered from stands for
            nothing: the others keep their proportions.
        base: weights to start from, all 1 unless given.
        cap: no weight grows beyond this, 1 or more. Where it binds, the targets are met as nearly as the cap allows.

    Raises:
        ValueError: `base` has a weight that is not positive, or the cap is below 1.
    """
    if cap < 1:
        raise ValueError(f"no weights of mean 1 stay below {cap}")
    weights = np.ones(len(groups)) if base is None else np.asarray(base, dtype=float)
    if not (weights > 0).all():
        raise ValueError("every weight to start from must be positive")
    weights = weights / weights.mean()
    sides = [_sides(groups[dimension], shares) for dimension, shares in targets.items()]
    for _ in range(ROUNDS):
        before = weights
        for members, shares in sides:
            sums = members @ weights
            known = sums.sum()
            factors = np.divide(shares * known, sums, out=np.ones_like(sums), where=sums > 0)
            moved = factors @ members
            weights = np.where(moved > 0, weights * moved, weights)
        weights = _capped(weights / weights.mean(), cap)
        if np.abs(weights - before).max(initial=0) < TOLERANCE:
            break
    return weights


def _capped(weights: Floats, cap: float) -> Floats:
    """No weight above the cap; what is taken off goes to the others, in proportion, so that the mean stays 1."""
    while (weights > cap * (1 + TOLERANCE)).any():
        full = weights >= cap
        shared = (len(weights) - cap * full.sum()) / weights[~full].sum()
        weights = np.where(full, cap, weights * shared)
    return weights


def _sides(groups: pd.Series[str], shares: Mapping[str, float]) -> tuple[Floats, Floats]:
    """Who is in which group (groups x respondents, 0 or 1), and the share of each group that somebody answered from."""
    present = [group for group, share in shares.items() if share > 0 and (groups == group).any()]
    members = np.array([(groups == group).to_numpy(float) for group in present]).reshape(len(present), len(groups))
    wanted = np.array([shares[group] for group in present], dtype=float)
    return members, wanted / wanted.sum() if len(present) else wanted


def collapse(groups: pd.Series[str], counts: pd.Series[int], least: int) -> dict[str, str]:
    """Which name each group goes by, so that none has fewer than `least` respondents: the small ones are one, `rest`.

    `groups` are the respondents' groups, `counts` the headcount by group. A rest still too small takes in the next smallest.
    """
    answered = groups.value_counts().reindex(counts.index, fill_value=0).sort_values(kind="stable")
    small: list[str] = []
    for group, number in answered.items():
        if number >= least and (not small or answered[small].sum() >= least):
            break
        small.append(str(group))
    return {str(group): REST if group in small else str(group) for group in counts.index}


def wave_weights(members: pd.DataFrame, *, dimensions: Sequence[str], least: int, cap: float) -> pd.DataFrame:
    """One row per wave and respondent: `weight` (1 on average) and `raked_by`, the dimensions it was fitted to, empty for none.

    Args:
        members: a row per wave and person with wave, person_key, is_employed, is_answered, base_weight and the dimensions.
        dimensions: columns of `members`, in the order they are fitted.
        least: respondents a group must have to be fitted by itself.
        cap: largest weight.
    """
    parts = []
    for wave, people in members.groupby("wave", sort=True):
        staff, answered = people[people["is_employed"]], people[people["is_answered"]].sort_values("person_key")
        if answered.empty:
            continue
        groups, targets = {}, {}
        for dimension in dimensions:
            counts = staff[dimension].value_counts().sort_index()
            given = answered[dimension].where(answered[dimension].isin(counts.index))
            if counts.empty or given.notna().mean() < KNOWN_SHARE:
                continue
            names = collapse(given, counts, least)
            shares: dict[str, float] = {}
            for group, number in counts.items():
                shares[names[str(group)]] = shares.get(names[str(group)], 0) + float(number)
            if len(shares) > 1:
                groups[dimension], targets[dimension] = given.map(names), shares
        base = answered["base_weight"].fillna(1.0).clip(lower=1e-6).to_numpy(float)
        weights = rake(pd.DataFrame(groups, index=answered.index), targets, base, cap=cap)
        parts.append(
            pd.DataFrame(
                {
                    "wave": wave,
                    "person_key": answered["person_key"],
                    "weight": weights.round(9),
                    "raked_by": ", ".join(targets),
                }
            )
        )
    columns = {"wave": "string", "person_key": "string", "weight": "float64", "raked_by": "string"}
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(columns))
    return made.astype(columns)
