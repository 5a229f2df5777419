"""Forks that a program allows by forkpolicy.h, and places where no Python code forks.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

import support

DEMO = support.BUILD / "prog" / "libdemo.so"
RUNTIME = "runtime demo\n dso */libdemo.so\n class lost\n"


@pytest.fixture
def allows(tmp_path):
    def run(case, policy="refuse", lines="", program="allows", **settings):
        path = tmp_path / "demo.policy"
        path.write_text(lines + RUNTIME)
        path.chmod(0o600)
        command = [support.host(program), *([case] if case else []), DEMO]
        env = {"FORKPOLICY_FILE": str(path)}
        return support.run(command, policy=policy, env=env, isolated=True, **settings)

    return run


def test_what_cannot_be_allowed(allows):
    said = dict(line.split() for line in allows("bad").stdout.splitlines())
    assert said.pop("good") == "0"
    cases = "null abi nothing empty pattern place comma lines long twice gone"
    assert said == dict.fromkeys(cases.split(), "1")


def test_forks_within(allows, tmp_path):
    outcome = allows("forks", log=tmp_path / "log")
    assert outcome.stdout.splitlines() == [
        "before refused",
        "within forked",
        "within forked",
        "after refused",
    ], outcome
    runtimes = [each["runtimes"][0] for each in outcome.of("fork")]
    assert [each["allowed"] for each in runtimes] == ["the child only execs"] * 2
    assert {each["action"] for each in runtimes} == {"off"}
    assert not any("allowed_by" in each for each in runtimes), "no line of a file says so"


@pytest.mark.parametrize("policy", ["off", "warn", "fail", "reset"])
def test_under_every_policy(policy, allows):
    """Silent within; before and after the fork site has been told already."""
    outcome = allows("forks", policy=policy)
    assert [line.split()[1] for line in outcome.stdout.splitlines()] == ["forked"] * 4, outcome
    heads = [line for line in outcome.said if "loses" in line]
    assert len(heads) == (policy == "warn"), outcome


def test_they_end_in_any_order(allows):
    assert allows("order").stdout.splitlines() == ["other refused", "demo forked"]


def test_they_hold_for_one_thread(allows):
    assert allows("thread").stdout.splitlines() == ["own forked", "main refused"]


def test_they_hold_in_a_child_of_that_thread(allows):
    assert allows("child").stdout.splitlines() == ["grandchild forked", "after refused"]


def test_without_a_shim(allows):
    outcome = allows("forks", policy=None, preload=False)
    assert outcome.status == 0 and outcome.stderr == "", outcome


def told(outcome):
    return [line.rsplit("/", 1)[1] for line in outcome.said if line.startswith("forkpolicy:   at ")]


@pytest.mark.parametrize(
    "policy, places",
    [
        ("warn", ["two_sites", "libdemo.so"]),
        ("off:demo@libdemo.so", ["two_sites"]),
        ("off@*/prog/two_sites:*", ["libdemo.so"]),
        ("off:demo@two_sites:12", ["two_sites", "libdemo.so"]),
    ],
)
def test_the_library_that_forks_is_the_place(policy, places, allows):
    outcome = allows(None, policy=policy, program="two_sites")
    assert outcome.status == 0 and told(outcome) == places, outcome


