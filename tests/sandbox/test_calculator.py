"""Do the amounts come out as the platform's calculator has them?"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.sandbox.calculator import Finance, Rates, finance, plain, price_of, total_odds
from gateway.sandbox.errors import PayoutTooHigh

DOCUMENTED = [
    # price, odds → total odds, stake, ext_amount, gross payout, wht_amount, net payout
    (2000, [18.24], (18.24, 1778, 222, 32431, 6131, 26300)),
    (1000, [1.24, 2.76], (3.42, 889, 111, 3040, 430, 2610)),
]


@pytest.mark.parametrize(("price", "odds", "expected"), DOCUMENTED)
def test_documented_samples_come_out(price: int, odds: list[float], expected: tuple[float, ...]) -> None:
    """Price 2000 at odds of 18.24 pays 26300 after taxes."""
    amounts = finance(price, odds, Rates(ext=12.5, wht=20))

    assert expected == (
        amounts.total_odds,
        amounts.stake,
        amounts.ext_amount,
        amounts.gross_payout,
        amounts.wht_amount,
        amounts.net_payout,
    )


@pytest.mark.parametrize(
    ("odds", "total"),
    [([1.5], 1.5), ([1.05, 1.1], 1.16), ([1.15, 1.1], 1.27), ([1.005], 1.01), ([2.675], 2.68), ([], 1.0)],
)
def test_odds_are_rounded_half_up(odds: list[float], total: float) -> None:
    """Half a hundredth goes up, whatever the binary fraction says."""
    assert float(total_odds(odds)) == total


@pytest.mark.parametrize(("rate", "spelled"), [(20.0, "20"), (20, "20"), (12.5, "12.5"), (0.0, "0")])
def test_whole_rates_have_no_fraction(rate: float, spelled: str) -> None:
    """The platform writes 20 and 12.5."""
    assert str(plain(rate)) == spelled


def test_amounts_that_json_cannot_hold_are_refused() -> None:
    """Beyond 2**53 not every reader gets the same number."""
    with pytest.raises(PayoutTooHigh):
        finance(10**12, [10_000.0] * 2, Rates())
    with pytest.raises(PayoutTooHigh):
        finance(100, [1_000_000.0] * 60, Rates())


@given(
    price=st.integers(1, 10**9),
    odds=st.lists(st.integers(100, 500).map(lambda hundredths: hundredths / 100), min_size=1, max_size=5),
    ext=st.sampled_from([0.0, 7.5, 12.5, 20.0]),
    wht=st.sampled_from([0.0, 10.0, 20.0]),
)
def test_amounts_add_up(price: int, odds: list[float], ext: float, wht: float) -> None:
    """Whatever the bet: the parts make the whole, and no tax exceeds what is taxed."""
    amounts: Finance = finance(price, odds, Rates(ext=ext, wht=wht))

    assert amounts.stake + amounts.ext_amount == price
    assert amounts.net_payout + amounts.wht_amount == amounts.gross_payout
    assert 0 <= amounts.stake <= price
    assert 0 <= amounts.wht_amount <= amounts.gross_payout


@given(stake=st.integers(1, 10**9), ext=st.sampled_from([0.0, 7.5, 12.5, 20.0]))
def test_a_price_leads_back_to_its_stake(stake: int, ext: float) -> None:
    """The price worked out from a stake has that stake."""
    rates = Rates(ext=ext)

    assert finance(price_of(stake, rates), [2.0], rates).stake == stake
