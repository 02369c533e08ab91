"""What surrounds the shop of a landing zone of any size: social networks, surveys, personnel, plans.

Data flow: days, customer_pids and employee_pids (scale.py) -> `prepare`: sizes as SQL variables, and what several tables share ->
`RELATIONS`, one query per landing table of which scale.py takes one month; `EXPORTS`, a day's counters as the platforms' files.
"""

from __future__ import annotations

from datetime import date

import duckdb

from pipelines.generate import vocabulary as words
from pipelines.generate.scale_sql import ORDERS_PER_CUSTOMER, Relation, Scale, drawn, instant

READINGS_PER_DAY = 5_000  # of posts' counters, at 10,000,000 order lines
READ_FOR = 31  # days, the one of the post included
MENTIONS = 100_000
RESPONSES_PER_WAVE = 2_500
INVITED_PER_RESPONSE = 3
EMPLOYEES = (60, 600)  # of a very small and of the largest company
SUBJECTS = 20_000
PLATFORMS = ("x", "instagram")


def employees(scale: Scale) -> int:
    """People on the payroll at one time or another."""
    least, most = EMPLOYEES
    return least + round((most - least) * scale.share)


def prepare(sql: duckdb.DuckDBPyConnection, scale: Scale, first: date, last: date) -> None:
    """Tell the queries how large the company is and which days are asked for."""
    sizes = {
        "seed": scale.seed,
        "first_day": scale.start,
        "range_from": first,
        "range_to": last,
        "posts_a_day": max(len(PLATFORMS), round(READINGS_PER_DAY * scale.share / READ_FOR)),
        "mentions_a_day": MENTIONS * scale.share / 730,
        "responses": max(20, round(RESPONSES_PER_WAVE * scale.share)),
        "subjects": max(100, round(SUBJECTS * scale.share)),
    }
    for name, value in sizes.items():
        sql.execute(f"set variable {name} = ?", [value])
    units = ", ".join(f"({place}, '{unit.path}')" for place, unit in enumerate(words.UNITS))
    items = ", ".join(
        f"({place}, '{item.code}', '{item.driver}', '{item.text}', {item.is_reversed})"
        for place, item in enumerate(words.STAFF_ITEMS, start=1)
    )
    sql.execute(f"create or replace temp table units as from (values {units}) as units (place, org_unit)")
    sql.execute(
        f"create or replace temp table items as from (values {items}) as items (position, code, driver, text, is_reversed)"
    )
    for statement in (_POSTS, _STAFF, _WAVES, _INVITED):
        sql.execute(statement)


# A post of day 10 and place 3 is number 10 * posts_a_day + 3; its counters rise towards what it will reach.
_REACHED = f"500 + 9500 * power({drawn('post', 'posted.number * 1000 + place')}, 3)"
_POSTS = f"""
create or replace temp table posts_ as
select posted.number * getvariable('posts_a_day') + place as number, reading.day as change_date, posted.day,
  if(place % 2 = 0, 'x', 'instagram') as platform,
  floor(({_REACHED}) * (1 - exp(-(1 + reading.day - posted.day) / 4.0)))::bigint as seen
from days as reading
join days as posted on posted.day between reading.day - {READ_FOR - 1} and reading.day and posted.day >= getvariable('first_day')
cross join range(getvariable('posts_a_day')) as places (place)
where reading.day between getvariable('range_from') and getvariable('range_to')"""
_POSTED_AT = instant("day", f"32400 + {drawn('hour', 'number')} * 40000")

# A fifth is hired in the history, a sixth leaves in it.
_STAFF = f"""
create or replace temp table staff as
select number, employee_pid, org_unit, hire_date, greatest(hire_date, getvariable('first_day')) as valid_from,
  if({drawn("leaves", "number")} < 0.17 and leave_date > hire_date, leave_date, null) as leave_date,
  if({drawn("reason", "number")} < 0.75, 'voluntary', 'retirement') as leave_reason,
  first_value(employee_pid) over (order by number) as manager_pid
from (
  select *,
    getvariable('first_day') + if({drawn("new", "number")} < 0.2, 1, -5)::int * floor({drawn("hired", "number")} * 600 + 1)::int
      as hire_date,
    getvariable('first_day') + 60 + floor({drawn("left", "number")} * 640)::int as leave_date
  from employee_pids
) join units on place = floor({drawn("unit", "number")} * {len(words.UNITS)})"""

