-- One row per survey x wave x question.
{%- set estimates = {
    "": ["favourable_n", "unfavourable_n", "n", "n", "mean_value", "deviation"],
    "weighted_": ["favourable_weight", "unfavourable_weight", "weight", "effective_n", "weighted_mean", "weighted_deviation"],
} %}
with answers as (
    select * from {{ ref('fct_survey_answers') }}
),

invitations as (
    select * from {{ ref('stg_survey__invitations') }}
),

-- Employees are shown in rpt_employee_engagement alone, under its own suppression.
scored as (
    select
        *,
        cast(turned_value as double) as score
    from answers
    where
        audience in ('customer', 'public')
        and kind in ('nps', 'csat', 'ces')
        and is_latest_response
        and turned_value is not null
        -- Satisfied begins where the question says; where it does not say, nobody is satisfied or dissatisfied.
        and (kind <> 'csat' or is_favourable is not null)
),

answered as (
    select distinct
        connection,
        survey_id,
        wave,
        respondent_pid
    from answers
    where is_latest_response and respondent_pid is not null
),

-- The denominator is who was asked, not who opened the form.
asked as (
    select
        invitations.connection,
        invitations.survey_id,
        invitations.wave,
        count(distinct invitations.respondent_pid) as invited,
        count(distinct answered.respondent_pid) as invited_who_answered
    from invitations
    left join answered
        on
            invitations.connection = answered.connection
            and invitations.survey_id = answered.survey_id
            and invitations.wave = answered.wave
            and invitations.respondent_pid = answered.respondent_pid
    group by invitations.connection, invitations.survey_id, invitations.wave
),

counted as (
    select
        connection,
        survey_id,
        wave,
        question_code,
        kind,
        max(business_date) as wave_date,
        max(min_n) as min_n,
        count(*) as n,
        {{ count_if('is_favourable') }} as favourable_n,
        {{ count_if('is_neutral') }} as neutral_n,
        {{ count_if('is_unfavourable') }} as unfavourable_n,
        avg(score) as mean_value,
        stddev_samp(score) as deviation,
        sum(weight) as weight,
        sum(case when is_favourable then weight else 0 end) as favourable_weight,
        sum(case when is_unfavourable then weight else 0 end) as unfavourable_weight,
        sum(weight * score) as weight_by_score,
        sum(weight * score * score) as weight_by_square,
        sum(weight) * sum(weight) / nullif(sum(weight * weight), 0) as effective_n
    from scored
    group by connection, survey_id, wave, question_code, kind
),

-- Kish's effective number of answers takes the place of n where answers have weights.
weighed as (
    select
        *,
        weight_by_score / nullif(weight, 0) as weighted_mean,
        sqrt(
            greatest(weight_by_square / nullif(weight, 0) - power(weight_by_score / nullif(weight, 0), 2), 0)
            * effective_n / nullif(effective_n - 1, 0)
        ) as weighted_deviation
    from counted
),

estimated as (
    select
        weighed.*,
        asked.invited,
        asked.invited_who_answered,
        weighed.n < weighed.min_n as is_suppressed,
        case weighed.kind when 'nps' then -100 else 0 end as lowest,
        case weighed.kind when 'nps' then 100 end as highest,
        {%- for prefix, parts in estimates.items() %}
        case weighed.kind
            when 'nps' then {{ nps(parts[0], parts[1], parts[2]) }}
            when 'csat' then {{ safe_divide(parts[0], parts[2]) }}
            else {{ parts[4] }}
        end as {{ prefix }}value,
        case weighed.kind
            when 'nps' then {{ nps_margin(parts[0], parts[1], parts[2], parts[3]) }}
            when 'ces' then {{ mean_margin(parts[5], parts[3]) }}
        end as {{ prefix }}margin,
        {{ parts[3] }} as {{ prefix }}answers,
        {%- endfor %}
        weighed.weight is not null as is_weighed
    from weighed
    left join asked
        on
            weighed.connection = asked.connection
            and weighed.survey_id = asked.survey_id
            and weighed.wave = asked.wave
),

final as (
    select
        -- ids
        connection,
        survey_id,
        wave,
        question_code,
        -- attributes
        kind,
        -- measures
        case when not is_suppressed then n end as n,
        invited,
        {{ safe_divide('invited_who_answered', 'invited') }} as response_rate,
        {%- for prefix in estimates %}
        case when not is_suppressed then {{ stable(prefix ~ 'value') }} end as {{ prefix }}value,
        case
            when is_suppressed then null
            when kind = 'csat' then {{ stable(share_low(prefix ~ 'value', prefix ~ 'answers')) }}
            else {{ stable(ci_low(prefix ~ 'value', prefix ~ 'margin', 'lowest')) }}
        end as {{ prefix }}ci_low,
        case
            when is_suppressed then null
            when kind = 'csat' then {{ stable(share_high(prefix ~ 'value', prefix ~ 'answers')) }}
            else {{ stable(ci_high(prefix ~ 'value', prefix ~ 'margin', 'highest')) }}
        end as {{ prefix }}ci_high,
        {%- endfor %}
        case when not is_suppressed then {{ stable('effective_n') }} end as effective_n,
        case when not is_suppressed then {{ safe_divide('favourable_n', 'n') }} end as favourable_share,
        case when not is_suppressed then {{ safe_divide('neutral_n', 'n') }} end as neutral_share,
        case when not is_suppressed then {{ safe_divide('unfavourable_n', 'n') }} end as unfavourable_share,
        -- flags
        is_suppressed,
        -- dates
        wave_date
    from estimated
)

select * from final
