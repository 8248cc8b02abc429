# SPDX-License-Identifier: Apache-2.0
"""Print docs/cli.md from the commands themselves: `python scripts/cli_page.py > docs/cli.md`.

A test compares the page with what this prints, so that it cannot say what a command does not do.
"""

from __future__ import annotations

import re

import click

from margin_core.cli.commands import app

HEAD = """\
# Command line: every command and option

Written by `scripts/cli_page.py` from the commands themselves; the
[quickstart](quickstart-cli.md) has examples.

`--market` takes several files after it. Tables of positions, balances, orders, accounts and quotes
are .csv, .json or .parquet, with the columns of the [quickstart](quickstart-cli.md). Results go to
standard output, warnings and progress to standard error. Colour is used on terminals, unless
`NO_COLOR` is set.

| exit status | when |
|---|---|
| 0 | done |
| 1 | `conform`: a known answer is not reproduced; `replay`: a pass criterion is missed |
| 2 | an error, said in one line: file, row, line and column, or option; nothing was written |
| 130 | interrupted (Ctrl-C) |
"""


def page() -> str:
    """The whole page."""
    commands = app.commands.values()
    return "\n".join([HEAD, *(_command(command) for command in commands)])


def _command(command: click.Command) -> str:
    arguments = [p for p in command.params if isinstance(p, click.Argument)]
    options = [p for p in command.params if isinstance(p, click.Option)]
    words = [p.metavar or (p.name or "").upper() for p in arguments]
    usage = " ".join(
        ["margin-core", str(command.name), *(["[OPTIONS]"] if options else []), *words]
    )
    lines = [f"## {command.name}", "", _text(command.help or ""), "", "```text", usage, "```", "",
             "| option | meaning | default |", "|---|---|---|"]  # fmt: skip
    lines += [_row(option) for option in options]
    return "\n".join(lines) + "\n"


def _row(option: click.Option) -> str:
    name = ", ".join(f"`{word}`" for word in option.opts)
    if not option.is_flag:
        name = f"{name} {_value(option)}"
    default = f"`{option.default}`" if option.show_default else ""
    return f"| {name} | {_text(option.help or '')} | {default} |"


def _value(option: click.Option) -> str:
    if option.metavar:
        return option.metavar.replace("|", " or ")
    kind = option.type
    if isinstance(kind, click.IntRange):
        if kind.max is None:
            return f"N, {kind.min} or more"
        return f"N, {kind.min} to {kind.max}"
    return kind.name.upper()


def _text(text: str) -> str:
    """A docstring as one paragraph."""
    return re.sub(r"\s+", " ", text).strip()


if __name__ == "__main__":
    print(page(), end="")
