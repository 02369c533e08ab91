-- One row per customer.
{%- set before = built_before('int_month_digests') %}
{%- set shop_months = ref('int_shop_months') %}
{%- set deeds_of_month = [ref('int_customer_activities'), ref('fct_subscription_months')] %}
with adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

changed_adjustments as (
    select * from {{ ref('int_changed_adjustments') }}
),

changed_accounts as (
    select * from {{ ref('stg_ec__changed_customers') }}
),

{%- if before %}

months as (
    select month_start from {{ shop_months }}
    where shop = 'all'
),

months_before as (
    select month_start from {{ before }}
    where as_of_date is not null
),

-- What lies outside the shops' months counts nowhere, until they reach it: with the next order or adjustment.
turned_months as (
    select coalesce(months.month_start, months_before.month_start) as month_start
    from months
    full outer join months_before on months.month_start = months_before.month_start
    where months.month_start is null or months_before.month_start is null
),
{%- endif %}

changed as (
    select customer_key from {{ ref('int_changed_customers') }}
    union
    select customer_key from {{ ref('int_changed_activities') }}
    union
    select former_customer_key as customer_key from changed_adjustments
    union
    select adjustments.customer_key
    from adjustments
    where {{ is_among('adjustments', 'changed_adjustments', ['adjustment_key']) }}
    union
    select aliases.customer_key
    from {{ ref('int_customer_aliases') }} as aliases
    where aliases.alias_pid in (select changed_accounts.customer_pid from changed_accounts)
    {%- if before %}
    {%- for relation in deeds_of_month %}
    union
    select deeds.customer_key
    from {{ relation }} as deeds
    where deeds.month_start in (select turned_months.month_start from turned_months)
    {%- endfor %}
    {%- endif %}
)

select * from changed
where customer_key is not null
