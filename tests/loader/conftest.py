"""Puts the package on the import path, as loaders.py does. SPDX-License-Identifier: Apache-2.0"""

import loaders  # noqa: F401
