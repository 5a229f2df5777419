# SPDX-License-Identifier: Apache-2.0
"""Python in development mode, which chooses another allocator at its start, under each policy."""

import pytest

import support
from interpreters import ask_interpreter
from python_jobs import JOBS, answer

MODES = {
    "dev": {"PYTHONDEVMODE": "1"},
    "tracemalloc": {"PYTHONMALLOC": "debug", "PYTHONTRACEMALLOC": "1"},
}
POLICIES = ["warn", "fail", "reset", "refuse", "refuse:polars", "reset:libgomp"]
FOREIGN = "runtime foreign\n    dso */libforeign.so\n    class lost\n"


def run(interpreter, *arguments, policy, mode="dev", env=None):
    return support.run(
        [interpreter, "-W", "ignore", *arguments],
        policy=policy,
        env={"PYTHONDONTWRITEBYTECODE": "1", **MODES[mode], **(env or {})},
    )


@pytest.mark.parametrize("policy", POLICIES)
def test_ends_well(interpreter, policy):
    outcome = run(interpreter, "-c", "pass", policy=policy)
    assert (outcome.status, outcome.stderr) == (0, ""), outcome


@pytest.mark.parametrize("policy", ["reset", "refuse:polars"])
def test_children_end_well(interpreter, policy):
    codes = answer(run(interpreter, JOBS / "development.py", policy=policy))
    assert set(codes.values()) == {0}, codes


def ask_native(interpreter, foreign_library, tmp_path, *arguments, mode="dev"):
    policy = tmp_path / "policy"
    policy.write_text(FOREIGN)
    job = [JOBS / "native_threads.py", foreign_library, *arguments]
    outcome = run(
        interpreter, *job, policy="refuse", mode=mode, env={"FORKPOLICY_FILE": str(policy)}
    )
    return answer(outcome)


def has_audit_hooks(interpreter):
    return ask_interpreter(interpreter)[1] not in ("3.6", "3.7")


@pytest.mark.parametrize("mode", MODES)
def test_the_first_fork_after_threads_without_the_gil(interpreter, foreign_library, tmp_path, mode):
    """A ForkPolicyError, though no Python thread was ever started."""
    said = ask_native(interpreter, foreign_library, tmp_path, mode=mode)
    assert said["error"] == ("ForkPolicyError" if has_audit_hooks(interpreter) else "OSError")


def test_beside_an_audit_hook_of_the_program(interpreter, foreign_library, tmp_path):
    """It hears of ours when that is added, at the first thread."""
    if not has_audit_hooks(interpreter):
        pytest.skip("no audit hooks in this Python")
    said = ask_native(interpreter, foreign_library, tmp_path, "audited")
    assert said == {
        "error": "ForkPolicyError",
        "heard": ["sys.addaudithook"],
    }
