# SPDX-License-Identifier: Apache-2.0
"""pytest plugin: the test whose forked child hangs, or lost a runtime, fails by name.

``--forkpolicy=fail`` starts Python once more, with the shim preloaded; after each phase of a test
the plugin reads what the shim has written to its log since. Without the option, or the ini value
of the same name, nothing happens.

Where the package is not installed: ``-p forkpolicy.pytest_plugin`` on the command line.
"""

import bisect
import glob
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

import pytest

from .words import OUTCOMES

# The process that was started again, which must not happen twice, and the log that it is to remove.
RESTARTED = "FORKPOLICY_PYTEST"
# How long the end of the run waits for word from children that are without a runtime.
GRACE = 0.5
BLUR = 0.005  # seconds, by which the shim's clock for durations is late
STACK_MOST = 12  # frames, of a child that runs no test function
LINES_MOST = 16  # of a report below a failing test; what is more is in the log
PROPERTY = "forkpolicy"
obstacle = pytest.StashKey()  # why Python is not started again


def pytest_addoption(parser):
    group = parser.getgroup("forkpolicy", "children that hang after a fork")
    group.addoption(
        "--forkpolicy",
        metavar="POLICY",
        help="run the tests under this policy (such as fail), and let a test fail whose forked "
        "child hangs; off: not at all",
    )
    group.addoption(
        "--forkpolicy-strict",
        action="store_true",
        help="let a test fail as well that forks while a runtime is used that is lost in the child",
    )
    parser.addini("forkpolicy", "what --forkpolicy is where it is not given", default="")


def asked_policy(config, options):
    policy = getattr(options, "forkpolicy", None)
    if policy is None:
        policy = config.getini("forkpolicy")
    return "" if policy == "off" else policy


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config):
    """Around pytest's own, which redirects the output: the restart is to have the real one."""
    options = early_config.known_args_namespace
    policy = asked_policy(early_config, options)
    idle = any(getattr(options, name, False) for name in ("collectonly", "help", "version"))
    if policy and not idle and not is_preloaded(policy):
        early_config.stash[obstacle] = why_not_restarted()
        if not early_config.stash[obstacle]:
            restart(policy)
    yield


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config):
    policy = asked_policy(config, config.option)
    if not policy or config.option.collectonly:
        return
    if is_preloaded(policy):
        watch = Watch(config, policy)
    else:
        late = "the plugin was loaded too late: give -p forkpolicy.pytest_plugin, or install it"
        watch = Idle(config.stash.get(obstacle, late))
    config.pluginmanager.register(watch, "forkpolicy_watch")


# Starting again


def is_preloaded(policy):
    with open("/proc/self/maps") as maps:
        loaded = "/libforkpolicy.so" in maps.read()
    return loaded and os.environ.get("FORKPOLICY") == policy and "FORKPOLICY_LOG" in os.environ


def why_not_restarted():
    """Why this process cannot be started again; "" where it can."""
    if os.environ.get(RESTARTED, "").startswith(f"{os.getpid()} "):
        return "the shim does not load: try `forkpolicy check` with this Python"
    frame = sys._getframe()
    while frame is not None and frame.f_code.co_name != "_prepareconfig":
        frame = frame.f_back
    callers = [each.f_code.co_name for each in (frame.f_back, frame.f_back.f_back)] if frame else []
    if not callers or callers[1] not in ("console_main", "_console_main"):
        return "pytest was called by a program: start that by `forkpolicy run --log FILE`"
    if "pydevd" in sys.modules:
        return "a debugger is there: start it by `forkpolicy run --log FILE`"
    return ""


