# SPDX-License-Identifier: Apache-2.0
"""The commands. Each reads, calls the facade once or twice, and shows what came back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Callable

    from margin_core.book import Book
    from margin_core.margin import Margin

#: As many as a sweep takes.
MAX_THREADS = 256
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 80}


def _version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    import margin_core
    from margin_core.isa import isa, isas

    others = ", ".join(isas())
    click.echo(
        f"margin-core {margin_core.__version__} (kernels: {isa()}; this processor: {others})"
    )
    context.exit()


@click.group(context_settings=SETTINGS)
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help="Show the version and which kernels run, and exit.")  # fmt: skip
def app() -> None:
    """Price, margin and explain books of crypto derivatives.

    Start with `margin-core demo`: a synthetic venue, margined in seconds.
    """


def _options(*options: Callable[..., Any]) -> Callable[..., Any]:
    def apply(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(options):
            command = option(command)
        return command

    return apply


_market = _options(
    click.option("--market", "markets", multiple=True, metavar="CHAIN...",
                 help="Saved chains (.json, .csv of Deribit's answers) or tables of quotes."),
    click.option("--now", metavar="TIME", help="The instant, such as 2026-01-22T12:30:00Z; "
                 "default the latest in the chains; tables of quotes need it."),
    click.option("--index", multiple=True, metavar="COIN=USD",
                 help="An index price that the files lack; may be given several times."),
)  # fmt: skip
_book = _options(
    click.option("--positions", metavar="FILE", help="account, instrument, quantity and "
                 "optionally entry_price; .csv, .json or .parquet."),
    click.option("--balances", metavar="FILE", help="account, currency, quantity."),
    click.option("--orders", metavar="FILE", help="account, instrument, quantity, limit_price."),
    click.option("--accounts", metavar="FILE",
                 help="account and optionally mode, parent, owner."),
    click.option("--model", default="house", show_default=True, metavar="NAME|FILE",
                 help="The margin model."),
    click.option("--assets", metavar="FILE", help="Collateral of the catalogue: asset, market_usd "
                 "and optionally rate, queue_days, exit_open, backing. It gets its mark, haircuts "
                 "and events; a row may be a unit that a redemption ends in, such as EUR."),
    click.option("--catalogue", default="house", show_default=True, metavar="NAME|FILE",
                 help="Of collateral."),
)  # fmt: skip
_synthetic = _options(
    click.option("--synthetic", type=click.IntRange(1), metavar="N",
                 help="A made-up venue with N accounts instead of files."),
    click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
                 help="Of the made-up venue."),
)  # fmt: skip
_threads = click.option("--threads", type=click.IntRange(0, MAX_THREADS), default=0,
                        show_default=True,
                        help="0: one per processor. Results do not depend on it.")  # fmt: skip


def _load(
    files: dict[str, Any], synthetic: int | None, seed: int, threads: int = 0,
    account: str | None = None,
) -> tuple[Book, Margin]:  # fmt: skip
    """The book and its margin table, from files or made up; with one account's own caps."""
    from margin_core.book import Book
    from margin_core.cli import inputs, screen
    from margin_core.margin import Margin

    markets, positions, model = files["markets"], files["positions"], files["model"]
    if synthetic is not None:
        own = "markets", "positions", "balances", "orders", "accounts", "assets"
        given = [name for name in own if files[name]]
        if given:
            raise click.UsageError(f"--synthetic makes its own {given[0].removesuffix('s')} data")
        from margin_core.synthetic import synthetic_book, synthetic_market

        with screen.waiting("making up a venue"):
            margin = Margin.of(synthetic_market(seed), model, threads=threads)
            return synthetic_book(margin.market, synthetic, seed, margin=margin), margin
    if not markets or positions is None:
        other = ", or --synthetic N" if "synthetic" in _options_here() else ""
        raise click.UsageError(f"give --market and --positions{other}")
    book = Book.from_tables(
        positions, balances=files["balances"], orders=files["orders"], accounts=files["accounts"]
    )
    market = inputs.read_market(markets, files["now"], files["index"])
    if files["assets"] is None:
        if files["catalogue"] != "house":
            raise click.UsageError("--catalogue is of --assets, which are not given")
        return book, Margin.of(market, model, threads=threads)
    from margin_core.collateral.pool import held_usd, owners_beyond, pooled_margin

    prices = inputs.read_assets(files["assets"], files["catalogue"])
    mine = None if account is None else held_usd(book, prices, account)
    if mine is None:
        inputs.warn_of_owners(owners_beyond(book, prices, files["catalogue"]))
    return book, pooled_margin(
        market, prices, model, catalogue=files["catalogue"], book=book, owner_usd=mine,
        threads=threads,
    )  # fmt: skip


