-- One row per survey question.
with questions as (
    select * from {{ ref('stg_survey__questions') }}
),

surveys as (
    select * from {{ ref('stg_survey__surveys') }}
),

drivers as (
    select * from {{ ref('survey_drivers') }}
),

final as (
    select
        -- ids
        {{ key_of(['questions.connection', 'questions.survey_id', 'questions.question_code']) }} as question_key,
        questions.connection,
        questions.survey_id,
        questions.question_code,
        -- attributes
        surveys.title as survey_title,
        surveys.audience,
        surveys.mode,
        questions.question_text,
        questions.kind,
        case when drivers.question_code is not null then drivers.driver else questions.driver end as driver,
        -- measures
        questions.position,
        questions.scale_min,
        questions.scale_max,
        questions.favourable_min,
        questions.unfavourable_max,
        surveys.promoter_min,
        surveys.detractor_max,
        surveys.valid_days,
        surveys.min_n,
        -- flags
        questions.is_reversed
    from questions
    inner join surveys
        on
            questions.connection = surveys.connection
            and questions.survey_id = surveys.survey_id
    left join drivers
        on
            questions.survey_id = drivers.survey_id
            and questions.question_code = drivers.question_code
)

select * from final
