# SPDX-License-Identifier: Apache-2.0
"""Reading bars, the back-test of thresholds, and its command."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

import margin_core as mc
from margin_core.cli import main
from margin_core.dynamics.backtest import DAY_NS, METHODS, daily_moves
from margin_core.errors import ArgumentError, FileError

HOUR_NS = 3_600_000_000_000
START = 1_600_000_000 // 86_400 * 86_400 * 10**9  # a midnight


def write_prices(path, *, days=420, seed=0, header="time,open,high,low,close", change=None):
    rng = np.random.default_rng(seed)
    n = 24 * days
    close = 100.0 * np.exp(np.cumsum(rng.standard_t(4, n) * 0.006))
    opened = np.concatenate([[100.0], close[:-1]])
    rows = [
        [f"{START // 10**9 + 3600 * i}", opened[i], max(opened[i], close[i]) * 1.001,
         min(opened[i], close[i]) * 0.999, close[i]] for i in range(n)
    ]  # fmt: skip
    if change:
        change(rows)
    lines = [header, *(",".join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module")
def bars(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prices")
    return mc.read_bars([write_prices(folder / f"{coin}USDT_1h.csv", seed=i)
                         for i, coin in enumerate(("BTC", "ETH"))])  # fmt: skip


SPLIT = datetime.fromtimestamp(START // 10**9 + 300 * 86_400, UTC)


# Bars


def test_bars_know_their_coin_clock_and_end(bars):
    one = bars["ETH"]
    assert list(bars) == ["BTC", "ETH"] and one.interval_ns == HOUR_NS
    assert one.end_ns[0] == START + HOUR_NS and len(one) == 420 * 24 and one.present.all()


def test_an_outage_repeats_the_last_close_and_is_told(tmp_path):
    path = write_prices(tmp_path / "x.csv", change=lambda rows: rows.__delitem__(slice(50, 53)))
    one = mc.read_bars([f"SOL={path}"])["SOL"]
    assert (~one.present).sum() == 3 and (~one.present[50:53]).all()
    assert (one.close[50:53] == one.close[49]).all() and (one.low[50:53] == one.close[49]).all()
    assert one.findings == ("1 outages, 3 of 10080 bars are missing",)


def test_files_of_a_coin_are_joined_and_what_differs_is_told(tmp_path):
    early = write_prices(tmp_path / "BTC-USD_a.csv", change=lambda rows: rows.__delitem__(
        slice(5000, None)))  # fmt: skip

    def later(rows):
        del rows[:4000]
        rows[10][4] *= 1.00001

    late = write_prices(tmp_path / "btcusdt_b.csv", change=later)
    one = mc.read_bars([late, early])["BTC"]
    whole = mc.read_bars([write_prices(tmp_path / "BTCUSD.csv")])["BTC"]
    assert np.array_equal(one.close, whole.close) and one.present.all()
    assert one.findings[0].startswith("1 of 1000 bars differ")


def test_times_may_be_timestamps_text_or_numbers_of_any_unit(tmp_path, bars):
    pd = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    from margin_core.adapters.tables import read_table

    stamps = pd.date_range("2020-09-13", periods=3, freq="h", tz="Europe/Berlin")
    seconds = stamps.as_unit("s").asi8
    frame = pd.DataFrame({"time": stamps})
    frame.to_parquet(tmp_path / "zoned.parquet")
    forms = [frame, tmp_path / "zoned.parquet", {"time": stamps.tz_convert(None).to_numpy()},
             {"time": [str(s) for s in stamps]}]  # fmt: skip
    forms += [{"time": seconds * scale} for scale in (1, 1000, 10**6, 10**9)]
    for form in forms:
        read = read_table(form, required={"time": "time"})["time"]
        assert np.array_equal(read, seconds * 10**9), form


@pytest.mark.parametrize(
    ("name", "change", "words"),
    [
        ("BTCUSDT.csv", lambda rows: rows[7].__setitem__(4, -1.0), "row 7, close: -1.0 is not pos"),
        ("BTCUSDT.csv", lambda rows: rows[7].__setitem__(2, 0.5), "row 7, high: open and close"),
        ("BTCUSDT.csv", lambda rows: rows[7].__setitem__(3, 1e9), "row 7, high"),
        ("BTCUSDT.csv", lambda rows: rows[7].__setitem__(1, "nan"), r"row 7 .*open"),
        ("BTCUSDT.csv", lambda rows: rows[7].__setitem__(0, rows[6][0]), "row 7, time: time does"),
        (
            "BTCUSDT.csv",
            lambda rows: rows[7].__setitem__(0, "soon"),
            "row 7.*'soon' is not a whole number",
        ),
        ("BTCUSDT.csv", lambda rows: rows[7].__setitem__(0, 5), "row 7.*in another unit"),
        ("BTCUSDT.csv", lambda rows: rows.__delitem__(slice(1, None)), "fewer than two bars"),
        ("prices.csv", None, "whose prices are these"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(tmp_path, name, change, words):
    path = write_prices(tmp_path / name, days=2, change=change)
    with pytest.raises(FileError, match=words) as caught:
        mc.read_bars([path])
    assert name in str(caught.value)


# The back-test


def test_moves_are_from_midnight_to_midnight(bars):
    moves = daily_moves(bars["BTC"])
    close = bars["BTC"].close
    assert len(moves.move) == 419 and (moves.begin_ns % DAY_NS == 0).all()
    assert moves.move[0] == close[47] / close[23] - 1.0 and moves.row[0] == 23


def test_what_is_fitted_covers_the_days_before_the_split_and_knows_no_others(bars):
    found = mc.backtest(bars, split=SPLIT)
    table = found.table()
    fitted = np.isin(table["method"], ["static", "ewma"])
    before = table[(table["period"] == "before") & fitted]
    allowed = (1.0 - before["level"]) * before["days"]
    assert (before["exceedances"] == np.floor(allowed + 1e-9)).all()
    other = {u: replace(b, close=np.where(b.end_ns > START + 301 * DAY_NS, 1.0, b.close))
             for u, b in bars.items()}  # fmt: skip
    again = mc.backtest(other, split=SPLIT)
    for unit in bars:
        mask = found.period(unit, "before")
        for key, range_frac in found.days[unit].ranges.items():
            assert np.array_equal(range_frac[mask], again.days[unit].ranges[key][mask]), key


def test_the_table_says_what_the_days_say(bars):
    found = mc.backtest(bars, split=SPLIT, levels=[0.99])
    table = found.table()
    assert len(table) == 2 * 3 * 4
    row = table[(table["unit"] == "ETH") & (table["period"] == "whole")]
    for i, method in enumerate(METHODS):
        range_frac = found.days["ETH"].ranges[method, 0.99]
        move = found.days["ETH"].move
        assert row["exceedances"][i] == (np.abs(move) > range_frac).sum()
        assert row["up"][i] + row["down"][i] == row["exceedances"][i]
        assert row["mean_range_frac"][i] == range_frac.mean()
        assert (np.abs(move) > row["equal_static_frac"][i]).sum() == row["exceedances"][i]
    pooled = found.pooled()
    assert pooled["days"][-1] == 2 * row["days"][0]
    assert ((pooled["low_frac"] <= pooled["exceedance_frac"])
            & (pooled["exceedance_frac"] <= pooled["high_frac"])).all()  # fmt: skip


def test_too_little_history_and_another_horizon_are_refused(bars):
    with pytest.raises(ArgumentError, match="BTC: 0 days before the split"):
        mc.backtest(bars, split=datetime(2001, 1, 1, tzinfo=UTC))
    model = mc.load_thresholds("house")
    longer = model.model_copy(update={"horizon": model.horizon.model_copy(update={"days": 2.0})})
    with pytest.raises(ArgumentError, match="moves of 1 day, not of 2"):
        mc.backtest(bars, longer, split=SPLIT)
    with pytest.raises(ArgumentError, match="needs prices"):
        mc.backtest({})


@pytest.fixture(scope="module")
def real(shared):
    folder = shared / "data" / "prices"
    if not folder.is_dir():
        pytest.skip(f"no prices in {folder}")
    return mc.backtest(mc.read_bars(sorted(folder.glob("*.parquet"))))


@pytest.mark.parametrize("level", [0.99, 0.995])
@pytest.mark.parametrize("unit", ["BTC", "ETH"])
def test_house_ranges_pass_both_tests_and_cost_less_than_static_ones(real, unit, level):
    table = real.table()
    row = table[(table["unit"] == unit) & (table["level"] == level)
                & (table["method"] == "house") & (table["period"] == "whole")]  # fmt: skip
    assert row["days"][0] > 2_850
    assert row["kupiec"][0] > 0.05 and row["independence"][0] > 0.05
    assert row["conditional"][0] > 0.05
    assert row["mean_range_frac"][0] < row["equal_static_frac"][0]


def test_house_ranges_swing_less_than_the_plain_ewma(real):
    table = real.table()
    whole = table[(table["period"] == "whole") & (table["level"] == 0.99)]
    house, ewma = (whole[whole["method"] == method] for method in ("house", "ewma"))
    assert (house["peak_to_trough"] < ewma["peak_to_trough"]).all()
    assert (house["rise_1d"] < ewma["rise_1d"]).all()
    pooled = real.pooled()
    row = pooled[(pooled["period"] == "whole") & (pooled["method"] == "house")]
    assert ((row["low_frac"] < 1.0 - row["level"]) & (1.0 - row["level"] < row["high_frac"])).all()


def test_what_holds_open_positions_covers_99_percent_of_days(real):
    """It gives up coverage for steadiness, IM does not: 0.68 % of days instead of 0.53."""
    pooled = real.pooled()
    share = {
        row["method"]: row["exceedance_frac"]
        for row in (dict(zip(pooled, values, strict=True))
                    for values in zip(*(pooled[name] for name in pooled), strict=True))
        if (row["period"], row["level"]) == ("whole", 0.995)
    }  # fmt: skip
    assert share["house"] < share["maintenance"] < 0.01


# The command


def run(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main(["backtest", *map(str, words)])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_the_command_shows_tables_of_80_columns_and_draws(tmp_path, capsys):
    pytest.importorskip("matplotlib")
    btc = write_prices(tmp_path / "BTCUSDT.csv")
    eth = write_prices(tmp_path / "ETHUSDT.csv", seed=1)
    words = ["--prices", btc, eth, "--split", SPLIT.date(), "--level", 0.99,
             "--out", tmp_path / "t.csv", "--picture", tmp_path / "p.svg"]  # fmt: skip
    code, out, err = run(capsys, *words)
    assert (code, err) == (0, "")
    assert "BTC whole" in out and "all coins together" in out and "house" in out
    assert max(map(len, out.splitlines())) <= max(80, len(str(tmp_path)) + 20)
    first = (tmp_path / "p.svg").read_bytes()
    assert (tmp_path / "t.csv").read_text().startswith("unit,period,level,method,days,exceedances")
    run(capsys, *words)
    assert (tmp_path / "p.svg").read_bytes() == first


def test_the_command_says_in_one_line_what_is_wrong(tmp_path, capsys):
    btc = write_prices(tmp_path / "BTCUSDT.csv", days=80)
    for words, said in (
        (["--prices", btc], "BTC: 19 days before the split"),
        (["--prices", btc, "--split", "soon"], "--split 'soon' is no instant"),
        (["--prices", btc, "--level", "0.5"], "no tail for 0.5: 0.99, 0.995"),
        (["--prices", btc, "--thresholds", "none.toml"], "none.toml"),
        (["--prices", tmp_path / "gone_BTCUSD.csv"], "gone_BTCUSD.csv"),
        ([], "give --prices"),
    ):
        code, out, err = run(capsys, *words)
        assert code == 2 and out == "" and said in err and err.count("\n") == 1, err
