"""What the kernel gets to see of the shim, by strace: nothing at a fork that loses nothing.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
from functools import lru_cache

import pytest

import support

CALL = re.compile(r"^(\d+)\s+(.*)$")
UNFINISHED = " <unfinished ...>"


@lru_cache(None)
def strace():
    program = shutil.which("strace")
    if not program or support.run([program, "-f", "true"], preload=False).status != 0:
        pytest.skip("strace is not installed, or may not trace here")
    return program


def trace(tmp_path, host, *arguments, preload=True, settings=()):
    """The main thread's system calls, in order, as strace writes them."""
    path = tmp_path / ("trace" if preload else "bare")
    command = [strace(), "-f", "-e", "trace=all", "-e", "signal=none", "-s", "200", "-o", path]
    if preload:
        for setting in (f"LD_PRELOAD={support.LIBRARY}", *settings):
            command += ["-E", setting]
    outcome = support.run([*command, support.host(host), *arguments], preload=False)
    assert outcome.status == 0, outcome
    return joined(path.read_text())


def joined(text):
    """Per process: calls that another's call cut in two are put together again."""
    calls, cut, first = [], {}, None
    for line in text.splitlines():
        pid, call = CALL.match(line).groups()
        first = first or pid
        if call.endswith(UNFINISHED):
            cut[pid] = call[: -len(UNFINISHED)]
            continue
        resumed = re.match(r"<\.\.\. \S+ resumed>\s?(.*)$", call)
        if resumed:
            call = cut.pop(pid) + resumed.group(1)
        calls.append((pid, call))
    return first, calls


def between(calls, pid, begin, end):
    """The calls of one process between two marks that it wrote."""
    own = [call for caller, call in calls if caller == pid]
    marks = [place for place, call in enumerate(own) if call.startswith('write(1, "@')]
    begins = [place for place in marks if f'"@{begin}' in own[place]]
    ends = [place for place in marks if f'"@{end}' in own[place]]
    return own[begins[0] + 1 : ends[0]]


def normal(calls):
    """Without what differs from run to run: process numbers, addresses, strace's columns."""
    for pattern, same in ((r"0x[0-9a-f]+", "ADDRESS"), (r"\b\d{2,}\b", "N"), (r"\) += ", ") = ")):
        calls = [re.sub(pattern, same, call) for call in calls]
    return calls


def at_the_fork(tmp_path, how, preload=True, settings=()):
    """The calls of the parent around the fork, and of the child before it goes on."""
    first, calls = trace(tmp_path, "marked_fork", how, preload=preload, settings=settings)
    (child,) = {pid for pid, call in calls if '"@child' in call}
    before_mark = [call for pid, call in calls if pid == child]
    mark = next(place for place, call in enumerate(before_mark) if '"@child' in call)
    return normal(between(calls, first, "before", "after")), normal(before_mark[:mark])


