"""One person over shops, by keyed mail address and phone number, and by nothing else."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from pipelines.analysis.identities import SIGHTINGS, customer_aliases


def persons(*sightings: dict[str, str], mails_per_phone: int = 2) -> dict[str, str]:
    rows = pa.Table.from_pylist(list(sightings), SIGHTINGS)
    aliases = customer_aliases(rows, mails_per_phone=mails_per_phone).to_pandas()
    assert aliases["alias_pid"].is_unique
    return dict(zip(aliases["alias_pid"], aliases["customer_key"], strict=True))


def test_a_phone_number_joins_a_shop_that_hides_mail_addresses_with_one_that_shows_them():
    known = persons(
        {"customer_pid": "n1", "mail_pid": "mail_real", "phone_pid": "phone"},
        {"mail_pid": "mail_masked", "phone_pid": "phone"},
    )
    assert known["mail_masked"] == known["mail_real"] == known["n1"] == known["phone"]


def test_a_phone_number_with_three_mail_addresses_is_nobodys_own():
    known = persons(*({"mail_pid": f"m{i}", "phone_pid": "office"} for i in range(3)))
    assert [known[f"m{i}"] for i in range(3)] == ["m0", "m1", "m2"]
    assert known["office"] == "office"


def test_a_number_that_changed_its_mail_address_stays_one_person():
    known = persons({"customer_pid": "n1", "mail_pid": "old"}, {"customer_pid": "n1", "mail_pid": "new"}, {"mail_pid": "old"})
    assert known["old"] == known["new"] == known["n1"] == "new"


def test_merged_numbers_are_one_person():
    known = persons({"customer_pid": "n1", "merged_into_pid": "n2"}, {"customer_pid": "n2"}, {"customer_pid": "n3"})
    assert known["n1"] == known["n2"] != known["n3"]


def test_a_handle_leads_to_a_person_and_joins_nobody():
    known = persons({"customer_pid": "n1", "social_pid": "h"}, {"customer_pid": "n2", "social_pid": "h"})
    assert known == {"n1": "n1", "n2": "n2", "h": "n1"}


def test_a_guest_without_an_account_is_known_by_mail_else_by_phone():
    assert persons({"mail_pid": "m"}, {"phone_pid": "p"}) == {"m": "m", "p": "p"}


def test_nobody_seen_is_nobody_known():
    assert persons() == {}


pids = st.one_of(st.none(), st.integers(0, 5))
sightings = st.lists(st.tuples(pids, pids, pids), max_size=15)


@given(sightings, st.randoms())
def test_persons_do_not_depend_on_the_order_records_come_in_and_every_record_names_one(rows, random):
    """The law: shuffled records give the same persons; number and mail address of one record are always the same person."""

    def named(cells):
        values = [None if value is None else f"{kind}{value}" for kind, value in zip("cmp", cells, strict=True)]
        return {"customer_pid": values[0], "mail_pid": values[1], "phone_pid": values[2]}

    records = [named(cells) for cells in rows]
    shuffled = records.copy()
    random.shuffle(shuffled)
    known = persons(*records)
    assert known == persons(*shuffled)
    for record in records:
        assert len({known[record[name]] for name in ("customer_pid", "mail_pid") if record[name]}) <= 1


@given(sightings)
def test_persons_equal_those_of_a_union_find(rows):
    parent: dict[str, str] = {}

    def root(node):
        parent.setdefault(node, node)
        while parent[node] != node:
            node = parent[node]
        return node

    mails = {}
    records = []
    for c, m, p in rows:
        record = {kind: f"{kind}{value}" for kind, value in zip("cmp", (c, m, p), strict=True) if value is not None}
        records.append(record)
        if "p" in record and "m" in record:
            mails.setdefault(record["p"], set()).add(record["m"])
    for record in records:
        nodes = [node for kind, node in record.items() if kind != "p" or len(mails.get(node, ())) <= 2]
        for node in record.values():
            root(node)
        for node in nodes[1:]:
            parent[root(node)] = root(nodes[0])
    names = {"c": "customer_pid", "m": "mail_pid", "p": "phone_pid"}
    known = persons(*({names[kind]: node for kind, node in record.items()} for record in records))
    together = {frozenset(a for a in parent if root(a) == root(b)) for b in parent}
    assert {frozenset(a for a in known if known[a] == known[b]) for b in known} == together


@given(st.lists(st.tuples(pids, pids, pids, pids), max_size=12))
def test_circles_are_labelled_alone_as_they_are_among_all(rows):
    """A night labels the circles that anything touches, and no others."""
    kinds = {"customer_pid": "c", "mail_pid": "m", "phone_pid": "p", "social_pid": "h"}
    named = [
        {name: None if value is None else f"{kind}{value}" for (name, kind), value in zip(kinds.items(), cells, strict=True)}
        for cells in rows
    ]
    seen = [record for record in named if record["customer_pid"] or record["mail_pid"] or record["phone_pid"]]

    def labelled(records):
        return customer_aliases(pa.Table.from_pylist(records, SIGHTINGS), mails_per_phone=1).to_pylist()

    circle = {alias["alias_pid"]: alias["circle_pid"] for alias in labelled(seen)}
    circles: dict[str, list[dict[str, str | None]]] = {}
    for record in seen:
        circles.setdefault(circle[record["customer_pid"] or record["mail_pid"] or record["phone_pid"]], []).append(record)
    alone = [alias for records in circles.values() for alias in labelled(records)]
    assert sorted(alone, key=str) == sorted(labelled(seen), key=str)
