-- One row per organisation unit x month.
with headcounts as (
    select * from {{ ref('fct_headcount_months') }}
),

disclosures as (
    select *
    from {{ ref('int_employee_disclosures') }}
    where population = 'headcount' and dimension = 'org_unit'
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

decided as (
    select
        headcounts.*,
        org_units.parent_unit,
        org_units.business_unit,
        org_units.org_level,
        {{ why_suppressed('disclosures') }} as suppress_reason
    from headcounts
    inner join org_units on headcounts.org_unit = org_units.org_unit
    left join disclosures
        on
            headcounts.org_unit = disclosures.group_value
            and {{ month_name('headcounts.month_start') }} = disclosures.period
    where headcounts.opening > 0 or headcounts.closing > 0
),

final as (
    select
        -- ids
        org_unit,
        month_start,
        -- attributes
        parent_unit,
        business_unit,
        org_level,
        -- measures
        case when suppress_reason is null then {{ rounded_people('closing') }} end as headcount,
        {%- for name in ["hires", "leavers", "voluntary_leavers"] %}
        case when suppress_reason is null then {{ band_low(name) }} || '-' || {{ band_high(name) }} end as {{ name }}_band,
        {%- endfor %}
        suppress_reason,
        -- flags
        suppress_reason is not null as is_suppressed
    from decided
)

select * from final
