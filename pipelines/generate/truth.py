"""What the generated files contain, counted from what was generated: the figures a correct pipeline must arrive at.

Days and months are those of Asia/Tokyo. A sale is an order that is neither a test, nor cancelled, nor left at the payment page.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import fmean, median
from typing import Any

from pipelines.generate.loyalty import Loyalty, handles_truth, loyalty_truth
from pipelines.generate.shop_files import member_status
from pipelines.generate.shoppers import Invited, ShopperAnswer
from pipelines.generate.shops import Arm, Buyer, Campaign, Order, Period, Shop
from pipelines.generate.social import Account, Mention
from pipelines.generate.staff import PulseAnswer, Staff, waves
from pipelines.generate.vocabulary import CAREER_UNITS, ONE_ON_ONE_UNITS, STAFF_ITEMS, UNITS, VALUES_UNITS

Truth = dict[str, Any]
SMALLEST_GROUP = 5


@dataclass(frozen=True)
class Company:
    """Everything that was generated."""

    period: Period
    campaign: Campaign
    shopify: Shop
    ec_cube: Shop
    staff: Staff
    asked: Sequence[Invited]
    shoppers: Sequence[ShopperAnswer]
    x: Account
    instagram: Account
    mentions: Sequence[Mention]
    faster_from: date
    loyalty: Loyalty


def tell(company: Company) -> Truth:
    """The whole truth; every entry says in `description` what it is."""
    return {
        "shop_shopify": shop_truth(company.shopify, company.period),
        "shop_eccube": shop_truth(company.ec_cube, company.period),
        "all_shops": _all_shops((company.shopify, company.ec_cube)),
        "customer_lifetime": _lifetime((company.shopify, company.ec_cube), company.period),
        "coupon_mail": _coupon(company.ec_cube, company.campaign),
        "customer_nps": _customer_nps(company.asked, company.shoppers),
        "staff_pulse": _staff_pulse(company.staff),
        "turnover_by_engagement": _turnover(company.staff, company.period),
        "one_on_one": _programme(company.staff, "ONE-01", "communication", ONE_ON_ONE_UNITS, company.staff.one_on_one_start),
        "career": _programme(company.staff, "CAR-01", "growth", CAREER_UNITS, company.staff.career_start),
        "values_workshops": _programme(company.staff, "VAL-01", "values", VALUES_UNITS, company.staff.values_start),
        "suggestion_reward": _suggestions(company.staff, company.period),
        "hr": _hr(company.staff, company.period),
        "x": _account(company.x),
        "instagram": _account(company.instagram),
        "mentions": _mentions(company.mentions, company.faster_from),
        "loyalty": loyalty_truth(company.loyalty, company.period),
        "declared_accounts": handles_truth(company.loyalty, company.mentions, (company.shopify, company.ec_cube)),
    }


def _repeat(sales: Iterable[tuple[str, Order]]) -> Truth:
    days: dict[str, set[date]] = defaultdict(set)
    for mail, order in sales:
        days[mail].add(order.at.date())
    repeaters = sum(len(of_customer) >= 2 for of_customer in days.values())
    return {"customers": len(days), "repeat_customers": repeaters, "repeat_rate": _share(repeaters, len(days))}


def _share(part: float, whole: float) -> float | None:
    return round(part / whole, 6) if whole else None


def _mean(values: Sequence[float]) -> float | None:
    return round(fmean(values), 6) if values else None


def _is_refunded_whole(order: Order) -> bool:
    """Shopify shows a return as a refund of the whole order."""
    return order.status != "cancelled" and 0 < order.refunded == order.total


def _sales(shop: Shop) -> list[tuple[str, Order]]:
    return [(order.buyer.person.mail, order) for order in shop.orders if order.counts]


def shop_truth(shop: Shop, period: Period) -> Truth:
    """Orders, lines, money and repeat customers of one shop."""
    sales = [order for _, order in _sales(shop)]
    by_buyer: dict[int, list[Order]] = defaultdict(list)
    for order in shop.orders:
        by_buyer[id(order.buyer)].append(order)
    members = Counter(member_status(b, by_buyer[id(b)], period) for b in shop.buyers if b.member is not None)
    return {
        "description": "Rows and money of one shop. orders, item_lines: all in the files, tests included. The rest: sales "
        "only (no tests, cancelled or unpaid-at-checkout orders). A customer is a mail address (letter case "
        "aside); repeat = sales on two or more days.",
        "orders": len(shop.orders),
        "item_lines": sum(len(order.lines) for order in shop.orders),
        "orders_of_tests_and_staff": sum(order.is_test or order.is_staff for order in shop.orders),
        "cancelled_orders": sum(order.status == "cancelled" for order in shop.orders),
        "pending_orders": sum(order.status == "pending" for order in shop.orders),
        "returned_orders": sum(order.status == "returned" or _is_refunded_whole(order) for order in shop.orders),
        "refunded_orders_not_cancelled": sum(order.refunded > 0 and order.status != "cancelled" for order in shop.orders),
        "refunds_of_orders_not_cancelled": sum(order.refunded for order in shop.orders if order.status != "cancelled"),
        "total_amount_of_all_orders": sum(order.total for order in shop.orders),
        "sales_orders": len(sales),
        "sales_item_lines": sum(len(order.lines) for order in sales),
        "sales_goods_with_tax": sum(order.goods for order in sales),
        "sales_goods_without_tax_at_list_price": sum(order.goods_without_tax for order in sales),
        "sales_discounts_with_tax": sum(order.discount + order.line_discounts for order in sales),
        "sales_points_used": sum(order.points for order in sales),
        "sales_shipping_with_tax": sum(order.shipping for order in sales),
        "sales_total_amount": sum(order.total for order in sales),
        **_repeat(_sales(shop)),
        "members_by_status": dict(sorted(members.items())),
        "sales_orders_by_month": dict(sorted(Counter(f"{order.at:%Y-%m}" for order in sales).items())),
    }


def _all_shops(shops: Sequence[Shop]) -> Truth:
    people = [{mail for mail, _ in _sales(shop)} for shop in shops]
    return {
        "description": "Both shops together, a person being one mail address; customers_of_both bought in each shop.",
        **_repeat(sale for shop in shops for sale in _sales(shop)),
        "customers_of_both": len(people[0] & people[1]),
    }


def _lifetime(shops: Sequence[Shop], period: Period) -> Truth:
    half = period.day(period.days // 2)
    groups: dict[str, list[float]] = {"high": [], "low": []}
    for shop in shops:
        days: dict[int, list[date]] = defaultdict(list)
        for _, order in _sales(shop):
            days[id(order.buyer)].append(order.at.date())
        for buyer in shop.buyers:
            bought = days.get(id(buyer))
            if bought and bought[0] < half and abs(buyer.engagement) > 0.5:
                groups["high" if buyer.engagement > 0 else "low"].append((bought[-1] - bought[0]).days)
    return {
        "description": "Engagement planted in customers makes them stay longer. Mean days from first to last sale per "
        "customer and shop, first sale in the first half of the period; high and low: latent engagement above "
        "0.5 and below -0.5.",
        **{name: {"customers": len(values), "mean_days": _mean(values)} for name, values in groups.items()},
    }


def _coupon(shop: Shop, campaign: Campaign) -> Truth:
    before = campaign.first - (campaign.last - campaign.first) - timedelta(days=1)
    within: Counter[int] = Counter()
    earlier: Counter[int] = Counter()
    caused: Counter[int] = Counter()
    for _, order in _sales(shop):
        if campaign.first <= order.at.date() <= campaign.last:
            within[id(order.buyer)] += 1
            caused[id(order.buyer)] += order.caused_by_coupon
        elif before <= order.at.date() < campaign.first:
            earlier[id(order.buyer)] += 1

    def arm(name: Arm) -> Truth:
        subjects: list[Buyer] = [buyer for buyer in campaign.subjects if buyer.arm == name]
        orders = [within[id(buyer)] for buyer in subjects]
        return {
            "subjects": len(subjects),
            "orders": sum(orders),
            "orders_per_subject": _mean(orders),
            "orders_per_subject_before": _mean([earlier[id(buyer)] for buyer in subjects]),
            "caused_per_subject": _mean([caused[id(buyer)] for buyer in subjects]),
        }

    treated, control = arm("treatment"), arm("control")
    has_both = treated["subjects"] and control["subjects"]
    difference = round(treated["orders_per_subject"] - control["orders_per_subject"], 6) if has_both else None
    return {
        "description": "CPN-01, members drawn at random: sales orders per subject from first to last day, and in as many "
        "days before. caused_per_subject of the treatment arm is the true effect (these orders exist only "
        "because of the mail); the difference of the means estimates it.",
        "first_day": campaign.first.isoformat(),
        "last_day": campaign.last.isoformat(),
        "treatment": treated,
        "control": control,
        "difference": difference,
    }


def _score(values: Sequence[int]) -> Truth:
    """Net promoter score with its counts."""
    promoters, detractors = sum(value >= 9 for value in values), sum(value <= 6 for value in values)
    score = round(100 * (promoters - detractors) / len(values), 6) if values else None
    return {"n": len(values), "promoters": promoters, "detractors": detractors, "score": score}


def _customer_nps(asked: Sequence[Invited], answers: Sequence[ShopperAnswer]) -> Truth:
    invited = Counter(one.wave for one in asked)
    by_wave: dict[str, list[ShopperAnswer]] = defaultdict(list)
    for answer in answers:
        by_wave[answer.wave].append(answer)
    return {
        "description": "Customer survey by wave: people asked, responses, NPS, mean of the satisfaction (1-5) and how often each "
        "reason was chosen.",
        "waves": {
            wave: {
                "invited": invited[wave],
                "responses": len(of_wave),
                "nps": _score([answer.nps for answer in of_wave]),
                "csat_mean": _mean([answer.csat for answer in of_wave]),
                "reasons": dict(sorted(Counter(reason for answer in of_wave for reason in answer.reasons).items())),
            }
            for wave, of_wave in by_wave.items()
        },
    }


def person_mean(answer: PulseAnswer) -> float:
    """Mean of one person's items with reversed ones turned, blanks left out."""
    turned = [
        6 - points if item.is_reversed else points
        for item, points in zip(STAFF_ITEMS, answer.items, strict=True)
        if points is not None
    ]
    return fmean(turned)


