-- One row per customer who answered, posted, reviewed or subscribed.
with aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
    where audience = 'customer'
),

mentions as (
    select * from {{ ref('fct_sns_mentions') }}
),

reviews as (
    select * from {{ ref('fct_reviews') }}
),

subscription_months as (
    select * from {{ ref('fct_subscription_months') }}
),

deeds as (
    {%- for relation, alias in [("answers", "respondent_pid"), ("mentions", "author_pid")] %}
    select
        aliases.customer_key,
        {{ row_digest(relation) }} as digest
    from {{ relation }}
    inner join aliases on {{ relation }}.{{ alias }} = aliases.alias_pid
    union all
    {%- endfor %}
    {%- for relation in ["reviews", "subscription_months"] %}
    select
        customer_key,
        {{ row_digest(relation) }} as digest
    from {{ relation }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

final as (
    select
        customer_key,
        cast(sum(digest) as {{ dbt.type_string() }}) as digest
    from deeds
    where customer_key is not null
    group by customer_key
)

{{ held_against_last_build('final', 'customer_key', ['digest']) }}
