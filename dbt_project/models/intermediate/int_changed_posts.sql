-- One row per post.
{%- set before = built_before('fct_sns_post_days') %}
with landed as (
    select * from {{ ref('stg_sns__changed_posts') }}
),

posts as (
    select * from {{ ref('stg_sns__posts') }}
),

-- A post is one whichever of our connections read it: by its number it is found in what is there and in what was there.
final as (
    select distinct
        posts.platform,
        posts.post_id
    from posts
    where exists (select 1 from landed where landed.post_id = posts.post_id)
    {%- if before %}
    union
    select
        built.platform,
        built.post_id
    from {{ before }} as built
    where exists (select 1 from landed where landed.post_id = built.post_id)
    {%- endif %}
)

select * from final
