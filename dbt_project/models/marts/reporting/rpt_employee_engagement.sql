-- One row per organisation unit x wave x metric.
with waves as (
    select * from {{ ref('fct_employee_engagement_waves') }}
),

org_units as (
    select * from {{ ref('dim_org_units') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

located as (
    select
        waves.*,
        org_units.parent_unit,
        org_units.org_level,
        org_units.business_unit,
        greatest(coalesce(waves.min_n, 0), {{ var("min_group_n") }}) as smallest_n,
        coalesce(
            greatest(waves.favourable_share, waves.neutral_share, waves.unfavourable_share) = 1 or abs(waves.value) = 100, false
        ) as is_uniform
    from waves
    inner join org_units on waves.org_unit = org_units.org_unit
),

-- Who sits in a parent itself is the parent less its children: a group of its own that is never shown, yet could be worked out.
beside_the_children as (
    select
        parents.wave,
        parents.metric,
        parents.org_unit as parent_unit,
        cast(null as {{ dbt.type_string() }}) as org_unit,
        max(parents.n_answered) - sum(children.n_answered) as n_answered,
        max(parents.smallest_n) as smallest_n
    from located as parents
    inner join located as children
        on
            parents.org_unit = children.parent_unit
            and parents.wave = children.wave
            and parents.metric = children.metric
    group by parents.wave, parents.metric, parents.org_unit
),

siblings as (
    select
        wave,
        metric,
        coalesce(parent_unit, '') as parent_unit,
        org_unit,
        n_answered,
        smallest_n,
        is_uniform
    from located
    union all
    select
        wave,
        metric,
        parent_unit,
        org_unit,
        n_answered,
        smallest_n,
        false as is_uniform
    from beside_the_children
    where n_answered > 0
),

judged as (
    {{ suppress_siblings(
        'siblings', ['wave', 'metric', 'parent_unit'], "coalesce(org_unit, '')", 'n_answered',
        minimum='smallest_n', is_uniform='is_uniform'
    ) }}
),

-- The index is made of the drivers: one of them hidden could be worked out of the others, so a unit shows all its scores or none, and its
-- response rate only beside them.
hidden_scores as (
    select
        org_unit,
        wave,
        case
            when {{ count_if("suppress_reason = 'small_group'") }} > 0 then 'small_group'
            when {{ count_if("suppress_reason = 'uniform'") }} > 0 then 'uniform'
            else 'complement'
        end as suppress_reason
    from judged
    where metric <> 'response_rate' and suppress_reason is not null
    group by org_unit, wave
),

hidden as (
    select
        judged.org_unit,
        judged.wave,
        judged.metric,
        coalesce(hidden_scores.suppress_reason, judged.suppress_reason) as suppress_reason
    from judged
    left join hidden_scores
        on
            judged.org_unit = hidden_scores.org_unit
            and judged.wave = hidden_scores.wave
    where coalesce(hidden_scores.suppress_reason, judged.suppress_reason) is not null
),

-- What lies below a hidden unit adds up to it.
below_hidden as (
    select distinct
        ancestors.org_unit,
        hidden.wave,
        hidden.metric
    from hidden
    inner join ancestors
        on
            hidden.org_unit = ancestors.ancestor_unit
            and ancestors.distance > 0
),

decided as (
    select
        located.*,
        coalesce(
            hidden.suppress_reason,
            case when below_hidden.org_unit is not null then 'parent_hidden' end
        ) as suppress_reason
    from located
    left join hidden
        on
            located.org_unit = hidden.org_unit
            and located.wave = hidden.wave
            and located.metric = hidden.metric
    left join below_hidden
        on
            located.org_unit = below_hidden.org_unit
            and located.wave = below_hidden.wave
            and located.metric = below_hidden.metric
),

-- A change is the score less the one before it: shown where both are.
beside_the_last as (
    select
        decided.*,
        coalesce(decided.suppress_reason is null and earlier.suppress_reason is null and earlier.wave is not null, false) as is_change_shown
    from decided
    left join decided as earlier
        on
            decided.org_unit = earlier.org_unit
            and decided.metric = earlier.metric
            and decided.previous_wave = earlier.wave
),

final as (
    select
        -- ids
        org_unit,
        wave,
        metric,
        metric_code,
        driver,
        previous_wave,
        -- attributes
        parent_unit,
        business_unit,
        org_level,
        -- measures
        {%- for name in [
            "n_answered", "n_invited", "value", "ci_low", "ci_high", "favourable_share", "neutral_share", "unfavourable_share",
            "weighted_value", "weighted_ci_low", "weighted_ci_high"
        ] %}
        case when suppress_reason is null then {{ name }} end as {{ name }},
        {%- endfor %}
        {%- for name in ["change", "change_ci_low", "change_ci_high"] %}
        case when is_change_shown then {{ name }} end as {{ name }},
        {%- endfor %}
        suppress_reason,
        -- flags
        suppress_reason is not null as is_suppressed,
        -- dates
        wave_date
    from beside_the_last
)

select * from final
