"""Takes one person out of the landing zone, the quarantine and every trace in the home.

Data flow: the identifier, hashed -> every pseudonym of that person (`People`) -> marks on the list of tombstones -> `sweep` drops
the rows of everybody on that list. The list is written first and a sweep knows nobody but the list, so one that was cut off is
made good by another. Warehouse and releases follow in `renewal.py`.
"""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.analysis.identities import SIGHTINGS, customer_aliases
from pipelines.sources.connection import Person
from pipelines.sources.contract import TABLES
from pipelines.sources.places import matching
from pipelines.sources.pseudonym import Pseudonymiser
from pipelines.sources.schema import KeyClass, Table
from pipelines.sources.sieve import PID, Sieve, Verdict, apply
from pipelines.store import Store, read_file, recounted, write_file


class ErasureError(Exception):
    """A person cannot be found or told from others; the message never holds the identifier."""


class Found(NamedTuple):
    """A person: the first pseudonym found, what it stands for, and all pseudonyms of the person."""

    pid: str
    what: str
    pids: frozenset[str]


@dataclass
class Swept:
    """What a sweep took, or would take, out of one table."""

    table: str
    rows: int = 0
    blanked: int = 0
    held_back: int = 0


@dataclass
class People:
    """All pseudonyms of the landing zone and the quarantine, and which belong together."""

    links: dict[str, set[str]] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)  # mail addresses and phone numbers of several persons
    handles: set[str] = field(default_factory=set)

    def person(self, pid: str) -> frozenset[str]:
        """Every pseudonym of the person; a handle stands for itself, since anybody may declare it."""
        found, waiting = {pid}, [] if pid in self.handles else [pid]
        while waiting:
            for other in self.links.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return frozenset(found)

    def link(self, first: str | None, second: str | None) -> None:
        """Note two pseudonyms of one person; either may be blank."""
        for one, other in ((first, second), (second, first)):
            if one is not None:
                self.links.setdefault(one, set()).update(() if other is None else (other,))


def people(store: Store, *, mails_per_phone: int) -> People:
    """Who is whom, by all that has landed, old versions too: a customer as the published tables count one, an employee by
    number and own mail address, and whoever was invited with a token."""
    known = People()
    by_id = {table.id: table for table in TABLES}
    seen = {id_: _sightings(store, table) for id_, table in by_id.items() if any(column.personal for column in table.columns)}
    customers = pd.concat(
        [frame.reindex(columns=SIGHTINGS.names) for id_, frame in seen.items() if by_id[id_].source == "ec"],
        ignore_index=True,
    )
    sightings = pa.Table.from_pandas(customers, SIGHTINGS, preserve_index=False)
    for alias in customer_aliases(sightings, mails_per_phone=mails_per_phone).to_pylist():
        known.link(alias["alias_pid"], alias["customer_key"])
    employees = seen["hr.employees"]
    mails = employees[["mail_pid", "employee_pid"]].dropna().drop_duplicates()
    counts = mails.groupby("mail_pid").size()
    known.shared |= set(counts[counts > 1].index)
    for mail, employee in mails.itertuples(index=False):
        if mail not in known.shared:
            known.link(employee, mail)
    phones = customers[["phone_pid", "mail_pid"]].dropna().drop_duplicates().groupby("phone_pid").size()
    known.shared |= set(phones[phones > mails_per_phone].index)
    for respondent, token in seen["survey.invitations"][["respondent_pid", "token_pid"]].itertuples(index=False):
        known.link(respondent, token)
    for id_, frame in seen.items():
        for column in by_id[id_].columns:
            if column.personal == "social":
                known.handles |= set(frame[column.name].dropna())
            if column.personal:
                for pid in frame[column.name].dropna().unique():
                    known.link(pid, None)
    return known


def candidates(
    subject: str, kind: KeyClass | None, shops: Sequence[str], platforms: Sequence[str], pseudonymiser: Pseudonymiser
) -> dict[str, str]:
    """What an identifier may stand for: pseudonym -> what it would be. A pseudonym stands for itself.

    `shops` are those whose customer numbers, `platforms` those whose handles it may be.
    """
    value = unicodedata.normalize("NFKC", subject).strip()
    if PID.fullmatch(value):
        return {value: "pseudonym"}
    is_mail = "@" in value[1:]
    persons: dict[Person, str] = {}
    if kind in (None, "customer"):
        if is_mail:
            persons[Person("customer", "mail", value)] = "a customer's mail address"
        else:
            persons[Person("customer", "phone", value)] = "a customer's phone number"
            persons |= {Person("customer", "id", value, shop): f"a customer number of {shop}" for shop in shops}
    if kind in (None, "employee"):
        mail, number = Person("employee", "mail", value), Person("employee", "id", value, "hr")
        persons |= {mail: "an employee's mail address"} if is_mail else {number: "an employee number"}
    if kind in (None, "social"):
        persons |= {Person("social", "handle", value, platform): f"a handle on {platform}" for platform in platforms}
    return {pid: what for person, what in persons.items() if (pid := pseudonymiser.pid(person))}


def find(subjects: dict[str, str], known: People, sieve: Sieve) -> Found:
    """The one person whom some landed row, or a tombstone, names. ErasureError when there is none or more than one."""
    hits = {pid: what for pid, what in subjects.items() if pid in known.links or sieve.catches(pid)}
    if not hits:
        raise ErasureError("no row in the landing zone or the quarantine names this person; nothing was changed")
    shared = [what for pid, what in hits.items() if pid in known.shared]
    if shared:
        raise ErasureError(f"{shared[0]} that several persons share; name the one by their number or own mail address")
    found = [Found(pid, what, known.person(pid)) for pid, what in hits.items()]
    if any(one.pids != found[0].pids for one in found):
        raise ErasureError(f"this may be {' or '.join(one.what for one in found)}; say which with --kind and --scope")
    return found[0]


