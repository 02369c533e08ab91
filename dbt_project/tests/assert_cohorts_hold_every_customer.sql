-- A returned row is a shop (or all) whose cohorts hold another number of customers than its months count, or a cohort not all of whose
-- members bought in its own month.
with months as (
    select
        shop,
        sum(new_customers) as customers
    from {{ ref('rpt_customer_months') }}
    group by shop
),

cohorts as (
    select
        shop,
        sum(customers) as customers,
        sum(active_customers) as active_customers
    from {{ ref('rpt_customer_cohorts') }}
    where months_since = 0
    group by shop
)

select
    months.shop,
    months.customers as customers_in_months,
    cohorts.customers as customers_in_cohorts,
    cohorts.active_customers
from months
left join cohorts on months.shop = cohorts.shop
where
    months.customers > 0
    and (cohorts.shop is null or months.customers <> cohorts.customers or cohorts.customers <> cohorts.active_customers)