def restart(policy):
    """The same command in this process, by `forkpolicy run`, which says what is wrong with it."""
    from .__main__ import environment, program

    token = f"forkpolicy-{os.getpid()}-{os.urandom(8).hex()}.jsonl"
    own_log = os.path.join(tempfile.gettempdir(), token)
    log = os.environ.get("FORKPOLICY_LOG") or own_log
    variables = environment()
    preloads = re.split("[ :]+", os.environ.get("LD_PRELOAD", ""))
    preloads = [path for path in preloads if os.path.basename(path) != "libforkpolicy.so"]
    variables[b"LD_PRELOAD"] = os.fsencode(":".join(preloads))
    mark = f"{os.getpid()} {own_log if log == own_log else ''}"
    variables[os.fsencode(RESTARTED)] = os.fsencode(mark)
    # What the shim would say on stderr stands in the test's report.
    options = ["quiet=1", os.environ.get("FORKPOLICY_OPTIONS")]
    variables[b"FORKPOLICY_OPTIONS"] = os.fsencode(",".join(filter(None, options)))
    command = ["forkpolicy", "run", "--policy", policy, "--log", log, "--", sys.executable]
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        os.execve(program(), command + own_arguments(), variables)
    except (OSError, SystemExit) as error:
        raise pytest.UsageError(f"--forkpolicy: {error}")


def own_arguments():
    """What followed `python` on the command line: Python's own options, too."""
    if hasattr(sys, "orig_argv"):
        return sys.orig_argv[1:]
    with open("/proc/self/cmdline", "rb") as file:
        return [os.fsdecode(part) for part in file.read().split(b"\0")[1:-1]]


# Reading the log


class Log:
    """What is new in the log, which may be many files (%p) and may have records of others."""

    def __init__(self, path):
        self.pattern = glob.escape(path).replace("%p", "*")
        self.places = {}  # file: (offset, number of lines before it)
        self.read()

    def read(self):
        """[(record, "FILE:LINE")] of the complete lines since the last call."""
        return [each for path in sorted(glob.glob(self.pattern)) for each in self._read(path)]

    def _read(self, path):
        offset, number = self.places.get(path, (0, 0))
        try:
            if os.path.getsize(path) <= offset:
                return []
            with open(path, "rb") as file:
                file.seek(offset)
                lines = file.read().split(b"\n")[:-1]
        except OSError:  # removed, or hidden by what the test does to files
            return []
        self.places[path] = (offset + sum(len(line) + 1 for line in lines), number + len(lines))
        found = []
        for line in lines:
            number += 1
            try:
                record = json.loads(line.decode(errors="replace"))
            except ValueError:
                continue
            is_known = isinstance(record, dict) and record.get("v") == 1
            if is_known and {"event", "time", "pid"} <= set(record):
                found.append((record, f"{path}:{number}"))
        return found


class Problem:
    """A record for which a test is to fail."""

    def __init__(self, record, place, forked):
        self.record = record
        self.place = place
        self.forked = forked  # when its process was made, or when the fork was
        waiting = record.get("waiting") or {}
        self.since = record["time"] - waiting.get("seconds", 0)

    def headline(self):
        record = self.record
        pid = record["pid"]
        if record["event"] == "hang":
            lost = runtime_name(record.get("lost"))
            text = f"child {pid} hangs ({record['verdict']}): it waits for {lost}"
        elif record["event"] == "use":
            text = f"child {pid} calls {runtime_name(record.get('runtime'))}, which it has lost"
        else:
            lost = ", ".join(runtime_name(each) for each in lost_runtimes(record))
            text = f"child {record.get('child')} is forked without {lost}"
        line = site_line(fork_site(record))
        return text + (f"; forked at {line}" if line else "")

    def message(self):
        """The headline, and below it the report as it was on stderr, without pytest's frames."""
        lines = [f"forkpolicy: {self.headline()}"]
        lines += explained(self.place) if self.record["event"] == "hang" else []
        return "\n".join(lines) if len(lines) > 1 else self.brief()

    def brief(self):
        """What the record itself says."""
        record = self.record
        lines = [f"forkpolicy: {self.headline()}"]

        def add(label, text):
            if text:
                lines.append(f"  {label:<7} {text}")

        waiting, fork = record.get("waiting") or {}, record.get("fork") or {}
        if waiting:
            owner = " ".join(filter(None, (waiting.get("package"), waiting.get("version"))))
            owner = owner or os.path.basename(waiting.get("dso") or "") or "the program"
            seconds = waiting["seconds"]
            since = f", for {seconds:.1f} s by then" if seconds >= 0.05 else ""
            add("waits", f"{owner} in {waiting['call']}{since}")
            add("at", site_line(waiting.get("site")))
        lost = [record.get("lost") or record.get("runtime")]
        for runtime in filter(None, lost if any(lost) else lost_runtimes(record)):
            add("for" if waiting else "lost", runtime_threads(runtime))
        parent = fork.get("parent") or record["pid"]
        add("fork", f"{site_line(fork_site(record)) or 'at an unknown line'}; by pid {parent}")
        for runtime in filter(None, lost if any(lost) else lost_runtimes(record)):
            for advice in runtime.get("advice") or ():
                add("do", advice)
        add("do", 'start children by "forkserver" or "spawn"')
        add("now", OUTCOMES.get(record.get("outcome")))
        for number, frame in enumerate(own_frames(record.get("python_stack") or ())):
            add("" if number else "python", "{file}:{line} in {function}".format(**frame))
        return "\n".join(lines)


