# SPDX-License-Identifier: Apache-2.0
"""Each example prints what its header says, which has its commands, too."""

import os
import re
import shlex
import signal
import subprocess
import sys

import pytest

import support

EXAMPLES = support.ROOT / "examples"
LIMIT = 240  # seconds
PYTHON = ["loader.py", "ranks.py", "resume.py", "train.py"]
PROGRAM = EXAMPLES / "runtime/runtime.c"
LINE = re.compile(r"^(?: {4}| \* {5})(.*)$")  # of a block in a docstring, or in a comment


def commands(path):
    """[(command, what it prints)]"""
    found = []
    for line in path.read_text().splitlines():
        inside = LINE.match(line)
        if not inside and found:
            break
        if inside and inside.group(1).startswith("$ "):
            found.append((inside.group(1)[2:], ""))
        elif inside and found:
            found[-1] = (found[-1][0], f"{found[-1][1]}{inside.group(1)}\n")
    return found


def run(command, preload=False):
    """Its output. Without a shim of the tests' own, and ended with all that it started."""
    places = {
        "python": [sys.executable],
        "torchrun": [sys.executable, "-m", "torch.distributed.run"],
    }
    first, *rest = shlex.split(command)
    paths = {"PYTHONPATH": str(support.ROOT / "python"), "OMP_NUM_THREADS": "1"}
    env = support.environment(preload=preload, extra=paths)
    for name in ("RANK", "WORLD_SIZE"):
        env.pop(name, None)
    process = subprocess.Popen(
        [*places.get(first, [first]), *rest],
        env=env,
        cwd=support.ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, wrong = process.communicate(timeout=LIMIT)
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    assert process.returncode == 0, wrong
    return said, wrong


def test_none_is_forgotten():
    assert sorted(path.name for path in EXAMPLES.glob("*.py")) == PYTHON
    assert sorted(EXAMPLES.rglob("*.c")) == [PROGRAM]


@pytest.mark.parametrize("name", PYTHON)
def test_example_in_python(name):
    ((command, output),) = commands(EXAMPLES / name)
    assert command.endswith(f" examples/{name}") and output
    assert run(command)[0] == output


@pytest.mark.parametrize("name", ["resume.py", "train.py"])
def test_the_shim_has_nothing_to_say(name):
    """Workers are forked beside the threads of the library, which go through it."""
    ((command, output),) = commands(EXAMPLES / name)
    said, wrong = run(command, preload=True)
    assert said == output and "forkpolicy:" not in wrong


def test_runtime():
    """With and without the shim."""
    (build, nothing), *runs = commands(PROGRAM)
    assert nothing == "" and build == "make build/examples/runtime"
    made = subprocess.run(
        shlex.split(build), cwd=support.ROOT, capture_output=True, text=True, timeout=LIMIT
    )
    assert made.returncode == 0 and "warning" not in made.stderr, made
    assert [command.split()[0] for command, _ in runs] == [
        "build/examples/runtime",
        "build/forkpolicy",
    ]
    for command, output in runs:
        assert output.count("\n") == 4
        assert run(command) == (output, "")


@pytest.mark.parametrize("policy", ["off", "warn", "fail", "reset", "refuse"])
def test_runtime_under_each_policy(policy):
    (_, _), (command, output), _ = commands(PROGRAM)
    outcome = support.run([support.ROOT / command], policy=policy, timeout=LIMIT)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, output, "")


def test_the_guide(tmp_path):
    """Its first lines about the Loader run as they are."""
    blocks = re.findall(r"```python\n(.*?)```", (support.ROOT / "docs/loader.md").read_text(), re.S)
    (block,) = [each for each in blocks if "loader.token()" in each and "import numpy" in each]
    (tmp_path / "guide.py").write_text(block + "print(token)\n")
    assert run(f"python {tmp_path / 'guide.py'}")[0].startswith("fl1:1:0:")


def test_commands_are_read(tmp_path):
    """This test's own reader."""
    (tmp_path / "a.py").write_text('"""About.\n\n    $ a b\n    c\n      d\n\n    no\n"""\n')
    (tmp_path / "a.c").write_text("/*\n * About.\n *\n *     $ a\n *     $ b\n *     c\n *\n */\n")
    assert commands(tmp_path / "a.py") == [("a b", "c\n  d\n")]
    assert commands(tmp_path / "a.c") == [("a", ""), ("b", "c\n")]
