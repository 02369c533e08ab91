-- A returned row is a line of seeds/survey_drivers.csv whose question nobody asks: a slip of the pen would leave the question where it was.
with survey_drivers as (
    select * from {{ ref('survey_drivers') }}
),

questions as (
    select * from {{ ref('dim_survey_questions') }}
)

select survey_drivers.*
from survey_drivers
left join questions
    on
        survey_drivers.survey_id = questions.survey_id
        and survey_drivers.question_code = questions.question_code
where questions.question_code is null
