# SPDX-License-Identifier: Apache-2.0
"""The run under the shim: each phase of a test is followed by a look into the log. See pytest_plugin.py."""

import bisect
import json
import os
import signal
import time

import pytest

try:
    from pytest import ExceptionInfo, TestReport
except ImportError:  # before pytest 7
    from _pytest._code import ExceptionInfo
    from _pytest.reports import TestReport

from .pytest_records import Log, Problem, count_of, lost_runtimes, report_of

# The process that was started again, which must not happen twice, and the log that it is to remove.
RESTARTED = "FORKPOLICY_PYTEST"
PROPERTY = "forkpolicy"
# How long the end of the run waits for word from children that are without a runtime.
GRACE = 0.5
BLUR = 0.005  # seconds, by which the shim's clock for durations is late


class Watch:
    """One for each process that runs tests: it fails those for which there are new records."""

    def __init__(self, config, policy):
        self.config = config
        self.policy = policy
        self.strict = config.getoption("forkpolicy_strict")
        self.pid = os.getpid()
        self.phase_pid = self.pid
        self.log = Log(os.environ["FORKPOLICY_LOG"])
        self.parents = {}  # pid: the pid that made it
        self.forks = {}  # pid of a child: when it was made
        self.watched = set()  # children that are without a runtime
        self.tests = []  # (when it began, node id, location), in that order
        self.late = []  # (node id, location, problem)
        self.told = {}  # headline: the node id of the test whose report has it
        self.counts = {}
        os.register_at_fork(after_in_child=forget_alarm)

    def pytest_report_header(self):
        return f"forkpolicy: {self.policy}"

    # Which record is whose

    def is_own(self, pid):
        """Whether a process descends from this one, as far as the log tells."""
        seen = set()
        while pid != self.pid and pid in self.parents and pid not in seen:
            seen.add(pid)
            pid = self.parents[pid]
        return pid == self.pid

    def read(self):
        """The problems among the new records of this process's children."""
        new = self.log.read()
        for record, _ in new:
            fork = record.get("fork") or {}
            self.parents.setdefault(record["pid"], fork.get("parent") or record.get("ppid"))
            if record["event"] == "fork" and record.get("child"):
                self.parents[record["child"]] = record["pid"]
                self.forks[record["child"]] = record["time"]
        own = [(record, place) for record, place in new if self.is_own(record["pid"])]
        return list(filter(None, (self.judge(record, place) for record, place in own)))

    def judge(self, record, place):
        """Counts a record; the problem where it is one."""
        event, key = record["event"], record["event"]
        made = self.forks.get(record["pid"])
        if made is None:
            made = record["time"] - (record.get("fork") or {}).get("seconds", 0) + BLUR
        is_problem = False
        if event == "hang":
            key, is_problem = f"hang {record['verdict']}", True
        elif event == "use":
            is_problem = self.strict
        elif event == "fork":
            made = record["time"]
            is_problem = self.strict and bool(lost_runtimes(record))
            classes = {each.get("class") for each in record.get("runtimes") or ()}
            if classes - {"survives"}:
                self.watched.add(record.get("child"))
        self.counts[key] = self.counts.get(key, 0) + 1
        return Problem(record, place, made) if is_problem else None

    def test_of(self, when):
        """The test that ran at a time; None before the first."""
        number = bisect.bisect([start for start, _, _ in self.tests], when)
        return self.tests[number - 1] if number else None

    def sort(self, problems, item, call):
        """Those that this phase of the test has to answer for; the others are kept as late."""
        own = []
        for problem in problems:
            test = self.test_of(problem.forked)
            # A worker that an earlier test has made may hang in what this one asked it to do.
            serves = call.excinfo is not None and problem.since >= call.start - BLUR
            if test is None or test[1] == item.nodeid or serves:
                own.append(problem)
            else:
                self.late.append((test[1], test[2], problem))
        return own

    # Each test

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item):
        self.tests.append((time.time(), item.nodeid, item.location))
        yield

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self):
        self.phase_pid = os.getpid()

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item, call):
        if os.getpid() != self.phase_pid:
            end_escaped_child(call)
        problems = self.sort(self.read(), item, call)
        if not problems:
            yield
            return
        has_failed = any(key == PROPERTY for key, _ in item.user_properties)
        for problem in problems:
            item.user_properties.append((PROPERTY, problem.headline()))
        if has_failed and call.excinfo is None:
            yield  # in an earlier phase: one error a test
            return
        message = report_of(problems)
        if call.excinfo is None or isinstance(call.excinfo.value, pytest.skip.Exception):
            # As if the test had failed by itself: marks as xfail, --pdb and -x hold for it.
            call.excinfo = failure(message)
            yield
            return
        outcome = yield
        report = outcome.get_result()
        if report.failed:
            add_section(report, message)
            set_summary(report, problems[0].headline())

    # The end

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtestloop(self, session):
        yield
        if os.getpid() != self.pid or self.config.pluginmanager.hasplugin("dsession"):
            return  # xdist's controller runs no tests: its workers hand over what they have
        for problem in self.read_last():
            test = self.test_of(problem.forked) or (None, "(before the first test)", None)
            self.late.append((test[1], test[2], problem))
        late = [
            (nodeid, location, problems[0].headline(), report_of(problems))
            for nodeid, location, problems in self.late_by_test()
        ]
        if hasattr(self.config, "workeroutput"):
            self.config.workeroutput["forkpolicy"] = json.dumps([late, self.counts])
        else:
            self.tell_late(late)

    def late_by_test(self):
        """[(node id, location, problems)] of tests of which nothing was said."""
        said, tests = set(self.told.values()), {}
        for nodeid, location, problem in self.late:
            if nodeid not in said and problem.headline() not in self.told:
                tests.setdefault(nodeid, (nodeid, location, []))[2].append(problem)
        return tests.values()

    def read_last(self):
        problems = self.read()
        end = time.monotonic() + GRACE
        while time.monotonic() < end and any(map(is_alive, self.watched)):
            time.sleep(0.02)
            problems += self.read()
        return problems

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node):
        """A worker of xdist has ended."""
        late, counts = json.loads(getattr(node, "workeroutput", {}).get("forkpolicy", "[[], {}]"))
        for key, count in counts.items():
            self.counts[key] = self.counts.get(key, 0) + count
        self.tell_late(late)

    def tell_late(self, late):
        """The test is over: an error of its own, as of a teardown, in every kind of report."""
        for nodeid, location, headline, message in late:
            report = TestReport(
                nodeid=nodeid,
                location=tuple(location or (nodeid, None, nodeid)),
                keywords={},
                outcome="failed",
                longrepr=f"{message}\n  late    the test was over by then",
                when="teardown",
                user_properties=[(PROPERTY, headline)],
            )
            self.config.hook.pytest_runtest_logreport(report=report)

    def pytest_runtest_logreport(self, report):
        """Also of tests that another process ran."""
        for key, value in report.user_properties:
            if key == PROPERTY:
                self.told.setdefault(value, report.nodeid)

    def pytest_terminal_summary(self, terminalreporter):
        hangs = {key: count for key, count in self.counts.items() if key.startswith("hang ")}
        words = [count_of(self.counts.get("fork", 0), "fork") + " with threads"]
        words.append(count_of(sum(hangs.values()), "hang"))
        if hangs:
            words[-1] += f" ({', '.join(f'{n} {key[5:]}' for key, n in sorted(hangs.items()))})"
        if "use" in self.counts:
            words.append(count_of(self.counts["use"], "use") + " of runtimes that a fork lost")
        if "refused" in self.counts:
            words.append(f"{self.counts['refused']} refused")
        terminalreporter.section("forkpolicy")
        terminalreporter.write_line(f"under {self.policy}: {', '.join(words)}")
        first = {}  # of a test; the others are counted in its report
        for headline, nodeid in self.told.items():
            first.setdefault(nodeid, headline)
        for nodeid, headline in first.items():
            terminalreporter.write_line(f"{nodeid}: {headline}")

    def pytest_unconfigure(self):
        pid, _, log = os.environ.get(RESTARTED, "").partition(" ")
        if log and pid == str(os.getpid()) and os.path.exists(log):
            os.unlink(log)


def failure(message):
    try:
        pytest.fail(message, pytrace=False)
    except pytest.fail.Exception:
        return ExceptionInfo.from_current()


def add_section(report, message):
    """Below the test's own error."""
    if hasattr(report.longrepr, "addsection"):
        report.longrepr.addsection("forkpolicy", message)
    else:
        report.longrepr = f"{report.longrepr}\n\n{message}"


def set_summary(report, headline):
    """What the line of the summary and JUnit's message say: the test's own error stands above."""
    crash = getattr(report.longrepr, "reprcrash", None)
    if crash is not None:
        crash.message = f"{headline} ({crash.message.splitlines()[0]})" if crash.message else headline


def forget_alarm():
    """pytest-timeout's timer is not the child's, but its handler is: it might end any wait."""
    handler = signal.getsignal(signal.SIGALRM)
    if getattr(handler, "__module__", None) == "pytest_timeout":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def end_escaped_child(call):
    """The error in a child left the test that forked it: the child must not run the other tests."""
    error = call.excinfo.value if call.excinfo else None
    if type(error).__name__ == "ForkPolicyError":
        os.write(2, f"forkpolicy: pid {os.getpid()} ends: {error}\n".encode())
        os._exit(70)


def is_alive(pid):
    """Not so a zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