def sweep(store: Store, sieve: Sieve, *, write: bool = True) -> list[Swept]:
    """Drop the rows of everybody whom `sieve` catches; with `write` false only count. To be called under the writer's lock.

    Lines go before their orders, so that a sweep that is cut off finds the lines by the orders that are left.
    """
    if write and (staging := store.home / "staging").exists():
        shutil.rmtree(staging)
    swept = {table.id: Swept(table.id) for table in TABLES}
    for group in _groups(store):
        documents: set[str] = set()
        for table in group.tables:
            for rows in (group.landed(store, table), group.held_back(store, table)):
                if rows is not None:
                    sieve.judge(table, rows, documents)
        for table in reversed(group.tables):
            _sweep_table(store, group, table, sieve, documents, swept[table.id], write)
    return [one for one in swept.values() if one.rows or one.blanked or one.held_back]


class _Group(NamedTuple):
    """The month files of one source, month and connection: documents never reach beyond them."""

    source: str
    month: str
    connection: str

    @property
    def tables(self) -> list[Table]:
        return [table for table in TABLES if table.source == self.source and _is_swept(table)]

    def landed(self, store: Store, table: Table) -> pa.Table | None:
        file = store.file(table, self.month, self.connection)
        return read_file(file)[0] if file.exists() else None

    def held_back(self, store: Store, table: Table) -> pa.Table | None:
        """What `Sieve.judge` reads of the quarantined rows."""
        file = store.quarantine_file(table, self.month, self.connection)
        return _judged_of(table, read_file(file)[0]) if file.exists() else None


def _groups(store: Store) -> Iterator[_Group]:
    groups = {
        _Group(table.source, file.parent.name.removeprefix("month="), file.stem)
        for table in filter(_is_swept, TABLES)
        for root in (store.landing, store.quarantine)
        for file in store.month_files(root, table)
    }
    yield from sorted(groups)


def _is_swept(table: Table) -> bool:
    return bool(table.document) or any(column.personal for column in table.columns)


def _sweep_table(store: Store, group: _Group, table: Table, sieve: Sieve, documents: set[str], swept: Swept, write: bool) -> None:
    quarantine = store.quarantine_file(table, group.month, group.connection)
    held = read_file(quarantine)[0] if quarantine.exists() else None
    kept = None if held is None else _sift_quarantine(table, held, sieve, documents, swept)
    file = store.file(table, group.month, group.connection)
    if file.exists():
        rows, manifest = read_file(file)
        verdict = sieve.judge(table, rows, documents)
        swept.rows += pc.sum(verdict.gone).as_py() or 0
        swept.blanked += sum(pc.sum(mask).as_py() for mask in verdict.blanked.values())
        if write and not (verdict.is_none and kept is held):
            left = apply(verdict, rows)
            write_file(file, left, recounted(manifest, rows, left, held, kept))
    # After the rows: until both are written, the quarantined ones say that the manifest has to be counted again.
    if write and kept is not None and kept is not held:
        write_file(quarantine, kept, {})


def _sift_quarantine(table: Table, held: pa.Table, sieve: Sieve, documents: set[str], swept: Swept) -> pa.Table:
    verdict = sieve.judge(table, _judged_of(table, held), documents)
    if verdict.is_none:
        return held
    swept.held_back += pc.sum(verdict.gone).as_py() or 0
    position = held.schema.get_field_index("row_json")
    texts = pa.array(_blank(held["row_json"].to_pylist(), verdict), pa.string())
    return held.set_column(position, held.schema.field("row_json"), texts).filter(pc.invert(verdict.gone))


def _blank(texts: list[str], verdict: Verdict) -> list[str]:
    masks = {name: mask.to_pylist() for name, mask in verdict.blanked.items()}
    made = []
    for number, text in enumerate(texts):
        names = [name for name, mask in masks.items() if mask[number]]
        made.append(json.dumps(json.loads(text) | dict.fromkeys(names), ensure_ascii=False) if names else text)
    return made


def _judged_of(table: Table, held: pa.Table) -> pa.Table:
    rows = [json.loads(text) for text in held["row_json"].to_pylist()]
    names = [column.name for column in table.columns if column.personal]
    columns: dict[str, Any] = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    columns["change_date"] = held["change_date"]
    if table.document:
        columns[table.document] = pa.array([row.get(table.document) for row in rows], pa.string())
    return pa.table(columns)


def _sightings(store: Store, table: Table) -> pd.DataFrame:
    """The distinct sets of pseudonyms that stand on one row, landed or held back."""
    names = [column.name for column in table.columns if column.personal]
    landed = [str(file) for file in matching(store.landing / table.source / table.name, "month=*/*.parquet")]
    held = [str(file) for file in store.month_files(store.quarantine, table)]
    columns = ", ".join(f'"{name}"' for name in names)
    query = f"select distinct {columns} from read_parquet(?, union_by_name = true, hive_partitioning = false)"
    files = [landed]
    if held:
        extracted = ", ".join(f"json_extract_string(row_json, '$.{name}') as \"{name}\"" for name in names)
        query += f" union select distinct {extracted} from read_parquet(?, hive_partitioning = false)"
        files.append(held)
    with duckdb.connect() as sql:
        store.attach(sql)
        frame: pd.DataFrame = sql.execute(query, files).df()
    return frame.astype(object).where(frame.notna(), None)
