"""Fills the shop: `python seed.py make` makes it, `python seed.py FROM TO` places the orders FROM to TO - 1.

The newest order is placed now, the others two hours apart before it: lists sorted newest first and days around midnight are as
in a shop in use.
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402
from oscar.test import factories  # noqa: E402
from rest_framework.authtoken.models import Token  # noqa: E402

CUSTOMERS, PRODUCTS = 20, 30
User, Product = get_user_model(), get_model("catalogue", "Product")


def make() -> None:
    call_command("migrate", verbosity=0)
    Token.objects.create(user=User.objects.create_superuser("admin", "admin@example.com", "pw"))
    for number in range(CUSTOMERS):
        User.objects.create_user(f"c{number}", f"c{number}@example.com", "pw")
    for number in range(PRODUCTS):
        factories.create_product(
            upc=f"SKU{number}", title=f"Tea {number}", price=Decimal(1000 + 10 * number), num_in_stock=100_000
        )


def place(first: int, end: int) -> None:
    customers = list(User.objects.filter(is_staff=False).order_by("id"))
    products = list(Product.objects.order_by("id"))
    now = datetime.now(UTC)
    for number in range(first, end):
        basket = factories.create_basket(empty=True)
        for line in range(1 + number % 3):
            basket.add_product(products[(number + line) % PRODUCTS], quantity=1 + (number + line) % 2)
        placed = now - timedelta(hours=2 * (end - 1 - number))
        factories.create_order(
            number=str(100_000 + number), basket=basket, user=customers[number % CUSTOMERS], date_placed=placed
        )


make() if sys.argv[1] == "make" else place(int(sys.argv[1]), int(sys.argv[2]))
