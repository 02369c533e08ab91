-- One row per survey x wave x question x option x segment.
with answers as (
    select * from {{ ref('fct_survey_answers') }}
),

-- Employees are shown in rpt_employee_engagement alone, under its own suppression.
shown as (
    select *
    from answers
    where audience in ('customer', 'public') and is_latest_response and kind <> 'text'
),

options as (
    select distinct
        connection,
        survey_id,
        question_code,
        option_code
    from shown
),

-- The base of a question: everybody who answered it, once, however many options they chose.
respondents as (
    select
        connection,
        survey_id,
        wave,
        question_code,
        response_id,
        max(weight) as weight,
        max(min_n) as min_n
    from shown
    group by connection, survey_id, wave, question_code, response_id
),

segments as (
    select distinct
        connection,
        response_id,
        question_code as segment_question,
        option_code as segment_value
    from shown
    where kind = 'segment'
    union all
    select distinct
        connection,
        response_id,
        'all' as segment_question,
        'all' as segment_value
    from shown
),

bases as (
    select
        respondents.connection,
        respondents.survey_id,
        respondents.wave,
        respondents.question_code,
        segments.segment_question,
        segments.segment_value,
        count(*) as n,
        sum(respondents.weight) as weight,
        max(respondents.min_n) as min_n
    from respondents
    inner join segments
        on
            respondents.connection = segments.connection
            and respondents.response_id = segments.response_id
            and respondents.question_code <> segments.segment_question
    group by
        respondents.connection, respondents.survey_id, respondents.wave, respondents.question_code,
        segments.segment_question, segments.segment_value
),

-- Everybody less the segments shown is the hidden one. The survey's own minimum may be far above what protects a person, and asks for no more.
judged as (
    {{ suppress_siblings(
        'bases', ['connection', 'survey_id', 'wave', 'question_code', 'segment_question'], 'segment_value', 'n',
        minimum='min_n', needed='least(min_n, ' ~ var("min_group_n") ~ ')'
    ) }}
),

choices as (
    select
        shown.connection,
        shown.survey_id,
        shown.wave,
        shown.question_code,
        shown.option_code,
        segments.segment_question,
        segments.segment_value,
        count(*) as n_chosen,
        sum(shown.weight) as weight_chosen
    from shown
    inner join segments
        on
            shown.connection = segments.connection
            and shown.response_id = segments.response_id
            and shown.question_code <> segments.segment_question
    group by
        shown.connection, shown.survey_id, shown.wave, shown.question_code, shown.option_code,
        segments.segment_question, segments.segment_value
),

-- An option nobody in the segment chose is a share of 0, not a missing row.
tallied as (
    select
        judged.*,
        options.option_code,
        coalesce(choices.n_chosen, 0) as n_chosen,
        coalesce(choices.weight_chosen, 0) as weight_chosen,
        judged.suppress_reason is not null as is_suppressed
    from judged
    inner join options
        on
            judged.connection = options.connection
            and judged.survey_id = options.survey_id
            and judged.question_code = options.question_code
    left join choices
        on
            judged.connection = choices.connection
            and judged.survey_id = choices.survey_id
            and judged.wave = choices.wave
            and judged.question_code = choices.question_code
            and options.option_code = choices.option_code
            and judged.segment_question = choices.segment_question
            and judged.segment_value = choices.segment_value
),

final as (
    select
        -- ids
        connection,
        survey_id,
        wave,
        question_code,
        option_code,
        segment_question,
        segment_value,
        -- measures
        case when not is_suppressed then n end as n,
        case when not is_suppressed then n_chosen end as n_chosen,
        case when not is_suppressed then {{ stable(safe_divide('weight_chosen', 'weight')) }} end as weighted_share,
        case when not is_suppressed then {{ safe_divide('n_chosen', 'n') }} end as unweighted_share,
        -- flags
        is_suppressed
    from tallied
)

select * from final