def _options_here() -> set[str | None]:
    return {parameter.name for parameter in click.get_current_context().command.params}


@app.command()
@click.option("--accounts", type=click.IntRange(10, 20_000_000), default=1_000_000,
              show_default=True, help="How many.")  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True,
              help="The same seed gives the same venue.")  # fmt: skip
@click.option("--output", default="demo-output", show_default=True, metavar="DIR",
              help="Where the picture goes.")  # fmt: skip
@_threads
def demo(accounts: int, seed: int, output: str, threads: int) -> None:
    """A synthetic venue, from prices to liquidation."""
    from margin_core.cli.demo import run

    run(accounts, seed, output, threads)


@app.command()
@click.argument("chains", nargs=-1, required=True, metavar="CHAIN...")
@click.option("--expiry", metavar="DATE", help="Only this one, such as 27MAR26.")
@click.option("--strikes", metavar="LOW:HIGH", help="Only these, such as 80000:100000.")
@click.option("--now", metavar="TIME", help="The instant; default the latest in the chains; tables "
              "of quotes need it.")  # fmt: skip
@click.option("--index", multiple=True, metavar="COIN=USD",
              help="An index price that the files lack; may be given several times.")  # fmt: skip
@click.option("--csv", "csv_path", metavar="FILE", help="Write the table there as well.")
@click.option("--parquet", "parquet_path", metavar="FILE", help="Write the table there as well.")
def greeks(
    chains: tuple[str, ...],
    expiry: str | None,
    strikes: str | None,
    now: str | None,
    index: tuple[str, ...],
    csv_path: str | None,
    parquet_path: str | None,
) -> None:
    """A chain's options with forward, volatility, price and Greeks.

    Where the files hold the venue's own Greeks, their differences follow.
    """
    from margin_core.cli import chain, inputs, screen

    screen.check_output(csv_path, (".csv",))
    screen.check_output(parquet_path, (".parquet", ".pq"))
    market = inputs.read_market(chains, now, index)
    table = chain.greeks_table(market, inputs.venue_greeks(chains), expiry, strikes)
    chain.show(table)
    if csv_path:
        table.to_csv(csv_path, formulas="escape")
    if parquet_path:
        table.to_parquet(parquet_path)


@app.command()
@_market
@_book
@click.option("--out", metavar="FILE", help="Write every column there, as .csv or .parquet.")
@_threads
def margin(out: str | None, threads: int, **files: Any) -> None:
    """Requirement and status of every account."""
    from margin_core.cli import screen
    from margin_core.sweep import sweep

    screen.check_output(out, screen.TABLES)
    book, margin = _load(files, None, 0, threads)
    standing = sweep(book, margin, threads=threads)
    screen.show_accounts(standing.table(), standing.numeraire)
    families = standing.by_parent()
    if families:
        screen.heading("With their pockets")
        screen.show_families(families, standing.numeraire)
        screen.say()
    if out:
        screen.save(standing.table(parts=True), out)
        screen.say(f"Written to {out}: {len(standing)} accounts with the requirement's parts.")


@app.command()
@_market
@_book
@_synthetic
@click.option("--nearest", type=click.IntRange(0), default=10, show_default=True,
              help="How many of the accounts nearest liquidation to show.")  # fmt: skip
@click.option("--out", metavar="FILE", help="Write all accounts there, as .csv or .parquet.")
@_threads
def sweep(
    synthetic: int | None, seed: int, nearest: int, out: str | None, threads: int, **files: Any
) -> None:
    """Margin all accounts: how many are in trouble, and who is nearest."""
    from margin_core.cli import screen
    from margin_core.render import number
    from margin_core.sweep import sweep as sweep_book

    screen.check_output(out, screen.TABLES)
    book, margin = _load(files, synthetic, seed, threads)
    if synthetic is not None:
        screen.say(f"Synthetic data: a made-up venue, seed {seed}.")
    with screen.waiting("packing the book"):
        packed = book.pack(margin.risk)
    clock = screen.Clock()
    with screen.progress("margining") as progress:
        standing = sweep_book(packed, margin, threads=threads, progress=progress)
    seconds = clock.seconds
    rate = f": {number(len(standing) / seconds)} accounts/s" if seconds > 1e-3 else ""
    screen.say(f"{number(len(standing))} accounts margined in {screen.duration(seconds)}{rate}")
    screen.heading("Summary")
    screen.show_summary(standing)
    if nearest:
        screen.heading("Nearest liquidation")
        screen.show_accounts(standing.nearest(nearest), standing.numeraire)
        families = standing.by_parent()
        if families:
            lacking = families[f"lacking_{standing.numeraire.lower()}"]
            most = (-lacking).argsort(kind="stable")[:nearest]
            screen.heading("With their pockets, by what is lacking")
            screen.show_families(families[most], standing.numeraire)
    if out:
        with screen.waiting(f"writing {out}"):
            screen.save(standing.table(parts=True), out)
        screen.say(f"Written to {out}")