def _staff_pulse(staff: Staff) -> Truth:
    by_wave: dict[str, list[PulseAnswer]] = defaultdict(list)
    for answer in staff.answers:
        by_wave[answer.wave].append(answer)
    invited = Counter(invitation.wave for invitation in staff.invitations)
    return {
        "description": "Staff survey by wave: people invited, responses, eNPS, mean over persons of each person's mean (1-5, "
        "reversed item turned).",
        "waves": {
            wave: {
                "invited": invited[wave],
                "responses": len(of_wave),
                "enps": _score([answer.enps for answer in of_wave if answer.enps is not None]),
                "engagement_mean": _mean([person_mean(answer) for answer in of_wave]),
            }
            for wave, of_wave in by_wave.items()
        },
    }


def _turnover(staff: Staff, period: Period) -> Truth:
    wave, day = waves(period)[0]
    units: list[Truth] = []
    for unit in UNITS:
        answers = [person_mean(answer) for answer in staff.answers if answer.wave == wave and answer.unit == unit.path]
        here = [person for person in staff.employees if person.unit_on(day) == unit.path]
        left = [person.leave for person in here if person.leave is not None]
        quits = sum(state.left == "自己都合" for state in left)
        mean = _mean(answers)
        units.append(
            {
                "unit": unit.path,
                "answers": len(answers),
                "engagement_mean": mean,
                "people": len(here),
                "left_later": len(left),
                "quit_later": quits,
            }
        )
    ranked = sorted((u for u in units if u["answers"] >= SMALLEST_GROUP), key=lambda u: float(u["engagement_mean"]))
    size = len(ranked) // 4

    def quartile(chosen: Sequence[Truth]) -> Truth:
        people, left, quits = (sum(unit[key] for unit in chosen) for key in ("people", "left_later", "quit_later"))
        return {
            "units": [u["unit"] for u in chosen],
            "people": people,
            "left_later": left,
            "quit_later": quits,
            "left_share": _share(left, people),
        }

    return {
        "description": f"Units ranked by the mean of wave {wave} (at least {SMALLEST_GROUP} answers): people there on {day}, "
        "and how many of them had left the company by the last day (quit: 自己都合), wherever they worked then.",
        "most_engaged_quartile": quartile(ranked[len(ranked) - size :]),
        "least_engaged_quartile": quartile(ranked[:size]),
        "units": units,
    }


