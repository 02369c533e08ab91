-- One row per subscription x month.
{%- set happenings = {
    "trials_started": "state_after = 'trial' and state_before <> 'trial'",
    "trials_converted": "state_before = 'trial' and state_after = 'active'",
    "trials_lapsed": "state_before = 'trial' and state_after not in ('trial', 'active')",
    "new": "state_after = 'active' and state_before not in ('active', 'paused')",
    "resumed": "state_before = 'paused' and state_after = 'active'",
    "paused": "state_before = 'active' and state_after = 'paused'",
    "churned": "state_before = 'active' and state_after not in ('active', 'paused')",
    "paused_otherwise": "state_after = 'paused' and state_before not in ('active', 'paused')",
    "churned_while_paused": "state_before = 'paused' and state_after not in ('active', 'paused')",
} %}
with events as (
    select * from {{ ref('int_subscription_events') }}
),

dates as (
    select * from {{ ref('dim_dates') }}
),

fx_days as (
    select * from {{ ref('int_fx_days') }}
),

-- What is paid per month while the service runs; nothing in a trial, a pause or after the end.
paid as (
    select
        *,
        {{ month_start('business_date') }} as month_start,
        case when state_before = 'active' then coalesce(amount_before, 0) else 0 end as paid_before,
        case when state_after = 'active' then coalesce(amount_after, 0) else 0 end as paid_after,
        row_number() over (
            partition by subscription_key, {{ month_start('business_date') }} order by event_number desc
        ) as latest_of_month
    from events
),

happened as (
    select
        subscription_key,
        month_start,
        {%- for name, condition in happenings.items() %}
        {{ count_if(condition) }} as {{ name }},
        {%- endfor %}
        {%- for name in ["new", "resumed", "paused", "churned"] %}
        sum(case when {{ happenings[name] }} then paid_after - paid_before else 0 end) as {{ name }}_change,
        {%- endfor %}
        sum(case when state_before = 'active' and state_after = 'active' then greatest(paid_after - paid_before, 0) else 0 end) as expansion,
        sum(case when state_before = 'active' and state_after = 'active' then least(paid_after - paid_before, 0) else 0 end) as contraction
    from paid
    group by subscription_key, month_start
),

lives as (
    select
        subscription_key,
        min(case when state_after = 'active' then business_date end) as active_since
    from paid
    group by subscription_key
),

months as (
    select
        month_start,
        max(date_day) as last_date
    from dates
    group by month_start
),

-- The state at the end of a month is that of the newest event so far.
newest as (
    select
        *,
        max(event_number) over (partition by subscription_key order by month_start) as newest_so_far
    from paid
    where latest_of_month = 1
),

lasting as (
    select
        subscription_key,
        shop,
        customer_key,
        plan,
        currency,
        month_start as first_month,
        lead(month_start) over months_of_subscription as next_month,
        state_after as state,
        paid_after as paid,
        lag(state_after, 1, 'none') over months_of_subscription as former_state,
        lag(paid_after, 1, 0) over months_of_subscription as formerly_paid
    from newest
    where event_number = newest_so_far
    window months_of_subscription as (partition by subscription_key order by month_start)
),

balanced as (
    select
        lasting.*,
        lives.active_since,
        months.month_start,
        months.last_date,
        case when months.month_start = lasting.first_month then lasting.former_state else lasting.state end as state_opening,
        case when months.month_start = lasting.first_month then lasting.formerly_paid else lasting.paid end as paid_opening
    from lasting
    inner join lives on lasting.subscription_key = lives.subscription_key
    inner join months
        on
            lasting.first_month <= months.month_start
            and (lasting.next_month > months.month_start or lasting.next_month is null)
),

-- Opening and closing in yen at one rate: a rate that moves is no retention.
rated as (
    select
        balanced.*,
        fx_days.jpy_per_unit as fx_rate
    from balanced
    left join fx_days
        on
            balanced.currency = fx_days.currency
            and balanced.last_date = fx_days.date_day
),

final as (
    select
        -- ids
        rated.subscription_key,
        rated.month_start,
        rated.shop,
        rated.customer_key,
        -- attributes
        rated.plan,
        rated.currency,
        rated.state_opening,
        rated.state as state_closing,
        -- measures: how often it happened in the month
        {%- for name in happenings %}
        coalesce(happened.{{ name }}, 0) as {{ name }},
        {%- endfor %}
        -- measures: monthly recurring revenue in yen
        {{ to_jpy('rated.paid_opening', 'rated.fx_rate') }} as mrr_opening_jpy,
        {%- for name in ["new_change", "resumed_change", "expansion", "contraction", "paused_change", "churned_change"] %}
        {{ to_jpy('coalesce(happened.' ~ name ~ ', 0)', 'rated.fx_rate') }} as mrr_{{ name | replace("_change", "") }}_jpy,
        {%- endfor %}
        {{ to_jpy('rated.paid', 'rated.fx_rate') }} as mrr_closing_jpy,
        case
            when rated.active_since <= rated.last_date
                then cast({{ dbt.datediff('rated.active_since', 'rated.last_date', 'day') }} as bigint)
        end as tenure_days,
        -- flags
        rated.state <> 'cancelled' as is_censored,
        rated.fx_rate is null as is_fx_missing
    from rated
    left join happened
        on
            rated.subscription_key = happened.subscription_key
            and rated.month_start = happened.month_start
    where rated.state <> 'cancelled' or rated.state_opening <> 'cancelled' or happened.subscription_key is not null
)

select * from final
