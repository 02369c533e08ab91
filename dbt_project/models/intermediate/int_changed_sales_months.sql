-- One row per month.
{%- set kept = [built_before('int_shop_month_sales'), built_before('int_customer_spreads')] | select | list %}
with changed as (
    select first_date from {{ ref('int_changed_orders') }}
    union all
    select first_date from {{ ref('int_changed_adjustments') }}
),

first_changed as (
    select {{ month_start('min(first_date)') }} as month_start from changed
),

-- Of a month that has gone there are still rows.
months as (
    select month_start from {{ ref('dim_dates') }}
    {%- for built in kept %}
    union
    select month_start from {{ built }}
    {%- endfor %}
)

select distinct months.month_start
from months
inner join first_changed on months.month_start >= first_changed.month_start
