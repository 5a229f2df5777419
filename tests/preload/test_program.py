"""The program `forkpolicy`: what it prints, what it leaves to the job, and its exit statuses.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

from support import BUILD, LIBRARY, PROGRAM, ROOT, environment


def forkpolicy(*arguments, env=None, cwd=None, program=PROGRAM):
    return subprocess.run(
        [str(program), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        env=environment(preload=False, extra=env),
        cwd=cwd,
        stdin=subprocess.DEVNULL,
    )


def test_path_is_the_library_beside_the_program():
    assert forkpolicy("path").stdout == f"{LIBRARY}\n"


def test_installed_program_finds_the_library_in_lib(tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "lib/forkpolicy").mkdir(parents=True)
    shutil.copy(PROGRAM, tmp_path / "bin")
    shutil.copy(LIBRARY, tmp_path / "lib/forkpolicy")
    ended = forkpolicy("path", program=tmp_path / "bin/forkpolicy")
    assert ended.stdout == f"{tmp_path}/lib/forkpolicy/libforkpolicy.so\n"


def test_a_library_in_the_working_directory_is_not_taken(tmp_path):
    shutil.copy(PROGRAM, tmp_path)
    (tmp_path / "elsewhere").mkdir()
    shutil.copy(LIBRARY, tmp_path / "elsewhere")
    ended = forkpolicy("path", program=tmp_path / "forkpolicy", cwd=tmp_path / "elsewhere")
    assert ended.returncode == 69 and ended.stdout == ""
    assert ended.stderr.startswith("forkpolicy: libforkpolicy.so is neither in ")


def test_help_names_every_verb_option_and_action():
    text = forkpolicy("--help").stdout
    for word in (
        "run",
        "check",
        "path",
        "--policy",
        "--policy-file",
        "--log",
        "warn",
        "refuse",
        "off",
        "69",
    ):
        assert word in text
    assert all(len(line) <= 100 for line in text.splitlines())


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("bogus",),
        ("run",),
        ("run", "--"),
        ("run", "--bogus", "true"),
        ("run", "--policy"),
        ("path", "x"),
        ("check", "a", "b"),
    ],
)
def test_bad_usage_is_2_and_says_so(arguments):
    ended = forkpolicy(*arguments)
    assert ended.returncode == 2 and ended.stdout == "" and ended.stderr


def test_a_log_that_cannot_be_written_is_no_job(tmp_path):
    log = tmp_path / "none" / "log"
    ended = forkpolicy("run", "--log", log, "--", "echo", "ran")
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr == f"forkpolicy: run: --log {log}: No such file or directory\n"
    for name in ("log", "log.%p"):
        assert forkpolicy("run", "--log", name, "--", "echo", "ran", cwd=tmp_path).stdout == "ran\n"


def test_another_preload_that_is_missing_is_the_loaders_to_tell():
    ended = forkpolicy("run", "--", "echo", "works", env={"LD_PRELOAD": "/no/such/lib.so"})
    assert (ended.returncode, ended.stdout) == (0, "works\n")
    assert "forkpolicy" not in ended.stderr and "'/no/such/lib.so' from LD_PRELOAD" in ended.stderr


def test_an_option_without_its_argument_is_not_called_unknown():
    assert forkpolicy("run", "--policy").stderr == "forkpolicy: run: --policy needs its argument, STRING\n"
    assert forkpolicy("run", "--polcy", "true").stderr == "forkpolicy: run: unknown option: --polcy\n"


@pytest.mark.parametrize("status", [0, 1, 70, 255])
def test_the_jobs_status_is_the_status(status):
    assert forkpolicy("run", "--", "sh", "-c", f"exit {status}").returncode == status


def test_the_jobs_signal_is_its_own():
    assert forkpolicy("run", "--", "sh", "-c", "kill -TERM $$").returncode == -15


def test_the_jobs_pid_and_output_are_untouched():
    process = subprocess.Popen(
        [str(PROGRAM), "run", "sh", "-c", "echo $$; echo err >&2"],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(preload=False),
    )
    out, err = process.communicate(timeout=60)
    assert out == f"{process.pid}\n" and err == "err\n"


def test_options_reach_the_job_and_paths_become_absolute(tmp_path):
    policy = tmp_path / "my.policy"
    policy.write_text("policy off:numpy\n")
    policy.chmod(0o600)
    show = 'echo "$FORKPOLICY|$FORKPOLICY_FILE|$FORKPOLICY_LOG|$LD_PRELOAD|$FORKPOLICY_RUN"'
    ended = forkpolicy(
        "run",
        "--policy=refuse",
        "--policy-file",
        "my.policy",
        "--log",
        "log-%p.jsonl",
        "--",
        "sh",
        "-c",
        show,
        cwd=tmp_path,
        env={"LD_PRELOAD": str(BUILD / "libforkpolicy.so")},
    )
    assert ended.stdout == f"refuse|{policy}|{tmp_path}/log-%p.jsonl|{LIBRARY}:{LIBRARY}|\n"


def test_start_record_is_written_once_by_the_job_itself(tmp_path):
    log = tmp_path / "log.jsonl"
    command = "true; ls / >/dev/null; exec env true secret"
    forkpolicy("run", "--policy", "fail,off:polars", "--log", log, "--", "sh", "-c", command)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [record["event"] for record in records] == ["start"]
    assert records[0]["policy"] == "fail,off:polars"
    assert records[0]["program"] == "sh" and "secret" not in log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "policy, place",
    [
        ("bogus", "--policy column 1: unknown action"),
        ("warn,refuse:", "--policy column 13: ':' without"),
        ("off,,warn", "--policy column 5: empty entry"),
        ("off:[a", "--policy column 5: '[' without ']'"),
        ("x" * 40000, "--policy is 40000 bytes long"),
    ],
)
def test_a_bad_policy_stops_before_the_job(policy, place, tmp_path):
    ended = forkpolicy("run", "--policy", policy, "--", "touch", tmp_path / "ran")
    assert ended.returncode == 2 and not (tmp_path / "ran").exists()
    assert ended.stderr.startswith(f"forkpolicy: {place}") and len(ended.stderr.splitlines()) == 1


def test_a_bad_policy_in_the_environment_stops_too(tmp_path):
    ended = forkpolicy("run", "--", "true", env={"FORKPOLICY": "bogus"})
    assert ended.returncode == 2 and ended.stderr.startswith("forkpolicy: FORKPOLICY column 1:")


def make_policy(folder, kind):
    path = folder / "bad.policy"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind != "missing":
        path.write_text(
            "# a comment\nruntime x\n  dso [open\n" if kind == "syntax" else "policy off:x\n"
        )
        path.chmod(0o620 if kind == "writable" else 0o600)
        if kind == "huge":
            os.truncate(path, 1 << 30)
    return path


@pytest.mark.parametrize(
    "kind, words",
    [
        ("missing", ": there is no such file"),
        ("directory", ": it is a directory"),
        ("fifo", ": it is not a regular file"),
        ("huge", ": it is larger than 1 MiB"),
        ("writable", ": group or others can write it"),
        ("syntax", ":3:7: '[' without ']'"),
    ],
)
def test_a_bad_policy_file_stops_before_the_job_and_names_the_place(kind, words, tmp_path):
    path = make_policy(tmp_path, kind)
    ended = forkpolicy("run", "--policy-file", path, "--", "touch", tmp_path / "ran")
    assert ended.returncode == 2 and not (tmp_path / "ran").exists()
    assert (
        ended.stderr.startswith(f"forkpolicy: {path}{words}")
        and len(ended.stderr.splitlines()) == 1
    )


def compile_host(folder, *flags):
    source = folder / "host.c"
    source.write_text('#include <stdio.h>\nint main(void) { puts("ran"); return 0; }\n')
    subprocess.run(["gcc", *flags, "-o", folder / "host", source], check=True)
    return folder / "host"


@pytest.mark.parametrize(
    "kind, words",
    [
        ("static", "is linked statically"),
        ("setuid", "is setuid"),
        ("text", "is neither an ELF program"),
    ],
)
def test_a_job_that_would_not_get_the_preload_is_69(kind, words, tmp_path):
    program = compile_host(tmp_path, *(["-static"] if kind == "static" else []))
    if kind == "setuid":
        program.chmod(0o4755)
    if kind == "text":
        program.write_text("echo no #! line\n")
    ended = forkpolicy("run", "--", program)
    assert ended.returncode == 69 and ended.stdout == "" and words in ended.stderr


def test_a_library_path_with_a_space_is_69(tmp_path):
    folder = tmp_path / "with space"
    folder.mkdir()
    shutil.copy(PROGRAM, folder)
    shutil.copy(LIBRARY, folder)
    ended = forkpolicy("run", "--", "true", program=folder / "forkpolicy")
    assert ended.returncode == 69 and "splits LD_PRELOAD at spaces" in ended.stderr


def test_a_library_that_the_loader_refuses_is_69_with_the_loaders_words(tmp_path):
    shutil.copy(PROGRAM, tmp_path)
    (tmp_path / "libforkpolicy.so").write_bytes(b"not a library")
    ended = forkpolicy("run", "--", "true", program=tmp_path / "forkpolicy")
    assert ended.returncode == 69 and "cannot be preloaded" in ended.stderr


def test_scripts_are_judged_by_their_interpreter(tmp_path):
    static = compile_host(tmp_path, "-static")
    script = tmp_path / "script"
    for line, status in (
        ("#!/bin/sh\nexit 3\n", 3),
        (f"#!{static}\n", 69),
        ("#!/usr/bin/env sh\nexit 4\n", 4),
    ):
        script.write_text(line)
        script.chmod(0o755)
        assert forkpolicy("run", "--", script).returncode == status, line


@pytest.mark.parametrize(
    "command, status",
    [("no-such-command-here", 127), ("./no-such-file", 127), ("/", 126), ("./not-executable", 126)],
)
def test_commands_that_cannot_run(command, status, tmp_path):
    (tmp_path / "not-executable").write_text("x")
    ended = forkpolicy("run", "--", command, cwd=tmp_path)
    assert ended.returncode == status and ended.stderr.startswith("forkpolicy: ")


def test_check_tells_what_it_found_in_a_program():
    text = forkpolicy("check", "/bin/true").stdout
    for line in (
        "program    /bin/true",
        f"preload    {LIBRARY}",
        "python     none",
        "hook       fork -> ",
        "later      std::thread, ",
        "result     fine: forks of this program are watched",
    ):
        assert any(found.startswith(line) for found in text.splitlines()), text


def test_check_tells_which_python_and_how_it_is_refused():
    python = "/usr/bin/python3"
    if not os.path.exists(python):
        pytest.skip("no /usr/bin/python3")
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    text = forkpolicy("check", python, env={"FORKPOLICY": "refuse"}).stdout
    assert f"python     {version}; a refused fork raises ForkPolicyError\n" in text
    assert f"python     {version}; this policy refuses no fork\n" in forkpolicy("check", python).stdout


def test_check_says_that_a_script_is_one(tmp_path):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\necho ran\n")
    script.chmod(0o755)
    text = forkpolicy("check", script).stdout
    assert f"program    {script} (a script; what follows is its interpreter)" in text
    assert "ran" not in text


def test_check_looks_at_the_python_behind_a_script_of_its_name(tmp_path):
    """As pyenv's shims are, which bash runs."""
    script = tmp_path / "python3"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    text = forkpolicy("check", "python3", env={"PATH": f"{tmp_path}:/usr/bin:/bin"}).stdout
    version = "{}.{}.{}".format(*sys.version_info)
    assert f"script     {script}\n" in text and f"python     {version}; " in text
    assert text.endswith("result     fine: forks of this Python are watched\n")


