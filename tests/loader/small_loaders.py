"""What several tests of the Loader have in common. SPDX-License-Identifier: Apache-2.0"""

import pytest

EITHER = pytest.mark.parametrize("workers", [0, 2])
