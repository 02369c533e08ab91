-- One row per metric x business unit x month.
{%- set nothing = "cast(null as double)" %}
{%- set always = "cast(null as date)" %}
with customer_months as (
    select * from {{ ref('rpt_customer_months') }}
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
),

employee_engagement as (
    select * from {{ ref('rpt_employee_engagement') }}
),

turnover as (
    select * from {{ ref('rpt_turnover') }}
),

account_days as (
    select * from {{ ref('rpt_sns_account_days') }}
),

report_values as (
    select * from {{ ref('int_scorecard_report_values') }}
),

intervals as (
    select * from {{ ref('int_scorecard_intervals') }}
),

customer_metrics as (
    {%- for metric_code, column, n in [
        ("repeat_rate", "repeat_rate_to_date", "customers_to_date"),
        ("active_customers", "active_customers", "active_customers"),
        ("net_sales_jpy", "net_sales_jpy", "orders"),
        ("arpu_jpy", "arpu_jpy", "active_customers"),
        ("aov_jpy", "aov_jpy", "orders"),
        ("purchase_frequency", "frequency", "active_customers"),
    ] %}
    select
        '{{ metric_code }}' as metric_code,
        shop as business_unit,
        month_start,
        cast({{ column }} as decimal(24, 6)) as value,
        {{ n }} as n,
        {%- if metric_code == "repeat_rate" %}
        {{ share_low(column, n) }} as ci_low,
        {{ share_high(column, n) }} as ci_high,
        {%- else %}
        {{ nothing }} as ci_low,
        {{ nothing }} as ci_high,
        {%- endif %}
        false as is_suppressed,
        {{ always }} as comparable_since
    from customer_months
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

customer_scores as (
    select
        kind,
        {{ month_start('business_date') }} as month_start,
        max(min_n) as min_n,
        {{ count_if('is_favourable is not null') }} as n,
        {{ count_if('is_favourable') }} as favourable_n,
        {{ count_if('is_unfavourable') }} as unfavourable_n
    from answers
    where audience = 'customer' and kind in ('nps', 'csat') and is_latest_response
    group by kind, {{ month_start('business_date') }}
),

customer_score_estimates as (
    select
        kind as metric_code,
        month_start,
        n,
        n < min_n as is_suppressed,
        case
            when kind = 'nps' then {{ nps('favourable_n', 'unfavourable_n', 'n') }}
            else {{ safe_divide('favourable_n', 'n') }}
        end as value,
        {{ nps_margin('favourable_n', 'unfavourable_n', 'n') }} as nps_margin
    from customer_scores
),

customer_score_metrics as (
    select
        metric_code,
        'all' as business_unit,
        month_start,
        cast(value as decimal(24, 6)) as value,
        n,
        case when metric_code = 'nps' then {{ ci_low('value', 'nps_margin', -100) }} else {{ share_low('value', 'n') }} end as ci_low,
        case when metric_code = 'nps' then {{ ci_high('value', 'nps_margin', 100) }} else {{ share_high('value', 'n') }} end as ci_high,
        is_suppressed,
        {{ always }} as comparable_since
    from customer_score_estimates
),

-- Of two waves that end in one month the later one stands for it.
waves as (
    select
        *,
        {{ month_start('wave_date') }} as month_start,
        row_number() over (
            partition by metric, org_unit, {{ month_start('wave_date') }} order by wave_date desc, wave desc
        ) as wave_rank
    from employee_engagement
    where metric in ('engagement_index', 'enps', 'response_rate') and org_level <= 1
),

employee_metrics as (
    select
        metric_code,
        org_unit as business_unit,
        month_start,
        cast(value as decimal(24, 6)) as value,
        n_answered as n,
        case when metric_code = 'response_rate' then {{ share_low('value', 'n_invited') }} else ci_low end as ci_low,
        case when metric_code = 'response_rate' then {{ share_high('value', 'n_invited') }} else ci_high end as ci_high,
        is_suppressed,
        {{ always }} as comparable_since
    from waves
    where wave_rank = 1
),

-- As coarse as rpt_turnover shows it: an exact rate beside its n would tell of single leavers.
turnover_metrics as (
    {%- for metric_code, turnover_method in [
        ("turnover_rate_12m", "average_12m"), ("voluntary_turnover_rate", "voluntary_12m")
    ] %}
    select
        '{{ metric_code }}' as metric_code,
        org_unit as business_unit,
        month_start,
        cast(turnover as decimal(24, 6)) as value,
        headcount as n,
        ci_low,
        ci_high,
        turnover is null as is_suppressed,
        {{ always }} as comparable_since
    from turnover
    where turnover_method = '{{ turnover_method }}' and is_complete and org_level <= 1
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Of a month in which a platform began to count something else only the days since then are looked at.
sns_days as (
    select
        *,
        {{ month_start('day') }} as month_start,
        max(comparable_since) over (partition by account_key, {{ month_start('day') }}) as newest_meaning
    from account_days
),

sns_months as (
    select
        account_key,
        month_start,
        max(comparable_since) as comparable_since,
        sum(net_adds) as net_adds,
        count(net_adds) as net_adds_days,
        sum(engagements) as engagements,
        avg(followers) as followers,
        count(followers) as followers_days
    from sns_days
    where comparable_since is not distinct from newest_meaning
    group by account_key, month_start
),

sns_metrics as (
    select
        'follower_net_adds' as metric_code,
        account_key as business_unit,
        month_start,
        cast(net_adds as decimal(24, 6)) as value,
        net_adds_days as n,
        {{ nothing }} as ci_low,
        {{ nothing }} as ci_high,
        false as is_suppressed,
        comparable_since
    from sns_months
    union all
    select
        'sns_engagement_rate_followers' as metric_code,
        account_key as business_unit,
        month_start,
        cast({{ safe_divide('engagements', 'followers') }} as decimal(24, 6)) as value,
        followers_days as n,
        {{ nothing }} as ci_low,
        {{ nothing }} as ci_high,
        false as is_suppressed,
        comparable_since
    from sns_months
),

report_metrics as (
    select
        *,
        {{ always }} as comparable_since
    from report_values
),

all_metrics as (
    {%- for relation in [
        "customer_metrics", "customer_score_metrics", "employee_metrics", "turnover_metrics", "sns_metrics", "report_metrics"
    ] %}
    select * from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Why figures of employees are hidden; of customers only small groups are.
reasons as (
    select
        metric_code,
        org_unit as business_unit,
        month_start,
        suppress_reason
    from waves
    where wave_rank = 1
    union all
    select
        case turnover_method when 'average_12m' then 'turnover_rate_12m' else 'voluntary_turnover_rate' end as metric_code,
        org_unit as business_unit,
        month_start,
        coalesce(suppress_reason, 'small_count') as suppress_reason
    from turnover
    where turnover_method <> 'mhlw_january'
),

-- A metric that cannot be worked out in a month has no row; one that may not be shown has an empty one.
final as (
    select
        all_metrics.metric_code,
        all_metrics.business_unit,
        all_metrics.month_start,
        case when not all_metrics.is_suppressed then all_metrics.value end as value,
        case when not all_metrics.is_suppressed then cast(all_metrics.n as bigint) end as n,
        {%- for name in ["ci_low", "ci_high"] %}
        case
            when not all_metrics.is_suppressed then cast(coalesce(all_metrics.{{ name }}, intervals.{{ name }}) as decimal(24, 6))
        end as {{ name }},
        {%- endfor %}
        case when all_metrics.is_suppressed then coalesce(reasons.suppress_reason, 'small_group') end as suppress_reason,
        all_metrics.is_suppressed,
        all_metrics.comparable_since
    from all_metrics
    left join reasons
        on
            all_metrics.metric_code = reasons.metric_code
            and all_metrics.business_unit = reasons.business_unit
            and all_metrics.month_start = reasons.month_start
    left join intervals
        on
            all_metrics.metric_code = intervals.metric_code
            and all_metrics.business_unit = intervals.business_unit
            and all_metrics.month_start = intervals.month_start
    where all_metrics.value is not null or all_metrics.is_suppressed
)

select * from final