# Both surveys ask in the middle month of each quarter, from its tenth day.
_WAVES = """
create or replace temp table waves as
select number as wave_no, day, strftime(day, '%Y') || 'Q' || quarter(day) as wave, first_order
from days where day(day) = 10 and month(day) in (2, 5, 8, 11)
  and day between getvariable('range_from') - 31 and getvariable('range_to')"""
_PER_RESPONSE = ORDERS_PER_CUSTOMER * INVITED_PER_RESPONSE  # orders so far, of the customers to be invited
_INVITED = f"""
create or replace temp table invited as
select 'customer_nps' as survey_id, wave_no, wave, waves.day, mail_pid as respondent_pid, null as org_unit,
  customer_pids.number as who, {drawn("answers", "wave_no", "customer_pids.number")} < 1.0 / {INVITED_PER_RESPONSE} as is_answered
from waves join customer_pids
  on customer_pids.number < first_order // {ORDERS_PER_CUSTOMER}
  and {drawn("invited", "wave_no", "customer_pids.number")} * first_order < {_PER_RESPONSE} * getvariable('responses')
union all
select 'staff_pulse', wave_no, wave, waves.day, employee_pid, org_unit, -1 - number,
  {drawn("answers", "wave_no", "-1 - number")} < 0.8
from waves join staff on valid_from <= waves.day and (leave_date is null or leave_date > waves.day + 14)"""
_ANSWERED_ON = f"(day + 1 + floor({drawn('answered', 'wave_no', 'who')} * 9)::int)"


def _chosen(question: str, lowest: int, highest: int) -> str:
    """SQL: a code between two, high ones more often."""
    return f"{lowest} + floor(sqrt({drawn(question, 'wave_no', 'who')}) * {highest - lowest + 1})::int"


_ANSWERS = f"""
select *, option::varchar as option_code, if(question_code = 'age_group', null, option)::double as numeric_value from (
  select responses.*, 'nps' as question_code, {_chosen("nps", 0, 10)} as option from responses where survey_id = 'customer_nps'
  union all
  select responses.*, 'csat', {_chosen("csat", 1, 5)} from responses where survey_id = 'customer_nps'
  union all
  select responses.*, 'age_group', {_chosen("age", 2, 6)} * 10 from responses where survey_id = 'customer_nps'
  union all
  select responses.*, 'enps', {_chosen("enps", 0, 10)} from responses where survey_id = 'staff_pulse'
  union all
  select responses.*, code, 1 + floor(sqrt({drawn("item", "wave_no * 100 + position", "who")}) * 5)::int
  from responses cross join items where survey_id = 'staff_pulse')"""


def _surveys(survey_id: str, audience: str, mode: str, valid_days: int, own_questions: str) -> tuple[Relation, ...]:
    """A survey's four tables; `own_questions` are the questions that only it asks, as rows of a VALUES list or a query."""
    responses = f"""
      select *, survey_id || '/' || wave || '/' || who as response_id, {_ANSWERED_ON} as answered_on,
        {instant(_ANSWERED_ON, f"32400 + {drawn('minute', 'wave_no', 'who')} * 40000")} as answered_at
      from invited where is_answered and survey_id = '{survey_id}'"""
    return (
        Relation(
            ("survey", "surveys"),
            survey_id,
            f"""select getvariable('first_day') as change_date, '{survey_id}' as survey_id, '{survey_id}' as title,
                  '{audience}' as audience, '{mode}' as mode, {valid_days} as valid_days, 5 as min_n, 9 as promoter_min,
                  6 as detractor_max""",
        ),
        Relation(
            ("survey", "questions"),
            survey_id,
            f"""select getvariable('first_day') as change_date, '{survey_id}' as survey_id, * from ({own_questions}) as questions
                  (question_code, question_text, kind, driver, scale_min, scale_max, favourable_min, is_reversed, position)""",
        ),
        Relation(
            ("survey", "invitations"),
            survey_id,
            f"""select day as change_date, survey_id, wave, respondent_pid, {instant("day", "28800")} as invited_at, org_unit
                from invited where survey_id = '{survey_id}'""",
        ),
        Relation(
            ("survey", "answers"),
            survey_id,
            f"""with responses as ({responses})
                select answered_on as change_date, answered_at as updated_at, survey_id, response_id, wave, respondent_pid,
                  answered_at, org_unit, question_code, option_code, numeric_value, 1 as weight
                from ({_ANSWERS})""",
        ),
    )


