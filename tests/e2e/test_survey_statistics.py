"""Scores, weights, intervals and drivers of the samples' staff survey, against other libraries on the survey's own files."""

from math import ceil, sqrt

import duckdb
import numpy as np
import pandas as pd
import pingouin
import pytest
import statsmodels.api as sm
import weightipy
from statsmodels.stats.weightstats import DescrStatsW

from pipelines.analysis.raking import collapse
from pipelines.generate.vocabulary import STAFF_ENPS, STAFF_ITEMS
from pipelines.settings import PROJECT
from tests.e2e.conftest import Company

WAVES = ["2024Q4", "2025Q3", "2026Q3"]


def ask_warehouse(company: Company, sql: str, *parameters: object) -> pd.DataFrame:
    with duckdb.connect(str(company.home / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(sql, list(parameters)).df()


def filed(wave: str) -> pd.DataFrame:
    """The wave's file: one row per form, ratings as 0-100 with the reversed item turned, the recommendation as given."""
    rows = pd.read_csv(PROJECT / "data_samples" / "survey" / "staff_pulse" / f"pulse_{wave}.csv")
    # Who sends a second form counts with the newer one; the files are sorted by time.
    rows = rows.drop_duplicates("社員番号", keep="last")
    for item in STAFF_ITEMS:
        points = 6 - rows[item.text] if item.is_reversed else rows[item.text]
        rows[item.text] = 25 * (points - 1)
    return rows


def items_of(driver: str) -> list[str]:
    return [item.text for item in STAFF_ITEMS if item.driver == driver]


@pytest.mark.parametrize("wave", WAVES)
def test_index_favourability_and_enps_are_those_of_the_files(samples: Company, wave: str) -> None:
    rows = filed(wave)
    ratings = rows[[item.text for item in STAFF_ITEMS]]
    query = """select value, favourable_share, neutral_share, unfavourable_share, n_answered from rpt_employee_engagement
        where org_unit = 'all' and wave = ? and metric = ?"""
    value, *judged, n = samples.query(query, wave, "engagement_index")[0]
    answers = ratings.stack().dropna()
    assert value == pytest.approx(ratings.mean(axis=1).mean(), abs=1e-6)
    assert judged == pytest.approx([(answers >= 75).mean(), (answers == 50).mean(), (answers <= 25).mean()])
    assert n == len(rows)
    recommend = rows[STAFF_ENPS].dropna()
    enps = samples.query(query, wave, "enps")[0]
    assert enps[0] == pytest.approx(100 * ((recommend >= 9).mean() - (recommend <= 6).mean()), abs=1e-6)


@pytest.mark.parametrize("wave", WAVES)
def test_drivers_have_the_alpha_and_impact_another_library_finds_in_the_files(samples: Company, wave: str) -> None:
    rows = filed(wave)
    query = """select driver, alpha, impact, impact_ci_low, impact_ci_high from rpt_employee_drivers
        where org_unit = 'all' and wave = ?"""
    found = samples.query(query, wave)
    assert {driver for driver, *_ in found} == {item.driver for item in STAFF_ITEMS}
    for driver, alpha, impact, low, high in found:
        items = rows[items_of(driver)]
        if items.shape[1] == 1:
            assert alpha is None
        else:
            assert alpha == pytest.approx(pingouin.cronbach_alpha(items.dropna())[0], abs=1e-6)
        theirs = pingouin.corr(items.mean(axis=1), rows[STAFF_ENPS]).iloc[0]
        assert impact == pytest.approx(theirs["r"], abs=1e-6)
        assert low < impact < high
    ranks = samples.query(
        "select priority_rank, priority from rpt_employee_drivers where org_unit = 'all' and wave = ? order by 1", wave
    )
    assert [rank for rank, _ in ranks] == list(range(1, len(ranks) + 1))
    assert [priority for _, priority in ranks] == sorted((priority for _, priority in ranks), reverse=True)


SCORES = """select a.ancestor_unit as org_unit, s.person_key, s.wave, w.weight,
        case when s.metric = 'enps' then 100 * (s.favourable_n - s.unfavourable_n) else s.person_score end as points
    from int_employee_wave_scores s
    join int_org_unit_ancestors a using (org_unit)
    join int_employee_wave_weights w using (wave, person_key)
    where s.metric = ? and a.ancestor_unit in (select org_unit from dim_org_units where org_level <= 1)"""


@pytest.mark.parametrize("metric", ["engagement_index", "enps", "driver:wellbeing"])
def test_values_and_intervals_are_those_of_another_library(samples: Company, metric: str) -> None:
    scores = ask_warehouse(samples, SCORES, metric)
    facts = ask_warehouse(samples, "select * from fct_employee_engagement_waves where metric = ?", metric)
    facts = facts.set_index(["org_unit", "wave"])
    groups = scores.groupby(["org_unit", "wave"])
    assert len(groups) == 40  # the company and four business units in eight waves
    for key, people in groups:
        fact, n = facts.loc[key], len(people)
        plain = DescrStatsW(people["points"])
        staff = max(ceil(fact["n_employed"] / 5) * 5, n)
        correction = sqrt((staff - n) / (staff - 1))
        # The margin of an NPS takes the variance over n, as its usual formula does.
        usual = sqrt((n - 1) / n) if metric == "enps" else 1
        assert fact["value"] == pytest.approx(plain.mean, abs=1e-6)
        margin = (plain.zconfint_mean()[1] - plain.mean) * correction * usual
        assert fact["ci_high"] - fact["value"] == pytest.approx(margin, rel=1e-3)
        weighed = DescrStatsW(people["points"], people["weight"], ddof=0)
        effective = people["weight"].sum() ** 2 / (people["weight"] ** 2).sum()
        margin = 1.96 * sqrt(weighed.var * effective / (effective - 1) / effective) * correction
        assert fact["weighted_value"] == pytest.approx(weighed.mean, abs=1e-6)
        assert fact["weighted_ci_high"] - fact["weighted_value"] == pytest.approx(margin, rel=1e-4)


def test_the_interval_of_a_change_knows_who_answered_both_waves(samples: Company) -> None:
    """As a regression on the wave has it whose errors may go together within a person."""
    scores = ask_warehouse(samples, SCORES, "engagement_index")
    pair = scores[(scores["org_unit"] == "all") & scores["wave"].isin(["2025Q2", "2025Q3"])]
    design = sm.add_constant((pair["wave"] == "2025Q3").astype(float))
    groups = pair["person_key"].astype("category").cat.codes
    robust = sm.OLS(pair["points"], design).fit(cov_type="cluster", cov_kwds={"groups": groups})
    change, low, high = samples.query("""select change, change_ci_low, change_ci_high from rpt_employee_engagement
        where org_unit = 'all' and wave = '2025Q3' and metric = 'engagement_index'""")[0]
    assert change == pytest.approx(robust.params.iloc[1], abs=1e-6)
    assert (high - low) / 2 == pytest.approx(1.96 * robust.bse.iloc[1], rel=0.03)
    apart = [DescrStatsW(people["points"]).std_mean for _, people in pair.groupby("wave")]
    assert (high - low) / 2 < 0.9 * 1.96 * float(np.hypot(*apart))


@pytest.mark.parametrize("wave", WAVES)
def test_weights_are_those_of_a_library_for_survey_weighting(samples: Company, wave: str) -> None:
    people = ask_warehouse(samples, "select * from int_employee_wave_people where wave = ? order by person_key", wave)
    weights = ask_warehouse(samples, "select * from int_employee_wave_weights where wave = ? order by person_key", wave)
    dimensions = ["business_unit", "tenure_band", "employment_type"]
    assert set(weights["raked_by"]) == {", ".join(dimensions)}
    answered = people[people["is_answered"]].reset_index(drop=True)
    staff = people[people["is_employed"]]
    for dimension in dimensions:
        names = collapse(answered[dimension], staff[dimension].value_counts().sort_index(), 10)
        answered[dimension] = answered[dimension].map(names)
        staff = staff.assign(**{dimension: staff[dimension].map(names)})
    targets = {d: (100 * staff[d].value_counts(normalize=True)).to_dict() for d in dimensions}
    scheme = weightipy.scheme_from_dict(targets, rim_params={"convcrit": 1e-12})
    theirs = weightipy.weight_dataframe(answered[dimensions].copy(), scheme, weight_column="weight")["weight"].to_numpy(float)
    assert list(weights["person_key"]) == list(answered["person_key"])
    assert weights["weight"].to_numpy() == pytest.approx(theirs / theirs.mean(), abs=1e-4)


def test_all_were_asked_and_who_answered_stands_beside_the_staff(samples: Company) -> None:
    rows = samples.query("""select group_value, headcount, invited, answered, response_rate, is_census
        from rpt_employee_representativeness where wave = '2025Q1' and dimension = 'org_unit' and not is_suppressed""")
    assert ("all", 165, 165, 140, 0.84, True) in rows
    assert len(rows) == 5
    bands = "select sum(headcount) from rpt_employee_representativeness where wave = '2025Q1' and dimension = 'tenure'"
    assert abs(samples.value(bands) - 165) <= 10  # each band is rounded by itself
    verdicts = samples.query("select distinct representation from rpt_employee_representativeness where group_value <> 'all'")
    assert {verdict for (verdict,) in verdicts} <= {"in_line", "under", "over", None}
