-- A returned row is a set of weights of the customers' score that does not sum to 1 or lacks a component.
select
    count(*) as components,
    sum(weight) as total
from {{ ref('customer_score_weights') }}
having count(*) <> 4 or abs(sum(weight) - 1) > 0.000001
