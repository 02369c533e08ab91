-- One row per connection x order.
{%- set tables = ["orders", "order_lines"] %}
{%- if built_before('stg_ec__orders') %}
{%- for table in tables %}
{%- for rows in [source('ec', table), built_before('stg_ec__' ~ table)] %}
select
    landed.connection,
    landed.order_id
from {{ rows }} as landed
where {{ is_of_changed_day('ec.' ~ table, 'landed') }}
{%- if not loop.last %}
union
{%- endif %}
{%- endfor %}
{%- if not loop.last %}
union
{%- endif %}
{%- endfor %}
{%- else %}
select
    connection,
    order_id
from {{ source('ec', 'orders') }}
where false
{%- endif %}
