-- One row per published figure of a claim.
{%- set sources = {
    "turnover_quartiles": ("rpt_turnover_by_engagement", "Leavers of the 12 months after a wave, most against least engaged quartile of units", "調査後12か月の離職、組織の上位四分位と下位四分位の比較"),
    "margin_quartiles": ("rpt_turnover_by_engagement", "Operating margin of the 12 months after a wave, most against least engaged quartile of business units", "調査後12か月の営業利益率、事業部の上位四分位と下位四分位の比較"),
    "tenure_by_tier": ("rpt_retention_by_engagement", "Mean days until lost within the days observed, high against low tier", "観測期間内の平均継続日数、高位層と低位層の比較"),
    "purchases_with_measure": ("rpt_initiative_effects", "Net sales per customer, effect of the newest initiative with a holdout", "顧客1人当たり純売上への効果（最新のホールドアウト施策）"),
    "career_satisfaction": ("rpt_initiative_effects", "Target metric of the newest career programme, effect against units without it", "最新のキャリア支援施策の目標指標への効果"),
    "follower_growth": ("rpt_sns_account_days", "Followers of all accounts against a year ago", "全アカウントのフォロワーの前年比"),
    "sales_growth": ("rpt_sales_days", "Net sales of the last 364 days against the 364 days before", "直近364日の純売上の前年比"),
    "career_turnover": ("", "", ""),
} %}
{%- set gaps = {
    "no_data": ("There are no data for this figure yet.", "この数値のデータがまだありません。"),
    "horizon_open": ("The months after the wave are not over.", "調査後の期間が終わっていません。"),
    "few_units": ("Too few units: chance cannot be told from a difference.", "組織数が少なく、偶然と区別できません。"),
    "few_people": ("Too few people to be shown.", "人数が少ないため表示しません。"),
    "few_leavers": ("Too few leavers to be shown.", "退職者が少ないため表示しません。"),
    "uniform": ("Too few leavers to be shown.", "退職者が少ないため表示しません。"),
    "no_holdout": ("No initiative with a holdout has been measured by sales yet.", "売上で測ったホールドアウト施策がまだありません。"),
    "no_initiative": ("There is no initiative of this kind.", "この種類の施策がありません。"),
    "no_campaign": ("There was no such campaign: the company's growth came about without one.", "該当する施策はありません。自社の増減は施策なしのものです。"),
    "no_interval": ("The figure has no interval.", "この数値には信頼区間がありません。"),
    "not_measured": ("", ""),
} %}
with benchmarks as (
    select *
    from {{ ref('benchmarks') }}
    where claim_no is not null
),

figures as (
    select * from {{ ref('int_company_figures') }}
),

sources as (
    {%- for figure, said in sources.items() %}
    select
        '{{ figure }}' as figure,
        nullif('{{ said[0] }}', '') as company_source,
        '{{ said[1] }}' as company_definition_en,
        '{{ said[2] }}' as company_definition_ja
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

gaps as (
    {%- for code, said in gaps.items() %}
    select
        '{{ code }}' as missing,
        '{{ said[0] | replace("'", "''") }}' as gap_en,
        '{{ said[1] }}' as gap_ja
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
),

joined as (
    select
        benchmarks.*,
        sources.company_source,
        sources.company_definition_en,
        sources.company_definition_ja,
        figures.company_value,
        figures.company_ci_low,
        figures.company_ci_high,
        figures.company_n,
        figures.missing,
        coalesce(gaps.gap_en, '') as gap_en,
        coalesce(gaps.gap_ja, '') as gap_ja,
        coalesce(figures.missing = 'no_campaign', false) or figures.company_value is null as is_apart
    from benchmarks
    inner join figures on benchmarks.figure = figures.figure
    inner join sources on benchmarks.figure = sources.figure
    left join gaps on figures.missing = gaps.missing
),

-- A claim agrees with the company's own figure when any part of what is claimed lies within the interval.
final as (
    select
        -- ids
        benchmark_code,
        claim_no,
        -- attributes
        claim_en,
        claim_ja,
        publisher,
        edition_en,
        edition_ja,
        definition_en,
        definition_ja,
        quality,
        reference,
        case when company_value is not null then company_source end as company_source,
        case when company_value is not null then company_definition_en end as company_definition_en,
        case when company_value is not null then company_definition_ja end as company_definition_ja,
        case when is_apart then 'no' else comparable end as comparable,
        trim(case when missing = 'not_measured' or not is_apart then why_en || ' ' else '' end || gap_en) as why_en,
        case when missing = 'not_measured' or not is_apart then why_ja else '' end || gap_ja as why_ja,
        case
            when company_value is null then 'no_figure'
            when is_apart or comparable = 'no' then 'not_comparable'
            when company_ci_low is null or company_ci_high is null then 'no_interval'
            when claimed_high >= company_ci_low and claimed_low <= company_ci_high then 'consistent'
            else 'differs'
        end as finding,
        -- measures
        claimed_low,
        claimed_high,
        documented_low,
        documented_high,
        company_value,
        company_ci_low,
        company_ci_high,
        case when company_value is not null then company_n end as company_n
    from joined
)

select * from final
