-- One row per wave x dimension x group.
with people as (
    select * from {{ ref('int_employee_wave_people') }}
),

members as (
    select * from {{ ref('int_employee_wave_members') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'survey'
),

asked as (
    select
        people.*,
        coalesce(members.is_commenting, false) as is_commenting
    from people
    left join members
        on
            people.wave = members.wave
            and people.person_key = members.person_key
),

-- Add a dimension here and to var slices, for which disclosures are decided.
grouped as (
    {%- for dimension, group_value in [
        ("org_unit", "'all'"), ("org_unit", "business_unit"), ("tenure", "tenure_band"), ("employment_type", "employment_type")
    ] %}
    select
        asked.*,
        '{{ dimension }}' as dimension,
        {{ group_value }} as group_value
    from asked
    where {{ group_value }} is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

counted as (
    select
        wave,
        dimension,
        group_value,
        {{ count_if('is_employed') }} as headcount,
        {{ count_if('is_invited') }} as invited,
        {{ count_if('is_response') }} as answered,
        {{ count_if('is_commenting') }} as commented
    from grouped
    group by wave, dimension, group_value
),

totals as (
    select
        wave,
        {{ count_if('is_employed') }} as total_headcount,
        {{ count_if('is_invited') }} as total_invited,
        {{ count_if('is_invited and is_employed') }} as total_invited_of_staff,
        {{ count_if('is_response') }} as total_answered,
        {{ count_if("is_response and business_unit is not null") }} as org_unit_known,
        {{ count_if("is_response and tenure_band <> 'unknown'") }} as tenure_known,
        {{ count_if("is_response and employment_type <> 'unknown'") }} as employment_type_known
    from people
    group by wave
),

-- Forms that do not say from which group they come make every group look as if it had kept silent.
compared as (
    select
        counted.*,
        totals.total_headcount,
        totals.total_answered,
        coalesce(disclosures.shows_comments, false) as shows_comments,
        least({{ safe_divide('counted.answered', 'counted.invited') }}, 1) as rate,
        {{ safe_divide('counted.headcount', 'totals.total_headcount') }} as headcount_share,
        {{ safe_divide('counted.answered', 'totals.total_answered') }} as answered_share,
        {{ safe_divide('totals.total_invited_of_staff', 'totals.total_headcount') }} >= {{ var('census_from') }} as is_census,
        case
            when {{ why_suppressed('disclosures') }} is not null then {{ why_suppressed('disclosures') }}
            when totals.total_headcount = 0 then 'no_register'
            when
                case counted.dimension
                    when 'tenure' then totals.tenure_known
                    when 'employment_type' then totals.employment_type_known
                    else totals.org_unit_known
                end
                < {{ var('census_from') }} * totals.total_answered
                then 'groups_unknown'
        end as suppress_reason
    from counted
    inner join totals on counted.wave = totals.wave
    left join disclosures
        on
            counted.wave = disclosures.period
            and counted.dimension = disclosures.dimension
            and counted.group_value = disclosures.group_value
),

final as (
    select
        -- ids
        wave,
        dimension,
        group_value,
        -- measures
        {%- for name in ["headcount", "invited", "answered"] %}
        case when suppress_reason is null then {{ rounded_people(name) }} end as {{ name }},
        {%- endfor %}
        case when suppress_reason is null and shows_comments then {{ rounded_people('commented') }} end as commented,
        case when suppress_reason is null then {{ coarse_share('rate', 'invited') }} end as response_rate,
        case when suppress_reason is null then {{ coarse_share('headcount_share', 'total_headcount') }} end as headcount_share,
        case when suppress_reason is null then {{ coarse_share('answered_share', 'total_answered') }} end as answered_share,
        case
            when suppress_reason is not null or group_value = 'all' then null
            when
                abs(answered_share - headcount_share)
                <= {{ share_margin('headcount_share', 'total_answered') }} * {{ finite_population_correction('total_answered', 'total_headcount') }}
                then 'in_line'
            when answered_share < headcount_share then 'under'
            else 'over'
        end as representation,
        suppress_reason,
        -- flags
        is_census,
        suppress_reason is not null as is_suppressed
    from compared
)

select * from final
