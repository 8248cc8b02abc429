# SPDX-License-Identifier: Apache-2.0
"""The catalogue says where its numbers come from, and refuses what contradicts itself."""

import copy
import csv
import math
import re
import tomllib
from importlib.resources import files
from pathlib import Path

import pytest

from margin_core import load_catalogue
from margin_core.collateral.catalogue import Catalogue
from margin_core.errors import ModelError, UnknownInstrumentError

TEXT = (files("margin_core") / "models/collateral/house.toml").read_text(encoding="utf-8")


@pytest.fixture
def data():
    return tomllib.loads(TEXT)


def test_it_holds_thirty_assets_on_twelve_chains_and_every_kind():
    c = load_catalogue()
    assert len(c.assets) >= 30
    assert len({a.chain for a in c.assets.values()}) >= 12
    assert {a.kind for a in c.assets.values()} == {
        "coin", "stablecoin", "staked", "restaked", "lending_receipt", "tokenised_bill", "bridged",
    }  # fmt: skip
    assert {a.yields for a in c.assets.values()} == {
        "none", "exchange_rate", "rebasing", "lending_index", "coupon",
    }  # fmt: skip


def test_every_source_is_dated_and_used():
    c = load_catalogue()
    for key, text in c.sources.items():
        assert re.search(r"\b20\d\d\b", text), f"sources.{key} has no date"
    assert {key for _, table in c.tables() for key in table.source} == set(c.sources)


def test_what_was_read_has_an_address():
    for key, text in load_catalogue().sources.items():
        if "Accessed" in text and key != "sok":
            assert re.search(r"https://\w+\.|github\.com/\w+", text), key


def numbers():
    """Every number of the catalogue: its path, whether it is assumed, and its table's sources."""
    for path, table in load_catalogue().tables():
        for name in table.model_fields_set:
            if type(getattr(table, name)) in (int, float):
                yield f"{path}.{name}", name in table.assumed, table.source


def test_every_number_is_assumed_or_has_a_source_that_was_looked_up():
    sources = load_catalogue().sources
    none = {"assumption", *(k for k in sources if "general knowledge" in sources[k])}
    for path, assumed, source in numbers():
        assert assumed or not none.issuperset(source), path
    for path, table in load_catalogue().tables():
        assert not table.assumed or "assumption" in table.source, path
        assert len(set(table.assumed)) == len(table.assumed), path


def test_the_page_counts_them_rightly():
    page = (Path(__file__).parents[2] / "docs/method/collateral.md").read_text(encoding="utf-8")

    def share(ending):
        which = [assumed for path, assumed, _ in numbers() if path.endswith(ending)]
        return sum(which), len(which)

    assumed, total = share("")
    waits, fees = share(".redemption.delay_days"), share(".redemption.fee_frac")
    words = " ".join(page.split())
    assert f"Of {total} numbers {total - assumed} have a source and {assumed} are assumed" in words
    each = "{} of {} waits at an open exit and {} of {} fees".format(*waits, *fees)
    assert each in words
    for ending in ("depth_usd", "impact_frac", "cap_usd", "backing_usd", "closed_days"):
        assert share(ending)[0] == share(ending)[1] > 0, ending
    sourced = [path for path, own, _ in numbers() if path.endswith("basis_vol") and not own]
    assert sourced == ["assets.stETH.basis_vol"]


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("assets.stETH.colour", "blue", "assets.stETH.colour: unknown field"),
        ("assets.stETH.chain", "mars", "assets.stETH.chain: there is no 'mars'"),
        ("assets.stETH.unit", "XXX", "assets.stETH.unit: there is no 'XXX'"),
        ("assets.stETH.source", ["nobody"], "assets.stETH.source: no 'nobody' in [sources]"),
        ("assets.stETH.redemption.source", ["x"], "assets.stETH.redemption.source: no 'x'"),
        ("assets.stETH.redemption.to", "USD", "assets.stETH.redemption.to: stETH follows"),
        ("assets.stETH.redemption.to", "wstETH", "goes in a circle"),
        ("assets.stETH.redemption.to", "USDC", "stETH follows 'ETH', USDC 'USD'"),
        ("assets.stETH.redemption.delay_days", -1.0, "assets.stETH.redemption.delay_days"),
        ("assets.stETH.redemption.fee_frac", None, "assets.stETH.redemption.fee_frac"),
        ("assets.stETH.basis_vol", math.nan, "assets.stETH.basis_vol"),
        ("assets.stETH.depth_usd", 0.0, "depth_usd and impact_frac go together"),
        ("assets.stETH.owner_cap_usd", 1e14, "owner_cap_usd is above cap_usd"),
        ("assets.stETH.assumed", ["x"], "assets.stETH: assumed: there is no field 'x'"),
        ("assets.stETH.bridge", "x", "assets.stETH.bridge: there is no 'x'"),
        ("assets.WBTC.bridge", None, "a bridged form names its bridge"),
        ("chains.base.settles_on", "mars", "chains.base.settles_on: there is no 'mars'"),
        ("chains.base.settles_on", "arbitrum", "chains.base.settles_on: itself a rollup"),
        ("chains.base.settles_on", None, "settles_on belongs to rollups"),
        ("chains.base.block_seconds", 0.0, "chains.base.block_seconds"),
        ("bridge_classes.external.failures_per_year", 1e9, "failures_per_year"),
        ("bridge_classes.canonical", None, "bridges.arbitrum.security: there is no 'canonical'"),
    ],
)
def test_a_contradiction_is_refused_with_its_path(data, path, value, message):
    *above, last = path.split(".")
    table = data
    for name in above:
        table = table[name]
    if value is None:
        del table[last]
    else:
        table[last] = value
    with pytest.raises(ModelError, match=re.escape(message)) as caught:
        Catalogue.parse(data, source="mine")
    assert str(caught.value).startswith("mine: ")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"absent\.toml"):
        load_catalogue(tmp_path / "absent.toml")
    (tmp_path / "bad.toml").write_text("[[")
    with pytest.raises(ModelError, match=r"bad\.toml: not TOML"):
        load_catalogue(tmp_path / "bad.toml")
    (tmp_path / "own.toml").write_text(TEXT)
    assert load_catalogue(tmp_path / "own.toml") == load_catalogue()


