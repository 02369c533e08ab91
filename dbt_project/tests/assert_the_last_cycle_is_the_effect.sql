-- A returned row is an initiative whose last cycle says something else than rpt_initiative_effects says of its target metric.
with board as (
    select * from {{ ref('rpt_pdca_board') }}
),

effects as (
    select * from {{ ref('rpt_initiative_effects') }}
)

select
    board.initiative_key,
    board.cycle,
    board.effect as effect_of_cycle,
    effects.effect
from board
inner join effects
    on
        board.initiative_key = effects.initiative_key
        and effects.is_target
where
    board.is_latest
    and (
        board.effect is distinct from effects.effect
        or board.ci_low is distinct from effects.ci_low
        or board.verdict is distinct from effects.verdict
    )
