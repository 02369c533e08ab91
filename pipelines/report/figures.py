"""What a section of the page is made of: a finding in words, a chart, the same numbers as a table, notes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.report.wording import Text, interval, join, number, say, texts, word

if TYPE_CHECKING:
    from pipelines.report.charts import Drawing

SMALL = 30  # answers, persons or units under which a figure is marked as resting on few
LONGEST_TABLE = 24  # rows below a chart; how many more the release holds is said beneath


class Cell(NamedTuple):
    """One cell of a table; `kind` is plain, number, hidden, small, none or a state (good, bad, open)."""

    text: Text
    kind: str = "plain"


@dataclass(frozen=True)
class Grid:
    """A table: titles, rows of cells, the published table it comes from and how many rows it leaves out."""

    titles: Sequence[Text]
    rows: Sequence[Sequence[Cell]]
    source: str
    left_out: int = 0


@dataclass(frozen=True)
class Figure:
    """A finding, told in sentences of which the first stands out. Without a grid they say why there is nothing to show."""

    key: str
    title: Text
    sentences: Sequence[Text]
    chart: Callable[[int], Drawing] | None = None  # draws it in the language of that number
    grid: Grid | None = None
    notes: Sequence[Text] = ()
    is_wide: bool = False

    @property
    def finding(self) -> Text:
        """All sentences in one."""
        return join(self.sentences)


@dataclass(frozen=True)
class Tile:
    """One figure at the top: its value, what it rests on and how it moved."""

    title: Text
    value: Text
    lines: Sequence[Text]
    state: str  # good, bad or open
    state_text: Text


class Point(NamedTuple):
    """One line of the summary: a finding and the id of the figure that shows it."""

    target: str
    title: Text
    text: Text


@dataclass(frozen=True)
class Section:
    """A part of the page under a heading of its own."""

    key: str
    title: Text
    lead: Text
    figures: Sequence[Figure]
    tiles: Sequence[Tile] = ()
    points: Sequence[Point] = ()


def absent(key: str, title: Text, sentence: str, /, **values: Any) -> Figure:
    """A figure that cannot be shown, and why."""
    return Figure(key, title, [say(sentence, **values)])


def grid(titles: Sequence[str], rows: Sequence[Sequence[Cell]], source: str) -> Grid:
    """A table of at most LONGEST_TABLE rows; `titles` are keys of texts."""
    return Grid([texts()[f"col_{title}"] for title in titles], rows[:LONGEST_TABLE], source, max(0, len(rows) - LONGEST_TABLE))


def plain(text: Text) -> Cell:
    """A cell of words."""
    return Cell(text)


def figure(value: Any, unit: str) -> Cell:
    """A cell of a number, or the dash of one that is not known."""
    return Cell(number(value, unit), "number" if value is not None else "none")


def span(low: Any, high: Any, unit: str) -> Cell:
    """A cell of an interval."""
    known = low is not None and high is not None
    return Cell(interval(low, high, unit), "number" if known else "none")


def is_small(n: int | None) -> bool:
    """Whether a figure rests on few."""
    return n is not None and n < SMALL


def base(n: int | None) -> Cell:
    """A cell of the number a figure rests on, marked when it is small."""
    kind = "none" if n is None else "small" if is_small(n) else "number"
    return Cell(number(n, "count"), kind)


def hidden(reason: Any) -> Cell:
    """The cell of a figure that is not shown to protect a small group, with the reason."""
    return Cell(word("hidden", reason or "small_group"), "hidden")
