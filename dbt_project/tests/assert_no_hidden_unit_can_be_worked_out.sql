-- A returned row is a unit that is shown although it, less the units shown below it, tells of fewer persons than the minimum or of few of one
-- mind; a unit that shows some of its scores and hides others, or a response rate without them; a shown row of a small group of one mind; or a
-- hidden row that still shows something.
with shown as (
    select * from {{ ref('rpt_employee_engagement') }}
),

persons as (
    select
        *,
        n_answered * favourable_share as favourable_n,
        n_answered * neutral_share as neutral_n,
        n_answered * unfavourable_share as unfavourable_n
    from {{ ref('fct_employee_engagement_waves') }}
),

children as (
    select
        shown.parent_unit,
        shown.wave,
        shown.metric,
        {%- for name in ["n_answered", "favourable_n", "neutral_n", "unfavourable_n"] %}
        sum(case when not shown.is_suppressed then persons.{{ name }} else 0 end) as {{ name }},
        {%- endfor %}
        max(greatest(coalesce(persons.min_n, 0), {{ var('min_group_n') }})) as needed_n
    from shown
    inner join persons
        on
            shown.org_unit = persons.org_unit
            and shown.wave = persons.wave
            and shown.metric = persons.metric
    where shown.parent_unit is not null
    group by shown.parent_unit, shown.wave, shown.metric
),

-- Those who sit in the parent itself belong to the rest. Where nobody below a parent is shown, what can be worked out is the parent itself.
rests as (
    select
        children.parent_unit,
        children.wave,
        children.metric,
        children.needed_n,
        persons.n_answered as parent_n,
        persons.n_answered - children.n_answered as n,
        greatest(
            persons.favourable_n - children.favourable_n,
            persons.neutral_n - children.neutral_n,
            persons.unfavourable_n - children.unfavourable_n
        ) as most_alike_n
    from children
    inner join persons
        on
            children.parent_unit = persons.org_unit
            and children.wave = persons.wave
            and children.metric = persons.metric
    inner join shown
        on
            children.parent_unit = shown.org_unit
            and children.wave = shown.wave
            and children.metric = shown.metric
    where not shown.is_suppressed
)

select
    parent_unit,
    wave,
    metric
from rests
where
    n > 0
    and n < parent_n
    and (n < needed_n or (n < {{ var('uniform_n') }} and most_alike_n > n - 0.001))
union all
select
    org_unit as parent_unit,
    wave,
    'any' as metric
from shown
group by org_unit, wave
having
    {{ count_if("is_suppressed and metric <> 'response_rate'") }} > 0
    and {{ count_if("not is_suppressed") }} > 0
union all
select
    org_unit as parent_unit,
    wave,
    metric
from shown
where
    n_answered < {{ var('uniform_n') }}
    and (greatest(favourable_share, neutral_share, unfavourable_share) = 1 or abs(value) = 100)
union all
select
    org_unit as parent_unit,
    wave,
    metric
from shown
where is_suppressed and coalesce(n_answered, n_invited, value, ci_low, ci_high, favourable_share, neutral_share, unfavourable_share) is not null
