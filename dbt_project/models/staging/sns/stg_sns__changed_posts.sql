-- One row per connection x post.
{%- if built_before('stg_sns__posts') %}
{%- for rows in [source('sns', 'posts'), built_before('stg_sns__posts')] %}
select
    landed.connection,
    landed.post_id
from {{ rows }} as landed
where {{ is_of_changed_day('sns.posts', 'landed') }}
{%- if not loop.last %}
union
{%- endif %}
{%- endfor %}
{%- else %}
select
    connection,
    post_id
from {{ source('sns', 'posts') }}
where false
{%- endif %}
