-- A returned row is a wave name that two employee surveys share: their answers would be blended into one wave. Give the waves of one survey
-- names of their own in connections.yaml, by `wave: {column: ..}` or `wave: {fixed: ..}`.
with answers as (
    select * from {{ ref('fct_survey_answers') }}
)

select
    wave,
    min(connection) as one_connection,
    max(connection) as other_connection
from answers
where audience = 'employee'
group by wave
having count(distinct {{ key_of(['connection', 'survey_id']) }}) > 1
