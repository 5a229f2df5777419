"""A program with AddressSanitizer under `forkpolicy run`: its runtime wants to be the first library.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

import pytest

import support

PROGRAM = """
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void *rest(void *unused) { return unused; }
int main(int count, char **arguments)
{
    pthread_t thread;
    char *memory = malloc(10);
    pthread_create(&thread, NULL, rest, NULL);
    pthread_join(thread, NULL);
    if (fork() == 0)
        _exit(0);
    wait(NULL);
    puts("as ever");
    memory[0] = 'x';
    if (count > 1)
        memory[10] = 'x';
    free(memory);
    return 0;
}
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    path = tmp_path_factory.mktemp("sanitizer") / "program"
    command = ["gcc", "-g", "-w", "-pthread", "-fsanitize=address", "-o", path, "-xc", "-"]
    subprocess.run(command, input=PROGRAM.encode(), check=True, timeout=60)
    return path


def run(*command, **settings):
    return support.run([support.PROGRAM, "run", "--", *command], preload=False, **settings)


def test_it_runs(program):
    outcome = run(program)
    assert (outcome.status, outcome.stdout, outcome.stderr) == (0, "as ever\n", ""), outcome


def test_it_runs_within_a_job(program):
    assert run("sh", "-c", f"{program}; exit 3").status == 3
    assert run("sh", "-c", f"{program}; exit 3").stdout == "as ever\n"


def test_it_still_finds_errors(program):
    outcome = run(program, "overflow", env={"ASAN_OPTIONS": "exitcode=42"})
    assert outcome.status == 42 and "heap-buffer-overflow" in outcome.stderr, outcome


@pytest.mark.skipif(not support.CARRIES, reason="nothing is carried here, which is said first")
def test_its_threads_are_not_carried(program):
    outcome = run(program, policy="carry")
    assert (outcome.status, outcome.stdout) == (0, "as ever\n"), outcome
    assert outcome.said == [
        'forkpolicy: FORKPOLICY:1:1: "carry" cannot be done here, a sanitizer keeps records of all threads; it acts as "reset"'
    ], outcome
