# SPDX-License-Identifier: Apache-2.0
"""Pictures: what they show is what the account gains or loses."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from margin_core.book import Book
from margin_core.errors import ArgumentError, FileError, MissingExtraError
from margin_core.margin import Margin
from margin_core.plot import Surface, account_picture, account_surface
from margin_core.synthetic import synthetic_market


@pytest.fixture(scope="module")
def margin():
    return Margin.of(synthetic_market(n_instruments=300))


@pytest.fixture(scope="module")
def book():
    names = ["BTC-PERPETUAL", "BTC", "USDC"]
    return Book.from_columns(
        3, ([0, 0, 1, 2, 2], [0, 2, 1, 0, 2], names, [20_000.0, 5_000.0, 1.0, -20_000.0, 4_000.0])
    )


def middle(surface):
    return int(np.abs(surface.vol).argmin()), len(surface.spot) // 2


def test_a_coin_gains_what_its_price_does(book, margin):
    surface = account_surface(book, margin, "1", points=5)
    index = margin.market.index_usd[margin.market.instruments.units.index("BTC")]
    assert surface.spot == pytest.approx([-0.4, -0.2, 0.0, 0.2, 0.4])
    assert surface.pnl == pytest.approx(np.tile(index * surface.spot, (len(surface.vol), 1)))
    assert surface.equity == pytest.approx(index, rel=1e-6)


def test_a_perpetual_gains_its_notional_and_dollars_stand_still(book, margin):
    surface = account_surface(book, margin, "0")
    y, x = middle(surface)
    assert surface.pnl[y, x] == pytest.approx(0.0, abs=1e-6)
    assert surface.pnl[y] == pytest.approx(20_000.0 * surface.spot, rel=2e-3, abs=1e-6)


def test_the_title_states_the_finding(book, margin):
    held = account_surface(book, margin, "1").finding()
    assert held.startswith("Account 1 loses at most") and held.endswith(
        ", 40 % of its equity, within ±40 % of spot"
    )
    broke = account_surface(book, margin, "2").finding()
    assert broke == "Account 2 can lose its equity once spot rises 20 %"
    flat = Surface("z\x1b", np.zeros(3), np.zeros(3), np.zeros((3, 3)), 1.0, "USD")
    assert flat.finding() == "Account z\\x1b loses nothing here"


@pytest.mark.parametrize(("account", "suffix"), [("0", ".png"), ("1", ".svg"), ("2", ".pdf")])
def test_the_same_account_gives_the_same_file(book, margin, tmp_path, suffix, account):
    pytest.importorskip("matplotlib")
    surface = account_surface(book, margin, account, points=25)
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        account_picture(surface, path, note="made up")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].stat().st_size > 5_000


def test_an_account_without_risk_is_drawn_too(margin, tmp_path):
    pytest.importorskip("matplotlib")
    dollars = Book.from_columns(1, ([0], [0], ["USDC"], [10.0]))
    account_picture(account_surface(dollars, margin, "0", points=9), tmp_path / "flat.png")


def test_a_bad_place_or_format_is_named(book, margin, tmp_path):
    pytest.importorskip("matplotlib")
    surface = account_surface(book, margin, "0", points=9)
    with pytest.raises(ArgumentError, match=r"x\.gif: a picture ends in"):
        account_picture(surface, tmp_path / "x.gif")
    with pytest.raises(FileError, match="nowhere"):
        account_picture(surface, tmp_path / "nowhere" / "x.png")
    with pytest.raises(ArgumentError):
        account_surface(book, margin, "0", spot_range=1.0)


def test_without_matplotlib_the_extra_is_named(book, margin, tmp_path, monkeypatch):
    surface = account_surface(book, margin, "0", points=9)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MissingExtraError, match=r"margin-core\[plot\]"):
        account_picture(surface, tmp_path / "x.png")
