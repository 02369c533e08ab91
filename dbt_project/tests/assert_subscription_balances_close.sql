-- A returned row is a month whose balance of subscriptions or of recurring revenue does not close, or does not open where the last one closed.
with months as (
    select
        *,
        lag(closing, 1, 0) over (partition by shop order by month_start) as closing_before,
        lag(paused_closing, 1, 0) over (partition by shop order by month_start) as paused_closing_before
    from {{ ref('rpt_subscription_months') }}
)

select *
from months
where
    opening <> closing_before
    or paused_opening <> paused_closing_before
    or closing <> opening + new + resumed - paused - churned
    or paused_closing <> paused_opening + paused + paused_otherwise - resumed - churned_while_paused
    or mrr_closing_jpy <> mrr_opening_jpy + mrr_new_jpy + mrr_resumed_jpy + mrr_expansion_jpy
    + mrr_contraction_jpy + mrr_paused_jpy + mrr_churned_jpy
