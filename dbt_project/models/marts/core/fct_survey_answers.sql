-- One row per response x question x option.
with answers as (
    select * from {{ ref('stg_survey__answers') }}
),

questions as (
    select * from {{ ref('dim_survey_questions') }}
),

invitations as (
    select * from {{ ref('stg_survey__invitations') }}
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

-- An invitation is known by the person, and by the token in its link.
known_invitations as (
    select
        *,
        respondent_pid as known_by
    from invitations
    union all
    select
        *,
        token_pid as known_by
    from invitations
    where token_pid is not null
),

-- The unit of an employee: as answered, else as invited, else as personnel had it on that day, the last day of work included.
described as (
    select
        answers.*,
        coalesce(known_invitations.respondent_pid, answers.respondent_pid) as invited_pid,
        coalesce(known_invitations.respondent_pid, answers.respondent_pid, {{ key_of(['answers.connection', 'answers.response_id']) }}) as person_key,
        questions.question_key,
        questions.audience,
        questions.mode,
        questions.kind,
        questions.driver,
        questions.is_reversed,
        questions.promoter_min,
        questions.detractor_max,
        questions.favourable_min,
        questions.unfavourable_max,
        questions.scale_min,
        questions.scale_max,
        questions.min_n,
        coalesce(answers.org_unit, known_invitations.org_unit, employee_states.org_unit) as unit_of_person,
        cast({{ dbt.dateadd('day', 'questions.valid_days', 'answers.business_date') }} as date) as valid_until
    from answers
    inner join questions
        on
            answers.connection = questions.connection
            and answers.survey_id = questions.survey_id
            and answers.question_code = questions.question_code
    left join known_invitations
        on
            answers.connection = known_invitations.connection
            and answers.survey_id = known_invitations.survey_id
            and answers.wave = known_invitations.wave
            and answers.respondent_pid = known_invitations.known_by
    left join employee_states
        on
            questions.audience = 'employee'
            and coalesce(known_invitations.respondent_pid, answers.respondent_pid) = employee_states.employee_pid
            and answers.business_date >= employee_states.start_date
            and (
                answers.business_date < employee_states.end_date
                or employee_states.end_date is null
                or (employee_states.left_by = 'leave' and answers.business_date = employee_states.end_date)
            )
),

scored as (
    select
        *,
        {{ turned_value('numeric_value', 'is_reversed', 'scale_min', 'scale_max') }} as turned,
        -- A person who fills in the same wave twice counts once, with the newest form.
        first_value(response_id) over (
            partition by connection, survey_id, wave, person_key
            order by answered_at desc, response_id desc
        ) as newest_response_id
    from described
),

judged as (
    select
        *,
        {{ favour('kind', 'turned', 'promoter_min', 'detractor_max', 'favourable_min', 'unfavourable_max', 'scale_min', 'scale_max') }} as favour
    from scored
),

final as (
    select
        -- ids
        {{ key_of(['connection', 'response_id', 'question_code', 'option_code']) }} as answer_key,
        connection,
        survey_id,
        response_id,
        question_key,
        question_code,
        option_code,
        invited_pid as respondent_pid,
        person_key,
        unit_of_person as org_unit,
        -- attributes
        wave,
        audience,
        mode,
        kind,
        driver,
        -- measures
        numeric_value,
        turned as turned_value,
        {{ score_100('turned', 'scale_min', 'scale_max') }} as score_100,
        text_length,
        weight,
        min_n,
        -- flags
        is_reversed,
        favour = 'favourable' as is_favourable,
        favour = 'neutral' as is_neutral,
        favour = 'unfavourable' as is_unfavourable,
        response_id = newest_response_id as is_latest_response,
        -- dates and timestamps
        business_date,
        valid_until,
        answered_at
    from judged
)

select * from final
