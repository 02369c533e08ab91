-- One row per figure.
with quartiles as (
    select * from {{ ref('rpt_turnover_by_engagement') }}
),

retention as (
    select * from {{ ref('rpt_retention_by_engagement') }}
),

effects as (
    select * from {{ ref('rpt_initiative_effects') }}
),

account_days as (
    select * from {{ ref('rpt_sns_account_days') }}
),

sales_days as (
    select * from {{ ref('rpt_sales_days') }}
),

-- Waves taken together say more than one of them; of a horizon that is not over nothing is known.
turnover_quartiles as (
    select
        'turnover_quartiles' as figure,
        max(ratio) - 1 as company_value,
        max(ratio_ci_low) - 1 as company_ci_low,
        max(ratio_ci_high) - 1 as company_ci_high,
        max(most_engaged_people + least_engaged_people) as company_n,
        max(coalesce(suppress_reason, 'no_data')) as missing
    from quartiles
    where wave = 'all' and horizon_months = 12 and outcome = 'turnover'
),

-- The margin is divided by that of the bottom quartile, which is taken as known.
margin_quartiles as (
    select
        'margin_quartiles' as figure,
        max(difference / nullif(least_engaged_value, 0)) as company_value,
        max(difference_ci_low / nullif(least_engaged_value, 0)) as company_ci_low,
        max(difference_ci_high / nullif(least_engaged_value, 0)) as company_ci_high,
        max(most_engaged_units + least_engaged_units) as company_n,
        max(coalesce(suppress_reason, no_interval_reason, 'no_data')) as missing
    from quartiles
    where wave = 'all' and horizon_months = 12 and outcome = 'operating_margin'
),

landmarks as (
    select
        *,
        row_number() over (order by landmark_date asc, days_since desc) as place
    from retention
    where tier = 'high' and ratio_to_low is not null
),

-- The earliest landmark has been looked at for longest.
tenure_by_tier as (
    select
        'tenure_by_tier' as figure,
        max(ratio_to_low) - 1 as company_value,
        max(ratio_ci_low) - 1 as company_ci_low,
        max(ratio_ci_high) - 1 as company_ci_high,
        max(customers) as company_n,
        'no_data' as missing
    from landmarks
    where place = 1
),

ranked_effects as (
    select
        *,
        row_number() over (partition by kind order by start_date desc, initiative_key asc) as newest_of_kind,
        row_number() over (partition by metric_code, design order by start_date desc, initiative_key asc) as newest_of_metric
    from effects
    where effect is not null and (is_target or metric_code = 'net_sales_per_customer')
),

purchases_with_measure as (
    select
        'purchases_with_measure' as figure,
        max(relative_effect) as company_value,
        max(relative_ci_low) as company_ci_low,
        max(relative_ci_high) as company_ci_high,
        max(n_treated + n_control) as company_n,
        'no_holdout' as missing
    from ranked_effects
    where metric_code = 'net_sales_per_customer' and design = 'holdout' and newest_of_metric = 1
),

career_satisfaction as (
    select
        'career_satisfaction' as figure,
        max(relative_effect) as company_value,
        max(relative_ci_low) as company_ci_low,
        max(relative_ci_high) as company_ci_high,
        max(n_treated + n_control) as company_n,
        'no_initiative' as missing
    from ranked_effects
    where kind = 'career_programme' and is_target and newest_of_kind = 1
),

last_reading as (
    select max(day) as last_day
    from account_days
    where followers is not null
),

-- Followers of a year: only accounts read on both days, and counted alike on both.
follower_years as (
    select
        sum(newer.followers) as followers,
        sum(older.followers) as followers_before
    from account_days as newer
    inner join last_reading on newer.day = last_reading.last_day
    inner join account_days as older
        on
            newer.account_key = older.account_key
            and newer.comparable_since is not distinct from older.comparable_since
            and older.day = cast({{ dbt.dateadd('year', -1, 'newer.day') }} as date)
    where newer.followers is not null and older.followers is not null
),

last_sales as (
    select max(date_day) as last_day from sales_days
),

sales_years as (
    select
        sum(sales_days.net_sales_jpy) as net_sales_jpy,
        sum(sales_days.net_sales_same_weekday_last_year_jpy) as before_jpy,
        count(sales_days.net_sales_same_weekday_last_year_jpy) as days_n
    from sales_days
    inner join last_sales on sales_days.date_day > cast({{ dbt.dateadd('day', -364, 'last_sales.last_day') }} as date)
    where sales_days.shop = 'all'
),

campaigns as (
    select count(*) as campaigns_n
    from effects
    where kind = 'post_coupon'
),

growth as (
    select
        'follower_growth' as figure,
        {{ safe_divide('followers', 'followers_before') }} - 1 as company_value,
        followers as company_n
    from follower_years
    union all
    select
        'sales_growth' as figure,
        case when days_n = 364 then {{ safe_divide('net_sales_jpy', 'before_jpy') }} - 1 end as company_value,
        cast(days_n as bigint) as company_n
    from sales_years
),

-- Everything is counted, nothing is drawn: growth has no interval. It is no effect either, least of all without such a campaign.
growth_figures as (
    select
        growth.figure,
        growth.company_value,
        cast(null as double) as company_ci_low,
        cast(null as double) as company_ci_high,
        growth.company_n,
        case when campaigns.campaigns_n = 0 then 'no_campaign' else 'no_interval' end as missing
    from growth
    cross join campaigns
),

career_turnover as (
    select
        'career_turnover' as figure,
        cast(null as double) as company_value,
        cast(null as double) as company_ci_low,
        cast(null as double) as company_ci_high,
        cast(null as bigint) as company_n,
        'not_measured' as missing
),

figures as (
    {%- for relation in [
        "turnover_quartiles", "margin_quartiles", "tenure_by_tier", "purchases_with_measure", "career_satisfaction", "growth_figures",
        "career_turnover"
    ] %}
    select * from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        cast(figure as {{ dbt.type_string() }}) as figure,
        {{ stable('company_value') }} as company_value,
        {{ stable('company_ci_low') }} as company_ci_low,
        {{ stable('company_ci_high') }} as company_ci_high,
        cast(company_n as bigint) as company_n,
        cast(
            case
                when company_value is null then missing
                when missing in ('no_campaign', 'no_interval', 'few_units') then missing
                when company_ci_low is null then 'no_interval'
            end as {{ dbt.type_string() }}
        ) as missing
    from figures
)

select * from final
