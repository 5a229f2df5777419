"""reset and OpenMP: a team is ended before a fork only where no data of its threads is lost by it.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
from pathlib import Path

import pytest

import support

SOURCE = Path(__file__).parent / "programs" / "openmp.c"


@pytest.fixture(scope="module", params=[[], ["-Wl,-z,lazy", "-no-pie"]], ids=["now", "lazy"])
def build(request, tmp_path_factory):
    def made(*flags):
        program = tmp_path_factory.mktemp("openmp") / "program"
        command = ["gcc", "-O1", "-fopenmp", *request.param, *flags, "-o", program, SOURCE]
        subprocess.run(command, check=True, timeout=60)
        return program

    return made


def test_the_parent_keeps_what_its_threads_have(build, tmp_path):
    outcome = support.run([build("-DKEEPS")], policy="reset", log=tmp_path / "log")
    assert outcome.stdout == "child 70, parent 4 of 4\n", outcome
    assert "omp_pause_resource_all is not called" in outcome.said[0], outcome
    assert "may keep threadprivate data" in outcome.of("reset")[0]["error"]


def test_what_has_no_such_data_is_reset(build):
    outcome = support.run([build()], policy="reset")
    assert (outcome.stdout, outcome.stderr) == ("child 4, parent 4 of 4\n", ""), outcome