@app.command()
@_market
@_book
@_synthetic
@click.option("--picture", metavar="FILE",
              help="Draw P&L over spot and volatility, as .png, .svg or .pdf.")  # fmt: skip
@click.option("--liquidation", is_flag=True, help="Also say at which price of each coin it falls "
              "below MM.")  # fmt: skip
@click.argument("account")
def explain(
    account: str,
    synthetic: int | None,
    seed: int,
    picture: str | None,
    liquidation: bool,
    **files: Any,
) -> None:
    """Why ACCOUNT must hold what it must hold."""
    from margin_core.cli import screen
    from margin_core.explain import explain as explain_account
    from margin_core.plot import FORMATS, account_picture, account_surface, require_matplotlib

    screen.check_output(picture, FORMATS)
    if picture:
        require_matplotlib()
    book, margin = _load(files, synthetic, seed, account=account)
    explanation = explain_account(book, margin, account, prices=liquidation)
    note = None
    if synthetic is not None:
        note = f"Synthetic data: a made-up venue, seed {seed}."
        screen.say(note)
        screen.say()
    screen.say(explanation.text().rstrip("\n"))
    if picture:
        account_picture(account_surface(book, margin, account), picture, note=note)
        screen.say()
        screen.say(f"Picture: {picture}")


@app.command()
@_market
@_book
@_synthetic
@click.option("--depth", type=click.FloatRange(0.0), metavar="USD",
              help="A side of each contract trades so much at --impact; default: what the model "
              "has for each coin.")  # fmt: skip
@click.option("--impact", type=click.FloatRange(0.0, 1.0), metavar="SHARE",
              help="Of notional, at that depth; other sizes with the square root.")  # fmt: skip
@click.option("--spread", type=click.FloatRange(0.0, 1.0), default=0.0, show_default=True,
              metavar="SHARE", help="Half of it, of notional.")  # fmt: skip
@click.option("--buffer", type=click.FloatRange(0.0, 1.0), default=0.0, show_default=True,
              metavar="SHARE", help="Above MM, that a plan restores.")  # fmt: skip
@click.option("--fee", type=click.FloatRange(0.0, 1.0), default=0.0, show_default=True,
              metavar="SHARE", help="Liquidation fee on the notional closed.")  # fmt: skip
@click.option("--proportional", is_flag=True, help="Every contract in the same proportion.")
@click.option("--pause", "paused", multiple=True, metavar="COIN",
              help="Its price allows no liquidation; may be given several times.")  # fmt: skip
@click.option("--account", metavar="NAME", help="Show this one's trades as well.")
@click.option("--out", metavar="FILE", help="Write a row a trade there, as .csv or .parquet.")
@_threads
def plan(
    synthetic: int | None,
    seed: int,
    depth: float | None,
    impact: float | None,
    spread: float,
    buffer: float,
    fee: float,
    proportional: bool,
    paused: tuple[str, ...],
    account: str | None,
    out: str | None,
    threads: int,
    **files: Any,
) -> None:
    """What to close of every account below its maintenance margin.

    The least that restores it, by margin freed per unit of cost, with hedges kept; the worst
    account gets the depth first. Depth is the square-root law: an assumption, here or in the model.
    """
    from margin_core.cli import plan as plans
    from margin_core.cli import screen
    from margin_core.liquidation import plan as run

    screen.check_output(out, screen.TABLES)
    book, margin = _load(files, synthetic, seed, threads)
    if account is not None:
        book.row_of(account)
    found = run(
        book, margin, plans.depth_of(margin, depth, impact, spread), buffer_frac=buffer,
        fee_frac=fee, proportional=proportional, paused=paused, threads=threads,
    )  # fmt: skip
    if synthetic is not None:
        screen.say(f"Synthetic data: a made-up venue, seed {seed}.")
    plans.show(found)
    if account is not None:
        plans.show_trades(found, account)
    if out:
        screen.save(found.trade_table(), out)
        screen.say(f"Written to {out}: {len(found.trades)} trades.")


