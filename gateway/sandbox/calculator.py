"""What does a bet cost, and what does it pay?

The arithmetic that reproduces the samples of the platform's calculator, every rounding half up:

    total_odds   = round(product of the odds, 2)
    stake        = round(price / (1 + ext / 100))
    ext_amount   = price - stake
    gross_payout = round(stake * total_odds)
    wht_amount   = round((gross_payout - stake) * wht / 100)
    net_payout   = gross_payout - wht_amount

Amounts are integers in cents, rates are percent. Only excise tax that is included in the price is known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from gateway.sandbox.errors import PayoutTooHigh

__all__ = ["Finance", "Rates", "finance", "paying", "plain", "price_of", "total_odds"]

_CENT: Final = Decimal("0.01")
_WHOLE: Final = Decimal(1)

# Assumed: the platform publishes no limits. These keep every amount an integer that all JSON readers agree on.
_MOST_ODDS: Final = Decimal(10) ** 9
_MOST_PAYOUT: Final = 2**53


@dataclass(frozen=True, slots=True)
class Rates:
    """Excise tax and withholding tax of an operator, in percent."""

    ext: float = 12.5
    wht: float = 20
    ext_type: str = "inclusive"


@dataclass(frozen=True, slots=True)
class Finance:
    """All amounts of one bet."""

    price: int
    total_odds: float
    stake: int
    ext: float
    ext_amount: int
    ext_type: str
    wht: float
    wht_amount: int
    gross_payout: int
    net_payout: int


def finance(price: int, odds: Iterable[float], rates: Rates) -> Finance:
    """Return the amounts of a bet that costs ``price``."""
    total = total_odds(odds)
    stake = _rounded(price / _with_tax(rates))
    gross_payout = _rounded(stake * total)
    if gross_payout > _MOST_PAYOUT:
        raise PayoutTooHigh
    wht_amount = _withheld(gross_payout, stake, rates.wht)
    return Finance(
        price=price,
        total_odds=float(total),
        stake=stake,
        ext=rates.ext,
        ext_amount=price - stake,
        ext_type=rates.ext_type,
        wht=rates.wht,
        wht_amount=wht_amount,
        gross_payout=gross_payout,
        net_payout=gross_payout - wht_amount,
    )


def paying(amounts: Finance, gross_payout: int) -> Finance:
    """Return the amounts of the same bet with another payout."""
    wht_amount = _withheld(gross_payout, amounts.stake, amounts.wht)
    return replace(amounts, gross_payout=gross_payout, wht_amount=wht_amount, net_payout=gross_payout - wht_amount)


def price_of(stake: int, rates: Rates) -> int:
    """Return the price whose stake is ``stake``."""
    return _rounded(stake * _with_tax(rates))


def total_odds(odds: Iterable[float]) -> Decimal:
    """Return the product of the odds with two digits."""
    product = Decimal(1)
    for each in odds:
        product *= _decimal(each)
        if product > _MOST_ODDS:
            raise PayoutTooHigh
    return product.quantize(_CENT, ROUND_HALF_UP)


def plain(number: float) -> int | float:
    """Return a rate as the platform spells it: ``20`` and ``12.5``, never ``20.0``."""
    return int(number) if float(number).is_integer() else number


def _withheld(gross_payout: int, stake: int, wht: float) -> int:
    return _rounded((gross_payout - stake) * _decimal(wht) / 100)


def _with_tax(rates: Rates) -> Decimal:
    return 1 + _decimal(rates.ext) / 100


def _decimal(number: float) -> Decimal:
    # By way of the spelling: 1.24 means 124 hundredths, not the binary fraction next to it.
    return Decimal(str(number))


def _rounded(amount: Decimal) -> int:
    return int(amount.quantize(_WHOLE, ROUND_HALF_UP))
