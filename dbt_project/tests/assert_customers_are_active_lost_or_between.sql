-- A returned row is a month in which more customers are lost, net of those regained, than ever bought, or active ones do not add up.
with months as (
    select
        *,
        sum(lost_customers - regained_customers) over (partition by shop order by month_start) as lost_so_far
    from {{ ref('rpt_customer_months') }}
)

select *
from months
where
    lost_so_far < 0
    or lost_so_far > customers_to_date
    or active_customers <> new_customers + returning_customers
    or regained_customers > returning_customers
    or paying_customers > active_customers
