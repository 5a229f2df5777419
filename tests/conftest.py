"""Puts this folder on the import path, where support.py is. SPDX-License-Identifier: Apache-2.0"""

import os

# Where these are set pytest tells more, also in the jobs that run it.
for name in ("CI", "BUILD_NUMBER"):
    os.environ.pop(name, None)
