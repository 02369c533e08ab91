-- One row per initiative x subject.
{%- set days = dbt.datediff('initiatives.start_date', 'subjects.start_date', 'day') %}
with initiatives as (
    select * from {{ ref('dim_initiatives') }}
),

subjects as (
    select * from {{ ref('stg_plan__initiative_subjects') }}
),

customer_aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

accounts as (
    select * from {{ ref('dim_sns_accounts') }}
),

account_names as (
    select
        account_id,
        min(account_key) as account_key
    from accounts
    group by account_id
),

-- A customer who never bought is a subject all the same: with no orders.
named as (
    select
        initiatives.initiative_key,
        initiatives.metric_code,
        initiatives.design,
        initiatives.start_date,
        initiatives.end_date,
        case
            when initiatives.design = 'holdout' and initiatives.end_date is not null
                then {{ dbt.datediff('initiatives.start_date', 'initiatives.end_date', 'day') }} + 1
            else {{ var("effect_period_days") }}
        end as period_days,
        subjects.subject_type,
        coalesce(customer_aliases.customer_key, account_names.account_key, subjects.subject) as subject_key,
        subjects.arm,
        {{ days }} as days_to_own_start
    from subjects
    inner join initiatives on {{ key_of(['subjects.connection', 'subjects.code']) }} = initiatives.initiative_key
    left join customer_aliases on case when subjects.subject_type = 'customer' then subjects.subject end = customer_aliases.alias_pid
    left join account_names on case when subjects.subject_type = 'account' then subjects.subject end = account_names.account_id
),

-- Two customer numbers of one person: who was treated under either was treated.
treated as (
    select
        initiative_key,
        subject_key,
        subject_type,
        metric_code,
        design,
        start_date,
        end_date,
        cast(period_days as int) as period_days,
        max(case when arm = 'treatment' then 1 else 0 end) = 1 as is_treated,
        cast(min(
            case when arm = 'treatment' then greatest(round(coalesce(days_to_own_start, 0) / cast(period_days as double)), 0) end
        ) as int) as treated_from
    from named
    group by initiative_key, subject_key, subject_type, metric_code, design, start_date, end_date, period_days
),

-- Whoever starts together is told of together: an arm is the control group, or those of one start.
final as (
    select
        *,
        case
            when is_treated then {{ dbt.concat(["'from '", "cast(treated_from as " ~ dbt.type_string() ~ ")"]) }}
            else 'control'
        end as arm,
        cast({{ dbt.dateadd('day', -1 * var("effect_periods_before") ~ " * period_days", 'start_date') }} as date) as compared_from,
        coalesce(
            end_date,
            cast({{ dbt.dateadd('day', var("effect_periods_since") ~ " * period_days", 'start_date') }} as date)
        ) as compared_to
    from treated
)

select * from final
