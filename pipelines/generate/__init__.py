"""A simulated company: the files its systems would export, with known truths planted in them.

Data flow: seed -> shops, staff and social networks day by day -> export files in <folder>/<source>/<connection>/, files that
show what can go wrong in <folder>/defects/<source>/, and <folder>/truth.json: what a correct pipeline finds in them.

The same arguments give the same bytes. Run alone: `engagement generate <folder>`.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import numpy as np

from pipelines.generate import defects, loyalty, office_files, shop_files, social_files, survey_files
from pipelines.generate.shoppers import ask_shoppers
from pipelines.generate.shops import Campaign, People, Period, Shop, open_shop
from pipelines.generate.social import Account, post_on, talk
from pipelines.generate.staff import employ
from pipelines.generate.truth import Company, Truth, tell

COUPON_DAYS = 120


def generate(folder: Path, *, seed: int = 1, scale: float = 1.0, days: int = 730, start: date = date(2024, 10, 1)) -> Truth:
    """Write the company's files into `folder` and return the truth about them.

    `scale` multiplies customers, orders, staff and mentions; `days` and `start` give the period. Files of an earlier call with
    other arguments are not removed.
    """
    if scale <= 0 or days < 1:
        raise ValueError(f"scale must be above 0 and days at least 1, not {scale:g} and {days}")
    period = Period(start, days)
    company = _simulate(period, seed, scale)
    truth = {"made_with": {"seed": seed, "scale": scale, "days": days, "start": start.isoformat()}, **tell(company)}
    _write(folder, company, np.random.default_rng((seed, 1)), scale)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return truth


def _simulate(period: Period, seed: int, scale: float) -> Company:
    # One stream of random numbers per part: a change in one leaves the others as they were.
    streams = [np.random.default_rng(part) for part in np.random.SeedSequence(seed).spawn(9)]
    people = People(streams[0])
    first = int(period.days * 0.55)
    campaign = Campaign(period.day(first), period.day(min(first + COUPON_DAYS, period.days) - 1))
    ec_cube = Shop("shop_eccube", 1201, 1.05 * scale, members=True, campaign=campaign)
    open_shop(ec_cube, period, people, streams[1])
    shopify = Shop("shop_shopify", 1001, 1.05 * scale, members=False)
    open_shop(shopify, period, people, streams[2], neighbours=ec_cube.buyers)
    buyers = ec_cube.buyers + shopify.buyers
    bought: dict[int, list[date]] = {}
    for order in ec_cube.orders + shopify.orders:
        bought.setdefault(id(order.buyer), []).append(order.at.date())
    faster_from = period.day(int(period.days * 0.6))
    x = Account("x", "minamo_chaka", (0, 3), 8, 5200, 3.0, 0.02, ("text", "photo", "photo", "video"))
    instagram = Account("instagram", "minamo.chaka", (1, 5), 19, 3100, 4.0, 0.06, ("photo", "carousel", "reel"))
    mentions = talk(period, 0.5 * scale, faster_from, streams[6])
    asked, shoppers = ask_shoppers(buyers, bought, period, streams[4])
    return Company(
        period=period,
        campaign=campaign,
        shopify=shopify,
        ec_cube=ec_cube,
        staff=employ(period, scale, streams[3]),
        asked=asked,
        shoppers=shoppers,
        x=post_on(x, period, streams[5]),
        instagram=post_on(instagram, period, streams[5]),
        mentions=mentions,
        faster_from=faster_from,
        loyalty=loyalty.take_part(ec_cube, mentions, period, streams[7], streams[8]),
    )


def _write(folder: Path, company: Company, rng: np.random.Generator, scale: float) -> None:
    period = company.period
    shop_files.write_shopify(folder / "ec" / "shop_shopify", company.shopify)
    shop_files.write_ec_cube(folder / "ec" / "shop_eccube", company.ec_cube, period)
    loyalty.write_loyalty(folder / "ec" / "shop_tools", company.loyalty)
    survey_files.write_surveys(folder / "survey", company.staff, company.asked, company.shoppers)
    social_files.write_social(folder / "sns", company.x, company.instagram, company.mentions)
    office_files.write_hr(folder / "hr" / "people", company.staff, period, scale, rng)
    office_files.write_plan(
        folder / "plan" / "plan", company.campaign, company.loyalty.drive, company.staff, company.faster_from, period
    )
    defects.write(folder / "defects", company)
