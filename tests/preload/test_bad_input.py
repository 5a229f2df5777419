# SPDX-License-Identifier: Apache-2.0
"""What is wrong with the settings is said in one line, once a job, and the job goes on."""

import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

import pytest

import support
from loaded import DEMO, JOBS, LOADED, PYTHON, is_line, run

RUNTIME = "runtime demo\n    dso */libdemo.so\n    class lost\n"


def file_with(folder, text, mode=0o600):
    path = folder / "a.policy"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def fifo(folder):
    os.mkfifo(folder / "fifo", 0o600)
    return folder / "fifo"


def sparse(folder):
    path = file_with(folder, RUNTIME)
    os.truncate(path, 1 << 30)
    return path


def linked(folder):
    (folder / "target").touch()
    (folder / "link").symlink_to(folder / "target")
    return folder / "link"


def made_folder(folder):
    (folder / "folder").mkdir()
    return folder / "folder"


# Name: the settings, made in a folder of the test's own, and the one line that is said. FOLDER
# stands for that folder.
POLICY_STRINGS = {
    "an unknown action": (
        "off:other,wran",
        r'FORKPOLICY column 11: unknown action "wran" \(known: '
        r"off, warn, fail, spawn, forkserver, refuse, reset, carry\); this entry is left out",
    ),
    "a bad glob": (
        "off:[a-z,warn",
        r"FORKPOLICY column 5: '\[' without '\]'; this entry is left out",
    ),
    "a glob that ends in a backslash": (
        "refuse:a\\",
        r"FORKPOLICY column 9: the pattern ends in a " r"lone '\\'; this entry is left out",
    ),
    "an empty entry": (
        "warn,,off:other",
        r"FORKPOLICY column 6: empty entry .*; this entry is left " "out",
    ),
    "no pattern": (
        "off:",
        r"FORKPOLICY column 5: ':' without a pattern behind it; this entry is left " "out",
    ),
    "three wrong ones": (
        "x,y,z",
        r'FORKPOLICY column 1: unknown action "x" .* \(and 2 more\); the bad '
        "entries are left out",
    ),
    "100 KB": (
        "off:" + "x" * 100_000,
        r"FORKPOLICY is 100004 bytes long, \d+ at most are read; all " "of it is left out",
    ),
    "100 KB of entries": ("warn," * 20_000, r"FORKPOLICY is 100000 bytes long, .*"),
    "bytes that are no text": (
        b"w\xff\x1b[31mrn",
        r"FORKPOLICY column 1: unknown action " r'"w\\xff\\x1b\[31mrn" .*',
    ),
    "a newline": ("warn\nx", r'FORKPOLICY column 1: unknown action "warn\\x0ax" .*'),
    "more than it can hold": (
        ",".join(["warn"] * 300),
        r"FORKPOLICY column \d+: more than \d+ " r"entries( \(and \d+ more\))?; .*",
    ),
}
FILES = {
    "missing": (
        lambda folder: folder / "none",
        "FORKPOLICY_FILE FOLDER/none: there is no such file; " "it is left out",
    ),
    "a folder": (
        made_folder,
        "FORKPOLICY_FILE FOLDER/folder: it is a directory, not a file; it is " "left out",
    ),
    "a FIFO": (fifo, "FORKPOLICY_FILE FOLDER/fifo: it is not a regular file; it is left out"),
    "a device": (
        lambda folder: "/dev/zero",
        "FORKPOLICY_FILE /dev/zero: it is not a regular file; it " "is left out",
    ),
    "1 GiB": (sparse, "FORKPOLICY_FILE FOLDER/a.policy: it is larger than 1 MiB; it is left out"),
    "others can write it": (
        lambda folder: file_with(folder, RUNTIME, 0o606),
        r"FORKPOLICY_FILE FOLDER/a.policy: group or others can write it .*; it is " "left out",
    ),
    "the group can write it": (
        lambda folder: file_with(folder, RUNTIME, 0o620),
        r"FORKPOLICY_FILE FOLDER/a.policy: group or others can write it .*; it " "is left out",
    ),
    "a syntax error": (
        lambda folder: file_with(folder, RUNTIME.replace("class", "clazz")),
        r'FOLDER/a.policy:3:5: unknown word "clazz" .*; what is bad is left out',
    ),
    "line 3 column 7": (
        lambda folder: file_with(folder, "# One\n# two\n dso  */libdemo.so\n"),
        r'FOLDER/a.policy:3:7: this line belongs behind a "runtime NAME" line; what '
        "is bad is left out",
    ),
    "a bad class": (
        lambda folder: file_with(folder, RUNTIME + "    class gone\n"),
        r"FOLDER/a.policy:4:11: want a class here: .*; what is bad is left out",
    ),
    "no text": (
        lambda folder: file_with(folder, b"\xff\xfe\x00\n" * 9),
        r"FOLDER/a.policy:1:\d+: .* \(and 8 more\); what is bad is left out",
    ),
    "a bad entry": (
        lambda folder: file_with(folder, "policy warn,of:demo\n"),
        r'FOLDER/a.policy:1:13: unknown action "of" .*; what is bad is left out',
    ),
}
LOGS = {
    "relative": (
        lambda folder: "fork.log",
        "FORKPOLICY_LOG fork.log is not an absolute path; no " "log is written",
    ),
    "a link": (linked, "FORKPOLICY_LOG FOLDER/link is a symbolic link; no log is written"),
    "a folder": (made_folder, "FORKPOLICY_LOG FOLDER/folder is a directory; no log is written"),
    "a FIFO": (fifo, "FORKPOLICY_LOG FOLDER/fifo is not a regular file; no log is written"),
    "not to be opened": (
        lambda folder: folder / "none" / "log",
        "FORKPOLICY_LOG FOLDER/none/log cannot be opened.*",
    ),
}


