# SPDX-License-Identifier: Apache-2.0
"""action.yml as a runner of GitHub's reads it."""

import re

import yaml

import support


def step(name, inputs):
    """(script, variables) of a step: each variable is an input, or the input's default."""
    action = yaml.safe_load((support.ROOT / "action.yml").read_text())
    (found,) = [step for step in action["runs"]["steps"] if step["name"] == name]
    given = {key: each.get("default") for key, each in action["inputs"].items()}
    given.update(inputs)
    variables = {
        key: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: given[found[1]], text)
        for key, text in found.get("env", {}).items()
    }
    assert found["shell"] == "bash" and not re.search(r"\$\{\{", found["run"])
    return found["run"], variables
