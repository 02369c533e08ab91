-- One row per wave x horizon x outcome.
with contrasts as (
    select * from {{ ref('int_engagement_contrasts') }}
),

final as (
    select
        -- ids
        cast(wave as {{ dbt.type_string() }}) as wave,
        cast(horizon_months as int) as horizon_months,
        cast(outcome as {{ dbt.type_string() }}) as outcome,
        -- measures
        cast(units_ranked as bigint) as units_ranked,
        cast(most_engaged_units as bigint) as most_engaged_units,
        cast(least_engaged_units as bigint) as least_engaged_units,
        {%- for name in ["most_engaged_people", "least_engaged_people"] %}
        case when why_hidden is null then {{ rounded_people(name) }} end as {{ name }},
        {%- endfor %}
        {%- for name in [
            "most_engaged_value", "least_engaged_value", "difference", "difference_ci_low", "difference_ci_high", "ratio",
            "ratio_ci_low", "ratio_ci_high"
        ] %}
        case when why_hidden is null then {{ stable(name) }} end as {{ name }},
        {%- endfor %}
        cast(why_hidden as {{ dbt.type_string() }}) as suppress_reason,
        cast(no_interval_reason as {{ dbt.type_string() }}) as no_interval_reason,
        -- flags
        coalesce(why_hidden <> 'horizon_open', true) as is_complete,
        coalesce(why_hidden <> 'horizon_open', false) as is_suppressed
    from contrasts
)

select * from final
