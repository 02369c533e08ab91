-- One row per month x kind x channel x incentive.
{%- set incentive = "case when is_incentivised then 'incentivised' when not is_incentivised then 'organic' else 'unknown' end" %}
with reviews as (
    select * from {{ ref('fct_reviews') }}
),

mentions as (
    select * from {{ ref('fct_sns_mentions') }}
),

voices as (
    select
        {{ month_start('business_date') }} as month_start,
        'review' as kind,
        shop as channel,
        {{ incentive }} as incentive,
        rating,
        is_verified,
        true as is_ugc,
        polarity,
        polarity_source,
        disclosure,
        cast(null as bigint) as reach,
        cast(null as bigint) as minutes_to_first_reply
    from reviews
    union all
    select
        {{ month_start('business_date') }} as month_start,
        'mention' as kind,
        account_key as channel,
        {{ incentive }} as incentive,
        cast(null as double) as rating,
        cast(null as boolean) as is_verified,
        coalesce(is_ugc, false) as is_ugc,
        polarity,
        polarity_source,
        disclosure,
        reach,
        minutes_to_first_reply
    from mentions
),

counted as (
    select
        month_start,
        kind,
        channel,
        incentive,
        count(*) as voices,
        {{ count_if('is_ugc') }} as ugc,
        {{ stable('avg(rating)') }} as mean_rating,
        count(rating) as rated,
        {{ count_if('is_verified') }} as verified,
        count(polarity) as judged,
        case
            when min(polarity_source) < max(polarity_source) then 'several'
            else min(polarity_source)
        end as polarity_source,
        -- Whole millionths: the sum of floating-point numbers depends on the order of rows, and with it how a half at the seventh decimal is rounded.
        {{ stable('avg(cast(polarity as decimal(9, 6)))') }} as mean_polarity,
        {{ count_if('polarity > 0.05') }} as positive,
        {{ count_if('polarity < -0.05') }} as negative,
        {{ count_if("disclosure is not null") }} as disclosed,
        cast(sum(reach) as bigint) as reach,
        count(minutes_to_first_reply) as replied,
        cast(median(minutes_to_first_reply) as double) as median_minutes_to_first_reply
    from voices
    group by month_start, kind, channel, incentive
),

final as (
    select
        -- ids
        month_start,
        kind,
        channel,
        incentive,
        -- measures
        voices,
        ugc,
        rated,
        mean_rating,
        verified,
        judged,
        polarity_source,
        mean_polarity,
        {{ safe_divide('positive', 'judged') }} as positive_share,
        {{ safe_divide('negative', 'judged') }} as negative_share,
        disclosed,
        case when incentive = 'incentivised' then voices - disclosed end as undisclosed,
        reach,
        case when kind = 'mention' then replied end as replied,
        case when kind = 'mention' then {{ safe_divide('replied', 'voices') }} end as reply_rate,
        median_minutes_to_first_reply
    from counted
)

select * from final
