"""Are our currencies those of ISO 4217? The committed list against a package that follows the standard's own table."""

from __future__ import annotations

import iso4217

from gateway.wire.currencies import CURRENCIES

WITHOUT_MINOR_UNIT = {"XAG", "XAU", "XBA", "XBB", "XBC", "XBD", "XDR", "XPD", "XPT", "XSU", "XTS", "XUA", "XXX"}
"""Metals, units of account, the test code and none."""


def test_the_list_is_that_of_the_standard() -> None:
    """Every active code is known, but for those in which no amount can be said."""
    standard = {currency.code for currency in iso4217.Currency}

    assert standard - WITHOUT_MINOR_UNIT == CURRENCIES
    assert {currency.code for currency in iso4217.Currency if currency.exponent is None} == WITHOUT_MINOR_UNIT