SETTINGS = {
    "unset": (),
    "warn": ("FORKPOLICY=warn",),
    "refuse": ("FORKPOLICY=refuse",),
    "off": ("FORKPOLICY=off",),
    "log": ("FORKPOLICY=warn", "FORKPOLICY_LOG=/nonexistent/log"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_fork_without_threads_makes_no_call_of_ours(name, tmp_path):
    bare = at_the_fork(tmp_path, "", preload=False)
    assert len(bare[0]) > 0
    assert at_the_fork(tmp_path, "", settings=SETTINGS[name]) == bare


def test_a_fork_under_off_makes_no_call_of_ours(tmp_path):
    bare = at_the_fork(tmp_path, "thread", preload=False)
    assert at_the_fork(tmp_path, "thread", settings=("FORKPOLICY=off",)) == bare


def extra(with_shim, bare):
    """What stands in `with_shim` beside `bare`, which must be there in its order."""
    rest, left = list(bare), []
    for call in with_shim:
        if rest and call == rest[0]:
            rest.pop(0)
        else:
            left.append(call)
    assert not rest, (with_shim, bare)
    return left


# The first fork that meets a library finds out its real path, on a stack of the shim's own, where
# signals are blocked, but for those that the kernel ignores; no later one asks again.
FIRST_MEETING = [
    *(rf"rt_sigaction\({name}, NULL, .* = 0" for name in ("SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH")),
    r"rt_sigprocmask\(SIG_BLOCK, .* = 0",
    r'open(at)?\((AT_FDCWD, )?"/proc/self/exe", .*O_PATH.* = \d+',
    r'readlink(at)?\(.*"/proc/self/fd/\d+".*',
    r"close\(\d+\) += 0",
    r"rt_sigprocmask\(SIG_SETMASK, .* = 0",
    r"mmap\(NULL, (?:\d+|N), PROT_READ\|PROT_WRITE, MAP_SHARED\|MAP_ANONYMOUS.*",
]


@pytest.mark.parametrize("name", ["unset", "warn", "refuse"])
def test_a_fork_with_a_thread_of_which_there_is_nothing_to_say(name, tmp_path):
    """Pinned: the parent pays nine calls for each library and a page to share, once; the child asks
    for its own number, and for each page of slots whether it can be read and written."""
    bare = at_the_fork(tmp_path, "thread", preload=False)
    parent, child = at_the_fork(tmp_path, "thread", settings=SETTINGS[name])
    calls = extra(parent, bare[0])
    assert len(calls) == len(FIRST_MEETING), calls
    assert all(re.match(wanted, call) for wanted, call in zip(FIRST_MEETING, calls)), calls
    ours = r"(getpid|getppid|mprotect)\(|rt_sigprocmask\(|futex\(\w+, FUTEX_WAKE_OP_PRIVATE, 0, 0, "
    assert all(re.match(ours, call) for call in extra(child, bare[1])), child


def test_a_fork_when_the_thread_has_ended(tmp_path):
    bare = at_the_fork(tmp_path, "joined", preload=False)
    parent, child = at_the_fork(tmp_path, "joined", settings=SETTINGS["warn"])
    assert extra(parent, bare[0]) == [] and extra(child, bare[1]) == []


# What the loader calls for one library more, and how often at most.
LOADING = {
    "openat": 1,
    "read": 1,
    "fstat": 2,  # one is the look at descriptor 2
    "newfstatat": 2,
    "close": 1,
    "mmap": 7,
    "mprotect": 3,
    "munmap": 1,
    "pread64": 0,
}


@pytest.mark.skipif(support.LIBC < (2, 34), reason="libpthread and libdl are loaded, too")
def test_the_start_of_a_plain_program(tmp_path):
    """Pinned: the loader's calls for one more library, and one look at what stderr is."""
    _, bare = trace(tmp_path, "idle", preload=False)
    _, calls = trace(tmp_path, "idle")
    names = [call.split("(")[0] for _, call in calls]
    bare_names = [call.split("(")[0] for _, call in bare]
    more = {name: names.count(name) - bare_names.count(name) for name in set(names)}
    more = {name: count for name, count in more.items() if count}
    ours = {name: count for name, count in more.items() if name not in LOADING}
    assert not ours, more
    assert len([1 for _, call in calls if re.match(r"(new)?fstat(at)?\(2,", call)]) == 1
    # Only our own file is opened, and nothing is read that is not of it.
    opened = [call for _, call in calls if call.startswith("open")]
    bare_opened = [call for _, call in bare if call.startswith("open")]
    assert [call for call in opened if str(support.LIBRARY) not in call] == bare_opened
    assert len([call for call in opened if str(support.LIBRARY) in call]) == 1, opened
    assert all(more.get(name, 0) <= limit for name, limit in LOADING.items()), more


def test_its_end(tmp_path):
    """No destructor of ours: from main on, the calls are the bare ones."""

    def after_main(calls):
        own = normal([call for _, call in calls])
        return own[next(place for place, call in enumerate(own) if 'write(1, "idle' in call) :]

    _, bare = trace(tmp_path, "idle", preload=False)
    _, calls = trace(tmp_path, "idle")
    assert after_main(calls) == after_main(bare)
