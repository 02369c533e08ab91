"""What the auditor makes of the figures of initiatives, by head: in one release, and in several that give nothing away alone.

A to F are units.
"""

from __future__ import annotations

from datetime import date

from pipelines.quality.initiative_leaks import Estimates, Place, Told, between_estimates, by_initiatives, estimates_of
from pipelines.quality.leaks import Cell

DAYS = {"w1": date(2026, 1, 1), "w2": date(2026, 4, 1), "w3": date(2026, 7, 1)}
ACTUAL = Told("i", "score", None, "diff_in_diff", actual=50.0)


def release(shown: str, treated: dict[str, str], *told: Told) -> Estimates:
    """A release that shows the `shown` units in all waves, and in each wave the treated units; D is the control group."""
    cells = [Cell(wave, "org_unit", unit, "score", 9 if unit in shown else None) for wave in DAYS for unit in "ABCDEF"]
    places = [Place("i", unit, wave, unit != "D", True, DAYS[wave]) for wave, units in treated.items() for unit in units + "D"]
    return estimates_of(cells, places, told)


def alone(estimates: Estimates) -> list[str]:
    return [leak.how for leak in by_initiatives(estimates)]


def between(new: Estimates, **kept: Estimates) -> list[tuple[str, int, str]]:
    return [(leak.attack, leak.persons, leak.how) for leak in between_estimates(new, kept)]


def test_an_arm_less_its_shown_units() -> None:
    assert alone(release("AD", {"w1": "AB"}, ACTUAL)) == [
        "score: the figures of initiatives less the shown units give B in w1",
    ]
    assert alone(release("AD", {"w1": "ABC"}, ACTUAL)) == []
    assert alone(release("AD", {"w1": "AB"}, ACTUAL._replace(actual=None))) == []
    # A cycle that was over before the second wave is made of the first alone.
    waves = {"w1": "AB", "w2": "ABC"}
    assert alone(release("AD", waves, ACTUAL)) == []
    cycle = ACTUAL._replace(day=date(2026, 3, 31))
    assert [how.partition("give ")[2] for how in alone(release("AD", waves, cycle))] == ["B in w1"]


def test_a_trend_before_the_start_tells_the_first_wave_from_the_last() -> None:
    """B is hidden in the first and the third wave: the baseline tells their sum, the trend their difference."""
    cells = [
        Cell(wave, "org_unit", unit, "score", None if unit == "B" and wave != "w2" else 9) for wave in DAYS for unit in "ABD"
    ]
    places = [Place("i", unit, wave, unit != "D", False, day) for wave, day in DAYS.items() for unit in "ABD"]
    baseline = Told("i", "score", None, "diff_in_diff", baseline=50.0)
    assert alone(estimates_of(cells, places, [baseline])) == []
    assert len(alone(estimates_of(cells, places, [baseline._replace(pre_trend=0.5)]))) == 2
    # Two waves are no trend.
    two = [place for place in places if place.wave != "w2"]
    assert alone(estimates_of(cells, two, [baseline._replace(pre_trend=0.5)])) == []


def test_an_effect_beside_trends_tells_the_wave_since_the_start() -> None:
    """D, a control unit, is hidden in the first wave and in the one since: the trend tells that, the effect then this."""
    days = {**DAYS, "w4": date(2026, 11, 1)}
    cells = [
        Cell(wave, "org_unit", unit, "score", None if unit == "D" and wave in ("w1", "w4") else 9)
        for wave in days
        for unit in "ABD"
    ]
    places = [Place("i", unit, wave, unit != "D", wave == "w4", day) for wave, day in days.items() for unit in "ABD"]
    effect = Told("i", "score", None, "diff_in_diff", effect=5.0)
    assert alone(estimates_of(cells, places, [effect])) == []
    told = alone(estimates_of(cells, places, [effect._replace(pre_trend=0.5)]))
    assert [how.partition("give ")[2] for how in told] == ["D in w1", "D in w4"]
    # Without the wave since there is no shift.
    assert len(alone(estimates_of(cells, places[:-3], [effect._replace(pre_trend=0.5)]))) == 1


