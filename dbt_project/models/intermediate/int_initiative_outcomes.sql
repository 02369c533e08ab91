-- One row per subject type x subject x metric x event.
{%- set per_person = [
    ("suggestions_per_person", "suggestion", "1"),
    ("one_on_ones_per_person", "one_on_one", "1"),
    ("training_hours_per_person", "training", "hours"),
] %}
with orders as (
    select
        order_key,
        customer_key,
        net_jpy,
        business_date
    from {{ ref('fct_orders') }}
    where is_sold and customer_key is not null
),

subjects as (
    select * from {{ ref('int_initiative_subjects') }}
    where subject_type = 'customer'
),

reviews as (
    select * from {{ ref('stg_ec__reviews') }}
),

customer_aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

activities as (
    select * from {{ ref('stg_hr__activities') }}
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

scores as (
    select * from {{ ref('int_employee_wave_scores') }}
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
),

mentions as (
    select * from {{ ref('fct_sns_mentions') }}
),

account_days as (
    select * from {{ ref('fct_sns_account_days') }}
),

-- All answers of a wave belong to the day it began: a wave must not fall into two periods.
waves as (
    select
        wave,
        min(business_date) as wave_date
    from answers
    where audience = 'employee'
    group by wave
),

unit_scores as (
    select
        ancestors.ancestor_unit as subject_key,
        scores.wave,
        scores.person_key,
        waves.wave_date as event_date,
        coalesce(scores.driver, scores.metric_code) as metric_code,
        case
            when scores.metric_code = 'enps' then 100 * (scores.favourable_n - scores.unfavourable_n)
            else scores.person_score
        end as amount
    from scores
    inner join waves on scores.wave = waves.wave
    inner join ancestors on scores.org_unit = ancestors.org_unit
),

unit_activities as (
    select
        ancestors.ancestor_unit as subject_key,
        {{ key_of(['activities.connection', 'activities.activity_id']) }} as activity_key,
        activities.employee_pid as person_key,
        activities.occurred_on as event_date,
        activities.kind,
        activities.hours
    from activities
    inner join employee_states
        on
            activities.employee_pid = employee_states.employee_pid
            and activities.occurred_on >= employee_states.start_date
            and (activities.occurred_on < employee_states.end_date or employee_states.end_date is null)
    inner join ancestors on employee_states.org_unit = ancestors.org_unit
),

orders_known as (
    select
        min(business_date) as first_date,
        max(business_date) as last_date,
        min(case when net_jpy is not null then business_date end) as first_jpy_date,
        max(case when net_jpy is not null then business_date end) as last_jpy_date
    from orders
),

-- Of customers without an initiative only the first and the last day stay: they tell from when to when orders are known.
orders_looked_at as (
    select orders.*
    from orders
    cross join orders_known
    where
        orders.customer_key in (select subjects.subject_key from subjects)
        or orders.business_date in (
            orders_known.first_date, orders_known.last_date, orders_known.first_jpy_date, orders_known.last_jpy_date
        )
),

-- A sum is 0 in a period without an event, a mean or median is unknown there.
final as (
    select
        'customer' as subject_type,
        customer_key as subject_key,
        'orders_per_customer' as metric_code,
        'sum' as aggregation,
        order_key as event_key,
        customer_key as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        business_date as event_date,
        cast(1 as double) as amount
    from orders_looked_at
    union all
    select
        'customer' as subject_type,
        customer_key as subject_key,
        'net_sales_per_customer' as metric_code,
        'sum' as aggregation,
        order_key as event_key,
        customer_key as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        business_date as event_date,
        cast(net_jpy as double) as amount
    from orders_looked_at
    where net_jpy is not null
    union all
    select
        'customer' as subject_type,
        customer_aliases.customer_key as subject_key,
        'reviews_per_customer' as metric_code,
        'sum' as aggregation,
        {{ key_of(['reviews.connection', 'reviews.review_id']) }} as event_key,
        customer_aliases.customer_key as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        reviews.business_date as event_date,
        cast(1 as double) as amount
    from reviews
    inner join customer_aliases on coalesce(reviews.mail_pid, reviews.customer_pid) = customer_aliases.alias_pid
    union all
    select
        'org_unit' as subject_type,
        subject_key,
        metric_code,
        'mean' as aggregation,
        {{ key_of(['wave', 'person_key']) }} as event_key,
        person_key,
        wave,
        event_date,
        cast(amount as double) as amount
    from unit_scores
    {%- for metric_code, kind, amount in per_person %}
    union all
    select
        'org_unit' as subject_type,
        subject_key,
        '{{ metric_code }}' as metric_code,
        'sum' as aggregation,
        activity_key as event_key,
        person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        event_date,
        cast({{ amount }} as double) as amount
    from unit_activities
    where kind = '{{ kind }}'
    union all
    select
        'employee' as subject_type,
        employee_pid as subject_key,
        '{{ metric_code }}' as metric_code,
        'sum' as aggregation,
        {{ key_of(['connection', 'activity_id']) }} as event_key,
        employee_pid as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        occurred_on as event_date,
        cast({{ amount }} as double) as amount
    from activities
    where kind = '{{ kind }}'
    {%- endfor %}
    union all
    select
        'account' as subject_type,
        account_key as subject_key,
        'first_reply_minutes' as metric_code,
        'median' as aggregation,
        mention_key as event_key,
        cast(null as {{ dbt.type_string() }}) as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        business_date as event_date,
        cast(minutes_to_first_reply as double) as amount
    from mentions
    where minutes_to_first_reply is not null
    union all
    select
        'account' as subject_type,
        account_key as subject_key,
        'replies_per_account' as metric_code,
        'sum' as aggregation,
        mention_key as event_key,
        cast(null as {{ dbt.type_string() }}) as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        business_date as event_date,
        cast(1 as double) as amount
    from mentions
    where minutes_to_first_reply is not null
    union all
    select
        'account' as subject_type,
        account_key as subject_key,
        'follower_net_adds' as metric_code,
        'sum' as aggregation,
        {{ key_of(['account_key', 'day']) }} as event_key,
        cast(null as {{ dbt.type_string() }}) as person_key,
        cast(null as {{ dbt.type_string() }}) as wave,
        day as event_date,
        cast(net_adds as double) as amount
    from account_days
    where net_adds is not null
)

select * from final
