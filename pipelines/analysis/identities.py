"""Which pseudonyms are one person: customer numbers, mail addresses and phone numbers that were seen together.

Names are never looked at. A mail address belongs to one person. A phone number may be a household's, a company's or a dummy: one
that was seen with more mail addresses than `mails_per_phone` joins nobody. A self-declared handle leads to a person and joins
nobody either, since anybody can declare it. All whom a phone number or a handle connects, whether it joins them or not, are a
circle: nothing seen outside of it tells anything of who is who in it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_JOINING = ("mail_pid", "phone_pid", "customer_pid", "merged_into_pid")
SIGHTINGS = pa.schema([(name, pa.string()) for name in (*_JOINING, "social_pid")])


def customer_aliases(sightings: pa.Table, *, mails_per_phone: int) -> pa.Table:
    """The person behind every pseudonym.

    `sightings` has the columns of SIGHTINGS: pseudonyms that stood on one record, None where it had none. Returns `alias_pid`,
    `customer_key`, `circle_pid`, one row per pseudonym. Persons are the connected components of the graph of sightings; a
    person's key is their smallest mail pseudonym, else phone, else customer number. Circles, with keys likewise, are those of the
    graph in which everything joins. Of whole circles alone the rows are the same.
    """
    seen = [chunk for column in sightings.select(SIGHTINGS.names).cast(SIGHTINGS).columns for chunk in column.chunks]
    # From here on a pseudonym is its number, -1 for none: there are millions, and texts are slow.
    coded = pa.chunked_array(seen, pa.string()).combine_chunks().dictionary_encode()
    names = coded.dictionary
    numbers = coded.indices.fill_null(-1).to_numpy(zero_copy_only=False).reshape(len(SIGHTINGS), -1)
    mail, phone, customer, merged, social = numbers
    phones = _pairs(phone, mail)[0]
    shared = np.flatnonzero(np.bincount(phones, minlength=len(names)) > mails_per_phone)
    edges = [_pairs(mail, customer), _pairs(phone, customer), _pairs(merged, customer), _pairs(mail, phone)]
    together, declared = np.concatenate(edges, axis=1), _pairs(social, customer)
    joining = together[:, ~np.isin(together, shared).any(axis=0)]

    # A node's rank is the first kind of pseudonym it is seen as.
    rank = np.full(len(names), len(_JOINING))
    for place, kind in reversed(list(enumerate(numbers[: len(_JOINING)]))):
        rank[kind[kind >= 0]] = place
    nodes = np.flatnonzero(rank < len(_JOINING))
    key = _first_joined(joining, rank, names)
    circle = _first_joined(np.concatenate([together, declared], axis=1), rank, names)

    handles = pd.DataFrame(declared.T, columns=["alias", "key"])
    handles["key"] = key[handles["key"]]
    handles["name"] = names.take(pa.array(handles["key"])).to_pandas().to_numpy()
    handles = handles.sort_values("name").drop_duplicates("alias")
    aliases = np.concatenate([nodes, handles["alias"]])
    keys = np.concatenate([key[nodes], handles["key"]])
    found = {"alias_pid": aliases, "customer_key": keys, "circle_pid": circle[aliases]}
    return pa.table({name: names.take(pa.array(of)) for name, of in found.items()})


def _pairs(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Each pair of numbers that stands on one record, once, as two rows."""
    both = (first >= 0) & (second >= 0)
    return pd.DataFrame({"a": first[both], "b": second[both]}).drop_duplicates().to_numpy().T


def _first_joined(edges: np.ndarray, rank: np.ndarray, names: pa.StringArray) -> np.ndarray:
    """For each node the first of those that edges join with it: of the lowest rank, then the smallest text."""
    graph = coo_array((np.ones(edges.shape[1], dtype=np.int8), tuple(edges)), shape=(len(names), len(names)))
    person = connected_components(graph, directed=False)[1]
    least = np.full(person.max(initial=-1) + 1, len(_JOINING))
    np.minimum.at(least, person, rank)
    candidates = np.flatnonzero(rank == least[person])
    first = np.empty(len(least), dtype=np.int64)
    first[person[candidates]] = candidates
    # Most persons have one mail address; only the others' texts are compared.
    several = candidates[np.bincount(person[candidates], minlength=len(least))[person[candidates]] > 1]
    backwards = several[pc.sort_indices(names.take(pa.array(several)), sort_keys=[("", "descending")]).to_numpy()]
    first[person[backwards]] = backwards
    joined: np.ndarray = first[person]
    return joined
