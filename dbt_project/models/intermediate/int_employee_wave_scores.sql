-- One row per wave x person x metric.
with wave_items as (
    select * from {{ ref('int_employee_wave_items') }}
),

-- A rating item counts in the index and, where it has one, in its driver.
items as (
    {%- for metric_code, driver, condition in [
        ("engagement_index", "cast(null as " ~ dbt.type_string() ~ ")", "kind = 'rating'"),
        ("driver_score", "driver", "kind = 'rating' and driver is not null"),
        ("enps", "cast(null as " ~ dbt.type_string() ~ ")", "kind = 'nps'"),
    ] %}
    select
        wave,
        person_key,
        org_unit,
        '{{ metric_code }}' as metric_code,
        {{ driver }} as driver,
        score_100,
        is_favourable,
        is_neutral,
        is_unfavourable
    from wave_items
    where {{ condition }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        wave,
        person_key,
        case when driver is null then metric_code else 'driver:' || driver end as metric,
        metric_code,
        driver,
        coalesce(max(org_unit), 'all') as org_unit,
        avg(score_100) as person_score,
        {{ count_if('is_favourable is not null') }} as judged_n,
        {{ count_if('is_favourable') }} as favourable_n,
        {{ count_if('is_neutral') }} as neutral_n,
        {{ count_if('is_unfavourable') }} as unfavourable_n
    from items
    group by wave, person_key, metric_code, driver
)

select * from final
