-- One row per metric x business unit x month.
{#-
    A mean per customer, order, review, subscription or day is a ratio of two sums over those that may be taken to be independent: its variance is
    that of what each adds beyond the ratio (Cochran, Sampling Techniques, 1977, section 2.11). A median's interval are two of its values by rank.
#}
{%- set lowest = {"purchase_frequency": 1, "net_revenue_retention": 0, "mean_rating": 1, "sns_engagement_rate_followers": 0} %}
{%- set highest = {"mean_rating": 5} %}
{%- set per_customer = [("arpu_jpy", "net_jpy", "active_n"), ("aov_jpy", "net_jpy", "orders"), ("purchase_frequency", "orders", "active_n")] %}
with customers as (
    select * from {{ ref('int_customer_spreads') }}
),

subscription_months as (
    select * from {{ ref('fct_subscription_months') }}
),

reviews as (
    select * from {{ ref('fct_reviews') }}
),

mentions as (
    select * from {{ ref('fct_sns_mentions') }}
),

account_days as (
    select * from {{ ref('rpt_sns_account_days') }}
),

subscriptions as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as shop,
        month_start,
        subscription_key,
        cast(mrr_closing_jpy as double) as kept_jpy,
        cast(mrr_opening_jpy as double) as opening_jpy
    from subscription_months
    where state_opening = 'active'
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Of a month in which a platform began to count something else only the days since then are looked at, as in the scorecard.
sns_days as (
    select
        *,
        {{ month_start('day') }} as month_start,
        max(comparable_since) over (partition by account_key, {{ month_start('day') }}) as newest_meaning
    from account_days
),

parts as (
    select
        'net_revenue_retention' as metric_code,
        shop as business_unit,
        month_start,
        kept_jpy as numerator,
        opening_jpy as denominator
    from subscriptions
    union all
    select
        'mean_rating' as metric_code,
        shop as business_unit,
        {{ month_start('business_date') }} as month_start,
        rating as numerator,
        1 as denominator
    from reviews
    where not is_incentivised and rating is not null
    union all
    select
        'sns_engagement_rate_followers' as metric_code,
        account_key as business_unit,
        month_start,
        cast(engagements as double) as numerator,
        cast(followers as double) / count(followers) over (partition by account_key, month_start) as denominator
    from sns_days
    where comparable_since is not distinct from newest_meaning
),

ratios as (
    select
        metric_code,
        business_unit,
        month_start,
        count(*) as parts_n,
        sum(denominator) as whole,
        {{ safe_divide('sum(numerator)', 'sum(denominator)') }} as ratio,
        count(*) - count(numerator) as missing_n
    from parts
    group by metric_code, business_unit, month_start
),

squares as (
    select
        parts.metric_code,
        parts.business_unit,
        parts.month_start,
        max(ratios.parts_n) as parts_n,
        max(ratios.ratio) as ratio,
        max(ratios.whole) as whole,
        sum(power(coalesce(parts.numerator, 0) - ratios.ratio * coalesce(parts.denominator, 0), 2)) as squares
    from parts
    inner join ratios
        on
            parts.metric_code = ratios.metric_code
            and parts.business_unit = ratios.business_unit
            and parts.month_start = ratios.month_start
    where parts.metric_code = 'sns_engagement_rate_followers' or ratios.missing_n = 0
    group by parts.metric_code, parts.business_unit, parts.month_start
),

-- Parts that are all alike tell nothing of how sure their mean is. Of a day without a figure nothing is known; of a customer without an exchange rate the sum is not, and there is no ratio.
margins as (
    select
        metric_code,
        business_unit,
        month_start,
        ratio,
        {{ var("confidence_z") }} * sqrt(squares * parts_n / nullif(parts_n - 1, 0)) / nullif(abs(whole), 0) as margin
    from squares
    {%- for metric_code, numerator, denominator in per_customer %}
    union all
    select
        '{{ metric_code }}' as metric_code,
        shop as business_unit,
        month_start,
        {{ safe_divide(numerator, denominator) }} as ratio,
        {{ var("confidence_z") }} * {{ metric_code }}_error as margin
    from customers
    where {{ numerator }} is not null
    {%- endfor %}
),

replies as (
    select
        account_key,
        {{ month_start('business_date') }} as month_start,
        minutes_to_first_reply,
        row_number() over (partition by account_key, {{ month_start('business_date') }} order by minutes_to_first_reply) as place,
        count(*) over (partition by account_key, {{ month_start('business_date') }}) as n
    from mentions
    where not is_incentivised and minutes_to_first_reply is not null
),

-- Ranks beside the middle by which at most one sample in twenty has its median outside; there are none under six.
medians as (
    select
        account_key,
        month_start,
        max(case when place = greatest(floor(n / 2.0 - {{ var("confidence_z") }} * sqrt(n) / 2), 1) then minutes_to_first_reply end) as ci_low,
        max(
            case
                when place = least(ceil(1 + n / 2.0 + {{ var("confidence_z") }} * sqrt(n) / 2), n) then minutes_to_first_reply
            end
        ) as ci_high
    from replies
    where n >= 6
    group by account_key, month_start
),

limits as (
    select
        metric_code,
        business_unit,
        month_start,
        case metric_code
            {%- for code, least in lowest.items() %}
            when '{{ code }}' then greatest(ratio - margin, {{ least }})
            {%- endfor %}
            else ratio - margin
        end as ci_low,
        case metric_code
            {%- for code, most in highest.items() %}
            when '{{ code }}' then least(ratio + margin, {{ most }})
            {%- endfor %}
            else ratio + margin
        end as ci_high
    from margins
    where margin > 0
    union all
    select
        'minutes_to_first_reply' as metric_code,
        account_key as business_unit,
        month_start,
        cast(ci_low as double) as ci_low,
        cast(ci_high as double) as ci_high
    from medians
),

-- The same from every order of the rows.
final as (
    select
        metric_code,
        business_unit,
        month_start,
        {{ stable('ci_low') }} as ci_low,
        {{ stable('ci_high') }} as ci_high
    from limits
)

select * from final
