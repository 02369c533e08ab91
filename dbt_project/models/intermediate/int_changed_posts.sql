-- One row per post.
{%- set before = built_before('fct_sns_post_days') %}
with landed as (
    select * from {{ ref('stg_sns__changed_posts') }}
),

posts as (
    select * from {{ ref('stg_sns__posts') }}
),

-- A post is one whichever of our connections read it: by its number it is found in what is there and in what was there.
known as (
    select
        platform,
        post_id
    from posts
    {%- if before %}
    union
    select
        platform,
        post_id
    from {{ before }}
    {%- endif %}
)

select distinct
    known.platform,
    known.post_id
from known
inner join landed on known.post_id = landed.post_id
