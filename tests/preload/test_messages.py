"""What is said and logged where a runtime is lost that a policy file declares.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re

import pytest

import support

DEMO = support.BUILD / "prog" / "libdemo.so"
RUNTIME = """\
# A runtime that the built-in table does not know.
runtime demo
    dso */libdemo.so
    class lost
    kind demo
    advice start it in the child
    advice or not at all
    source the demo's own tests
"""


@pytest.fixture
def policy_file(tmp_path):
    def write(text=RUNTIME):
        path = tmp_path / "demo.policy"
        path.write_text(text)
        path.chmod(0o600)
        return {"FORKPOLICY_FILE": str(path)}

    return write


def load(*arguments, policy=None, env=None, log=None, host="load"):
    return support.run(
        [support.host(host), *arguments], policy=policy, env=env, log=log, isolated=True
    )


def normal(text):
    """Without what differs from place to place."""
    text = text.replace(str(support.BUILD / "prog"), "PROG")
    return re.sub(r"in pid \d+ ", "in pid PID ", text)


WARNED = """\
forkpolicy: fork() allowed in pid PID (load threads=3): the child loses 3 of 4 threads
forkpolicy:   at      fork() called from PROG/load
forkpolicy:   lost    demo: 3 demo threads (demo-worker) of PROG/libdemo.so; hangs when the child uses it
forkpolicy:   do      fork before its threads start, or exec in the child
forkpolicy:   or      start it in the child
forkpolicy:   or      or not at all
forkpolicy:   or      add off:demo to FORKPOLICY, where the child never uses it
forkpolicy:   source  the demo's own tests
"""
REFUSED = WARNED.replace("allowed in pid", "refused in pid").replace(
    "the child loses", "the child would lose"
)


@pytest.mark.parametrize("policy", [None, "warn", "warn:demo", "off:nothing"])
def test_warn(policy, policy_file):
    outcome = load("threads=3", DEMO, policy=policy, env=policy_file())
    assert (outcome.status, outcome.stdout) == (0, "child ended with 3\n")
    assert normal(outcome.stderr) == WARNED


@pytest.mark.parametrize("policy", ["fail", "reset", "carry"])
def test_fail_is_silent_at_the_fork(policy, policy_file):
    """What it has to say comes at a wait that nobody can end."""
    if policy == "carry" and not support.CARRIES:
        pytest.skip("that it cannot be done here is said")
    outcome = load("threads=3", DEMO, policy=policy, env=policy_file())
    assert (outcome.status, outcome.stdout) == (0, "child ended with 3\n")
    assert outcome.stderr == ""


@pytest.mark.parametrize("policy", ["refuse", "refuse:demo", "refuse:*/libdemo.so"])
def test_refuse(policy, policy_file):
    outcome = load("threads=3", DEMO, policy=policy, env=policy_file())
    assert (outcome.status, outcome.stdout) == (0, "fork: ENOTSUP\n")
    assert normal(outcome.stderr) == REFUSED


def test_without_anything_known(policy_file, tmp_path):
    """Nothing but a path is known: asked for by its path, it is told all the same."""
    outcome = load("threads=1", DEMO, policy=f"warn:{DEMO}")
    assert normal(outcome.stderr) == """\