def test_an_unknown_asset_or_chain_is_named():
    with pytest.raises(UnknownInstrumentError, match="no asset 'FTT'"):
        load_catalogue().asset("FTT")
    with pytest.raises(UnknownInstrumentError, match="no chain 'terra'"):
        load_catalogue().chain("terra")


def test_it_survives_being_written_out(data):
    c = load_catalogue()
    assert Catalogue.parse(copy.deepcopy(data)) == c
    assert Catalogue.model_validate_json(c.model_dump_json()) == c


SECONDS = {"second": 1, "seconds": 1, "minute": 60, "minutes": 60, "min": 60, "s": 1, "hour": 3600,
           "hours": 3600}  # fmt: skip
NAMES = {
    "ethereum": "Ethereum", "arbitrum": "Arbitrum", "optimism": "OP", "base": "Base",
    "linea": "Linea", "scroll": "Scroll", "mantle": "Mantle", "zksync": "ZKsync",
    "unichain": "Unichain", "polygon": "Polygon", "bnb": "BNB", "avalanche": "Avalanche",
    "solana": "Solana", "gnosis": "Gnosis", "sonic": "Sonic", "celo": "Celo",
}  # fmt: skip
ELSEWHERE = {"OP": "Optimism", "BNB": "BNB Smart Chain"}


def longest(text):
    """Seconds of the longest time in "13-19 min", "< 1 second", "~ 2s"."""
    number, unit = re.findall(r"([\d.]+)\s*([a-z]+)", text)[-1]
    return float(number) * SECONDS[unit]


def test_finality_is_the_longest_of_the_documented_times(shared):
    folder = shared / "data" / "bridges"

    def table(name, key, value):
        with (folder / name).open(encoding="utf-8") as file:
            return {row[key]: longest(row[value]) for row in csv.DictReader(file)}

    ccip = table("chainlink_ccip_finality.csv", "Source Blockchain",
                 "Estimated Time for Finality")  # fmt: skip
    wormhole = table("wormhole_finality.csv", "chain", "time_to_finalize")
    cctp = table("circle_cctp_v1_confirmations.csv", "source_chain", "average_time")
    for name, chain in load_catalogue().chains.items():
        if name in NAMES:
            label = NAMES[name]
            times = [t[n] for t in (ccip, wormhole, cctp) for n in {label, ELSEWHERE.get(label)}
                     if n in t]  # fmt: skip
            assert chain.finality_seconds == max(times), (name, times)


def test_block_times_and_reorganisation_depths_are_the_registrys(shared):
    own = {"bnb": "bsc", "solana": "solanamainnet"}
    with (shared / "data" / "bridges" / "hyperlane_block_confirmations_reorg.csv").open() as file:
        registry = {row["chain"]: row for row in csv.DictReader(file)}
    for name, chain in load_catalogue().chains.items():
        if "hyperlane" in chain.source:
            row = registry[own.get(name, name)]
            assert chain.block_seconds == float(row["estimateBlockTime"]), name
            depth = row["reorgPeriod"]
            assert chain.reorg_blocks == (0 if depth == "finalized" else int(depth)), name
