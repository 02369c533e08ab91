-- One row per customer x month.
with sales as (
    select * from {{ ref('int_shop_orders') }}
),

shop_months as (
    select * from {{ ref('int_shop_months') }}
),

adjustments as (
    select * from {{ ref('fct_order_adjustments') }}
),

answers as (
    select * from {{ ref('fct_survey_answers') }}
),

mentions as (
    select * from {{ ref('fct_sns_mentions') }}
),

aliases as (
    select * from {{ ref('int_customer_aliases') }}
),

months as (
    select
        month_start,
        month_end
    from shop_months
    where shop = 'all'
),

customers as (
    select
        customer_key,
        min(month_start) as first_month,
        case when min(currency) = max(currency) then min(currency) end as currency
    from sales
    where shop = 'all'
    group by customer_key
),

sales_of_month as (
    select
        customer_key,
        month_start,
        count(*) as orders,
        max(business_date) as last_order_date,
        sum(net_amount) as net_amount,
        {{ sum_if_complete('net_jpy') }} as net_jpy
    from sales
    where shop = 'all'
    group by customer_key, month_start
),

returns_of_month as (
    select
        customer_key,
        {{ month_start('business_date') }} as month_start,
        count(*) as adjustments_n,
        sum(goods_amount) as returns,
        {{ sum_if_complete('goods_jpy') }} as returns_jpy
    from adjustments
    where is_counted and customer_key is not null
    group by customer_key, {{ month_start('business_date') }}
),

-- Only surveys that told people their answers are read by person.
scores_of_month as (
    select
        aliases.customer_key,
        {{ month_start('answers.business_date') }} as month_start,
        {{ stable("avg(case when answers.kind = 'nps' then answers.numeric_value end)") }} as nps_answer,
        {{ stable("avg(case when answers.kind = 'csat' then answers.score_100 end)") }} as csat_score
    from answers
    inner join aliases on answers.respondent_pid = aliases.alias_pid
    where
        answers.audience = 'customer'
        and answers.mode = 'identified'
        and answers.kind in ('nps', 'csat')
        and answers.is_latest_response
    group by aliases.customer_key, {{ month_start('answers.business_date') }}
),

mentions_of_month as (
    select
        aliases.customer_key,
        {{ month_start('mentions.business_date') }} as month_start,
        count(*) as mentions
    from mentions
    inner join aliases on mentions.author_pid = aliases.alias_pid
    group by aliases.customer_key, {{ month_start('mentions.business_date') }}
),

-- A month without orders, returns or mentions is 0 of them; a score nobody gave is empty.
filled as (
    select
        customers.customer_key,
        months.month_start,
        months.month_end,
        customers.currency,
        months.month_start = customers.first_month as is_new,
        sales_of_month.last_order_date,
        coalesce(sales_of_month.orders, 0) as orders,
        coalesce(returns_of_month.adjustments_n, 0) as returns_n,
        case
            when customers.currency is not null
                then cast(coalesce(sales_of_month.net_amount, 0) + coalesce(returns_of_month.returns, 0) as decimal(18, 4))
        end as net_sales,
        case when returns_of_month.customer_key is null then 0 else returns_of_month.returns_jpy end as returns_jpy,
        case when sales_of_month.customer_key is null then 0 else sales_of_month.net_jpy end as sold_jpy,
        scores_of_month.nps_answer,
        scores_of_month.csat_score,
        coalesce(mentions_of_month.mentions, 0) as mentions
    from customers
    inner join months on customers.first_month <= months.month_start
    {%- for relation in ["sales_of_month", "returns_of_month", "scores_of_month", "mentions_of_month"] %}
    left join {{ relation }}
        on
            customers.customer_key = {{ relation }}.customer_key
            and months.month_start = {{ relation }}.month_start
    {%- endfor %}
),

last_day as (
    select max(business_date) as last_date from sales
),

running as (
    select
        filled.*,
        cast(filled.sold_jpy + filled.returns_jpy as decimal(18, 2)) as net_sales_jpy,
        least(filled.month_end, last_day.last_date) as as_of_date,
        max(filled.last_order_date) over to_date as last_order_so_far,
        sum(filled.orders) over to_date as orders_to_date,
        sum(filled.sold_jpy + filled.returns_jpy) over to_date as known_jpy_to_date,
        sum(case when filled.sold_jpy + filled.returns_jpy is null then 1 else 0 end) over to_date as unknown_months
    from filled
    cross join last_day
    window to_date as (
        partition by filled.customer_key order by filled.month_start rows between unbounded preceding and current row
    )
),

valued as (
    select
        *,
        case when unknown_months = 0 then cast(known_jpy_to_date as decimal(18, 2)) end as net_sales_jpy_to_date
    from running
),

final as (
    select
        -- ids
        customer_key,
        month_start,
        -- attributes
        currency,
        -- measures
        orders,
        cast(net_sales as decimal(18, 2)) as net_sales,
        net_sales_jpy,
        returns_n,
        cast(returns_jpy as decimal(18, 2)) as returns_jpy,
        cast(orders_to_date as bigint) as orders_to_date,
        net_sales_jpy_to_date,
        cast({{ dbt.datediff('last_order_so_far', 'as_of_date', 'day') }} as bigint) as recency_days,
        cast(ntile(5) over (
            partition by month_start order by last_order_so_far, customer_key
        ) as int) as recency_quintile,
        cast(ntile(5) over (
            partition by month_start order by orders_to_date, last_order_so_far, customer_key
        ) as int) as frequency_quintile,
        case
            when net_sales_jpy_to_date is not null
                then cast(ntile(5) over (
                    partition by month_start, net_sales_jpy_to_date is null
                    order by net_sales_jpy_to_date, last_order_so_far, customer_key
                ) as int)
        end as monetary_quintile,
        nps_answer,
        csat_score,
        mentions,
        -- flags
        orders > 0 as is_active,
        is_new,
        orders > 0 and not is_new as is_returning
    from valued
)

select * from final
