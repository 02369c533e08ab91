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

-- The post's number on the platform leads to its author, who is a pseudonym here: a mention is known by its place among the author's own.
numbered as (
    select
        *,
        coalesce(author_pid, 'unknown') as author,
        row_number() over (partition by platform, author_pid order by posted_at, post_id) as mention_number
    from newest_first
    where version_rank = 1
),

final as (
    select
        -- ids
        {{ key_of(['platform', 'author', 'mention_number']) }} as mention_key,
        {{ key_of(['platform', 'account_id']) }} as account_key,
        platform,
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
        cast(floor({{ dbt.datediff('posted_at', 'first_reply_at', 'second') }} / 60.0) as bigint) as minutes_to_first_reply,
        -- flags
        is_ugc,
        is_incentivised,
        -- dates and timestamps
        business_date,
        {{ dbt.date_trunc('hour', 'posted_at') }} as posted_at
    from numbered
)

select * from final
