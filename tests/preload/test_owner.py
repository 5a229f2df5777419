"""Each thread is counted for the library whose code it runs, and nothing of ours stands in it.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import shutil
import subprocess

import pytest

import support

CXX = ["libcxx_a.so", "libcxx_b.so", "libcxx_c.so"]


def library(name):
    return support.host(name)


def forked(tmp_path, *arguments):
    outcome = support.run(
        [support.host("load"), *arguments], policy="warn", log=tmp_path / "log", isolated=True
    )
    assert outcome.status == 0 and outcome.stderr == "", outcome
    (record,) = outcome.of("fork")
    return record


def owners(record):
    return {runtime["dso"]: runtime["threads"] for runtime in record["runtimes"]}


@pytest.mark.parametrize("mode", ["global", "local"])
@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1]], ids=["abc", "cab"])
def test_std_thread_of_three_libraries(mode, order, tmp_path):
    """The same std::thread instance in each. Loaded RTLD_GLOBAL, all of them use the first one's
    virtual table; loaded RTLD_LOCAL, libstdc++ too is out of the global scope."""
    paths = [library(CXX[place]) for place in order]
    record = forked(tmp_path, mode, "threads=2", *paths)
    assert owners(record) == {str(path): 2 for path in paths}
    assert record["threads"] == 7 and record["unattributed"] == 0


def test_std_thread_with_libstdcxx_in_the_global_scope(tmp_path):
    env = {"LD_PRELOAD": f"{support.LIBRARY}:libstdc++.so.6"}
    outcome = support.run(
        [support.host("load"), "local", library(CXX[0]), "global", library(CXX[1])],
        log=tmp_path / "log",
        env=env,
    )
    (record,) = outcome.of("fork")
    assert owners(record) == {str(library(name)): 2 for name in CXX[:2]}, outcome


@pytest.mark.parametrize("name", ["libdemo.so", "libcxx_a.so"])
def test_a_library_that_looks_past_the_hooks(name, tmp_path):
    """RTLD_DEEPBIND finds libc's functions before ours: its threads have no owner, but count."""
    if support.LIBC < (2, 32):
        pytest.skip("before glibc 2.32 nothing tells of threads that no hook sees")
    record = forked(tmp_path, "deepbind", "threads=2", library(name))
    assert record["threads"] == 3
    assert sum(runtime["threads"] for runtime in record["runtimes"]) == 2
    assert set(owners(record)) <= {None, str(library(name))}


def test_thrd_create(tmp_path):
    record = forked(tmp_path, "threads=3", library("libc11.so"))
    assert owners(record) == {str(library("libc11.so")): 3}


def test_the_program_itself(tmp_path):
    outcome = support.run([support.host("bypass"), "owned=2"], log=tmp_path / "log")
    (record,) = outcome.of("fork")
    assert owners(record) == {str(support.host("bypass")): 2}
    assert record["site"]["dso"] == str(support.host("bypass"))


def test_private_copies_are_kept_apart(tmp_path):
    """The same file under two paths is two runtimes; one path through a link is one."""
    copies = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        copies.append(shutil.copy(library("libdemo.so"), tmp_path / folder / "libdemo.so"))
    link = tmp_path / "linked.so"
    link.symlink_to(copies[0])
    record = forked(tmp_path, "threads=2", *copies, "threads=1", link)
    assert owners(record) == {str(copies[0]): 3, str(copies[1]): 2}


def test_a_path_with_dots_is_resolved(tmp_path):
    (tmp_path / "folder").mkdir()
    path = shutil.copy(library("libdemo.so"), tmp_path / "libdemo.so")
    record = forked(tmp_path, tmp_path / "folder" / ".." / "libdemo.so")
    assert owners(record) == {str(path): 2}


def test_a_library_in_a_package(tmp_path):
    """Package and version are read from the folders beside it."""
    packages = tmp_path / "site-packages"
    (packages / "demo_package").mkdir(parents=True)
    (packages / "Demo_Package-1.2.3.dist-info").mkdir()
    path = shutil.copy(library("libdemo.so"), packages / "demo_package" / "libdemo.so")
    (runtime,) = forked(tmp_path, path)["runtimes"]
    assert (runtime["package"], runtime["version"]) == ("Demo_Package", "1.2.3")
    assert runtime["dso"] == str(path)


