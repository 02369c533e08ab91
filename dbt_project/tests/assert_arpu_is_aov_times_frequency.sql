-- A returned row is a month in which net sales per customer is not net sales per order times orders per customer
-- (but for the rounding of both to four decimals).
select
    shop,
    month_start,
    arpu_jpy,
    aov_jpy,
    arpu,
    aov,
    frequency
from {{ ref('rpt_customer_months') }}
where
    abs(arpu - aov * frequency) > 0.0001 * (1 + frequency)
    or abs(arpu_jpy - aov_jpy * frequency) > 0.0001 * (1 + frequency)
    or (active_customers > 0) <> (frequency is not null)