forkpolicy: fork() allowed in pid PID (load threads=1): the child loses 1 of 2 threads
forkpolicy:   at      fork() called from PROG/load
forkpolicy:   lost    libdemo.so: 1 native thread (demo-worker) of PROG/libdemo.so; \
behaviour in the child is unknown
forkpolicy:   do      fork before its threads start, or exec in the child
forkpolicy:   or      add off:PROG/libdemo.so to FORKPOLICY, where the child never uses it
"""


SPARE = RUNTIME.replace("    class", "    spare demo-clean*\n    class")


@pytest.mark.parametrize("policy", ["warn", "refuse"])
def test_threads_that_no_child_misses(policy, policy_file, tmp_path):
    """A library that is only imported may have them: its fork is neither told nor refused."""
    env = {**policy_file(SPARE), "DEMO_CLEANERS": "2"}
    outcome = load("threads=2", DEMO, policy=policy, env=env, log=tmp_path / "log")
    assert (outcome.stdout, outcome.said) == ("child ended with 3\n", []), outcome
    ((runtime,),) = [fork["runtimes"] for fork in outcome.of("fork")]
    assert (runtime["class"], runtime["threads"], runtime["names"]) == ("survives", 2, "demo-cleaner")


@pytest.mark.parametrize("cleaners, policy", [(2, "warn"), (0, "warn"), (3, "warn:demo")])
def test_one_of_another_name_is_missed(cleaners, policy, policy_file):
    env = {**policy_file(SPARE), "DEMO_CLEANERS": str(cleaners)}
    outcome = load("threads=3", DEMO, policy=policy, env=env)
    assert len(heads(outcome)) == 1, outcome


def test_any_library_that_go_has_built_is_known():
    """Its code runs on threads of its runtime's: a child that calls it hangs."""
    outcome = load("threads=2", support.host("libbuilt_by_go.so"))
    assert len(heads(outcome)) == 1, outcome
    assert "lost    go: 2 Go threads (demo-worker) of PROG/libbuilt_by_go.so; hangs" in normal(outcome.stderr)


def test_two_runtimes(policy_file):
    """One block, both lost; another library that is not known stands beside them."""
    text = RUNTIME + "\nruntime old\n    dso */libc11.so\n    class lost\n"
    outcome = load(
        "threads=2",
        DEMO,
        support.host("libc11.so"),
        support.host("libhandlers.so"),
        env=policy_file(text),
    )
    assert normal(outcome.stderr) == """\
forkpolicy: fork() allowed in pid PID (load threads=2): the child loses 6 of 7 threads
forkpolicy:   at      fork() called from PROG/load
forkpolicy:   lost    demo: 2 demo threads (demo-worker) of PROG/libdemo.so; hangs when the child uses it
forkpolicy:   lost    old: 2 native threads (load) of PROG/libc11.so; hangs when the child uses it
forkpolicy:   other   libhandlers.so: unknown
forkpolicy:   do      fork before its threads start, or exec in the child
forkpolicy:   or      start it in the child
forkpolicy:   or      or not at all
forkpolicy:   or      add off:demo,off:old to FORKPOLICY, where the child never uses it
forkpolicy:   source  the demo's own tests
"""


def heads(outcome):
    return [line for line in outcome.said if re.match(r"forkpolicy: \w+\(\) ", line)]


@pytest.mark.parametrize("policy", ["warn", "refuse"])
def test_said_once_at_one_site(policy, policy_file, tmp_path):
    """Ten forks: one message, ten records."""
    outcome = load("forks=10", DEMO, policy=policy, env=policy_file(), log=tmp_path / "log")
    assert outcome.status == 0 and len(heads(outcome)) == 1, outcome
    assert len(outcome.records) == 10


def test_said_once_for_each_site(policy_file):
    outcome = load(DEMO, host="two_sites", env=policy_file())
    assert outcome.status == 0 and len(heads(outcome)) == 2, outcome
    at = [normal(line) for line in outcome.said if line.startswith("forkpolicy:   at ")]
    assert at == [
        "forkpolicy:   at      fork() called from PROG/two_sites",
        "forkpolicy:   at      fork() called from PROG/libdemo.so",
    ]


def test_children_do_not_repeat_it(policy_file, tmp_path):
    """A child that forks at the same place, from a thread of the same runtime's process."""
    outcome = load("nested", DEMO, policy="warn:*", env=policy_file(), log=tmp_path / "log")
    assert outcome.status == 0, outcome
    assert len(outcome.of("fork")) == 2
    lost = [line for line in outcome.said if line.startswith("forkpolicy:   lost ")]
    assert len(lost) == len(set(normal(line) for line in lost)) == 2, outcome