def _programme(staff: Staff, code: str, driver: str, treated: frozenset[str], start: date) -> Truth:
    places = [place for place, item in enumerate(STAFF_ITEMS) if item.driver == driver]
    points: dict[tuple[str, str], list[float]] = defaultdict(list)
    for answer in staff.answers:
        given = [value for place in places if (value := answer.items[place]) is not None]
        if given:
            arm = "treatment" if answer.unit in treated else "control"
            points[arm, "after" if answer.at.date() >= start else "before"].append(fmean(given))
    means = {key: fmean(values) for key, values in points.items()}
    effect = None
    if len(means) == 4:
        effect = (
            means["treatment", "after"] - means["treatment", "before"] - means["control", "after"] + means["control", "before"]
        )
    return {
        "description": f"{code}: mean of the items of {driver} (1-5) by arm of the unit answered for, before and from the start; "
        "difference in differences.",
        "start": start.isoformat(),
        **{f"{arm}_{when}": {"answers": len(values), "mean": _mean(values)} for (arm, when), values in sorted(points.items())},
        "difference_in_differences": None if effect is None else round(effect, 6),
    }


def _suggestions(staff: Staff, period: Period) -> Truth:
    counts: dict[str, Counter[str]] = {unit: Counter() for unit in staff.reward_starts}
    for activity in staff.activities:
        unit = activity.employee.unit_on(activity.day)
        if activity.kind == "改善提案" and unit is not None:
            name = unit.split("/")[0]
            counts[name]["after" if activity.day >= staff.reward_starts[name] else "before"] += 1
    return {
        "description": "SUG-01: suggestions by business unit before and from the day the reward reached it; the reward "
        "multiplies them by about 2.5.",
        "business_units": {
            name: {
                "start": start.isoformat(),
                "days_before": (start - period.start).days,
                "suggestions_before": counts[name]["before"],
                "days_after": (period.last - start).days + 1,
                "suggestions_after": counts[name]["after"],
            }
            for name, start in staff.reward_starts.items()
        },
    }


