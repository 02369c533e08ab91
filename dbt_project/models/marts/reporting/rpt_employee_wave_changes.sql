-- One row per organisation unit x wave x earlier wave.
{%- set banded = "case when {0} = 0 then '0' when {0} < 5 then '1-4' when {0} < 10 then '5-9' else '10+' end" %}
with engagement as (
    select * from {{ ref('rpt_employee_engagement') }}
),

members as (
    select * from {{ ref('int_employee_wave_members') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

units as (
    select
        org_unit,
        wave,
        min(parent_unit) as parent_unit,
        min(business_unit) as business_unit,
        min(org_level) as org_level,
        min(previous_wave) as previous_wave,
        max(case when is_suppressed then 0 else 1 end) = 1 as is_shown,
        min(suppress_reason) as suppress_reason
    from engagement
    group by org_unit, wave
),

waves as (
    select distinct
        wave,
        first_day,
        last_day,
        valid_until
    from members
),

previous_waves as (
    select distinct
        wave,
        previous_wave
    from units
),

-- Whoever answers twice while the first answer holds is taken to answer alike: the two waves differ by who came or went.
compared as (
    select
        later.wave,
        earlier.wave as earlier_wave,
        coalesce(earlier.valid_until >= later.first_day, true) as is_held
    from waves as later
    inner join waves as earlier
        on
            later.last_day >= earlier.last_day
            and (later.last_day > earlier.last_day or later.wave > earlier.wave)
    left join previous_waves on later.wave = previous_waves.wave
    where coalesce(earlier.valid_until >= later.first_day, true) or earlier.wave = previous_waves.previous_wave
),

-- Each person counts in all shown units around them.
shown_people as (
    select
        members.wave,
        members.person_key,
        units.org_unit
    from members
    inner join ancestors on members.org_unit = ancestors.org_unit
    inner join units
        on
            members.wave = units.wave
            and ancestors.ancestor_unit = units.org_unit
    where units.is_shown
),

sizes as (
    select
        wave,
        org_unit,
        count(*) as people
    from shown_people
    group by wave, org_unit
),

shared as (
    select
        compared.wave,
        compared.earlier_wave,
        later.org_unit,
        earlier.org_unit as earlier_unit,
        count(*) as people
    from compared
    inner join shown_people as later on compared.wave = later.wave
    inner join shown_people as earlier
        on
            compared.earlier_wave = earlier.wave
            and later.person_key = earlier.person_key
    group by compared.wave, compared.earlier_wave, later.org_unit, earlier.org_unit
),

-- The nearest shown unit around a shown one.
placed as (
    select
        inner_units.wave,
        inner_units.org_unit as part,
        outer_units.org_unit,
        row_number() over (partition by inner_units.wave, inner_units.org_unit order by ancestors.distance) as nearness
    from units as inner_units
    inner join ancestors on inner_units.org_unit = ancestors.org_unit
    inner join units as outer_units
        on
            inner_units.wave = outer_units.wave
            and ancestors.ancestor_unit = outer_units.org_unit
    where inner_units.is_shown and outer_units.is_shown and ancestors.distance > 0
),

parts as (
    select
        wave,
        org_unit,
        part
    from placed
    where nearness = 1
),

less_parts as (
    {%- for rest in ["part", "'all shown in it'"] %}
    select
        wave,
        org_unit,
        part,
        {{ dbt.concat(["org_unit", "' less '", rest]) }} as sum_name
    from parts
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

-- What a reader can add and subtract within a wave: a shown unit; it less one of the shown units in it; it less all of them.
sums as (
    select
        wave,
        org_unit,
        org_unit as sum_name,
        org_unit as member_unit,
        1 as weight
    from sizes
    union all
    select distinct
        wave,
        org_unit,
        sum_name,
        org_unit as member_unit,
        1 as weight
    from less_parts
    union all
    select
        wave,
        org_unit,
        sum_name,
        part as member_unit,
        -1 as weight
    from less_parts
),

sum_sizes as (
    select
        sums.wave,
        sums.org_unit,
        sums.sum_name,
        sum(sums.weight * sizes.people) as people
    from sums
    inner join sizes
        on
            sums.wave = sizes.wave
            and sums.member_unit = sizes.org_unit
    group by sums.wave, sums.org_unit, sums.sum_name
),

-- Sums that differ by fewer than ten have about as many persons each, and nearly all of them in both units that they are a sum of.
candidates as (
    select
        shared.wave,
        shared.earlier_wave,
        later.org_unit,
        later.sum_name,
        earlier.sum_name as earlier_sum,
        later.people + earlier.people as people
    from shared
    inner join sum_sizes as later
        on
            shared.wave = later.wave
            and shared.org_unit = later.org_unit
    inner join sum_sizes as earlier
        on
            shared.earlier_wave = earlier.wave
            and shared.earlier_unit = earlier.org_unit
    where
        abs(later.people - earlier.people) < 10
        and shared.people > greatest(later.people, earlier.people) - 10
),

-- Persons in one of two sums alone: of these their difference tells.
differences as (
    select
        candidates.wave,
        candidates.earlier_wave,
        candidates.org_unit,
        candidates.sum_name,
        candidates.earlier_sum,
        candidates.people - 2 * sum(later.weight * earlier.weight * coalesce(shared.people, 0)) as people
    from candidates
    inner join sums as later
        on
            candidates.wave = later.wave
            and candidates.sum_name = later.sum_name
    inner join sums as earlier
        on
            candidates.earlier_wave = earlier.wave
            and candidates.earlier_sum = earlier.sum_name
    left join shared
        on
            candidates.wave = shared.wave
            and candidates.earlier_wave = shared.earlier_wave
            and later.member_unit = shared.org_unit
            and earlier.member_unit = shared.earlier_unit
    group by
        candidates.wave, candidates.earlier_wave, candidates.org_unit, candidates.sum_name, candidates.earlier_sum, candidates.people
),

ranked as (
    select
        *,
        row_number() over (partition by wave, earlier_wave, org_unit order by people asc, sum_name asc, earlier_sum asc) as nearness
    from differences
    where people > 0
),

nearest as (
    select * from ranked
    where nearness = 1
),

final as (
    select
        -- ids
        units.org_unit,
        units.wave,
        compared.earlier_wave,
        -- attributes
        units.parent_unit,
        units.business_unit,
        units.org_level,
        -- measures
        case when units.is_shown and earlier_units.is_shown then {{ banded.format("coalesce(own.people, 10)") }} end as people_changed,
        case when units.is_shown then {{ banded.format("coalesce(nearest.people, 10)") }} end as nearest_changed,
        case
            when units.is_shown and nearest.people < 10 then {{ dbt.concat(["nearest.sum_name", "' against '", "nearest.earlier_sum"]) }}
        end as nearest_sums,
        case when not units.is_shown then units.suppress_reason end as suppress_reason,
        -- flags
        compared.is_held,
        not units.is_shown as is_suppressed
    from units
    inner join compared on units.wave = compared.wave
    left join units as earlier_units
        on
            compared.earlier_wave = earlier_units.wave
            and units.org_unit = earlier_units.org_unit
    left join differences as own
        on
            compared.wave = own.wave
            and compared.earlier_wave = own.earlier_wave
            and units.org_unit = own.org_unit
            and units.org_unit = own.sum_name
            and units.org_unit = own.earlier_sum
    left join nearest
        on
            compared.wave = nearest.wave
            and compared.earlier_wave = nearest.earlier_wave
            and units.org_unit = nearest.org_unit
)

select * from final
