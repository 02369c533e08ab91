-- One row per mention.
with mentions as (
    select * from {{ ref('stg_sns__mentions') }}
),

newest_first as (
    select
        *,
        row_number() over (partition by platform, post_id order by updated_at desc, connection asc) as version_rank
    from mentions
),

final as (
    select
        -- ids
        {{ key_of(['platform', 'post_id']) }} as mention_key,
        {{ key_of(['platform', 'account_id']) }} as account_key,
        platform,
        post_id,
        author_pid,
        -- attributes
        polarity_source,
        disclosure,
        -- measures
        polarity,
        text_length,
        author_followers,
        reach,
        likes,
        replies,
        reposts,
        cast({{ dbt.datediff('posted_at', 'first_reply_at', 'minute') }} as bigint) as minutes_to_first_reply,
        -- flags
        is_ugc,
        is_incentivised,
        -- dates and timestamps
        business_date,
        posted_at,
        first_reply_at
    from newest_first
    where version_rank = 1
)

select * from final