def test_a_runtime_keeps_its_owner_when_its_file_is_gone(tmp_path):
    """Deleted since it was loaded, as by an upgrade: the loader's path must do."""
    path = shutil.copy(library("libdemo.so"), tmp_path / "libdemo.so")
    outcome = support.run([support.host("load"), path, f"unlink={path}"], log=tmp_path / "log")
    (record,) = outcome.of("fork")
    assert owners(record) == {str(path): 2}, outcome


def test_atfork_handlers_are_noted_on_their_library(tmp_path):
    record = forked(tmp_path, library("libhandlers.so"), library("libdemo.so"))
    handlers = {
        os.path.basename(runtime["dso"]): runtime["handlers"] for runtime in record["runtimes"]
    }
    assert handlers == {"libhandlers.so": ["prepare", "child"], "libdemo.so": []}


def backtraces(host, *arguments):
    """gdb's backtrace of each thread at the host's stop_here, by its number."""
    gdb = shutil.which("gdb")
    if not gdb:
        pytest.skip("gdb is not installed")
    commands = [
        f"set exec-wrapper env LD_PRELOAD={support.LIBRARY}",
        "set breakpoint pending on",
        "set debuginfod enabled off",
        "break stop_here",
        "run",
        "thread apply all bt",
        "kill",
    ]
    command = [gdb, "-batch", "-nx"]
    for line in commands:
        command += ["-ex", line]
    outcome = support.run(
        [*command, "--args", support.host(host), *arguments], preload=False, timeout=120
    )
    assert outcome.status == 0 and "stop_here" in outcome.stdout, outcome
    # The part before the first is what gdb says on the way.
    return re.split(r"^Thread \d+ \(", outcome.stdout, flags=re.M)[1:]


@pytest.mark.parametrize("name", ["libdemo.so", "libc11.so", "libcxx_a.so"])
def test_no_frame_of_ours_in_a_threads_backtrace(name):
    traces = backtraces("load", "threads=1", library(name), "pause")
    sleeping = [trace for trace in traces if "stop_here" not in trace]
    assert len(traces) == 2 and len(sleeping) == 1, traces
    frames = sleeping[0]
    assert re.search(r"#\d+ .* run \(", frames), frames
    # gdb got to the end of the stack, which is in libc, with or without its debug symbols
    assert re.search(r"start_thread|clone|libc\.so", frames.strip().splitlines()[-1]), frames
    assert (
        "libforkpolicy" not in frames and "fp_thread_run_posix" not in frames and "fp_thread_run_c11" not in frames
    ), frames


def machine_code():
    objdump = shutil.which("objdump")
    if not objdump:
        pytest.skip("objdump is not installed")
    listing = subprocess.run(
        [objdump, "-d", "--no-show-raw-insn", support.LIBRARY],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout
    return dict(re.findall(r"^[0-9a-f]+ <([^>]+)>:\n((?:.+\n)*)", listing, flags=re.M))


@pytest.mark.parametrize(
    "function",
    [
        "fp_thread_run_posix",
        "fp_thread_run_c11",
        "vfork",
        "_ZNSt6thread15_M_start_threadESt10unique_ptrINS_6_StateE" "St14default_deleteIS1_EEPFvvE",
    ],
)
def test_ends_in_a_jump(function):
    """The compiler made a tail call of it: no `call` through a pointer, and a jump at the end."""
    bodies = [
        body
        for name, body in machine_code().items()
        if name.split("@")[0].split(".")[0] == function
    ]
    assert bodies, f"{function} is not in the library's symbols: is it stripped?"
    for body in bodies:
        instructions = [
            line.split("\t", 1)[1].strip() for line in body.splitlines() if "\t" in line
        ]
        instructions = [
            line
            for line in instructions
            if not re.match(r"(data16 |cs )*(nop|xchg +%ax,%ax|int3)", line)
        ]
        assert re.match(r"(notrack )?jmpq? +\*%r|br\s+x", instructions[-1]), body
        assert not any(re.match(r"callq? +\*%r|blr\s+x", line) for line in instructions), body
