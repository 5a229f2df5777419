# SPDX-License-Identifier: Apache-2.0
"""C programs under reset."""

import support

SURVIVES = "runtime host\n    dso */build/prog/*\n    class survives\n"


def run_host(name, *arguments, policy, tmp_path=None, file=None, **settings):
    if file:
        path = tmp_path / "a.policy"
        path.write_text(file)
        settings["env"] = {"FORKPOLICY_FILE": str(path)}
    outcome = support.run([support.host(name), *arguments], policy=policy, **settings)
    assert outcome.status == 0, outcome
    return outcome