def setting(kind, name, folder):
    if kind == "string":
        value, line = POLICY_STRINGS[name]
        return {"FORKPOLICY": os.fsdecode(value)}, line
    make, line = (FILES if kind == "file" else LOGS)[name]
    variable = "FORKPOLICY_FILE" if kind == "file" else "FORKPOLICY_LOG"
    return {variable: str(make(folder))}, line.replace("FOLDER", re.escape(str(folder)))


PARAMETERS = [
    (kind, name)
    for kind, table in (("string", POLICY_STRINGS), ("file", FILES), ("log", LOGS))
    for name in table
]


@pytest.mark.parametrize("kind,name", PARAMETERS)
def test_one_line_and_the_job_goes_on(kind, name, tmp_path):
    env, line = setting(kind, name, tmp_path)
    outcome = run(LOADED, env)
    assert (outcome.status, outcome.stdout) == (0, "child ended with 3\n"), outcome
    assert is_line(line, outcome.stderr), outcome.stderr


@pytest.mark.parametrize("kind,name", PARAMETERS)
def test_never_by_who_neither_forks_nor_starts_a_thread(kind, name, tmp_path):
    env, _ = setting(kind, name, tmp_path)
    outcome = run([support.host("idle")], env)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "idle\n", ""), outcome


@pytest.mark.parametrize("kind,name", PARAMETERS)
def test_a_thread_is_enough(kind, name, tmp_path):
    """Settings that are read when the process starts are told at its first thread, too."""
    env, line = setting(kind, name, tmp_path)
    outcome = run([support.host("thread_only")], env)
    assert outcome.status == 0
    written_first = kind == "log" and name == "not to be opened"
    assert (outcome.stderr == "") if written_first else is_line(line, outcome.stderr), outcome


# Of the log only what can be seen before the first record is known to the whole job.
ONCE = [(kind, name) for kind, name in PARAMETERS if (kind, name) != ("log", "not to be opened")]


@pytest.mark.parametrize("job", JOBS)
@pytest.mark.parametrize("kind,name", ONCE)
def test_once_a_job(job, kind, name, tmp_path):
    env, line = setting(kind, name, tmp_path)
    outcome = run([*JOBS[job], *LOADED], env)
    assert outcome.status == 0, outcome
    assert outcome.stdout.count("child ended with 3\n") >= 2, outcome
    assert is_line(line, outcome.stderr), outcome.stderr


def test_an_exec_keeps_the_claim(tmp_path):
    """The first process reads the settings and becomes another program, which says it."""
    env, line = setting("string", "an unknown action", tmp_path)
    outcome = run(["env", "env", *LOADED], env)
    assert outcome.status == 0 and is_line(line, outcome.stderr), outcome


def test_a_job_that_only_runs_programs_says_it_at_its_end(tmp_path):
    """Neither fork nor thread of its own, and its programs do neither: it made processes."""
    env, line = setting("string", "an unknown action", tmp_path)
    outcome = run([support.host("spawn_all"), "posix_spawn", support.host("idle")], env)
    assert outcome.status == 0 and is_line(line, outcome.stderr), outcome


