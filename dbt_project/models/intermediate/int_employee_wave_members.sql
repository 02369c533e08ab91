-- One row per wave x person who answered.
with people as (
    select *
    from {{ ref('int_employee_wave_people') }}
    where is_answered
),

answers as (
    select *
    from {{ ref('fct_survey_answers') }}
    where audience = 'employee' and is_latest_response
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

commenting as (
    select distinct
        wave,
        person_key
    from answers
    where text_length > 0
),

final as (
    select
        -- ids
        people.wave,
        people.person_key,
        -- attributes
        people.org_unit,
        people.tenure_band as tenure,
        people.employment_type,
        cast(waves.min_n as int) as min_n,
        -- flags
        commenting.person_key is not null as is_commenting,
        -- dates
        waves.first_day,
        waves.last_day,
        waves.valid_until
    from people
    inner join waves on people.wave = waves.wave
    left join commenting
        on
            people.wave = commenting.wave
            and people.person_key = commenting.person_key
)

select * from final