def _social(platform: str) -> tuple[Relation, ...]:
    """The posts and the followers of one platform's account."""
    seen = {"x": "seen as impressions", "instagram": "seen as views, seen * 8 // 10 as reach"}[platform]
    clicks = {"x": "seen // 80 as clicks", "instagram": "null as clicks"}[platform]
    return (
        Relation(
            ("sns", "posts"),
            f"{platform}_posts",
            f"""select change_date, day as business_date, (7000000000 + number)::varchar as post_id, platform, change_date as day,
                  '{platform}_brand' as account_id, {_POSTED_AT} as posted_at, 'photo' as post_type, {seen}, seen // 30 as likes,
                  seen // 300 as replies, seen // 200 as reposts, seen // 150 as saves, {clicks}
                from posts_ where platform = '{platform}'""",
        ),
        Relation(
            ("sns", "accounts"),
            f"{platform}_accounts",
            f"""select day as change_date, '{platform}_brand' as account_id, '{platform}' as platform, day,
                  {_FOLLOWERS} as followers, 180 as following, getvariable('posts_a_day') * (number + 1) // 2 as posts_total
                from days where day between getvariable('range_from') and getvariable('range_to')""",
        ),
    )


_FOLLOWERS = f"5000 + 12 * number + floor({drawn('followers', 'number')} * 10)::int"
_MONTHS = (
    """(select day as month from days where day(day) = 1 and day between getvariable('range_from') and getvariable('range_to'))"""
)
_STAFF_QUESTIONS = """
  select code, text, 'rating', driver, 1.0, 5.0, 4.0, is_reversed, position from items
  union all select 'enps', 'eNPS', 'nps', null, 0.0, 10.0, null, false, 10"""
_CUSTOMER_QUESTIONS = """
  values ('nps', 'NPS', 'nps', null, 0.0, 10.0, null, false, 1), ('csat', 'CSAT', 'csat', null, 1.0, 5.0, 4.0, false, 2),
    ('age_group', 'Age', 'segment', null, null, null, null, false, 3)"""
_FIRST_HALF = "getvariable('first_day') + 400"

