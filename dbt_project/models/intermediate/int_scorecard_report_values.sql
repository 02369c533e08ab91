-- One row per metric x business unit x month.
{#-
    Figures of the scorecard that a report shows per unit and month as they are: by report its column of the unit, its flag of what is hidden, and
    metric, column, column of n, condition and both ends of the interval (none: all there is was counted, or the interval is made elsewhere).
#}
{%- set nothing = "cast(null as double)" %}
{%- set by_unit = {
    "rpt_business_unit_months": ("business_unit", "is_suppressed", [
        ("operating_margin", "operating_margin", "headcount", "is_complete", nothing, nothing),
        ("sales_per_head_jpy", "sales_per_head_jpy", "headcount", "is_complete", nothing, nothing),
        ("operating_profit_per_head_jpy", "operating_profit_per_head_jpy", "headcount", "is_complete", nothing, nothing),
    ]),
    "rpt_employee_activities": ("org_unit", "is_suppressed", [
        ("one_on_one_coverage", "half_year_coverage_rate", "people_reached", "kind = 'one_on_one' and org_level <= 1", nothing, nothing),
        ("training_hours_per_head", "hours_per_head", "events", "kind = 'training' and org_level <= 1", nothing, nothing),
        (
            "suggestions_per_100", "events_per_100", "events", "kind = 'suggestion' and org_level <= 1",
            "events_per_100 * " ~ poisson_low("events") ~ " / nullif(events, 0)",
            "events_per_100 * " ~ poisson_high("events") ~ " / nullif(events, 0)",
        ),
        (
            "suggestion_adoption_rate", "adoption_rate", "events", "kind = 'suggestion' and org_level <= 1",
            share_low("adoption_rate", "events"), share_high("adoption_rate", "events"),
        ),
    ]),
    "rpt_subscription_months": ("shop", "false", [
        ("subscriptions_closing", "closing", "closing", "is_complete", nothing, nothing),
        (
            "logo_retention_rate", "logo_retention_rate", "opening", "is_complete",
            share_low("logo_retention_rate", "opening"), share_high("logo_retention_rate", "opening"),
        ),
        ("net_revenue_retention", "net_revenue_retention", "opening", "is_complete", nothing, nothing),
    ]),
    "rpt_customer_months": ("shop", "false", [("lost_customers", "lost_customers", "lost_customers", "true", nothing, nothing)]),
} %}
with
{%- for relation in by_unit %}
{{ relation }} as (
    select * from {{ ref(relation) }}
),
{% endfor %}
employee_engagement as (
    select * from {{ ref('rpt_employee_engagement') }}
),

turnover as (
    select * from {{ ref('rpt_turnover') }}
),

second_purchases as (
    select * from {{ ref('rpt_second_purchases') }}
),

voices as (
    select * from {{ ref('rpt_ugc_and_reviews') }}
),

plain_metrics as (
    {%- for relation, (unit, is_hidden, metrics) in by_unit.items() %}
    {%- set is_last_relation = loop.last %}
    {%- for metric_code, column, n, condition, low, high in metrics %}
    select
        '{{ metric_code }}' as metric_code,
        {{ unit }} as business_unit,
        month_start,
        cast({{ column }} as double) as value,
        cast({{ n }} as bigint) as n,
        {{ low }} as ci_low,
        {{ high }} as ci_high,
        {{ is_hidden }} as is_suppressed
    from {{ relation }}
    where {{ condition }}
    {%- if not (is_last_relation and loop.last) %}
    union all
    {%- endif %}
    {%- endfor %}
    {%- endfor %}
),

-- Of two waves that end in one month the later one stands for it.
driver_waves as (
    select
        *,
        {{ month_start('wave_date') }} as month_start,
        row_number() over (
            partition by metric, org_unit, {{ month_start('wave_date') }} order by wave_date desc, wave desc
        ) as wave_rank
    from employee_engagement
    where metric_code = 'driver_score' and org_level <= 1
),

driver_metrics as (
    select
        replace(metric, 'driver:', '') as metric_code,
        org_unit as business_unit,
        month_start,
        cast(value as double) as value,
        cast(n_answered as bigint) as n,
        cast(ci_low as double) as ci_low,
        cast(ci_high as double) as ci_high,
        is_suppressed
    from driver_waves
    where wave_rank = 1
),

-- Of the year that is over, as the labour ministry counts it: the benchmark is made in the same way.
turnover_metrics as (
    select
        'turnover_mhlw_january' as metric_code,
        org_unit as business_unit,
        month_start,
        cast(turnover as double) as value,
        cast(headcount as bigint) as n,
        cast(ci_low as double) as ci_low,
        cast(ci_high as double) as ci_high,
        turnover is null as is_suppressed
    from turnover
    where turnover_method = 'mhlw_january' and is_complete and org_level <= 1
),

second_purchase_metrics as (
    select
        'second_purchase_rate' as metric_code,
        shop as business_unit,
        cohort_month as month_start,
        cast(second_purchase_rate as double) as value,
        cast(mature_customers as bigint) as n,
        cast(ci_low as double) as ci_low,
        cast(ci_high as double) as ci_high,
        false as is_suppressed
    from second_purchases
    where window_days = 180 and is_complete
),

voice_metrics as (
    select
        'mean_rating' as metric_code,
        channel as business_unit,
        month_start,
        cast(mean_rating as double) as value,
        cast(rated as bigint) as n,
        {{ nothing }} as ci_low,
        {{ nothing }} as ci_high,
        false as is_suppressed
    from voices
    where kind = 'review' and incentive = 'organic'
    union all
    select
        'minutes_to_first_reply' as metric_code,
        channel as business_unit,
        month_start,
        cast(median_minutes_to_first_reply as double) as value,
        cast(replied as bigint) as n,
        {{ nothing }} as ci_low,
        {{ nothing }} as ci_high,
        false as is_suppressed
    from voices
    where kind = 'mention' and incentive = 'organic'
),

all_metrics as (
    {%- for relation in ["plain_metrics", "driver_metrics", "turnover_metrics", "second_purchase_metrics", "voice_metrics"] %}
    select * from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        metric_code,
        business_unit,
        month_start,
        cast(value as decimal(24, 6)) as value,
        n,
        cast(ci_low as decimal(24, 6)) as ci_low,
        cast(ci_high as decimal(24, 6)) as ci_high,
        is_suppressed
    from all_metrics
)

select * from final
