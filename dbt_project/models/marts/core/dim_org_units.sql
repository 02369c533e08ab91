-- One row per organisation unit.
with employee_states as (
    select * from {{ ref('int_employee_states') }}
),

surveys as (
    select * from {{ ref('stg_survey__surveys') }}
),

answers as (
    select * from {{ ref('stg_survey__answers') }}
),

invitations as (
    select * from {{ ref('stg_survey__invitations') }}
),

finance as (
    select * from {{ ref('stg_hr__finance') }}
),

employee_surveys as (
    select
        connection,
        survey_id
    from surveys
    where audience = 'employee'
),

mentions as (
    select
        org_unit,
        min(start_date) as first_date,
        case when count(*) = count(end_date) then max(end_date) end as last_date,
        true as has_members
    from employee_states
    group by org_unit
    union all
    {%- for relation in ["answers", "invitations"] %}
    select
        {{ relation }}.org_unit,
        min({{ relation }}.business_date) as first_date,
        cast(null as date) as last_date,
        false as has_members
    from {{ relation }}
    inner join employee_surveys
        on
            {{ relation }}.connection = employee_surveys.connection
            and {{ relation }}.survey_id = employee_surveys.survey_id
    where {{ relation }}.org_unit is not null
    group by {{ relation }}.org_unit
    union all
    {%- endfor %}
    select
        business_unit as org_unit,
        min(business_date) as first_date,
        cast(null as date) as last_date,
        false as has_members
    from finance
    group by business_unit
),

levels as (
    {%- for level in range(1, var("max_org_levels") + 1) %}
    select {{ level }} as org_level
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- Every unit above a named one exists too, be it that nobody sits in it directly.
units as (
    select
        {{ path_prefix('mentions.org_unit', 'levels.org_level') }} as org_unit,
        levels.org_level,
        mentions.first_date,
        mentions.last_date,
        mentions.has_members
    from mentions
    inner join levels on {{ path_depth('mentions.org_unit') }} >= levels.org_level
    union all
    select
        'all' as org_unit,
        0 as org_level,
        first_date,
        last_date,
        has_members
    from mentions
),

lifetimes as (
    select
        org_unit,
        org_level,
        min(first_date) as valid_from,
        case
            when {{ count_if('has_members') }} > 0 and {{ count_if('has_members and last_date is null') }} = 0 then max(last_date)
        end as valid_to
    from units
    group by org_unit, org_level
),

final as (
    select
        org_unit,
        case
            when org_level = 1 then 'all'
            when org_level > 1 then {{ path_prefix('org_unit', 'org_level - 1') }}
        end as parent_unit,
        case when org_level = 0 then 'all' else {{ path_prefix('org_unit', '1') }} end as business_unit,
        cast(org_level as int) as org_level,
        valid_from,
        valid_to
    from lifetimes
)

select * from final
