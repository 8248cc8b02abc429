# SPDX-License-Identifier: Apache-2.0
"""`margin-core demo`: a made-up venue from prices to an explained account, timed."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from margin_core.cli import screen
from margin_core.cli.screen import Clock, duration, thread_count
from margin_core.errors import MissingExtraError
from margin_core.explain import explain
from margin_core.instruments import Kind
from margin_core.isa import isa
from margin_core.margin import Margin
from margin_core.render import Column, amounts, clean, number
from margin_core.sweep import sweep
from margin_core.synthetic import COINS, synthetic_book, synthetic_market

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.book import Book, PackedBook
    from margin_core.sweep import Standing

#: Accounts over which the modes are compared.
SAMPLE = 20_000
#: Accounts among which the one to explain is looked for.
CANDIDATES = 400
LEGS = 9


def run(n_accounts: int, seed: int, output: str, threads: int) -> None:
    os.makedirs(output, exist_ok=True)  # before the work, so that a bad place is said at once
    total = Clock()
    screen.prose(
        f"Synthetic data: a made-up venue, seed {seed}. Names, steps and settlement are like "
        "Deribit's; prices, volatilities and positions are drawn at random."
    )
    margin = _market(seed, threads)
    book = _book(margin, n_accounts, seed)
    packed, standing = _sweep(book, margin, threads)
    _modes(book, standing, margin, seed)
    account = _interesting(book, packed, standing, margin)
    screen.heading("One account, explained")
    explanation = explain(book, margin, account, standing=standing)
    screen.say()
    screen.say(explanation.text().rstrip("\n"))
    _picture(book, margin, account, seed, output)
    screen.say()
    screen.say(f"All of it took {duration(total.seconds)}.")
    screen.say(f"Another one: margin-core explain --synthetic {n_accounts} "
               f"--seed {seed} ACCOUNT")  # fmt: skip


def _market(seed: int, threads: int) -> Margin:
    market = synthetic_market(seed)
    clock = Clock()
    margin = Margin.of(market, threads=threads)
    seconds = clock.seconds
    screen.heading("Market")
    screen.show_venue(market)
    screen.say()
    risk = margin.risk
    n, s = risk.handle.n_instruments, risk.handle.n_scenarios
    screen.prose(
        f"Risk array: {number(n)} instruments x {s} scenarios, {number(n * s)} full revaluations "
        f"in {duration(seconds)}; {number(n * s * 8 / 1e6, 2)} MB of whole numbers, counted "
        f"in {risk.quantum:g} {risk.numeraire}."
    )
    return margin


def _book(margin: Margin, n_accounts: int, seed: int) -> Book:
    clock = Clock()
    with screen.waiting(f"making up {number(n_accounts)} accounts"):
        book = synthetic_book(margin.market, n_accounts, seed, margin=margin)
    screen.heading("Book")
    held = len(book.positions)
    screen.prose(
        f"{number(len(book))} accounts with {number(held)} positions and "
        f"{number(len(book.balances))} balances, made up in {duration(clock.seconds)}."
    )
    modes = np.bincount(book.mode, minlength=3)
    owners = len(np.unique(book.owner[book.owner >= 0]))
    screen.prose(
        f"{number(int(modes[0]))} in portfolio mode, {number(int(modes[1]))} cross, "
        f"{number(int(modes[2]))} isolated pockets; {number(owners)} owners with several accounts."
    )
    return book


def _sweep(book: Book, margin: Margin, threads: int) -> tuple[PackedBook, Standing]:
    clock = Clock()
    with screen.waiting("rounding the book to risk lots"):
        packed = book.pack(margin.risk)
    packing = clock.seconds
    clock = Clock()
    with screen.progress("margining") as progress:
        standing = sweep(packed, margin, threads=threads, progress=progress)
    seconds = clock.seconds
    screen.heading("Sweep")
    screen.show_summary(standing)
    screen.say()
    n = len(standing)
    count = thread_count(threads)
    screen.prose(
        f"{number(n)} accounts margined in {duration(seconds)}: {number(n / seconds)} accounts/s, "
        f"{number(len(packed.row) / seconds)} holdings/s, {count} "
        f"thread{'s' if count > 1 else ''}, {isa()} kernels. Rounding to whole lots took "
        f"{duration(packing)} before that."
    )
    clock = Clock()
    nearest = standing.nearest(10)
    screen.heading(f"Nearest liquidation (all {number(n)} ranked in {duration(clock.seconds)})")
    screen.show_accounts(nearest, standing.numeraire)
    return packed, sweep(packed, margin, threads=threads, units=True)


def _modes(book: Book, standing: Standing, margin: Margin, seed: int) -> None:
    """What portfolio margin frees, over a sample of the accounts that have it."""
    whole = np.flatnonzero((book.mode == 0) & (standing.quanta["mm"] > 0))
    rng = np.random.Generator(np.random.PCG64(seed))
    sample = np.sort(rng.choice(whole, min(SAMPLE, len(whole)), replace=False))
    part = book.select(sample)
    screen.heading(f"The same {number(len(sample))} portfolio accounts under other rules")
    names = ("isolated", "cross", "portfolio")
    ims = [sweep(part.with_mode(m), margin, market_exposure=False).amount("im").sum()
           for m in names[:2]]  # fmt: skip
    ims.append(standing.amount("im")[sample].sum())
    screen.show(
        [
            Column("mode", names, right=False),
            Column("IM, m USD", amounts([v / 1e6 for v in ims])),
            Column("freed against isolated, %", [number(100 * (1 - v / ims[0]), 1) for v in ims]),
        ]
    )


def _interesting(book: Book, packed: PackedBook, standing: Standing, margin: Margin) -> str:
    """A portfolio account of a size to read, with legs of several coins that set off the most."""
    kind = margin.instruments.kind[packed.row]
    option, future = kind >= Kind.CALL, (kind == Kind.PERPETUAL) | (kind == Kind.FUTURE)

    def count(what: NDArray[np.bool_]) -> NDArray[np.int64]:
        sums = np.concatenate([[0], np.cumsum(what)])
        return sums[packed.offset[1:]] - sums[packed.offset[:-1]]

    legs = count(option | future)
    assert standing.unit_scenario is not None
    coins = (standing.unit_scenario[:, : len(COINS)] >= 0).sum(axis=1)
    fits = (book.mode == 0) & (legs <= LEGS) & (count(future) >= 1) & (coins >= 2)
    fits &= (count(option & (packed.lots > 0)) >= 2) & (count(option & (packed.lots < 0)) >= 2)
    fits &= standing.quanta["core"] > standing.quanta["im"] // 2
    rows = np.flatnonzero(fits)[:CANDIDATES]
    if len(rows) == 0:  # a very small venue
        rows = np.array([int(legs.argmax())])
    isolated = sweep(book.select(rows).with_mode("isolated"), margin, market_exposure=False)
    saved = isolated.quanta["im"] / np.maximum(standing.quanta["im"][rows], 1)
    return str(book.accounts[rows[int(saved.argmax())]])


def _picture(book: Book, margin: Margin, account: str, seed: int, output: str) -> None:
    from margin_core.plot import account_picture, account_surface

    path = os.path.join(output, f"account-{account}.png")
    try:
        surface = account_surface(book, margin, account)
        account_picture(surface, path, note=f"Synthetic data: a made-up venue, seed {seed}.")
    except MissingExtraError as error:
        screen.say()
        screen.say(f"No picture: {error}")
        return
    screen.say()
    screen.say(f"Picture: {clean(path)}")