@pytest.mark.parametrize("threads", [[], ["thread"]], ids=["main", "thread"])
def test_off_is_silent(threads, policy_file, tmp_path):
    outcome = load(*threads, DEMO, policy="off", env=policy_file(), log=tmp_path / "log")
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "child ended with 3\n", "")
    assert outcome.records == []


# FORKPOLICY, the file's own entries: what becomes of the fork.
PRECEDENCE = [
    (None, None, "warn"),
    ("warn", None, "warn"),
    ("refuse", None, "refuse"),
    ("", "policy refuse", "refuse"),
    (None, "policy refuse", "refuse"),
    ("warn", "policy refuse", "warn"),
    ("off:other", "policy refuse", "refuse"),
    ("off:demo", "policy refuse", "off"),
    (None, "policy refuse,off:demo", "off"),
    ("off:demo,refuse", None, "off"),
    ("refuse,off:demo", None, "off"),
    ("off:demo,refuse:*demo*", None, "refuse"),
    ("refuse:*demo*,off:demo", None, "off"),
    ("refuse,warn", None, "warn"),
    ("warn,refuse", None, "refuse"),
    ("off,refuse:demo", None, "refuse"),
    ("off,refuse:other", None, "off"),
    ("refuse", "policy off:demo", "refuse"),
    ("off:[a-d]emo", None, "off"),
    ("off:DEMO", None, "warn"),
    (" off:demo , warn ", None, "off"),
]


@pytest.mark.parametrize("environment,entries,expected", PRECEDENCE)
def test_precedence(environment, entries, expected, policy_file):
    text = RUNTIME + (entries + "\n" if entries else "")
    outcome = load(DEMO, policy=environment, env=policy_file(text))
    assert outcome.status == 0, outcome
    assert outcome.stdout == (
        "fork: ENOTSUP\n" if expected == "refuse" else "child ended with 3\n"
    ), outcome
    assert len(heads(outcome)) == (expected != "off"), outcome


def test_a_survivor_is_silent(policy_file, tmp_path):
    text = RUNTIME.replace("class lost", "class survives")
    for policy in ("warn", "refuse"):
        outcome = load(DEMO, policy=policy, env=policy_file(text), log=tmp_path / policy)
        assert (outcome.stdout, outcome.stderr) == ("child ended with 3\n", "")
        (record,) = outcome.of("fork")
        assert record["runtimes"][0]["class"] == "survives"
        assert record["runtimes"][0]["action"] == "off"


@pytest.mark.parametrize(
    "value,expected",
    [("1", "fork: ENOTSUP\n"), ("0", "child ended with 3\n"), (None, "child ended with 3\n")],
)
def test_a_class_that_depends_on_the_environment(value, expected, policy_file):
    text = RUNTIME.replace(
        "class lost", "class lost when environment DEMO_LOST=1\n" "    class survives"
    )
    env = policy_file(text) | ({"DEMO_LOST": value} if value else {})
    assert load(DEMO, policy="refuse", env=env).stdout == expected


def test_a_stranger_by_name(policy_file):
    """Threads that no hook saw can be known by their name alone."""
    text = "runtime cloned\n    thread raw-*\n    class lost\n"
    outcome = load("clone=2", host="bypass", policy="refuse", env=policy_file(text))
    assert outcome.stdout == "threads 3\n" + "failed: fork\n", outcome
    assert [normal(line) for line in outcome.said if ":   lost " in line] == [
        "forkpolicy:   lost    cloned: 2 unattributed threads (raw-clone); hangs when the child uses it"
    ]


@pytest.mark.parametrize("call", ["fork", "_Fork", "clone", "forkpty"])
def test_every_call_that_forks_is_told_and_refused(call, policy_file, tmp_path):
    for policy, status in (("warn", "child ended with 5\n"), ("refuse", "-1 ENOTSUP\n")):
        outcome = load(
            call, DEMO, host="fork_by", policy=policy, env=policy_file(), log=tmp_path / policy
        )
        assert (outcome.status, outcome.stdout) == (0, status), outcome
        assert len(heads(outcome)) == 1
        assert heads(outcome)[0].startswith(f"forkpolicy: {call}() "), outcome
        (record,) = outcome.records
        assert record["call"] == call