def test_check_names_what_is_wrong_with_the_environment():
    ended = forkpolicy("check", "/bin/true", env={"FORKPOLICY": "bogus,fail"})
    assert ended.stdout.endswith("result     watched, but a setting is wrong: see above\n")
    assert "forkpolicy: FORKPOLICY column 1: unknown action" in ended.stdout


def test_options_are_given_to_the_job_instead_of_the_variable():
    show = 'echo "$FORKPOLICY_OPTIONS"'
    good = "on_proven=exit, hang_seconds=2.5"
    for arguments in (("--options", good), (f"--options={good}",)):
        ended = forkpolicy(
            "run", *arguments, "--", "sh", "-c", show, env={"FORKPOLICY_OPTIONS": "bogus"}
        )
        assert (ended.returncode, ended.stdout, ended.stderr) == (0, good + "\n", "")
    ended = forkpolicy("run", "--", "sh", "-c", show, env={"FORKPOLICY_OPTIONS": good})
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, good + "\n", "")


@pytest.mark.parametrize(
    "options, place",
    [
        ("bogus", "column 1: no '=' in \"bogus\""),
        ("hang_seconds=1,on_prove=exit", 'column 16: unknown key "on_prove" (known: on_proven, '),
        ("hang_seconds=1,on_proven=quit", 'column 26: bad value "quit" for on_proven (allowed: '),
        ("hang_seconds=1h", 'column 14: bad value "1h" for hang_seconds (allowed: 0.05 to 86400'),
        ("inline_futex=yes", 'column 14: bad value "yes" for inline_futex (allowed: 0|1)'),
        ("inline_futex=1,,x=1", "column 16: empty entry (an entry is KEY=VALUE) (and 1 more)"),
    ],
)
def test_bad_options_stop_before_the_job(options, place, tmp_path):
    job = ("--", "touch", tmp_path / "ran")
    for ended, subject in (
        (forkpolicy("run", "--options", options, *job), "--options"),
        (forkpolicy("run", *job, env={"FORKPOLICY_OPTIONS": options}), "FORKPOLICY_OPTIONS"),
    ):
        assert ended.returncode == 2 and not (tmp_path / "ran").exists()
        assert ended.stderr.startswith(f"forkpolicy: {subject} {place}")
        assert len(ended.stderr.splitlines()) == 1


def test_help_of_run_tells_every_option_key():
    text = forkpolicy("run", "--help").stdout
    table = (ROOT / "policy/options.def").read_text()
    keys = re.findall(r'^FP_OPTION_KEY\(\w+, "(\w+)"', table, re.MULTILINE)
    assert set(keys) >= {"on_proven", "hang_seconds", "inline_futex"}
    for key in keys:
        assert re.search(rf"^  {key} +\S.* \(default \w+\)$", text, re.MULTILINE), text
    assert "--options" in text and "FORKPOLICY_OPTIONS" in text
    assert all(len(line) <= 100 for line in text.splitlines())


def test_a_jobs_own_help_is_not_ours():
    job = ("sh", "-c", 'echo "$1"', "sh", "--help")
    for arguments in (job, ("--", *job)):
        assert forkpolicy("run", *arguments).stdout == "--help\n"
