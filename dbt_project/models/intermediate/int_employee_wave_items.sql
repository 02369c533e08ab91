-- One row per wave x person x question.
with answers as (
    select *
    from {{ ref('fct_survey_answers') }}
    where audience = 'employee' and is_latest_response and score_100 is not null and kind in ('rating', 'nps')
),

asked as (
    select distinct
        connection,
        survey_id,
        wave,
        question_key
    from answers
),

-- Empty where every wave of a survey asks the same: then nothing is joined below.
left_out as (
    select distinct
        waves.wave,
        questions.question_key
    from asked as waves
    inner join asked as questions
        on
            waves.connection = questions.connection
            and waves.survey_id = questions.survey_id
    left join asked
        on
            waves.wave = asked.wave
            and questions.question_key = asked.question_key
    where asked.wave is null
),

responses as (
    select
        wave,
        person_key,
        max(org_unit) as org_unit,
        max(business_date) as answered_on
    from answers
    where respondent_pid is not null
    group by wave, person_key
),

-- A pulse asks few questions at a time: whoever answers it counts with what he last said, as long as it is valid, to those it did not ask.
still_valid as (
    select
        responses.wave,
        responses.person_key,
        responses.org_unit,
        answers.question_key,
        answers.kind,
        answers.driver,
        answers.score_100,
        answers.is_favourable,
        answers.is_neutral,
        answers.is_unfavourable,
        row_number() over (
            partition by responses.wave, responses.person_key, answers.question_key
            order by answers.answered_at desc, answers.response_id desc
        ) as newest_first
    from responses
    inner join left_out on responses.wave = left_out.wave
    inner join answers
        on
            left_out.question_key = answers.question_key
            and responses.person_key = answers.person_key
            and responses.answered_on >= answers.business_date
            and responses.answered_on <= answers.valid_until
),

final as (
    {%- for relation, is_carried in [("answers", "false"), ("still_valid", "true")] %}
    select
        -- ids
        wave,
        person_key,
        question_key,
        -- attributes
        org_unit,
        kind,
        driver,
        -- measures
        score_100,
        -- flags
        is_favourable,
        is_neutral,
        is_unfavourable,
        {{ is_carried }} as is_carried
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- else %}
    where newest_first = 1
    {%- endif %}
    {%- endfor %}
)

select * from final
