# SPDX-License-Identifier: Apache-2.0
"""Pictures, for what people would rather look at than read. Needs margin-core[plot]."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.errors import ArgumentError, MissingExtraError
from margin_core.render import clean, number
from margin_core.risk import RiskArray
from margin_core.scenario import Scenarios
from margin_core.sweep import sweep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.book import Book
    from margin_core.margin import Margin

__all__ = ["Surface", "account_picture", "account_surface"]

FORMATS = (".png", ".svg", ".pdf")
#: Distinct for all kinds of colour vision. Source: M. Okabe and K. Ito, "Color universal design".
ORANGE, BLACK, BLUE = "#D55E00", "#000000", "#0072B2"
LEVELS = 9


@dataclass(frozen=True, eq=False)
class Surface:
    """P&L of one account when all coins and all volatilities move together.

    Attributes
    ----------
    account : str
    spot, vol : (X,), (Y,) float64
        Moves as fractions: of the price, and of the volatility itself.
    pnl : (Y, X) float64, numeraire
    equity : float
    numeraire : str
    """

    account: str
    spot: NDArray[np.float64]
    vol: NDArray[np.float64]
    pnl: NDArray[np.float64]
    equity: float
    numeraire: str

    def finding(self) -> str:
        """What the surface says, in one sentence."""
        worst = float(self.pnl.min())
        name = f"Account {clean(self.account, 24)}"
        if worst >= 0.0:
            return f"{name} loses nothing here"
        money = f"{number(-worst)} {self.numeraire}"
        if self.equity > 0.0 and worst < -self.equity:
            gone = self.spot[(self.pnl < -self.equity).any(axis=0)]
            first = float(gone[np.abs(gone).argmin()])
            verb = "falls" if first < 0 else "rises"
            return f"{name} can lose its equity once spot {verb} {100 * abs(first):.0f} %"
        share = f", {-100 * worst / self.equity:.0f} % of its equity," if self.equity > 0 else ""
        return f"{name} loses at most {money}{share} within ±{100 * self.spot[-1]:.0f} % of spot"


def _percent(move: float) -> str:
    return f"{100 * move:+.0f} %" if move else "0 %"


def account_surface(
    book: Book,
    margin: Margin,
    account: str,
    *,
    spot_range: float = 0.4,
    vol_range: tuple[float, float] = (-0.5, 1.0),
    points: int = 81,
) -> Surface:
    """Reprice an account over a grid of spot and volatility moves.

    Parameters
    ----------
    book : Book
    margin : Margin
    account : str
    spot_range : float
        Every coin moves by up to this fraction, both ways; dollars stay.
    vol_range : (low, high)
        Every volatility moves between these fractions of itself.
    points : int
        Spot moves; there are about a third as many volatility moves.
    """
    if not 0.0 < spot_range < 1.0 or not -1.0 <= vol_range[0] < vol_range[1] or points < 3:
        raise ArgumentError("spot_range is between 0 and 1, vol_range rises from -1, points >= 3")
    one = book.select([book.row_of(account)])
    risk = margin.risk
    packed = one.pack(risk)
    market = risk.market.select(packed.row)
    rows = market.instruments.index_of(risk.instruments.name[packed.row])
    quantity = np.zeros(len(market))
    quantity[rows] = packed.lots * risk.lot[packed.row]

    spot = np.linspace(-spot_range, spot_range, 2 * (points // 2) + 1)
    vol = np.linspace(*vol_range, 6 * max(points // 18, 1) + 1)
    units = market.instruments.units
    still = {unit for unit in units if margin.model.unit(unit).group in ("stablecoins", "fiat")}
    # First the base: every table needs a column in which nothing moves.
    moves = np.concatenate([[0.0], np.tile(spot, len(vol))])
    vol_moves = np.concatenate([[0.0], np.repeat(vol, len(spot))])
    scenarios = Scenarios.from_arrays(
        [str(i) for i in range(len(moves))],
        {unit: moves * (unit not in still) for unit in units},
        vol_move=dict.fromkeys(units, vol_moves),
    )
    grid = RiskArray.price(
        market, margin.model, scenarios, quantum=None, lots=np.ones(len(market)),
        numeraire=risk.numeraire,
    )  # fmt: skip
    pnl = quantity[grid.numbering.order] @ grid.cells[:, 1:]
    standing = sweep(one, margin, market_exposure=False, threads=1)
    return Surface(
        account, spot, vol, pnl.reshape(len(vol), len(spot)),
        float(standing.amount("equity")[0]), risk.numeraire,
    )  # fmt: skip


def require_matplotlib() -> None:
    """Say which extra brings matplotlib where it is missing."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise MissingExtraError(
            "pictures need matplotlib: pip install margin-core[plot]"
        ) from error


