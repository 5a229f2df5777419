"""A million children of four threads that fork while libraries are loaded and unloaded.

SPDX-License-Identifier: Apache-2.0
"""

import support


def test_a_million_children_beside_libraries_that_come_and_go():
    paths = [support.BUILD / "prog" / f"lib{name}.so" for name in ("slot_wait", "slot_words", "slot_ids")]
    outcome = support.run([support.host("slots"), 4, 1_000_000, 0, *paths], policy="warn", timeout=4 * 3600)
    assert outcome.status == 0 and "1000000 children, 0 bad, 0 ended" in outcome.stdout, outcome
