# SPDX-License-Identifier: Apache-2.0
"""`python -m margin_core` is `margin-core`."""

from margin_core.cli import main

if __name__ == "__main__":
    main()
