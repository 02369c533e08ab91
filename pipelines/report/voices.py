"""What customers say, in reviews and posts, and who follows our accounts."""

from __future__ import annotations

from datetime import date

from pipelines.report import charts
from pipelines.report.figures import Figure, absent, base, figure, grid, plain
from pipelines.report.release import Release, Row
from pipelines.report.wording import Text, month, number, outside, say, texts, word

MOST_MONTHS = 60
MOST_ACCOUNTS = 4

VOICES = f"""
select month_start, kind, incentive, sum(voices)::bigint as voices, sum(undisclosed)::bigint as undisclosed,
    sum(mean_rating * rated) / nullif(sum(rated), 0) as rating, sum(positive_share * judged) / nullif(sum(judged), 0) as positive
from rpt_ugc_and_reviews
where month_start > (select max(month_start) from rpt_ugc_and_reviews) - interval {MOST_MONTHS} month
group by month_start, kind, incentive
order by month_start, kind, incentive
"""
FOLLOWERS = f"""
select account_key, date_trunc('month', day)::date as month_start, max_by(followers, day) as followers
from rpt_sns_account_days
where followers is not null and day > (select max(day) from rpt_sns_account_days) - interval {MOST_MONTHS} month
group by account_key, month_start
order by month_start, account_key
"""


def voices(release: Release) -> Figure:
    """Reviews and posts by others, those for nothing apart from those something was given for."""
    title = texts()["voices_title"]
    rows = release.rows("rpt_ugc_and_reviews", VOICES)
    if not rows:
        return absent("voices", title, "no_voices")
    newest = max(row["month_start"] for row in rows)
    year = [row for row in rows if row["month_start"] > date(newest.year - 1, newest.month, 1)]
    free = sum(row["voices"] for row in year if row["incentive"] == "organic")
    paid = sum(row["voices"] for row in year if row["incentive"] == "incentivised")
    undisclosed = sum(row["undisclosed"] or 0 for row in year)
    headline = [say("voices_now", free=number(free, "count"), paid=number(paid, "count"))]
    headline.append(say("voices_undisclosed", n=undisclosed) if undisclosed else texts()["voices_disclosed"])
    months: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (str(row["month_start"]), row["incentive"])
        months[key] = months.get(key, 0) + row["voices"]
    ranks = {name: rank for rank, name in enumerate(("organic", "incentivised", "unknown"))}

    def draw(language: int) -> charts.Drawing:
        return charts.stack(
            [
                {"x": day, "y": n, "series": word("incentive", name)[language], "rank": ranks.get(name, 3)}
                for (day, name), n in sorted(months.items(), key=lambda item: (ranks.get(item[0][1], 3), item[0][0]))
            ],
            "count",
        )

    cells = [
        [
            plain(month(row["month_start"])),
            plain(word("voice", row["kind"])),
            plain(word("incentive", row["incentive"])),
            base(row["voices"]),
            figure(row["rating"], "score"),
            figure(row["positive"], "share"),
        ]
        for row in reversed(rows)
    ]
    table = grid(("month", "voice", "incentive", "voices", "rating", "positive"), cells, "rpt_ugc_and_reviews")
    return Figure("voices", title, headline, draw, table, [texts()["note_voices"]])


def followers(release: Release) -> Figure:
    """Followers of our largest accounts at the end of each month."""
    title = texts()["followers_title"]
    rows = release.rows("rpt_sns_account_days", FOLLOWERS)
    if not rows:
        return absent("followers", title, "no_accounts")
    newest = {row["account_key"]: row for row in rows}
    largest = sorted(newest, key=lambda name: (-newest[name]["followers"], name))[:MOST_ACCOUNTS]
    sentences: list[Text] = []
    for name in largest[:2]:
        own = [row for row in rows if row["account_key"] == name]
        before = year_before(own, own[-1]["month_start"], "month_start")
        now = number(own[-1]["followers"], "people")
        if before and before["followers"]:
            growth = percent(own[-1]["followers"] / before["followers"] - 1)
            sentences.append(say("followers_year", account=outside(name), n=now, change=growth))
        else:
            sentences.append(say("followers_now", account=outside(name), n=now))
    points = [
        {
            "x": str(row["month_start"]),
            "y": row["followers"],
            "small": False,
            "series": outside(name).ja,
        }
        for name in largest
        for row in rows
        if row["account_key"] == name
    ]
    cells = [
        [plain(month(row["month_start"])), plain(outside(row["account_key"])), figure(row["followers"], "people")]
        for row in reversed(rows)
        if row["account_key"] in largest
    ]
    table = grid(("month", "account", "followers"), cells, "rpt_sns_account_days")
    left = len(newest) - len(largest)
    notes = [texts()["note_followers"]] + ([say("note_accounts_left", n=left)] if left else [])
    return Figure("followers", title, sentences, lambda _: charts.trend(points, "people"), table, notes)


def year_before(rows: list[Row], day: date, column: str) -> Row | None:
    """The row of the same month a year before."""
    return next((row for row in rows if row[column] == day.replace(year=day.year - 1)), None)


def percent(growth: float) -> Text:
    """A growth with its sign: 0.05 -> +5.0%."""
    shown = number(growth, "share")
    return Text(f"+{shown.ja}", f"+{shown.en}") if growth > 0 else shown
