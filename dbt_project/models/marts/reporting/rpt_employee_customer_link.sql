-- One row per business unit x quarter x customer metric.
with business_unit_shops as (
    select * from {{ ref('business_unit_shops') }}
),

engagement as (
    select * from {{ ref('rpt_employee_engagement') }}
    where metric = 'engagement_index' and org_level = 1
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
    where audience = 'customer' and mode = 'identified' and kind in ('nps', 'csat') and is_latest_response
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

orders as (
    select * from {{ ref('fct_orders') }}
    where is_sold and customer_key is not null
),

first_purchases as (
    select
        business_unit_shops.business_unit,
        orders.customer_key,
        min(orders.business_date) as first_date
    from business_unit_shops
    inner join orders on business_unit_shops.shop = orders.shop
    group by business_unit_shops.business_unit, orders.customer_key
),

-- A customer's answer is about the business units they had bought from by then.
scores as (
    select
        first_purchases.business_unit,
        cast({{ dbt.date_trunc('quarter', 'answers.business_date') }} as date) as quarter_start,
        answers.kind as customer_metric,
        max(answers.min_n) as min_n,
        {{ count_if('answers.is_favourable is not null') }} as n,
        {{ count_if('answers.is_favourable') }} as favourable_n,
        {{ count_if('answers.is_unfavourable') }} as unfavourable_n
    from answers
    inner join aliases on answers.respondent_pid = aliases.alias_pid
    inner join first_purchases
        on
            aliases.customer_key = first_purchases.customer_key
            and answers.business_date >= first_purchases.first_date
    group by first_purchases.business_unit, cast({{ dbt.date_trunc('quarter', 'answers.business_date') }} as date), answers.kind
),

estimated as (
    select
        *,
        case
            when customer_metric = 'nps' then {{ nps('favourable_n', 'unfavourable_n', 'n') }}
            else {{ safe_divide('favourable_n', 'n') }}
        end as score,
        {{ nps_margin('favourable_n', 'unfavourable_n', 'n') }} as nps_margin
    from scores
),

-- Of two waves that end in one quarter the later one stands for it.
waves as (
    select
        *,
        cast({{ dbt.date_trunc('quarter', 'wave_date') }} as date) as quarter_start,
        row_number() over (
            partition by org_unit, {{ dbt.date_trunc('quarter', 'wave_date') }} order by wave_date desc, wave desc
        ) as wave_rank
    from engagement
),

decided as (
    select
        waves.org_unit as business_unit,
        waves.quarter_start,
        estimated.customer_metric,
        waves.wave,
        waves.value as engagement_index,
        waves.n_answered as employees_answered,
        estimated.score,
        estimated.nps_margin,
        estimated.n,
        case
            when waves.is_suppressed then waves.suppress_reason
            when estimated.n < estimated.min_n then 'few_customers'
        end as suppress_reason
    from waves
    inner join estimated
        on
            waves.org_unit = estimated.business_unit
            and waves.quarter_start = estimated.quarter_start
    where waves.wave_rank = 1
),

final as (
    select
        -- ids
        business_unit,
        quarter_start,
        customer_metric,
        wave,
        -- measures
        case when suppress_reason is null then engagement_index end as engagement_index,
        case when suppress_reason is null then employees_answered end as employees_answered,
        case when suppress_reason is null then {{ stable('score') }} end as customer_score,
        case
            when suppress_reason is not null then null
            when customer_metric = 'nps' then {{ stable(ci_low('score', 'nps_margin', -100)) }}
            else {{ stable(share_low('score', 'n')) }}
        end as customer_ci_low,
        case
            when suppress_reason is not null then null
            when customer_metric = 'nps' then {{ stable(ci_high('score', 'nps_margin', 100)) }}
            else {{ stable(share_high('score', 'n')) }}
        end as customer_ci_high,
        case when suppress_reason is null then n end as customers_answered,
        suppress_reason,
        -- flags
        suppress_reason is not null as is_suppressed
    from decided
)

select * from final
