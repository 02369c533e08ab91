-- One row per subscription x instant x event.
with events as (
    select * from {{ ref('stg_ec__subscription_events') }}
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

named as (
    select
        events.*,
        {{ key_of(['events.connection', 'events.subscription_id']) }} as subscription_key,
        aliases.customer_key,
        case events.event
            when 'trial_started' then 'trial'
            when 'activated' then 'active'
            when 'paused' then 'paused'
            when 'cancelled' then 'cancelled'
        end as state
    from events
    left join aliases on {{ alias_of('events', has_phone=false) }} = aliases.alias_pid
),

-- Whoever is told of at the same instant by two events is first switched on, then changed, then switched off.
ranked as (
    select
        *,
        row_number() over (
            partition by subscription_key
            order by
                occurred_at asc,
                case event when 'trial_started' then 1 when 'activated' then 2 when 'changed' then 3 when 'paused' then 4 else 5 end asc
        ) as event_number
    from named
),

carried as (
    select
        *,
        {{ previous_known('state', 'subscription_key', 'event_number') }} as state_before,
        {{ previous_known('monthly_amount', 'subscription_key', 'event_number') }} as amount_before,
        {{ previous_known('plan', 'subscription_key', 'event_number') }} as plan_before,
        {{ previous_known('currency', 'subscription_key', 'event_number') }} as currency_before
    from ranked
),

final as (
    select
        -- ids
        subscription_key,
        shop,
        customer_key,
        event_number,
        -- attributes
        event,
        coalesce(state_before, 'none') as state_before,
        coalesce(state, state_before, 'none') as state_after,
        coalesce(plan, plan_before) as plan,
        coalesce(currency, currency_before) as currency,
        -- measures
        amount_before,
        coalesce(monthly_amount, amount_before) as amount_after,
        -- dates and timestamps
        business_date,
        occurred_at
    from carried
)

select * from final
