-- One row per wave x person.
with answers as (
    select * from {{ ref('fct_survey_answers') }}
    where audience = 'employee'
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

org_units as (
    select * from {{ ref('dim_org_units') }}
),

staff_invitations as (
    select invitations.*
    from invitations
    inner join surveys
        on
            invitations.connection = surveys.connection
            and invitations.survey_id = surveys.survey_id
    where surveys.audience = 'employee'
),

-- A wave is asked on the day of its first invitation or, without invitations, of its first answer: the staff of that day is whom it stands for.
first_days as (
    select
        wave,
        min(business_date) as first_date
    from answers
    group by wave
    union all
    select
        wave,
        min(business_date) as first_date
    from staff_invitations
    group by wave
),

waves as (
    select
        wave,
        min(first_date) as asked_on
    from first_days
    where wave in (select answers.wave from answers)
    group by wave
),

respondents as (
    select
        wave,
        person_key,
        max(org_unit) as org_unit,
        max(weight) as base_weight,
        max(respondent_pid) is null as is_anonymous
    from answers
    where is_latest_response
    group by wave, person_key
),

invited as (
    select
        wave,
        respondent_pid as person_key,
        max(org_unit) as org_unit
    from staff_invitations
    group by wave, respondent_pid
),

persons as (
    select
        wave,
        person_key
    from respondents
    union
    select
        invited.wave,
        invited.person_key
    from invited
    inner join waves on invited.wave = waves.wave
    union
    select
        waves.wave,
        employee_states.employee_pid as person_key
    from waves
    inner join employee_states
        on
            waves.asked_on >= employee_states.start_date
            and (waves.asked_on < employee_states.end_date or employee_states.end_date is null)
),

-- A person has one unit in a wave, answered or not: as answered, else as invited, else as personnel had it.
described as (
    select
        persons.wave,
        persons.person_key,
        waves.asked_on,
        coalesce(max(respondents.org_unit), max(invited.org_unit), max(employee_states.org_unit), 'all') as org_unit,
        max(employee_states.hire_date) as hire_date,
        coalesce(max(employee_states.employment_type), 'unknown') as employment_type,
        max(respondents.base_weight) as base_weight,
        count(employee_states.employee_pid) > 0 as is_employed,
        count(invited.person_key) > 0 as is_invited,
        count(respondents.person_key) > 0 as is_answered,
        {{ count_if('respondents.is_anonymous') }} > 0 as is_anonymous
    from persons
    inner join waves on persons.wave = waves.wave
    left join respondents
        on
            persons.wave = respondents.wave
            and persons.person_key = respondents.person_key
    left join invited
        on
            persons.wave = invited.wave
            and persons.person_key = invited.person_key
    left join employee_states
        on
            persons.person_key = employee_states.employee_pid
            and waves.asked_on >= employee_states.start_date
            and (waves.asked_on < employee_states.end_date or employee_states.end_date is null)
    group by persons.wave, persons.person_key, waves.asked_on
),

-- Whoever answers under a name must have been invited to count as a response; anonymous forms cannot be told apart.
final as (
    select
        described.wave,
        described.person_key,
        -- attributes
        described.org_unit,
        org_units.business_unit,
        {{ tenure_band('described.hire_date', 'described.asked_on') }} as tenure_band,
        described.employment_type,
        -- measures
        described.base_weight,
        -- flags
        described.is_employed,
        described.is_invited,
        described.is_answered,
        described.is_answered and (described.is_anonymous or described.is_invited) as is_response,
        -- dates
        described.asked_on
    from described
    inner join org_units on described.org_unit = org_units.org_unit
)

select * from final