RELATIONS = (
    *_social("x"),
    *_social("instagram"),
    Relation(
        ("sns", "mentions"),
        "mentions",
        f"""select day as change_date, {_POSTED_AT} as updated_at, 'M' || number as post_id, 'x' as platform,
              'x_brand' as account_id, coalesce(social_pid, md5('author' || number % 50000)) as author_pid,
              {_POSTED_AT} as posted_at, (number % 997) as author_followers, number % 7 as likes, number % 3 as replies,
              number % 2 as reposts, number % 2 = 0 as is_ugc, number % 10 = 0 as is_incentivised,
              (number % 21 - 10) / 10.0 as polarity, 'source' as polarity_source, 20 + number % 80 as text_length,
              if(number % 4 = 0, {_POSTED_AT} + to_minutes(20 + number % 400), null) as first_reply_at
            from (
              select day, unnest(range(ceil(number * getvariable('mentions_a_day'))::bigint,
                ceil((number + 1) * getvariable('mentions_a_day'))::bigint)) as number
              from days where day between getvariable('range_from') and getvariable('range_to')
            ) as written left join customer_pids using (number)""",
    ),
    *_surveys("customer_nps", "customer", "identified", 180, _CUSTOMER_QUESTIONS),
    *_surveys("staff_pulse", "employee", "confidential", 100, _STAFF_QUESTIONS),
    Relation(
        ("hr", "employees"),
        "people",
        """select valid_from as change_date, employee_pid, if(number = 0, null, manager_pid) as manager_pid, org_unit, valid_from,
              hire_date, null as leave_date, null as leave_reason, '正社員' as employment_type from staff
            union all
            select leave_date, employee_pid, manager_pid, org_unit, leave_date, hire_date, leave_date, leave_reason, '正社員'
            from staff where leave_date is not null""",
    ),
    Relation(
        ("hr", "activities"),
        "people",
        f"""select month + 9 as change_date, employee_pid, kind || '/' || month || '/' || number as activity_id, kind, hours,
              month + 9 as occurred_on, if(kind = 'suggestion', {drawn("adopted", "number")} < 0.3, null) as is_adopted
            from {_MONTHS} join staff on valid_from < month and (leave_date is null or leave_date > month + 9)
              cross join (values ('one_on_one', 0.5, 1.0), ('training', 3.0, 0.2), ('suggestion', null, 0.1))
                as kinds (kind, hours, share)
            where {drawn("active", "number", "month - date '2000-01-01'", "length(kind)")} < share""",
    ),
    Relation(
        ("hr", "finance"),
        "people",
        f"""select month as change_date, business_unit, month, account, people * yen as amount, 'JPY' as currency
            from {_MONTHS}
              cross join (select split_part(org_unit, '/', 1) as business_unit, count(*) as people from staff group by all)
              cross join (
                values ('sales', 1150000), ('operating_profit', 69000), ('labour_cost', 420000), ('training_cost', 6500)
              ) as accounts (account, yen)""",
    ),
    Relation(
        ("plan", "initiatives"),
        "plan",
        f"""select getvariable('first_day') as change_date, code, name, kind, audience, metric_code, target_value,
              {_FIRST_HALF} as start_date, {_FIRST_HALF} + 119 as end_date, 180000 as cost, 'JPY' as currency, design
            from (values
              ('CPN-01', 'Coupon', 'coupon', 'customer', 'orders_per_customer', 0.9, 'holdout'),
              ('ONE-01', '1on1', 'one_on_one', 'employee', 'communication', 70, 'diff_in_diff'),
              ('RPL-01', 'Replies', 'faster_replies', 'customer', 'first_reply_minutes', 60, 'before_after')
            ) as initiatives (code, name, kind, audience, metric_code, target_value, design)""",
    ),
    Relation(
        ("plan", "initiative_subjects"),
        "plan",
        f"""select getvariable('first_day') as change_date, code, subject, subject_type,
              if(is_treated, 'treatment', 'control') as arm, {_FIRST_HALF} as start_date
            from (
              select 'CPN-01' as code, customer_pid as subject, 'customer' as subject_type, number % 2 = 0 as is_treated
              from customer_pids where number < getvariable('subjects')
              union all
              select 'ONE-01', org_unit, 'org_unit', place % 2 = 0 from units
              union all
              select 'RPL-01', 'x_brand', 'account', true)""",
    ),
    Relation(
        ("plan", "targets"),
        "plan",
        f"""select month as change_date, metric_code, 'all' as unit, month, target_value
            from {_MONTHS}
              cross join (values ('nps', 30), ('repeat_rate', 0.5), ('enps', -20)) as targets (metric_code, target_value)""",
    ),
)

EXPORTS = {
    "x_posts": f"""
        select 7000000000 + number, strftime({_POSTED_AT} + interval 9 hours, '%Y-%m-%d %H:%M:%S'), change_date, seen, seen // 30,
          seen // 300, seen // 200, seen // 150, seen // 80
        from posts_ where platform = 'x' and change_date = ? order by number""",
    "instagram_posts": f"""
        select 7000000000 + number, strftime({_POSTED_AT} + interval 9 hours, '%Y-%m-%d %H:%M:%S'), change_date, seen,
          seen * 8 // 10, seen // 30, seen // 300, seen // 200, seen // 150
        from posts_ where platform = 'instagram' and change_date = ? order by number""",
    **{
        f"{platform}_accounts": f"""
        select day, {_FOLLOWERS}, 180, getvariable('posts_a_day') * (number + 1) // 2 from days where day = ?"""
        for platform in PLATFORMS
    },
}
