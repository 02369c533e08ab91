-- One row per wave x person who answered.
with answers as (
    select *
    from {{ ref('fct_survey_answers') }}
    where audience = 'employee' and is_latest_response
),

employee_states as (
    select * from {{ ref('int_employee_states') }}
),

waves as (
    select
        wave,
        min(business_date) as first_day,
        max(business_date) as last_day,
        case when count(*) = count(valid_until) then max(valid_until) end as valid_until,
        max(min_n) as min_n
    from answers
    group by wave
),

persons as (
    select
        wave,
        person_key,
        max(respondent_pid) as respondent_pid,
        coalesce(max(org_unit), 'all') as org_unit,
        max(business_date) as answered_on,
        {{ count_if('text_length > 0') }} > 0 as is_commenting
    from answers
    group by wave, person_key
),

employments as (
    select distinct
        employee_pid,
        hire_date
    from employee_states
),

-- Who was hired anew counts from the newest day of hire.
hired as (
    select
        persons.wave,
        persons.person_key,
        max(employments.hire_date) as hire_date
    from persons
    inner join employments
        on
            persons.respondent_pid = employments.employee_pid
            and persons.answered_on >= employments.hire_date
    group by persons.wave, persons.person_key
),

final as (
    select
        -- ids
        persons.wave,
        persons.person_key,
        -- attributes
        persons.org_unit,
        {{ tenure_band('hired.hire_date', 'persons.answered_on') }} as tenure,
        cast(waves.min_n as int) as min_n,
        -- flags
        persons.is_commenting,
        -- dates
        waves.first_day,
        waves.last_day,
        waves.valid_until
    from persons
    inner join waves on persons.wave = waves.wave
    left join hired
        on
            persons.wave = hired.wave
            and persons.person_key = hired.person_key
)

select * from final
