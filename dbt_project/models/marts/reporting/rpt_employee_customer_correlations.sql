-- One row per customer metric.
with links as (
    select * from {{ ref('rpt_employee_customer_link') }}
),

correlated as (
    select
        customer_metric,
        {{ count_if('not is_suppressed') }} as unit_quarters_n,
        count(distinct case when not is_suppressed then business_unit end) as units_n,
        corr(engagement_index, customer_score) as pearson
    from links
    group by customer_metric
),

judged as (
    select
        *,
        case
            when units_n < {{ var('link_min_units') }} then 'few_units'
            when unit_quarters_n < {{ var('link_min_pairs') }} then 'few_quarters'
            when pearson is null or abs(pearson) >= 1 then 'no_variation'
        end as why_not
    from correlated
),

-- Quarters of one unit resemble each other: the interval is that of as many pairs as there are units.
final as (
    select
        -- ids
        customer_metric,
        -- measures
        units_n,
        unit_quarters_n,
        case when why_not is null then {{ stable('pearson') }} end as pearson_r,
        {%- for name, sign in [("ci_low", "-"), ("ci_high", "+")] %}
        {%- set z = "(0.5 * ln((1 + pearson) / (1 - pearson)) " ~ sign ~ " " ~ var("confidence_z") ~ " / sqrt(units_n - 3))" %}
        case when why_not is null then {{ stable('(exp(2 * ' ~ z ~ ') - 1) / (exp(2 * ' ~ z ~ ') + 1)') }} end as {{ name }},
        {%- endfor %}
        why_not
    from judged
)

select * from final
