"""Releases for the report page: the published tables as their contracts have them, filled with five years and hostile names."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from pipelines.assets.warehouse import manifest_path
from pipelines.settings import load_settings

# Names as an attacker who answers a survey, opens an account or writes a plan would choose them.
HOSTILE = (
    "<script>window.hacked=1</script>",
    "<img src=x onerror=window.hacked=1>",
    '"><svg onload=window.hacked=1>',
    "</title></style></script><b>bold</b>",
    '=HYPERLINK("http://example.com","a")',
    "'); drop table dim_dates; --",
    "{{ 7 * 7 }} ${7 * 7} {% raw %}",
    "javascript:window.hacked=1",
    "\u202egnp.txt\u2066 \u200bturned",
    "&lt;script&gt; &amp; &#60;",
    "名" * 300,
    "W" * 300,
)
MONTHS = "range(date '2021-10-01', date '2026-10-01', interval 1 month) as months(m)"
WAVES = "range(date '2021-11-15', date '2026-10-01', interval 3 month) as waves(m)"
ROWS = {
    "dim_dates": f"select m::date as date_day from {MONTHS}",
    "dim_metrics": "select * from (values {metrics}) as t(metric_code, name_en, name_ja, unit, direction)",
    "rpt_engagement_scorecard": f"""
        select code as metric_code, 'all' as business_unit, m::date as month_start,
            40 + 20 * sin(code.length() + month(m)) as value,
            120 as n, value - 5 as ci_low, value + 5 as ci_high, value + 1 as previous, value - 2 as year_ago, 45 as target,
            case when value > 45 then 'on_target' else 'off_target' end as status, false as is_suppressed
        from {MONTHS}, unnest(['engagement_index', 'enps', 'nps', 'csat', 'active_customers']) as codes(code)""",
    "rpt_employee_engagement": f"""
        select unit as org_unit, h || strftime(m, '%Y-%m') as wave, m::date as wave_date, 'engagement_index' as metric_code,
            (unit <> 'all')::int as org_level, 60 + 5 * sin(month(m) + unit.length()) as score,
            unit like '%drop table%' as is_suppressed,
            case when is_suppressed then 'small_group' end as suppress_reason,
            case when not is_suppressed then score end as value,
            value - 3 as ci_low, value + 3 as ci_high, case when not is_suppressed then 12 + unit.length() end as n_answered,
            case when not is_suppressed then 200 end as n_invited, null as driver, unit as business_unit
        from {WAVES}, unnest(['all', $names[1], $names[6], $names[9], $names[11]]) as units(unit), (select $names[2] as h)
        union all by name
        select 'all' as org_unit, h || strftime(m, '%Y-%m') as wave, m::date as wave_date, 'driver_score' as metric_code,
            0 as org_level, false as is_suppressed, 50 + length(driver) as value, value - 3 as ci_low, value + 3 as ci_high,
            120 as n_answered, driver, 0.5 as favourable_share
        from {WAVES}, unnest(['trust', $names[3], $names[12]]) as drivers(driver), (select $names[2] as h)""",
    "rpt_employee_drivers": f"""
        select 'all' as org_unit, h || strftime(m, '%Y-%m') as wave, m::date as wave_date, driver, 'enps' as impact_on,
            120 as n_answered,
            60 as value, 0.4 as impact, 0.2 as impact_ci_low, 0.6 as impact_ci_high, 0.7 as alpha, 1 as priority_rank
        from {WAVES}, unnest(['trust', $names[3]]) as drivers(driver), (select $names[2] as h)""",
    "rpt_turnover": f"""
        select 'all' as org_unit, m::date as month_start, way as turnover_method, 0.1 + 0.02 * sin(month(m)) as turnover,
            turnover - 0.05 as ci_low, turnover + 0.05 as ci_high, '13-17' as leavers_band, 160 as headcount,
            false as is_suppressed,
            true as is_complete
        from {MONTHS}, unnest(['average_12m', 'voluntary_12m']) as ways(way)""",
    "rpt_employee_activities": f"""
        select 'all' as org_unit, m::date as month_start, kind, 0.5 as half_year_coverage_rate, false as is_suppressed,
            true as is_complete
        from {MONTHS}, unnest(['one_on_one', 'training', $names[2]]) as kinds(kind)""",
    "rpt_survey_scores": f"""
        select $names[1] as survey_id, h || strftime(m, '%Y-%m') as wave, m::date as wave_date, 'nps' as kind, 76 as n,
            30 + 5 * sin(month(m)) as value, value - 15 as ci_low, value + 15 as ci_high, 0.3 as response_rate,
            false as is_suppressed
        from {WAVES}, (select $names[2] as h)""",
    "rpt_customer_months": f"""
        select 'all' as shop, m::date as month_start, 900 as active_customers, 300 as new_customers, 600 as returning_customers,
            40 as lost_customers, 12345678.00 as net_sales_jpy, 0.5 as repeat_rate_to_date,
            true as is_complete from {MONTHS}""",
    "rpt_second_purchases": f"""
        select 'all' as shop, m::date as cohort_month, 90 as window_days, 40 as mature_customers, 18 as repeaters,
            0.45 as second_purchase_rate, 0.3 as ci_low, 0.6 as ci_high, true as is_complete from {MONTHS}""",
    "rpt_rfm_segments": f"""
        select m::date as month_start, segment as rfm_segment, 50 as customers, 0.25 as customer_share
        from {MONTHS}, unnest(['champions', 'at_risk', $names[3], $names[10]]) as segments(segment)""",
    "rpt_subscription_months": f"""
        select 'all' as shop, m::date as month_start, 20 as opening, 22 as closing, 1 as churned, 0 as churned_while_paused,
            0.05 as logo_churn_rate, 77420.00 as mrr_closing_jpy, true as is_complete from {MONTHS}""",
    "rpt_ugc_and_reviews": f"""
        select m::date as month_start, 'mention' as kind, $names[5] as channel, incentive, 10 as voices, 2 as undisclosed
        from {MONTHS}, unnest(['organic', 'incentivised']) as incentives(incentive)""",
    "rpt_sns_account_days": f"""
        select name as account_key, m::date as day, 1000 + 10 * month(m) as followers
        from {MONTHS}, unnest([$names[2], $names[6], $names[9]]) as accounts(name)""",
    "rpt_retention_by_engagement": """
        select date '2026-01-01' as landmark_date, tier, d as days_since, 90 as customers, 1 - d / 400 as survival,
            survival - 0.1 as ci_low,
            survival + 0.1 as ci_high, 270 as horizon_days, 180 as mean_days, 1.5 as ratio_to_low, 1.2 as ratio_ci_low,
            1.9 as ratio_ci_high
        from range(0, 271, 30) as days(d), unnest(['high', 'middle', 'low']) as tiers(tier)""",
    "rpt_turnover_by_engagement": """
        select 'all' as wave, months as horizon_months, outcome, -0.2 as difference, -0.6 as difference_ci_low,
            0.1 as difference_ci_high,
            0.07 as most_engaged_value, 0.3 as least_engaged_value, 20 as most_engaged_people, 60 as least_engaged_people
        from unnest([6, 12]) as horizons(months), unnest(['turnover']) as outcomes(outcome)
        union all by name
        select 'all' as wave, 12 as horizon_months, 'voluntary_turnover' as outcome, 'few_leavers' as suppress_reason""",
    "rpt_employee_customer_correlations": """
        select 'nps' as customer_metric, 6 as units_n, 0.4 as pearson_r, -0.6 as ci_low, 0.9 as ci_high""",
    "rpt_initiative_effects": """
        select 'plan:' || i as initiative_key, 'M-' || i as code, $names[i] as name, 'nps' as metric_code, true as is_target,
            ['supported', 'suggestive', 'inconclusive', 'contradicted', 'not_testable'][1 + i % 5] as verdict,
            'Why.' as reason_en, '理由。' as reason_ja, case when verdict <> 'not_testable' then 2.5 end as effect,
            0.1 as relative_effect, -0.05 as relative_ci_low, 0.25 as relative_ci_high,
            -1 as ci_low, 6 as ci_high, 8 as n_treated, 90 as n_control, date '2025-04-01' as start_date
        from range(1, 13) as numbers(i)
        union all by name
        select 'plan:1' as initiative_key, 'M-1' as code, $names[1] as name, 'csat' as metric_code, false as is_target,
            'supported' as verdict, 'Why.' as reason_en, '理由。' as reason_ja, 0.2 as effect, 0.1 as relative_effect,
            -0.05 as relative_ci_low, 0.25 as relative_ci_high,
            0.1 as ci_low,
            0.3 as ci_high, 80 as n_treated, 90 as n_control, date '2025-04-01' as start_date""",
    "rpt_pdca_board": """
        select 'plan:' || i as initiative_key, 'M-' || i as code, $names[i] as name, 'nps' as metric_code, 2 as cycle,
            true as is_latest,
            40 as target_value, 8 as reach, 9 as reach_planned, 2.5 as effect, -1 as ci_low, 6 as ci_high,
            'missed' as target_status,
            ['continue', 'adjust', 'stop', 'needs_data'][1 + i % 4] as action,
            'Because.' as action_reason_en,
            'そのため。' as action_reason_ja,
            date '2026-11-01' as next_review_date
        from range(1, 13) as numbers(i)""",
    "rpt_claims_check": """
        select 'c1' as benchmark_code, 1 as claim_no, 'Engaged customers stay longer.' as claim_en,
            '熱心な顧客は長くとどまる。' as claim_ja,
            'unsourced' as quality, 0.3 as claimed_low, 0.3 as claimed_high, 0.5 as company_value, 0.2 as company_ci_low,
            0.9 as company_ci_high, 'partly' as comparable, 'Other definition.' as why_en, '定義が異なる。' as why_ja,
            'consistent' as finding""",
    "rpt_employee_representativeness": """
        select 'w' as wave, 'tenure' as dimension, band as group_value, 60 as headcount, 50 as answered, 0.84 as response_rate,
            0.3 as headcount_share, 0.2 as answered_share, ['in_line', 'under'][i] as representation, false as is_suppressed
        from (values (1, '0-1'), (2, '10+')) as bands(i, band)
        union all by name
        select 'w' as wave, 'org_unit' as dimension, $names[2] as group_value,
            'small_group' as suppress_reason, true as is_suppressed""",
    "rpt_data_health": """
        select source || '.things' as source_table, $names[i] as connection, ['ok', 'late', 'quarantined'][1 + i % 3] as status,
            100000 as rows_n, i as quarantined_n, date '2026-09-30' as last_change_date
        from range(1, 13) as numbers(i), unnest(['ec', 'sns']) as sources(source)""",
}
METRICS = (
    ("engagement_index", "Engagement index", "エンゲージメント指数", "score", "up"),
    ("enps", "Employee Net Promoter Score", "従業員推奨度", "score", "up"),
    ("nps", "Net Promoter Score", "推奨度", "score", "up"),
    ("csat", "Customer satisfaction", "顧客満足度", "share", "up"),
    ("active_customers", "Active customers", "アクティブ顧客数", "people", "up"),
)


@cache
def contracts() -> dict[str, dict[str, str]]:
    """Columns and types of every published table."""
    manifest = json.loads(manifest_path(load_settings()).read_text())
    return {
        node["name"]: {column["name"]: column["data_type"] for column in node["columns"].values()}
        for node in manifest["nodes"].values()
        if node["resource_type"] == "model" and node["config"].get("meta", {}).get("published")
    }


def make_release(database: Path, *, is_empty: bool = False) -> Path:
    """A database with every published table, empty or full of five years of hostile names."""
    with duckdb.connect(str(database)) as connection:
        for table, columns in contracts().items():
            typed = ", ".join(f'"{name}" {kind}' for name, kind in columns.items())
            connection.execute(f"create table {table} ({typed})")
        for table, query in {} if is_empty else ROWS.items():
            if table in contracts():
                fill(connection, table, query)
    return database


def fill(connection: duckdb.DuckDBPyConnection, table: str, query: str) -> None:
    """Insert what the table has columns for; a helper column of the query is left out."""
    given: dict[str, Any] = {"names": list(HOSTILE)} if "$names" in query else {}
    query = query.replace("{metrics}", ", ".join(map(str, METRICS)))
    made = [name for name, *_ in connection.execute(f"describe {query}", given).fetchall() if name in contracts()[table]]
    connection.execute(f"insert into {table} by name select {', '.join(made)} from ({query})", given)
