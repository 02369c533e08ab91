-- One row per account x day of reading.
with accounts as (
    select * from {{ ref('stg_sns__accounts') }}
),

-- An account read by two connections counts once.
newest_first as (
    select
        *,
        row_number() over (partition by platform, account_id, day order by updated_at desc, connection asc) as version_rank
    from accounts
),

final as (
    select
        {{ key_of(['platform', 'account_id']) }} as account_key,
        platform,
        account_id,
        day,
        followers,
        blocks,
        {{ net_followers('platform', 'followers', 'blocks') }} as net_followers,
        following,
        posts_total,
        reach,
        impressions,
        profile_views
    from newest_first
    where version_rank = 1
)

select * from final
