-- One row per connection x customer number.
with customers as (
    select * from {{ ref('stg_ec__customers') }}
),

orders as (
    select * from {{ ref('stg_ec__orders') }}
),

adjustments as (
    select * from {{ ref('stg_ec__adjustments') }}
),

sightings as (
    {%- for relation in ["customers", "orders", "adjustments"] %}
    select
        connection,
        customer_pid,
        mail_pid,
        updated_at
    from {{ relation }}
    where customer_pid is not null
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

newest_mail_first as (
    select
        connection,
        customer_pid,
        mail_pid,
        row_number() over (
            partition by connection, customer_pid
            order by case when mail_pid is null then 1 else 0 end asc, updated_at desc, mail_pid asc
        ) as mail_rank
    from sightings
),

final as (
    select
        connection,
        customer_pid,
        mail_pid,
        {{ customer_key('mail_pid', 'mail_pid', 'connection', 'customer_pid') }} as customer_key
    from newest_mail_first
    where mail_rank = 1
)

select * from final
