-- One row per day.
with adjustments as (
    select * from {{ ref('stg_ec__adjustments') }}
),

orders as (
    select * from {{ ref('stg_ec__orders') }}
),

answers as (
    select * from {{ ref('stg_survey__answers') }}
),

accounts as (
    select * from {{ ref('stg_sns__accounts') }}
),

posts as (
    select * from {{ ref('stg_sns__posts') }}
),

reviews as (
    select * from {{ ref('stg_ec__reviews') }}
),

subscription_events as (
    select * from {{ ref('stg_ec__subscription_events') }}
),

points as (
    select * from {{ ref('stg_ec__points') }}
),

mentions as (
    select * from {{ ref('stg_sns__mentions') }}
),

employees as (
    select * from {{ ref('stg_hr__employees') }}
),

activities as (
    select * from {{ ref('stg_hr__activities') }}
),

holidays as (
    select * from {{ ref('japanese_holidays') }}
),

-- A post's own day and the day its counters were read both need a row.
bounds as (
    {%- for relation, column in [
        ("orders", "business_date"),
        ("adjustments", "business_date"),
        ("answers", "business_date"),
        ("accounts", "day"),
        ("posts", "business_date"),
        ("posts", "day"),
        ("mentions", "business_date"),
        ("reviews", "business_date"),
        ("subscription_events", "business_date"),
        ("points", "business_date"),
        ("employees", "valid_from"),
        ("activities", "occurred_on"),
    ] %}
    select
        min({{ column }}) as first_date,
        max({{ column }}) as last_date
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

window_of_data as (
    select
        min(first_date) as first_date,
        max(last_date) as last_date
    from bounds
),

-- From the first of a month on: monthly tables name a month by that day.
days as (
    select {{ date_series(month_start('first_date'), 'last_date', 'day') }} as date_day
    from window_of_data
    where first_date is not null
),

parts as (
    select
        date_day,
        cast(extract(year from date_day) as int) as calendar_year,
        cast(extract(month from date_day) as int) as month_number,
        cast({{ iso_weekday('date_day') }} as int) as weekday_number,
        -- Months since the fiscal year began, 0 in its first month.
        cast((extract(month from date_day) - {{ var('fiscal_year_start_month') }} + 12) % 12 as int) as fiscal_month_index
    from days
),

final as (
    select
        parts.date_day,
        {{ month_start('parts.date_day') }} as month_start,
        {{ month_end('parts.date_day') }} as month_end,
        cast({{ dbt.dateadd('day', -364, 'parts.date_day') }} as date) as same_weekday_last_year,
        parts.calendar_year,
        cast(floor((parts.month_number + 2) / 3) as int) as calendar_quarter,
        parts.month_number,
        case
            when parts.month_number < {{ var('fiscal_year_start_month') }} then parts.calendar_year - 1
            else parts.calendar_year
        end as fiscal_year,
        cast(floor(parts.fiscal_month_index / 3) as int) + 1 as fiscal_quarter,
        parts.weekday_number,
        substring('月火水木金土日', parts.weekday_number, 1) as weekday_name_ja,
        holidays.name_ja as holiday_name_ja,
        parts.weekday_number >= 6 as is_weekend,
        holidays.name_ja is not null as is_holiday
    from parts
    left join holidays on parts.date_day = holidays.holiday_date
)

select * from final