def explained(place):
    """What the program says of a record: the lines below the report's first one."""
    from .__main__ import program

    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    try:
        said = subprocess.run(
            [program(), "explain", place],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=10,
        ).stdout.decode(errors="replace")
    except (Exception, SystemExit):  # the test may still have its own subprocess or os in place
        return []
    mark, lines, is_own = "forkpolicy: ", [], True
    for line in said.splitlines():
        if line.startswith(mark + "  "):
            text = line[len(mark) :]
            if text.startswith("  native "):
                break  # the program's `explain` has it
            is_own = text[2] != " " or (is_own and "_pytest/python.py:" not in text)
            lines += [text] if is_own else []
    return lines[:LINES_MOST]


def report_of(problems):
    """The first problem in full; the others, most often of the same line, are counted."""
    others = len(problems) - 1
    more = f"\n  also    {count_of(others, 'more report')}, of children of this test"
    return problems[0].message() + (more if others else "")


def runtime_name(runtime):
    if not runtime:
        return "a thread that it lost at its fork"
    package, version = runtime.get("package"), runtime.get("version")
    name = runtime.get("name") or package or os.path.basename(runtime.get("dso") or "")
    if not package:
        return name or "threads of unknown origin"
    return f"{name} {version}" if name == package else f"{name} ({package} {version})"


def runtime_threads(runtime):
    count, kind = runtime.get("threads", 0), runtime.get("kind") or "native"
    started = runtime.get("started")
    text = f"{runtime_name(runtime)}: {count} {kind} thread{'' if count == 1 else 's'}"
    return text + (f", started at {started}" if started else "")


def lost_runtimes(record):
    return [each for each in record.get("runtimes") or () if each.get("class") == "lost"]


def own_frames(stack):
    """The innermost frames, up to pytest's."""
    for number, frame in enumerate(stack):
        if frame["file"].endswith("/_pytest/python.py"):
            return stack[:number]
    return stack[:STACK_MOST]


def fork_site(record):
    return record.get("site") or (record.get("fork") or {}).get("site")


def site_line(site):
    """The user's line of a site, or else the best that there is."""
    for key in ("user", "library", "called", "innermost"):
        place = (site or {}).get(key)
        if place:
            function = f" in {site['function']}" if key == "user" and site.get("function") else ""
            return f"{place['file']}:{place['line']}{function}"
    return ""


# In the run


class Idle:
    """Says why nothing is watched though it was asked for."""

    def __init__(self, reason):
        self.reason = reason

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.section("forkpolicy")
        terminalreporter.write_line(f"nothing was watched: {self.reason}", red=True)


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
            report = pytest.TestReport(
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


def count_of(number, word):
    return f"{number} {word}{'' if number == 1 else 's'}"


def failure(message):
    try:
        pytest.fail(message, pytrace=False)
    except pytest.fail.Exception:
        return pytest.ExceptionInfo.from_current()


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
