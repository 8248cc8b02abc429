# SPDX-License-Identifier: Apache-2.0
"""The command line, `margin-core`: what it says when things go wrong is decided here."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

__all__ = ["main"]

ERROR, INTERRUPTED = 2, 130
#: Options that take several files: `--market a.csv b.csv`.
SEVERAL = ("--market", "--prices")
FILES = (".json", ".csv", ".parquet", ".pq")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 2 an error said in one line, 130 interrupted."""
    try:
        status = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except KeyboardInterrupt:
        print("\nmargin-core: interrupted", file=sys.stderr)
        status = INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


def _run(arguments: list[str]) -> int:
    import click

    from margin_core.cli.commands import app
    from margin_core.errors import MarginCoreError

    try:
        with app.make_context("margin-core", _spread(arguments)) as context:
            app.invoke(context)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.Abort:
        raise KeyboardInterrupt from None
    except click.exceptions.NoArgsIsHelpError as error:
        print(error.format_message())
    except click.UsageError as error:
        hint = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        return _fail(f"{error.format_message()}{hint}")
    except click.ClickException as error:
        return _fail(error.format_message())
    except BrokenPipeError:
        raise
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        return _fail(f"{name}{error.strerror or error}")
    except MemoryError:
        return _fail("not enough memory")
    except MarginCoreError as error:
        return _fail(str(error))
    return 0


def _fail(message: str) -> int:
    from margin_core.render import clean

    line = " ".join(part.strip() for part in message.splitlines())
    print(f"margin-core: {clean(line)}", file=sys.stderr)
    return ERROR


def _spread(arguments: list[str]) -> list[str]:
    """`--market a.csv b.csv` as `--market a.csv --market b.csv`."""
    out: list[str] = []
    several = None
    for i, word in enumerate(arguments):
        if word in SEVERAL:
            several = word
        elif word.startswith("-"):
            several = None
        elif several and arguments[i - 1] != several:
            if word.lower().endswith(FILES):
                out.append(several)
            else:
                several = None
        out.append(word)
    return out
