"""Which pseudonyms are one person: customer numbers, mail addresses and phone numbers that were seen together.

Names are never looked at. A mail address belongs to one person. A phone number may be a household's, a company's or a dummy: one
that was seen with more mail addresses than `mails_per_phone` joins nobody. A self-declared handle leads to a person and joins
nobody either, since anybody can declare it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_JOINING = ("mail_pid", "phone_pid", "customer_pid", "merged_into_pid")


def customer_aliases(sightings: pd.DataFrame, *, mails_per_phone: int) -> pd.DataFrame:
    """The person behind every pseudonym.

    `sightings` has `customer_pid`, `merged_into_pid`, `mail_pid`, `phone_pid`, `social_pid`: pseudonyms that stood on one record,
    None where it had none. Returns `alias_pid`, `customer_key`, one row per pseudonym. Persons are the connected components of
    the graph of sightings; a person's key is their smallest mail pseudonym, else phone, else customer number.
    """
    seen = sightings.astype(object).where(sightings.notna(), None)
    mails = seen[["phone_pid", "mail_pid"]].dropna().drop_duplicates()
    counts = mails.groupby("phone_pid").size()
    shared = counts[counts > mails_per_phone].index
    edges = [_pairs(seen, first, "customer_pid") for first in ("mail_pid", "phone_pid", "merged_into_pid")]
    edges.append(_pairs(seen, "mail_pid", "phone_pid"))
    pairs = pd.concat(edges, ignore_index=True)
    pairs = pairs[~pairs["a"].isin(shared) & ~pairs["b"].isin(shared)]

    nodes = pd.concat(
        [pd.DataFrame({"alias_pid": seen[name].dropna().unique(), "rank": rank}) for rank, name in enumerate(_JOINING)]
    ).drop_duplicates("alias_pid")
    nodes = nodes.sort_values(["rank", "alias_pid"], kind="stable", ignore_index=True)
    if nodes.empty:
        return pd.DataFrame({"alias_pid": pd.Series(dtype="str"), "customer_key": pd.Series(dtype="str")})
    position = pd.Series(np.arange(len(nodes)), index=nodes["alias_pid"])
    ends = position.loc[pairs["a"]].to_numpy(), position.loc[pairs["b"]].to_numpy()
    graph = coo_array((np.ones(len(pairs), dtype=np.int8), ends), shape=(len(nodes), len(nodes)))
    person = connected_components(graph, directed=False)[1]
    # Nodes are sorted by what makes the better key: a component's first node names it.
    first = pd.Series(np.arange(len(nodes))).groupby(person).transform("min").to_numpy()
    nodes["customer_key"] = nodes["alias_pid"].to_numpy()[first]

    declared = seen[["social_pid", "customer_pid"]].dropna().rename(columns={"social_pid": "alias_pid"})
    declared["customer_key"] = declared["customer_pid"].map(nodes.set_index("alias_pid")["customer_key"])
    handles = declared[["alias_pid", "customer_key"]].sort_values("customer_key").drop_duplicates("alias_pid")
    return pd.concat([nodes[["alias_pid", "customer_key"]], handles], ignore_index=True)


def _pairs(seen: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    return seen[[first, second]].dropna().drop_duplicates().set_axis(["a", "b"], axis=1)
