-- One row per organisation unit x wave x metric.
with answers as (
    select * from {{ ref('fct_survey_answers') }}
),

scores as (
    select * from {{ ref('int_employee_wave_scores') }}
),

people as (
    select * from {{ ref('int_employee_wave_people') }}
),

weights as (
    select * from {{ ref('int_employee_wave_weights') }}
),

ancestors as (
    select * from {{ ref('int_org_unit_ancestors') }}
),

wave_ends as (
    select
        connection,
        survey_id,
        wave,
        max(business_date) as wave_date,
        max(min_n) as min_n
    from answers
    where audience = 'employee'
    group by connection, survey_id, wave
),

wave_dates as (
    select
        *,
        lag(wave) over (partition by connection, survey_id order by wave_date, wave) as previous_wave
    from wave_ends
),

people_per_unit as (
    select
        ancestors.ancestor_unit as org_unit,
        people.wave,
        {{ count_if('people.is_employed') }} as n_employed,
        {{ count_if('people.is_invited') }} as n_invited,
        {{ count_if('people.is_response') }} as n_answered
    from people
    inner join ancestors on people.org_unit = ancestors.org_unit
    group by ancestors.ancestor_unit, people.wave
),

-- What a person adds to the score: of the eNPS 100, 0 or -100, else the person's mean.
scored as (
    select
        ancestors.ancestor_unit as org_unit,
        scores.*,
        coalesce(weights.weight, 1) as weight,
        case
            when scores.metric_code = 'enps' then {{ nps('scores.favourable_n', 'scores.unfavourable_n', 'scores.judged_n') }}
            else scores.person_score
        end as points
    from scores
    inner join ancestors on scores.org_unit = ancestors.org_unit
    left join weights
        on
            scores.wave = weights.wave
            and scores.person_key = weights.person_key
),

scores_per_unit as (
    select
        org_unit,
        wave,
        metric,
        metric_code,
        driver,
        count(*) as n_answered,
        avg(points) as mean_score,
        stddev_samp(points) as deviation,
        sum(judged_n) as judged_n,
        sum(favourable_n) as favourable_n,
        sum(neutral_n) as neutral_n,
        sum(unfavourable_n) as unfavourable_n,
        sum(weight * points) / sum(weight) as weighted_score,
        sum(weight * points * points) / sum(weight) as weighted_square,
        sum(weight) * sum(weight) / sum(weight * weight) as effective_n
    from scored
    group by org_unit, wave, metric, metric_code, driver
),

-- Kish's effective number of answers takes the place of n where answers have weights. Rounded before the root is taken: where all say the same,
-- what is left of the sums would be a scatter of its own.
scattered as (
    select
        *,
        sqrt(greatest({{ stable('weighted_square - power(weighted_score, 2)') }}, 0) * effective_n / nullif(effective_n - 1, 0)) as weighted_deviation
    from scores_per_unit
),

-- Who answered both waves in the unit: what they have in common takes from the scatter of the difference.
answered_both as (
    select
        later.org_unit,
        later.wave,
        later.metric,
        count(*) as n_both,
        covar_samp(later.points, earlier.points) as covariance
    from scored as later
    inner join wave_dates on later.wave = wave_dates.wave
    inner join scored as earlier
        on
            later.org_unit = earlier.org_unit
            and wave_dates.previous_wave = earlier.wave
            and later.metric = earlier.metric
            and later.person_key = earlier.person_key
    group by later.org_unit, later.wave, later.metric
),

changes as (
    select
        later.org_unit,
        later.wave,
        later.metric,
        later.mean_score - earlier.mean_score as change,
        power(later.deviation, 2) / later.n_answered
        + power(earlier.deviation, 2) / earlier.n_answered
        - 2 * coalesce(answered_both.covariance * answered_both.n_both, 0) / (later.n_answered * earlier.n_answered) as variance
    from scores_per_unit as later
    inner join wave_dates on later.wave = wave_dates.wave
    inner join scores_per_unit as earlier
        on
            later.org_unit = earlier.org_unit
            and wave_dates.previous_wave = earlier.wave
            and later.metric = earlier.metric
    left join answered_both
        on
            later.org_unit = answered_both.org_unit
            and later.wave = answered_both.wave
            and later.metric = answered_both.metric
),

