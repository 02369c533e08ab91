-- One row per shop (or all) x cohort month x window of days.
{%- set windows = [90, 180, 365] %}
with customers as (
    select
        shop,
        business_date as first_date,
        next_date as second_date
    from {{ ref('int_customer_lapses') }}
    where day_number = 1
),

known_until as (
    select
        shop,
        max(business_date) as last_date
    from {{ ref('int_customer_lapses') }}
    group by shop
),

aged as (
    select
        customers.shop,
        {{ month_start('customers.first_date') }} as cohort_month,
        {{ days_between('customers.first_date', 'known_until.last_date') }} as days_known,
        {{ days_between('customers.first_date', 'customers.second_date') }} as days_to_second
    from customers
    inner join known_until on customers.shop = known_until.shop
),

-- Who bought first less than so many days ago may still come: only the others are asked.
windowed as (
    {%- for days in windows %}
    select
        shop,
        cohort_month,
        {{ days }} as window_days,
        days_known >= {{ days }} as is_mature,
        days_known >= {{ days }} and days_to_second <= {{ days }} as is_repeater,
        case when days_known >= {{ days }} and days_to_second <= {{ days }} then days_to_second end as days_to_second
    from aged
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select
        shop,
        cohort_month,
        window_days,
        count(*) as customers,
        {{ count_if('is_mature') }} as mature_customers,
        {{ count_if('is_repeater') }} as repeaters,
        median(days_to_second) as median_days
    from windowed
    group by shop, cohort_month, window_days
),

rated as (
    select
        *,
        cast(nullif(mature_customers, 0) as double) as n,
        {{ safe_divide('repeaters', 'mature_customers') }} as rate
    from counted
),

final as (
    select
        -- ids
        shop,
        cohort_month,
        cast(window_days as int) as window_days,
        -- measures
        customers,
        mature_customers,
        repeaters,
        rate as second_purchase_rate,
        {{ stable(share_low('rate', 'n')) }} as ci_low,
        {{ stable(share_high('rate', 'n')) }} as ci_high,
        cast(median_days as double) as median_days_to_second,
        -- flags
        mature_customers = customers as is_complete
    from rated
)

select * from final