def _hr(staff: Staff, period: Period) -> Truth:
    left = Counter(person.leave.left for person in staff.employees if person.leave is not None)
    return {
        "description": "Employees in the register, head counts on the first and the last day (the last day of work counts), "
        "leavers by reason, activities.",
        "employees": len(staff.employees),
        "register_rows": sum(len(person.states) for person in staff.employees),
        "people_first_day": sum(person.unit_on(period.start) is not None for person in staff.employees),
        "people_last_day": sum(person.unit_on(period.last) is not None for person in staff.employees),
        "leavers_by_reason": dict(sorted(left.items())),
        "activities_by_kind": dict(sorted(Counter(activity.kind for activity in staff.activities).items())),
    }


def _account(account: Account) -> Truth:
    newest = {post.post_id: post for post in account.posts}
    counters = ("impressions", "likes", "replies", "reposts", "saves")
    return {
        "description": "One account: rows, followers on the first and last day, and the counters of each post at its newest "
        "reading, summed. The counters of reset_post (if any) fall on its fifth day.",
        "account_days": len(account.days),
        "days_without_reach": sum(day.reach is None for day in account.days),
        "followers_first_day": account.days[0].followers,
        "followers_last_day": account.days[-1].followers,
        "posts": len(newest),
        "post_day_rows": len(account.posts),
        **{name: sum(getattr(post, name) for post in newest.values()) for name in counters},
        "reset_post": account.reset_post or None,
    }


def _mentions(mentions: Sequence[Mention], faster_from: date) -> Truth:
    waits: dict[str, list[float]] = {"before": [], "after": []}
    for mention in mentions:
        if mention.first_reply is not None:
            minutes = (mention.first_reply - mention.at).total_seconds() / 60
            waits["after" if mention.at.date() >= faster_from else "before"].append(minutes)
    polarity = Counter({1: "positive", 0: "neutral", -1: "negative"}[mention.polarity] for mention in mentions)
    return {
        "description": "Mentions on X: by polarity, by kind, and the median minutes to our first reply before and from the "
        "start of RPL-01.",
        "mentions": len(mentions),
        "authors": len({mention.author for mention in mentions}),
        "by_polarity": dict(sorted(polarity.items())),
        "ugc": sum(mention.is_ugc for mention in mentions),
        "incentivised": sum(mention.is_incentivised for mention in mentions),
        "answered": sum(mention.first_reply is not None for mention in mentions),
        "start": faster_from.isoformat(),
        "median_minutes": {when: (median(values) if values else None) for when, values in waits.items()},
    }