def test_pythons_subprocess(tmp_path):
    """A parent that starts its programs by vfork, or by posix_spawn with close_fds=False."""
    env, line = setting("string", "an unknown action", tmp_path)
    for options in ("", ", close_fds=False", ", env=dict(os.environ)", ", preexec_fn=os.getpid"):
        script = (
            "import os, subprocess, sys\n"
            f"for i in range(2): subprocess.run(sys.argv[1:], check=True{options})\n"
        )
        outcome = run([PYTHON, "-c", script, *LOADED], env)
        assert outcome.status == 0 and is_line(line, outcome.stderr), (options, outcome)


def test_good_entries_hold(tmp_path):
    path = file_with(tmp_path, "bad\n" + RUNTIME + "policy refuse:demo,bad\n")
    env = {"FORKPOLICY_FILE": str(path)}
    outcome = support.run(LOADED, env=env, isolated=True)
    assert outcome.stdout == "fork: ENOTSUP\n"
    assert is_line(
        re.escape(str(path)) + r':1:1: unknown word "bad" .* \(and 1 more\); what is bad is '
        "left out",
        outcome.stderr.splitlines(keepends=True)[0],
    )
    outcome = support.run(LOADED, policy="x,off:demo,[", env=env, isolated=True)
    assert outcome.stdout == "child ended with 3\n"
    assert len(outcome.said) == 2, outcome  # one for the string, one for the file
    assert "the child" not in outcome.stderr


def test_a_bad_runtime_is_left_out_whole(tmp_path):
    """Half a runtime could match more than was meant; the next one is read."""
    text = (
        "runtime broken\n    dso */libdemo.so\n    klass lost\n"
        "runtime good\n    dso */libc11.so\n    class lost\n"
    )
    env = {"FORKPOLICY_FILE": str(file_with(tmp_path, text))}
    outcome = support.run(
        [support.host("load"), DEMO, support.host("libc11.so")],
        policy="refuse",
        env=env,
        isolated=True,
    )
    assert outcome.stdout == "fork: ENOTSUP\n"
    assert [line.split(":")[1].split()[1] for line in outcome.said if ":   lost " in line] == ["good"]


def test_the_log_beside_a_notice(tmp_path):
    """What is wrong with one setting does not touch another."""
    outcome = run(LOADED, {"FORKPOLICY": "nonsense", "FORKPOLICY_LOG": str(tmp_path / "log")})
    assert len(outcome.said) == 1
    (record,) = support.read_log(tmp_path / "log")
    assert record["event"] == "fork"


def test_a_log_is_appended_to_and_keeps_its_mode(tmp_path):
    log = tmp_path / "log"
    log.write_text("")
    log.chmod(0o644)
    for _ in range(2):
        assert run(LOADED, {"FORKPOLICY_LOG": str(log)}).stderr == ""
    assert len(support.read_log(log)) == 2
    assert stat.S_IMODE(log.stat().st_mode) == 0o644


def test_a_log_through_dev_null():
    assert run(LOADED, {"FORKPOLICY_LOG": "/dev/null"}).stderr == ""


@pytest.fixture
def open_folder():
    """A folder that every user can enter, which pytest's own are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def test_a_log_that_others_may_not_write(open_folder):
    """Only root may write there; the host is somebody else."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("root and setpriv only: the host must be another user than the log's owner")
    log = open_folder / "log"
    log.touch(0o600)
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *LOADED]
    outcome = run(command, {"FORKPOLICY_LOG": str(log)})
    assert outcome.status == 0, outcome
    assert is_line(
        f"FORKPOLICY_LOG {re.escape(str(log))} cannot be written; no log is written", outcome.stderr
    ), outcome
    assert log.read_text() == ""


def test_a_full_device():
    """Records that cannot be written are lost without a word from the kernel to the host."""
    outcome = run(LOADED, {"FORKPOLICY_LOG": "/dev/full"})
    assert (outcome.status, outcome.stdout) == (0, "child ended with 3\n"), outcome


def test_nobody_reads_stderr(tmp_path):
    """A pipe whose reader has gone does not end the host by SIGPIPE."""
    script = 'exec 3>&1; { sleep 0.2; "$@" 2>&4 >&3; echo "status $?" >&3; } 4>&1 | true'
    outcome = run(["sh", "-c", script, "sh", *LOADED], {"FORKPOLICY": "nonsense"})
    assert outcome.stdout == "child ended with 3\nstatus 0\n", outcome