@app.command()
@click.argument("model", default="house", metavar="[NAME|FILE]")
@click.option("--list", "names", is_flag=True, help="List the models that come along instead.")
@click.option("--schema", is_flag=True,
              help="Print the JSON Schema of such files instead.")  # fmt: skip
@click.option("--kind", type=click.Choice(["margin", "collateral", "oracle", "thresholds"]),
              default="margin", show_default=True,
              help="What the name or file is: a margin model or venue preset, a catalogue, a rule "
              "of the oracle guard, rules of ranges.")  # fmt: skip
def model(model: str, names: bool, schema: bool, kind: str) -> None:
    """Check a model, preset, catalogue or rule and show what it says.

    A name or a file; the default is house.
    """
    from margin_core.model import MarginModel, is_house_model, load_model

    if kind != "margin":
        from margin_core.cli.rules import show_rules

        show_rules(kind, model, names, schema)
    elif names:
        from margin_core.cli.venues import show_names

        show_names()
    elif is_house_model(model):
        if schema:
            click.echo(json.dumps(MarginModel.json_schema(), indent=2))
            return
        from margin_core.cli.model import show

        show(load_model(model))
    else:
        from margin_core.cli.venues import show_preset
        from margin_core.venues.preset import load_preset, preset_schema

        if schema:
            click.echo(json.dumps(preset_schema(), indent=2))
            return
        show_preset(load_preset(model))


@app.command()
@click.option("--prices", multiple=True, metavar="FILE...", help="Bars of each coin, .csv or "
              ".parquet: time (when a bar begins, UTC), open, high, low, close. The coin is in the "
              "name, as in BTCUSDT.csv, or before it: BTC=FILE.")  # fmt: skip
@click.option("--thresholds", default="house", show_default=True, metavar="NAME|FILE",
              help="The rules that ranges follow.")  # fmt: skip
@click.option("--split", default="2022-01-01", show_default=True, metavar="DATE",
              help="Static and EWMA are fitted on the days before.")  # fmt: skip
@click.option("--level", "levels", type=float, multiple=True, metavar="SHARE",
              help="Of moves to be covered, such as 0.99; may be given several times. Default: all "
              "that the thresholds have.")  # fmt: skip
@click.option("--picture", metavar="FILE", help="Draw ranges and moves, as .png, .svg or .pdf.")
@click.option("--out", metavar="FILE", help="Write the table there, as .csv or .parquet.")
def backtest(
    prices: tuple[str, ...],
    thresholds: str,
    split: str,
    levels: tuple[float, ...],
    picture: str | None,
    out: str | None,
) -> None:
    """Ranges that follow volatility, held against what prices did.

    Each midnight's range against the next day's move, up or down: coverage,
    Kupiec's and Christoffersen's tests, procyclicality and average, beside a
    static range and a plain EWMA.
    """
    from margin_core.cli import dynamics, inputs, screen
    from margin_core.dynamics.picture import backtest_picture
    from margin_core.plot import FORMATS, require_matplotlib

    screen.check_output(picture, FORMATS)
    screen.check_output(out, screen.TABLES)
    if picture:
        require_matplotlib()
    if not prices:
        raise click.UsageError("give --prices")
    instant = inputs.instant_of("--split", split)
    found = dynamics.run(prices, thresholds, instant, levels)
    dynamics.show(found)
    screen.deliver(found, out, picture, backtest_picture)


@app.command()
@click.argument("event", required=False, metavar="[EVENT]")
@click.option("--events", "path", metavar="FILE", help="A catalogue of crashes, .json or .toml; "
              "default: the few that come with the package.")  # fmt: skip
@click.option("--prices", multiple=True, metavar="FILE...", help="Bars of each coin, as for "
              "`backtest`: what came before, and the crash itself where they reach.")  # fmt: skip
@click.option("--accounts", type=click.IntRange(10, 1_000_000), default=5_000, show_default=True,
              metavar="N", help="Traders of the synthetic venue.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, 100), default=3, show_default=True, metavar="N",
              help="How many venues are drawn.")  # fmt: skip
@click.option("--impact", type=click.FloatRange(0.0, 4.0), default=1.0, show_default=True,
              metavar="X", help="Scales what liquidations do to prices; 0: nothing.")  # fmt: skip
@click.option("--window", type=click.FloatRange(1.0, 36_500.0), default=365.0, show_default=True,
              metavar="DAYS", help="Static ranges are the mean of the dynamic ones over as many "
              "days before the crash.")  # fmt: skip
