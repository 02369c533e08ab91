-- One row per organisation unit that ended.
with employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

moves as (
    select
        *,
        lead(org_unit) over (partition by employee_pid, hire_date order by state_number) as next_unit
    from employee_states
),

-- A unit above others ends with the last of them; its members' next unit is the one of its own level.
members as (
    select
        ancestors.ancestor_unit as org_unit,
        moves.start_date,
        moves.end_date,
        case
            when moves.left_by = 'transfer' and {{ path_depth('moves.next_unit') }} >= {{ path_depth('ancestors.ancestor_unit') }}
                then {{ path_prefix('moves.next_unit', path_depth('ancestors.ancestor_unit')) }}
        end as next_unit
    from moves
    inner join ancestors on moves.org_unit = ancestors.org_unit
    where ancestors.ancestor_unit <> 'all'
),

lives as (
    select
        org_unit,
        min(start_date) as first_date,
        case when count(*) = count(end_date) then max(end_date) end as ended_on
    from members
    group by org_unit
),

founders as (
    select
        members.org_unit,
        count(*) as founders_n
    from members
    inner join lives
        on
            members.org_unit = lives.org_unit
            and members.start_date = lives.first_date
    group by members.org_unit
),

destinations as (
    select
        members.org_unit,
        lives.ended_on,
        members.next_unit,
        count(*) as moved_n,
        sum(count(*)) over (partition by members.org_unit) as last_n,
        row_number() over (partition by members.org_unit order by count(*) desc, members.next_unit asc) as place
    from members
    inner join lives
        on
            members.org_unit = lives.org_unit
            and members.end_date = lives.ended_on
    group by members.org_unit, lives.ended_on, members.next_unit
),

final as (
    select
        destinations.org_unit,
        destinations.ended_on,
        case
            when
                destinations.next_unit is null
                or destinations.moved_n < {{ var('succession_share') }} * destinations.last_n then 'closed'
            when
                successors.first_date = destinations.ended_on
                and destinations.moved_n >= {{ var('succession_share') }} * founders.founders_n then 'renamed'
            else 'merged'
        end as ended_by,
        case
            when destinations.moved_n >= {{ var('succession_share') }} * destinations.last_n then destinations.next_unit
        end as successor_unit
    from destinations
    left join lives as successors on destinations.next_unit = successors.org_unit
    left join founders on destinations.next_unit = founders.org_unit
    where destinations.place = 1
)

select * from final
