-- One row per organisation unit x wave x metric.
with answers as (
    select * from {{ ref('fct_survey_answers') }}
),

scores as (
    select * from {{ ref('int_employee_wave_scores') }}
),

surveys as (
    select * from {{ ref('stg_survey__surveys') }}
),

invitations as (
    select * from {{ ref('stg_survey__invitations') }}
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

wave_dates as (
    select
        wave,
        max(business_date) as wave_date,
        max(min_n) as min_n
    from answers
    where audience = 'employee'
    group by wave
),

respondents as (
    select
        wave,
        person_key,
        coalesce(max(org_unit), 'all') as org_unit,
        max(respondent_pid) is null as is_anonymous
    from answers
    where audience = 'employee' and is_latest_response
    group by wave, person_key
),

invited as (
    select
        invitations.wave,
        invitations.respondent_pid,
        coalesce(max(invitations.org_unit), max(employee_states.org_unit), 'all') as org_unit
    from invitations
    inner join surveys
        on
            invitations.connection = surveys.connection
            and invitations.survey_id = surveys.survey_id
    left join employee_states
        on
            invitations.respondent_pid = employee_states.employee_pid
            and invitations.business_date >= employee_states.start_date
            and (invitations.business_date < employee_states.end_date or employee_states.end_date is null)
    where surveys.audience = 'employee'
    group by invitations.wave, invitations.respondent_pid
),

invited_per_unit as (
    select
        ancestors.ancestor_unit as org_unit,
        invited.wave,
        count(*) as n_invited
    from invited
    inner join ancestors on invited.org_unit = ancestors.org_unit
    group by ancestors.ancestor_unit, invited.wave
),

scores_per_unit as (
    select
        ancestors.ancestor_unit as org_unit,
        scores.wave,
        scores.metric,
        scores.metric_code,
        scores.driver,
        count(*) as n_answered,
        avg(scores.person_score) as mean_score,
        stddev_samp(scores.person_score) as deviation,
        sum(scores.judged_n) as judged_n,
        sum(scores.favourable_n) as favourable_n,
        sum(scores.neutral_n) as neutral_n,
        sum(scores.unfavourable_n) as unfavourable_n
    from scores
    inner join ancestors on scores.org_unit = ancestors.org_unit
    group by ancestors.ancestor_unit, scores.wave, scores.metric, scores.metric_code, scores.driver
),

-- Whoever answers under a name must have been invited to count as a response; anonymous forms cannot be told apart.
answered_per_unit as (
    select
        ancestors.ancestor_unit as org_unit,
        respondents.wave,
        {{ count_if('respondents.is_anonymous or invited.respondent_pid is not null') }} as n_answered
    from respondents
    inner join ancestors on respondents.org_unit = ancestors.org_unit
    left join invited
        on
            respondents.wave = invited.wave
            and respondents.person_key = invited.respondent_pid
    group by ancestors.ancestor_unit, respondents.wave
),

estimated as (
    select
        org_unit,
        wave,
        metric,
        metric_code,
        driver,
        n_answered,
        case
            when metric_code = 'enps' then {{ nps('favourable_n', 'unfavourable_n', 'judged_n') }}
            else mean_score
        end as score,
        case
            when metric_code = 'enps' then {{ nps_margin('favourable_n', 'unfavourable_n', 'judged_n') }}
            else {{ mean_margin('deviation', 'n_answered') }}
        end as margin,
        case when metric_code = 'enps' then -100 else 0 end as lowest,
        {{ safe_divide('favourable_n', 'judged_n') }} as favourable_share,
        {{ safe_divide('neutral_n', 'judged_n') }} as neutral_share,
        {{ safe_divide('unfavourable_n', 'judged_n') }} as unfavourable_share
    from scores_per_unit
),

-- Anonymous forms that name a wrong unit may outnumber its invitations: a rate stops at 1.
response_rates as (
    select
        invited_per_unit.org_unit,
        invited_per_unit.wave,
        'response_rate' as metric,
        'response_rate' as metric_code,
        cast(null as {{ dbt.type_string() }}) as driver,
        coalesce(answered_per_unit.n_answered, 0) as n_answered,
        least({{ safe_divide('coalesce(answered_per_unit.n_answered, 0)', 'invited_per_unit.n_invited') }}, 1) as score,
        cast(null as double) as margin,
        0 as lowest,
        cast(null as double) as favourable_share,
        cast(null as double) as neutral_share,
        cast(null as double) as unfavourable_share
    from invited_per_unit
    left join answered_per_unit
        on
            invited_per_unit.org_unit = answered_per_unit.org_unit
            and invited_per_unit.wave = answered_per_unit.wave
),

all_metrics as (
    select * from estimated
    union all
    select * from response_rates
),

final as (
    select
        -- ids
        all_metrics.org_unit,
        all_metrics.wave,
        all_metrics.metric,
        all_metrics.metric_code,
        all_metrics.driver,
        -- measures
        all_metrics.n_answered,
        invited_per_unit.n_invited,
        wave_dates.min_n,
        {{ stable('all_metrics.score') }} as value,
        {{ stable(ci_low('all_metrics.score', 'all_metrics.margin', 'all_metrics.lowest')) }} as ci_low,
        {{ stable(ci_high('all_metrics.score', 'all_metrics.margin', '100')) }} as ci_high,
        all_metrics.favourable_share,
        all_metrics.neutral_share,
        all_metrics.unfavourable_share,
        -- dates
        wave_dates.wave_date
    from all_metrics
    inner join wave_dates on all_metrics.wave = wave_dates.wave
    left join invited_per_unit
        on
            all_metrics.org_unit = invited_per_unit.org_unit
            and all_metrics.wave = invited_per_unit.wave
)

select * from final
