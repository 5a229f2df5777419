# SPDX-License-Identifier: Apache-2.0
"""carry: pools of wheels work in forked children, at the versions that known.policy lists."""

import json

import pytest

import support
from python_jobs import answer, run_job

pytestmark = pytest.mark.skipif(
    not support.CARRIES, reason="threads are carried on x86-64 with glibc 2.34 to 2.43"
)

ENVIRONMENTS = {
    "tokenizers": "wheels",
    "polars": "wheels",
    "obstore": "hangs",
    "opendal": "hangs",
}
WITH_TORCH = {"tokenizers", "polars"}
PARALLEL = {"TOKENIZERS_PARALLELISM": "true"}


def carried(how, times, tmp_path, policy="carry", env=PARALLEL, library="tokenizers"):
    return run_job(
        "carried.py",
        library,
        how,
        str(times),
        environment=ENVIRONMENTS[library],
        policy=policy,
        log=tmp_path / "log",
        tmp=tmp_path,
        env=env,
        isolated=True,
    )


def reasons(outcome, library="tokenizers"):
    return [each["reason"] for each in outcome.of("carry") if each["name"] == library]


@pytest.mark.parametrize("library", ENVIRONMENTS)
@pytest.mark.parametrize(
    "how, times, forks",
    [("of_itself", 20, 60), ("of_a_pool", 5, 10), ("of_an_executor", 5, 10), ("of_a_loader", 3, 6)],
)
def test_children_use_it(how, times, forks, library, tmp_path):
    if how == "of_a_loader" and library not in WITH_TORCH:
        pytest.skip("its environment has no torch")
    outcome = carried(how, times, tmp_path, library=library)
    assert answer(outcome) == 0 and not outcome.stderr, outcome
    assert reasons(outcome, library) == ["none"] * forks, outcome


@pytest.mark.parametrize("library", ENVIRONMENTS)
def test_they_need_it(library, tmp_path):
    outcome = carried("of_itself", 1, tmp_path, policy="fail", library=library)
    assert answer(outcome) == 1 and not outcome.of("carry"), outcome


def test_another_python_thread_may_be_in_it(tmp_path):
    """...which is named."""
    outcome = carried("beside_a_thread", 1, tmp_path)
    thread = json.loads(outcome.stdout.splitlines()[0])
    assert answer(outcome) == 1 and reasons(outcome) == ["others"], outcome
    assert [each["thread"] for each in outcome.of("carry")] == [thread]
    assert outcome.said[0] == (
        "forkpolicy: tokenizers is not carried into the child: the process has other threads, "
        f'which may be using it (thread {thread}); it acts as "reset"'
    )


@pytest.mark.parametrize("how", ["without_an_end", "with_bytes_on_the_way", "with_a_foreign_watch"])
def test_a_socketpair_that_is_not_the_runtimes_alone(how, tmp_path):
    """The child would share it with somebody: the message names the descriptor."""
    outcome = carried(how, 1, tmp_path, library="opendal")
    numbers = json.loads(outcome.stdout.splitlines()[0])
    assert answer(outcome) == 1 and reasons(outcome, "opendal") == ["files"], outcome
    number = outcome.of("carry")[0]["descriptor"]
    assert number in numbers
    assert outcome.said[0].startswith("forkpolicy: opendal is not carried into the child: an event loop"), outcome
    assert outcome.said[0].endswith(f' (descriptor {number}); it acts as "reset"'), outcome


def test_a_library_that_no_table_lists_is_named_and_refused(tmp_path):
    """Its version was not tried, and neither were its fork handlers."""
    table = tmp_path / "policy"
    table.write_text("runtime words\n dso */tokenizers/tokenizers*.so\n class lost\n carried 0.1\n")
    env = dict(PARALLEL, FORKPOLICY_FILE=str(table))
    outcome = carried("of_itself", 1, tmp_path, env=env)
    assert answer(outcome) == 1 and not outcome.of("carry"), outcome
    outcome = carried("of_itself", 1, tmp_path, policy="carry:words", env=env)
    assert answer(outcome) == 1, outcome
    assert [each["reason"] for each in outcome.of("carry")] == ["handlers"], outcome