-- The staff a unit's answers stand for: as the register counts it, else as invited; a sample and a census differ in nothing else.
estimated as (
    select
        scores_per_unit.org_unit,
        scores_per_unit.wave,
        scores_per_unit.metric,
        scores_per_unit.metric_code,
        scores_per_unit.driver,
        scores_per_unit.n_answered,
        scores_per_unit.mean_score as score,
        case
            when scores_per_unit.metric_code = 'enps'
                then {{ nps_margin('scores_per_unit.favourable_n', 'scores_per_unit.unfavourable_n', 'scores_per_unit.judged_n') }}
            else {{ mean_margin('scores_per_unit.deviation', 'scores_per_unit.n_answered') }}
        end as margin_of_many,
        coalesce(nullif(people_per_unit.n_employed, 0), nullif(people_per_unit.n_invited, 0)) as n_population,
        case when scores_per_unit.metric_code = 'enps' then -100 else 0 end as lowest,
        {{ safe_divide('scores_per_unit.favourable_n', 'scores_per_unit.judged_n') }} as favourable_share,
        {{ safe_divide('scores_per_unit.neutral_n', 'scores_per_unit.judged_n') }} as neutral_share,
        {{ safe_divide('scores_per_unit.unfavourable_n', 'scores_per_unit.judged_n') }} as unfavourable_share,
        scores_per_unit.weighted_score,
        {{ mean_margin('scores_per_unit.weighted_deviation', 'scores_per_unit.effective_n') }} as weighted_margin_of_many,
        changes.change,
        {{ var("confidence_z") }} * sqrt(greatest({{ stable('changes.variance') }}, 0)) as change_margin
    from scattered as scores_per_unit
    left join people_per_unit
        on
            scores_per_unit.org_unit = people_per_unit.org_unit
            and scores_per_unit.wave = people_per_unit.wave
    left join changes
        on
            scores_per_unit.org_unit = changes.org_unit
            and scores_per_unit.wave = changes.wave
            and scores_per_unit.metric = changes.metric
),

corrected as (
    select
        *,
        margin_of_many * {{ finite_population_correction('n_answered', 'n_population') }} as margin,
        weighted_margin_of_many * {{ finite_population_correction('n_answered', 'n_population') }} as weighted_margin
    from estimated
),

-- Anonymous forms that name a wrong unit may outnumber its invitations: a rate stops at 1.
response_rates as (
    select
        org_unit,
        wave,
        'response_rate' as metric,
        'response_rate' as metric_code,
        n_answered,
        0 as lowest,
        least({{ safe_divide('n_answered', 'n_invited') }}, 1) as score
    from people_per_unit
    where n_invited > 0
),

all_metrics as (
    select
        org_unit,
        wave,
        metric,
        metric_code,
        driver,
        n_answered,
        score,
        lowest,
        margin,
        favourable_share,
        neutral_share,
        unfavourable_share,
        weighted_score,
        weighted_margin,
        change,
        change_margin
    from corrected
    union all
    select
        org_unit,
        wave,
        metric,
        metric_code,
        cast(null as {{ dbt.type_string() }}) as driver,
        n_answered,
        score,
        lowest,
        cast(null as double) as margin,
        cast(null as double) as favourable_share,
        cast(null as double) as neutral_share,
        cast(null as double) as unfavourable_share,
        cast(null as double) as weighted_score,
        cast(null as double) as weighted_margin,
        cast(null as double) as change,
        cast(null as double) as change_margin
    from response_rates
),

final as (
    select
        -- ids
        all_metrics.org_unit,
        all_metrics.wave,
        all_metrics.metric,
        all_metrics.metric_code,
        all_metrics.driver,
        wave_dates.previous_wave,
        -- measures
        all_metrics.n_answered,
        nullif(people_per_unit.n_invited, 0) as n_invited,
        nullif(people_per_unit.n_employed, 0) as n_employed,
        wave_dates.min_n,
        {{ stable('all_metrics.score') }} as value,
        {{ stable(ci_low('all_metrics.score', 'all_metrics.margin', 'all_metrics.lowest')) }} as ci_low,
        {{ stable(ci_high('all_metrics.score', 'all_metrics.margin', '100')) }} as ci_high,
        all_metrics.favourable_share,
        all_metrics.neutral_share,
        all_metrics.unfavourable_share,
        {{ stable('all_metrics.weighted_score') }} as weighted_value,
        {{ stable(ci_low('all_metrics.weighted_score', 'all_metrics.weighted_margin', 'all_metrics.lowest')) }} as weighted_ci_low,
        {{ stable(ci_high('all_metrics.weighted_score', 'all_metrics.weighted_margin', '100')) }} as weighted_ci_high,
        {{ stable('all_metrics.change') }} as change,
        {{ stable('all_metrics.change - all_metrics.change_margin') }} as change_ci_low,
        {{ stable('all_metrics.change + all_metrics.change_margin') }} as change_ci_high,
        -- dates
        wave_dates.wave_date
    from all_metrics
    inner join wave_dates on all_metrics.wave = wave_dates.wave
    left join people_per_unit
        on
            all_metrics.org_unit = people_per_unit.org_unit
            and all_metrics.wave = people_per_unit.wave
)

select * from final
