-- One row per shop (or all) x month.
{%- set counts = [
    "trials_started", "trials_converted", "trials_lapsed", "new", "resumed", "paused", "churned", "paused_otherwise", "churned_while_paused"
] %}
{%- set amounts = ["opening", "new", "resumed", "expansion", "contraction", "paused", "churned", "closing"] %}
with subscription_months as (
    select * from {{ ref('fct_subscription_months') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

scoped as (
    {%- for scope in ["shop", "'all'"] %}
    select
        {{ scope }} as scope,
        subscription_months.*
    from subscription_months
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

complete_months as (
    select
        month_start,
        max(date_day) = max(month_end) as is_complete
    from dates
    group by month_start
),

-- Kept: a subscriber at the beginning of the month, active or paused, who is one at its end too, be it with another subscription. One whose
-- customer nobody knows stands for itself.
subscribers as (
    select
        scope,
        month_start,
        coalesce(customer_key, subscription_key) as subscriber,
        max(case when state_opening in ('active', 'paused') then 1 else 0 end) as is_opening,
        max(case when state_closing in ('active', 'paused') then 1 else 0 end) as is_closing
    from scoped
    group by scope, month_start, coalesce(customer_key, subscription_key)
),

logos as (
    select
        scope,
        month_start,
        sum(is_opening) as opening_customers,
        sum(is_opening * is_closing) as kept_customers
    from subscribers
    group by scope, month_start
),

counted as (
    select
        scope,
        month_start,
        {{ count_if("state_opening = 'active'") }} as opening,
        {{ count_if("state_closing = 'active'") }} as closing,
        {{ count_if("state_opening = 'paused'") }} as paused_opening,
        {{ count_if("state_closing = 'paused'") }} as paused_closing,
        {{ count_if("state_closing = 'trial'") }} as trials_closing,
        {%- for name in counts %}
        cast(sum({{ name }}) as bigint) as {{ name }},
        {%- endfor %}
        {%- for name in amounts %}
        {{ sum_if_complete('mrr_' ~ name ~ '_jpy') }} as mrr_{{ name }}_jpy,
        {%- endfor %}
        sum(case when state_opening = 'active' then mrr_closing_jpy else 0 end) as kept_mrr_jpy,
        sum(case when state_opening = 'active' then least(mrr_closing_jpy, mrr_opening_jpy) else 0 end) as kept_mrr_at_most_opening_jpy
    from scoped
    group by scope, month_start
),

final as (
    select
        -- ids
        counted.scope as shop,
        counted.month_start,
        -- measures: subscriptions
        counted.opening,
        counted.new,
        counted.resumed,
        counted.paused,
        counted.churned,
        counted.closing,
        counted.paused_opening,
        counted.paused_otherwise,
        counted.churned_while_paused,
        counted.paused_closing,
        counted.trials_started,
        counted.trials_converted,
        counted.trials_lapsed,
        counted.trials_closing,
        {{ safe_divide('counted.trials_converted', 'counted.trials_converted + counted.trials_lapsed') }} as trial_conversion_rate,
        {{ safe_divide('logos.kept_customers', 'logos.opening_customers') }} as logo_retention_rate,
        {{ safe_divide('logos.opening_customers - logos.kept_customers', 'logos.opening_customers') }} as logo_churn_rate,
        -- measures: monthly recurring revenue in yen
        {%- for name in amounts %}
        counted.mrr_{{ name }}_jpy,
        {%- endfor %}
        {{ safe_divide('counted.kept_mrr_at_most_opening_jpy', 'counted.mrr_opening_jpy') }} as gross_revenue_retention,
        {{ safe_divide('counted.kept_mrr_jpy', 'counted.mrr_opening_jpy') }} as net_revenue_retention,
        -- flags
        counted.mrr_closing_jpy is null as is_fx_missing,
        complete_months.is_complete
    from counted
    inner join complete_months on counted.month_start = complete_months.month_start
    inner join logos
        on
            counted.scope = logos.scope
            and counted.month_start = logos.month_start
)

select * from final