def test_a_forkpty_that_calls_fork_is_told_once(policy_file, tmp_path):
    """As that of libutil did, before glibc 2.34."""
    older = {"LD_PRELOAD": f"{support.LIBRARY}:{support.host('libold_pty.so')}"}
    env = policy_file() | older
    outcome = load("forkpty", DEMO, host="fork_by", policy="warn", env=env, log=tmp_path / "log")
    assert (outcome.status, outcome.stdout) == (0, "child ended with 5\n"), outcome
    assert len(heads(outcome)) == 1 and heads(outcome)[0].startswith("forkpolicy: forkpty() "), outcome
    assert [record["call"] for record in outcome.records] == ["forkpty"]


def test_a_daemon_is_told_and_not_refused(policy_file, tmp_path):
    """It forks inside libc, where only an atfork handler sees it: too late to refuse."""
    for policy in ("warn", "refuse"):
        outcome = load(
            "daemon", DEMO, host="fork_by", policy=policy, env=policy_file(), log=tmp_path / policy
        )
        assert (outcome.status, outcome.stdout) == (0, "child ended with 5\n"), outcome
        assert len(heads(outcome)) == 1 and "allowed" in heads(outcome)[0], outcome
        assert len(outcome.of("fork")) == len(outcome.records) >= 1


@pytest.mark.parametrize("call", ["vfork", "posix_spawn", "system", "popen"])
def test_what_execs_is_left_alone(call, policy_file, tmp_path):
    outcome = load(
        call, DEMO, host="fork_by", policy="refuse", env=policy_file(), log=tmp_path / "log"
    )
    assert (outcome.status, outcome.stdout) == (0, "child ended with 5\n"), outcome
    assert outcome.stderr == "" and outcome.records == []


RECORD_HEAD = ["v", "event", "time", "pid", "ppid", "host", "rank"]


@pytest.mark.parametrize("policy,event", [("warn", "fork"), ("refuse", "refused")])
def test_the_record(policy, event, policy_file, tmp_path):
    log = tmp_path / "log"
    outcome = load("threads=3", DEMO, policy=policy, env=policy_file() | {"RANK": "7"}, log=log)
    (record,) = outcome.records
    assert list(record)[:7] == RECORD_HEAD
    assert (record["v"], record["event"], record["rank"]) == (1, event, "7")
    assert record["host"] == os.uname().nodename
    assert isinstance(record["time"], float) and record["time"] > 1e9
    assert record["pid"] > 0
    assert (record["child"] is None) == (policy == "refuse")
    assert record["call"] == "fork" and record["origin"] == "native"
    assert (record["threads"], record["unattributed"]) == (4, 0)
    site = record["site"]
    assert site["dso"] == str(support.host("load"))
    assert site["user"] is site["library"] is site["innermost"] is site["function"] is None
    assert record["runtimes"] == [
        {
            "threads": 3,
            "name": "demo",
            "package": None,
            "version": None,
            "dso": str(DEMO),
            "kind": "demo",
            "class": "lost",
            "action": policy,
            "asked": policy,
            "names": "demo-worker",
            "started": None,
            "handlers": [],
            "advice": ["start it in the child", "or not at all"],
            "source": "the demo's own tests",
        }
    ]
    assert log.stat().st_mode & 0o777 == 0o600
    assert log.read_bytes().count(b"\n") == 1 and len(log.read_bytes()) <= 4096


def test_the_log_of_each_process(policy_file, tmp_path):
    """%p is the pid of the process that writes."""
    outcome = load("nested", DEMO, policy="warn", env=policy_file(), log=tmp_path / "log.%p.json")
    assert outcome.status == 0, outcome
    files = sorted(tmp_path.glob("log.*.json"))
    assert len(files) == 2
    for file in files:
        (record,) = support.read_log(file)
        assert file.name == f"log.{record['pid']}.json"
