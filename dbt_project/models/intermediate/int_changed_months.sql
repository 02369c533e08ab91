-- One row per month.
with digests as (
    select * from {{ ref('int_month_digests') }}
),

first_changed as (
    select min(month_start) as month_start from digests
    where is_changed
)

select digests.month_start
from digests
cross join first_changed
where digests.month_start >= first_changed.month_start