@click.option("--picture", metavar="FILE", help="Draw the first venue, as .png, .svg or .pdf.")
@click.option("--out", metavar="FILE", help="Write a row a run there, as .csv or .parquet.")
def crash(
    event: str | None,
    path: str | None,
    prices: tuple[str, ...],
    accounts: int,
    seeds: int,
    impact: float,
    window: float,
    picture: str | None,
    out: str | None,
) -> None:
    """A crash, played against a synthetic venue whose liquidations move its price.

    Static ranges beside those that follow volatility, of equal average margin; whole accounts
    closed at once beside plans that close the least and respect the depth. EVENT is the id of a
    crash; without one they are listed. Traders, depth and what has no source are assumptions:
    docs/method/crash.md.
    """
    from margin_core.cli import crash as crashes
    from margin_core.cli import screen
    from margin_core.crash.picture import crash_picture
    from margin_core.plot import FORMATS, require_matplotlib

    screen.check_output(picture, FORMATS)
    screen.check_output(out, screen.TABLES)
    if picture:
        require_matplotlib()
    events = crashes.read(path)
    if event is None:
        crashes.show_events(events)
        return
    found = crashes.run(events, event, prices, accounts, seeds, impact, window)
    crashes.show(found)
    screen.deliver(found, out, picture, crash_picture)


@app.command()
@click.argument("folder", metavar="DIR")
def conform(folder: str) -> None:
    """Run the known answers of venues in DIR against the presets.

    Exit status 1 if a case fails, 2 if a file cannot be read.
    """
    from margin_core.cli.venues import show_conformance
    from margin_core.venues.conform import conform as run

    status = show_conformance(*run(folder))
    if status:
        click.get_current_context().exit(status)


@app.command()
@click.argument("event", required=False, metavar="[EVENT]")
@click.option("--events", "path", metavar="FILE", help="A catalogue of faults and falls, .json or "
              ".toml; default: the two that come with the package.")  # fmt: skip
def replay(event: str | None, path: str | None) -> None:
    """Recorded oracle faults and falls of collateral, played again.

    What an engine that believes the faulty price, or counts the asset in full, would have lost,
    beside ours. EVENT is the id of one of them; default all. Exit status 1 if a pass criterion is
    missed; a loss beyond margin or fund is listed with its size, and no exit status. A link longer
    than the screen goes on in the next line, further in.
    """
    from margin_core.cli.replay import show_all, show_one
    from margin_core.collateral.falls import fallen
    from margin_core.replay import find_event, read_events

    events = read_events(path)
    if path is None:
        events += read_events(builtin="collateral")
    if event is None:
        asked = [e for e in events if e.is_oracle_fault or fallen(e)]
        status = show_all(asked, len(events) - len(asked))
    else:
        status = show_one(find_event(events, event))
    if status:
        click.get_current_context().exit(status)


@app.command()
@_market
@click.option("--positions", required=True, metavar="FILE", help="account, instrument, quantity "
              "and optionally entry_price; .csv, .json or .parquet.")  # fmt: skip
@click.option("--balances", metavar="FILE", help="account, currency, quantity.")
@click.option("--account", metavar="NAME", help="Only this one; default all, summed.")
@click.option("--model", "models", multiple=True, metavar="NAME|FILE",
              help="Only these; may be given several times.")  # fmt: skip
@click.option("--open-interest", "interest", multiple=True, metavar="COIN=USD",
              help="Scales rates where a model says so; may be given several times.")  # fmt: skip
@click.option("--picture", metavar="FILE", help="Draw bars, as .png, .svg or .pdf.")
@click.option("--out", metavar="FILE", help="Write the table there, as .csv or .parquet.")
def compare(
    markets: tuple[str, ...],
    now: str | None,
    index: tuple[str, ...],
    positions: str,
    balances: str | None,
    account: str | None,
    models: tuple[str, ...],
    interest: tuple[str, ...],
    picture: str | None,
    out: str | None,
) -> None:
    """One book under every model that fits it, side by side."""
    from margin_core.book import Book
    from margin_core.cli import inputs, screen
    from margin_core.cli.venues import show_comparison
    from margin_core.plot import FORMATS, require_matplotlib
    from margin_core.venues.compare import compare as run
    from margin_core.venues.compare import comparison_picture

    screen.check_output(picture, FORMATS)
    screen.check_output(out, screen.TABLES)
    if picture:
        require_matplotlib()
    if not markets:
        raise click.UsageError("give --market")
    book = Book.from_tables(positions, balances=balances)
    if account is not None:
        book = book.select([book.row_of(account)])
    market = inputs.read_market(markets, now, index)
    crowd = dict(inputs.amount_of("--open-interest", text) for text in interest)
    found = run(book, market, models or None, open_interest_usd=crowd)
    show_comparison(found)
    screen.deliver(found, out, picture, comparison_picture)
