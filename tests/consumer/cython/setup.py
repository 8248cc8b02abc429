# SPDX-License-Identifier: Apache-2.0
"""An extension of somebody else's, against the headers and the library in the wheel."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

import margin_core

package = Path(margin_core.__file__).parent
setup(
    name="consumer",
    ext_modules=cythonize(
        [
            Extension(
                "consumer",
                ["consumer.pyx"],
                include_dirs=[str(package / "include")],
                library_dirs=[str(package / "lib")],
                libraries=["margin_core", "pthread", "m"],
            )
        ]
    ),
)
