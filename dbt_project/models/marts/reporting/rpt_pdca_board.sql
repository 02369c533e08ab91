-- One row per initiative x cycle.
with cycles as (
    select * from {{ ref('int_initiative_cycles') }}
),

effects as (
    select * from {{ ref('int_initiative_cycle_effects') }}
),

initiatives as (
    select * from {{ ref('dim_initiatives') }}
),

metrics as (
    select * from {{ ref('dim_metrics') }}
),

panels as (
    select * from {{ ref('int_initiative_panels') }}
),

actions as (
    select * from {{ ref('pdca_actions') }}
),

-- What was done to the treated in the periods of the cycle.
activities as (
    select
        cycles.initiative_key,
        cycles.cycle,
        avg(panels.value) as activity,
        case when min(cycles.subject_type) in ('employee', 'org_unit') then sum(panels.persons_n) end as person_periods
    from cycles
    inner join initiatives on cycles.initiative_key = initiatives.initiative_key
    inner join panels
        on
            cycles.initiative_key = panels.initiative_key
            and initiatives.activity_metric_code = panels.metric_code
            and cycles.first_period <= panels.period
            and cycles.last_period >= panels.period
            and panels.treated_from <= panels.period
    group by cycles.initiative_key, cycles.cycle
),

checked as (
    select
        cycles.*,
        initiatives.code,
        initiatives.name,
        initiatives.kind,
        initiatives.kind_name_en,
        initiatives.kind_name_ja,
        initiatives.audience,
        initiatives.design,
        initiatives.metric_code,
        initiatives.activity_metric_code,
        initiatives.target_value,
        initiatives.cost_jpy,
        initiatives.start_date,
        initiatives.end_date,
        metrics.direction,
        {{ nearest_events('effects.baseline', 'effects.person_periods_before') }} as baseline,
        {%- for name in ["actual", "effect", "ci_low", "ci_high"] %}
        {{ nearest_events("effects." ~ name, 'effects.person_periods') }} as {{ name }},
        {%- endfor %}
        effects.p_value,
        effects.verdict,
        effects.reason_code,
        effects.reason_en,
        effects.reason_ja,
        effects.suppress_reason,
        activities.activity,
        {{ nearest_events('activities.activity', 'activities.person_periods') }} as activity_shown
    from cycles
    inner join effects
        on
            cycles.initiative_key = effects.initiative_key
            and cycles.cycle = effects.cycle
    inner join initiatives on cycles.initiative_key = initiatives.initiative_key
    left join metrics on initiatives.metric_code = metrics.metric_code
    left join activities
        on
            cycles.initiative_key = activities.initiative_key
            and cycles.cycle = activities.cycle
),

aimed as (
    select
        *,
        target_value - (actual - effect) as effect_needed,
        case
            when target_value is null then 'no_target'
            when actual is null then 'unknown'
            when direction = 'down' and actual <= target_value then 'reached'
            when direction <> 'down' and actual >= target_value then 'reached'
            else 'missed'
        end as target_status
    from checked
),

-- The first rule that holds decides.
ruled as (
    select
        *,
        is_last and not is_open as is_over,
        case
            when activity = 0 then 'not_carried_out'
            when
                verdict = 'not_testable'
                and (is_open or not is_last)
                and (reason_code in ('too_few_periods', 'no_values') or (reason_code = 'too_few_subjects' and reach < reach_planned))
                then 'not_yet_testable'
            when verdict = 'not_testable' then 'not_testable'
            when verdict = 'contradicted' then 'worse'
            when verdict = 'supported' and target_status = 'missed' then 'works_short_of_target'
            when verdict = 'supported' then 'works'
            when verdict = 'suggestive' and target_status = 'missed' then 'moved_short_of_target'
            when verdict = 'suggestive' then 'moved'
            when reason_code = 'drifting' then 'drifting'
            when
                reason_code <> 'may_be_drift'
                and case when direction = 'down' then ci_low > effect_needed else ci_high < effect_needed end
                then 'target_out_of_reach'
            when is_last and not is_open then 'ended_open'
            when target_status = 'no_target' then 'no_effect_yet'
            else 'open'
        end as action_rule
    from aimed
),

final as (
    select
        -- ids
        ruled.initiative_key,
        ruled.cycle,
        -- attributes
        ruled.code,
        ruled.name,
        ruled.kind,
        ruled.kind_name_en,
        ruled.kind_name_ja,
        ruled.audience,
        ruled.design,
        ruled.metric_code,
        -- plan
        ruled.target_value,
        {{ stable('ruled.baseline') }} as baseline,
        ruled.cost_jpy,
        ruled.start_date,
        ruled.end_date,
        -- do
        ruled.subject_type,
        {%- for name in ["reach_planned", "reach"] %}
        case when ruled.subject_type = 'employee' then {{ rounded_people("ruled." ~ name) }} else ruled.{{ name }} end as {{ name }},
        {%- endfor %}
        ruled.activity_metric_code,
        {{ stable('ruled.activity_shown') }} as activity,
        -- check
        {{ stable('ruled.actual') }} as actual,
        {{ stable('ruled.effect') }} as effect,
        {{ stable(safe_divide('ruled.effect', 'abs(ruled.actual - ruled.effect)')) }} as relative_effect,
        {{ stable('ruled.ci_low') }} as ci_low,
        {{ stable('ruled.ci_high') }} as ci_high,
        {{ stable('ruled.p_value') }} as p_value,
        {{ stable('ruled.effect_needed') }} as effect_needed,
        ruled.target_status,
        ruled.verdict,
        ruled.reason_en as check_reason_en,
        ruled.reason_ja as check_reason_ja,
        -- act
        actions.action,
        ruled.action_rule,
        actions.reason_en as action_reason_en,
        actions.reason_ja as action_reason_ja,
        ruled.suppress_reason,
        -- flags
        ruled.suppress_reason is not null as is_suppressed,
        ruled.is_open,
        ruled.cycle = max(ruled.cycle) over (partition by ruled.initiative_key) as is_latest,
        -- dates
        ruled.cycle_start,
        ruled.cycle_end,
        case
            when ruled.is_over or actions.action = 'stop' then null
            when ruled.is_open then cast({{ dbt.dateadd('day', 1, 'ruled.cycle_end') }} as date)
            else cast({{ dbt.dateadd('day', 1, 'coalesce(next_cycles.cycle_end, ruled.cycle_end)') }} as date)
        end as next_review_date
    from ruled
    inner join actions on ruled.action_rule = actions.rule
    left join cycles as next_cycles
        on
            ruled.initiative_key = next_cycles.initiative_key
            and ruled.cycle + 1 = next_cycles.cycle
)

select * from final
