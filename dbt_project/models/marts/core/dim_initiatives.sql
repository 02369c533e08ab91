-- One row per initiative.
with initiatives as (
    select * from {{ ref('stg_plan__initiatives') }}
),

fx_days as (
    select * from {{ ref('int_fx_days') }}
),

kinds as (
    select * from {{ ref('initiative_kinds') }}
),

final as (
    select
        {{ key_of(['initiatives.connection', 'initiatives.code']) }} as initiative_key,
        initiatives.code,
        initiatives.name,
        initiatives.kind,
        kinds.name_en as kind_name_en,
        kinds.name_ja as kind_name_ja,
        kinds.activity_metric_code,
        initiatives.audience,
        initiatives.metric_code,
        initiatives.design,
        initiatives.currency,
        initiatives.target_value,
        initiatives.cost,
        case
            when initiatives.currency = 'JPY' then cast(initiatives.cost as decimal(18, 2))
            else {{ to_jpy('initiatives.cost', 'fx_days.jpy_per_unit') }}
        end as cost_jpy,
        initiatives.start_date,
        initiatives.end_date
    from initiatives
    inner join kinds on initiatives.kind = kinds.kind
    left join fx_days
        on
            initiatives.currency = fx_days.currency
            and initiatives.start_date = fx_days.date_day
)

select * from final