def account_picture(
    surface: Surface, path: str | os.PathLike[str], *, note: str | None = None
) -> None:
    """Draw an account's P&L over spot and volatility.

    Parameters
    ----------
    surface : Surface
        From `account_surface`.
    path
        Ends in .png, .svg or .pdf; the file appears whole or not at all.
    note : str, optional
        A line under the picture, such as where the data is from.

    Raises
    ------
    MissingExtraError
        matplotlib is not installed.
    """

    def draw(figure: Any) -> None:
        left, right = figure.subplots(1, 2)
        scale, unit = _scale(surface)
        _lines(left, surface, scale, unit)
        mesh = _map(right, surface, scale)
        bar = figure.colorbar(mesh, ax=right, format=thousands)
        bar.set_label(f"P&L, {unit}")
        bar.outline.set_visible(False)
        figure.suptitle(surface.finding(), x=0.01, ha="left", fontsize=12, fontweight="bold")
        if note:
            figure.supxlabel(note, x=0.01, ha="left", fontsize=8, color="0.4")

    save_picture(path, (10.5, 4.6), draw)


def save_picture(
    path: str | os.PathLike[str], size: tuple[float, float], draw: Callable[[Any], None]
) -> None:
    """A new figure of `size` inches, drawn on and written whole; the same drawing, the same file.

    Raises
    ------
    ArgumentError, MissingExtraError
        The name is not of a picture; matplotlib is not installed.
    """
    from margin_core.adapters.files import write_atomically

    suffix = os.path.splitext(os.fspath(path))[1].lower()
    if suffix not in FORMATS:
        raise ArgumentError(f"{os.fspath(path)}: a picture ends in {', '.join(FORMATS)}")
    require_matplotlib()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    out = io.BytesIO()
    # A fixed salt and no date: the same picture is the same file.
    with rc_context({"svg.hashsalt": "margin_core", "font.size": 10}):
        figure = Figure(figsize=size, layout="constrained")
        draw(figure)
        metadata = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(suffix)
        figure.savefig(out, format=suffix[1:], dpi=144, metadata=metadata)
    write_atomically(path, out.getvalue())


def _scale(surface: Surface) -> tuple[float, str]:
    largest = float(np.abs(surface.pnl).max())
    for scale, word in ((1e6, "million "), (1e3, "thousand ")):
        if largest >= 10 * scale:
            return scale, word + surface.numeraire
    return 1.0, surface.numeraire


def thousands(value: float, _position: int | None = None) -> str:
    """A tick's label."""
    text = number(value, 0 if value == round(value) else 1)
    return text.replace("-", "\N{MINUS SIGN}")


def _axes(axes: Any, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlabel("move of every coin's price, %")
    axes.spines[["top", "right"]].set_visible(False)


def _lines(axes: Any, surface: Surface, scale: float, unit: str) -> None:
    """P&L over spot at three volatilities; where the equity is gone, if that is in sight."""
    wanted: tuple[float, ...] = (surface.vol[0], surface.vol[-1], 0.0)
    if np.ptp(surface.pnl, axis=0).max() <= 1e-6 * max(float(np.abs(surface.pnl).max()), 1.0):
        wanted = (0.0,)  # no options: one line says it
    styles = ((BLUE, "--"), (ORANGE, "-."), (BLACK, "-"))
    for move, (colour, style) in zip(wanted, styles[-len(wanted) :], strict=True):
        y = int(np.abs(surface.vol - move).argmin())
        label = "volatility unchanged" if len(wanted) > 1 else "at any volatility"
        label = label if move == 0 else f"volatility {_percent(move)}"
        axes.plot(100 * surface.spot, surface.pnl[y] / scale, style, color=colour, label=label)
    axes.axhline(0.0, color="0.75", linewidth=0.8, zorder=0)
    low, high = axes.get_ylim()
    if low < -surface.equity / scale < high:
        axes.axhline(-surface.equity / scale, color="0.3", linewidth=1.0, linestyle=":")
        axes.annotate(
            "equity used up", (100 * surface.spot[-1], -surface.equity / scale),
            xytext=(0, 3), textcoords="offset points", ha="right", fontsize=8, color="0.3",
        )  # fmt: skip
    axes.set_ylabel(f"P&L, {unit}")
    axes.yaxis.set_major_formatter(thousands)
    axes.legend(frameon=False, fontsize=9)
    _axes(axes, "by spot")


def _map(axes: Any, surface: Surface, scale: float) -> Any:
    limit = max(float(np.abs(surface.pnl).max()), 1e-9) / scale
    x, y = 100 * surface.spot, 100 * surface.vol
    cells = surface.pnl / scale
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    # Without the darkest ends, on which no label can be read.
    colours = ListedColormap(colormaps["PuOr"](np.linspace(0.15, 0.85, 256)))
    mesh = axes.pcolormesh(
        x, y, cells, cmap=colours, vmin=-limit, vmax=limit, shading="gouraud", rasterized=True
    )
    if np.ptp(cells) > 1e-6 * limit:
        lines = axes.contour(x, y, cells, levels=LEVELS, colors="0.25",
                             linewidths=0.6, linestyles="solid")  # fmt: skip
        axes.clabel(lines, fmt=thousands, fontsize=8, inline_spacing=7)
        bottom, column = np.unravel_index(int(cells.argmin()), cells.shape)
        axes.plot(x[column], y[bottom], "v", color=BLACK, clip_on=False, markersize=7)
        axes.annotate(
            "worst", (x[column], y[bottom]), xytext=(0, -12 if bottom else 8),
            textcoords="offset points", ha="left" if column == 0 else "right", fontsize=8,
        )  # fmt: skip
    axes.set_ylabel("move of every volatility, % of itself")
    _axes(axes, "by spot and volatility")
    return mesh
