# SPDX-License-Identifier: Apache-2.0
"""reset with sever=1: a child has none of its parent's keep-alive connections, and makes its own.

Without it, two processes read each other's answers; the log says on which sockets.
"""

import re

import pytest

from python_jobs import answer, run_job

COUNT = 200
CLIENTS = ["requests", "urllib3", "aiohttp_thread", "aiohttp_main"]


def ask(client, sever, tmp_path):
    """What the job says, and the record that names the parent's one connection."""
    outcome = run_job(
        "keepalive.py",
        client,
        COUNT,
        environment="resets",
        policy="reset",
        log=tmp_path / "log",
        env={"FORKPOLICY_OPTIONS": f"sever={sever}"},
    )
    said = answer(outcome)
    assert outcome.stderr == "" and not outcome.of("hang"), outcome
    (record,) = outcome.of("sever")
    assert re.fullmatch(rf"\d+ to 127\.0\.0\.1 port {said['port']}", record["sockets"]), record
    assert record["count"] == 1 and record["severed"] is bool(sever), record
    return said["parent"], said["child"]


def right(count, errors=None):
    return {"right": count, "wrong": 0, "errors": errors or {}}


@pytest.mark.parametrize("client", CLIENTS)
def test_every_answer_is_right(client, tmp_path):
    assert ask(client, 1, tmp_path) == (right(COUNT), right(COUNT))


def test_a_client_that_does_not_connect_again_by_itself_has_one_error(tmp_path):
    parent, child = ask("http_client", 1, tmp_path)
    assert parent == right(COUNT)
    assert child == right(COUNT - 1, {"BrokenPipeError: [Errno 32] Broken pipe": 1})


@pytest.mark.parametrize("client", [*CLIENTS, "http_client"])
def test_sockets_are_named_without(client, tmp_path):
    parent, child = ask(client, 0, tmp_path)
    print(client, parent, child)  # mixed as chance will have it
    if client == "aiohttp_thread":  # its loop was reset, and its connections with it
        assert parent == child == right(COUNT)


def test_a_loop_hears_of_the_end_and_rests(tmp_path):
    """It must not be woken for the parent's connection, which it cannot watch any more."""
    outcome = run_job(
        "severed_loop.py",
        policy="reset",
        tmp=tmp_path,
        env={"FORKPOLICY_OPTIONS": "sever=1"},
    )
    steps, heard = outcome.stdout.split()
    assert heard == "True" and int(steps) < 20, outcome


def inherit(case, sever, tmp_path, policy="reset"):
    settings = {"policy": policy, "log": tmp_path / f"log of {policy}"}
    settings["env"] = {"FORKPOLICY_OPTIONS": f"sever={sever}"}
    outcome = run_job("inherited.py", case, **settings)
    assert (outcome.status, outcome.stderr) == (0, ""), outcome
    return outcome.stdout.strip(), [each["severed"] for each in outcome.of("sever")]


@pytest.mark.parametrize("case", ["alone", "ended"])
def test_a_child_of_a_process_without_threads(case, tmp_path):
    """The commonest shape of a shared connection."""
    assert inherit(case, 1, tmp_path) == ("parent", [True])


@pytest.mark.parametrize("case", ["alone", "ended"])
def test_its_connections_are_listed_without(case, tmp_path):
    assert inherit(case, 0, tmp_path) == ("childparent", [False])
    assert inherit(case, 1, tmp_path, policy="warn") == ("childparent", [])


def test_a_program_keeps_the_connection_that_it_is_given(tmp_path):
    """Also from a thread that has forked a child before."""
    assert inherit("exec", 1, tmp_path)[0] == "childparent"