def test_a_unit_that_was_hidden_since() -> None:
    """The older release showed C, the newer one hides it and tells of B and C together."""
    old, new = release("ACD", {"w1": "A"}, ACTUAL), release("AD", {"w1": "ABC"}, ACTUAL)
    assert alone(old) == alone(new) == []
    follows = ("releases", 1, "release r1: score: the figures of initiatives in both give B in w1")
    assert between(new, r1=old) == [follows]
    assert between(old, r1=new) == [follows]  # C is shown since


def test_a_unit_that_is_in_the_figure_of_one_release_alone() -> None:
    """The mean of A, B and C, then the mean of A, B, C and E: E follows, although it is hidden in both."""
    old, new = release("AD", {"w1": "ABC"}, ACTUAL), release("AD", {"w1": "ABCE"}, ACTUAL)
    assert alone(old) == alone(new) == []
    assert [how.partition("give ")[2] for _, _, how in between(new, r1=old)] == ["E in w1"]
    # A wave that came since: shown, or hidden with another one.
    assert between(release("AD", {"w1": "ABC", "w2": "A"}, ACTUAL), r1=old) == []
    assert between(release("AD", {"w1": "ABC", "w2": "ABC"}, ACTUAL), r1=old) == []
    # Two more waves hold B and C; the three figures tell of each wave that B and C make up so much, and no more.
    grown = {"w1": "ABC", "w2": "ABC"}, {"w1": "ABC", "w2": "ABC", "w3": "ABC"}
    assert between(release("AD", grown[1], ACTUAL), r1=old, r2=release("AD", grown[0], ACTUAL)) == []


def test_three_releases_of_which_no_two_give_anything_away() -> None:
    """b + c, c + e and b + e of one wave."""
    r1, r2, new = (release("AD", {"w1": units}, ACTUAL) for units in ("BC", "CE", "BE"))
    assert between(new, r1=r1) == between(new, r2=r2) == []
    assert between(new, r1=r1, r2=r2) == [
        ("releases", 1, f"releases r1, r2: score: the figures of initiatives in all give {unit} in w1") for unit in "BCE"
    ]
    # What the older ones give away without it is not its doing.
    assert between(release("AD", {"w1": "BF"}, ACTUAL), r1=r1, r2=r2, r3=new) == [
        ("releases", 1, "releases r1, r2, r3: score: the figures of initiatives in all give F in w1")
    ]
    assert between(new, r1=r1, r2=r2, r3=new) == []


def test_one_late_answer_in_a_hidden_unit_moves_a_figure_of_the_same_units_and_waves() -> None:
    old, new = release("AD", {"w1": "ABC"}, ACTUAL), release("AD", {"w1": "ABC"}, ACTUAL._replace(actual=51.25))
    assert between(new, r1=old) == [
        ("releases", 1, "release r1: i score: actual moved, of the same units and waves, of which 2 are hidden"),
    ]
    cycle = ACTUAL._replace(day=date(2026, 3, 31), effect=4.0)
    by_cycle = release("AD", {"w1": "ABC"}, cycle), release("AD", {"w1": "ABC"}, cycle._replace(effect=4.5))
    assert between(by_cycle[1], r1=by_cycle[0])[0][2].startswith("release r1: i score by 2026-03-31: effect moved, of the same")
    # The last digit may be rounded either way; shown units say themselves how many answered; a new wave moves it, too.
    assert between(release("AD", {"w1": "ABC"}, ACTUAL._replace(actual=50.000001)), r1=old) == []
    assert between(release("ABCD", {"w1": "ABC"}, ACTUAL._replace(actual=51.25)), r1=release("ABCD", {"w1": "ABC"}, ACTUAL)) == []
    assert between(release("AD", {"w1": "ABC", "w2": "ABC"}, ACTUAL._replace(actual=51.25)), r1=old) == []
