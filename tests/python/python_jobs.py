# SPDX-License-Identifier: Apache-2.0
"""Running the jobs of jobs/ in one of the Python environments."""

import json
import os
import subprocess
from functools import lru_cache
from pathlib import Path

import support

JOBS = Path(__file__).resolve().parent / "jobs"
PACKAGE = support.ROOT / "python"  # where forkpolicy is imported from

# The same pools on every machine, and no network; jobs set what else they need themselves.
POOLS = {
    "OPENBLAS_NUM_THREADS": "2",
    "OMP_NUM_THREADS": "2",
    "RAYON_NUM_THREADS": "2",
    "POLARS_MAX_THREADS": "2",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
    "no_proxy": "*",
}


def run_job(job, *arguments, environment="wheels", env=None, tmp=None, flags=(), **settings):
    """Runs jobs/JOB; TMPDIR is TMP, so that what the job makes goes with the test's folder."""
    variables = dict(POOLS, **(env or {}))
    if tmp:
        variables["TMPDIR"] = str(tmp)
    command = [support.environment_python(environment), *flags, JOBS / job, *arguments]
    return support.run(command, env=variables, **settings)


def answer(outcome):
    """The last line of a job's stdout, which is JSON; the job must have ended well."""
    assert outcome.status == 0, outcome
    return json.loads(outcome.stdout.splitlines()[-1])


@lru_cache(None)
def versions(environment):
    """What pip says is installed: {normalised name: version}."""
    python = support.environment_python(environment)
    listing = subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "list", "--format=json"],
        check=True,
        stdout=subprocess.PIPE,
        timeout=60,
        env={**os.environ, "PIP_NO_INDEX": "1"},
    )
    return {normal(each["name"]): each["version"] for each in json.loads(listing.stdout)}


def normal(name):
    """A package's name as PEP 503 compares it."""
    return name.lower().replace("_", "-").replace(".", "-")


@lru_cache(None)
def site_packages(environment):
    python = support.environment_python(environment)
    found = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('platlib'))"],
        check=True,
        stdout=subprocess.PIPE,
        timeout=60,
    )
    return Path(found.stdout.decode().strip()).resolve()


def is_python(dso):
    """Whether a library is Python itself: libpython, or the program where that is linked in."""
    return Path(dso).name.startswith(("libpython", "python"))


def source_line(started):
    """The text of the line that "file:line" names."""
    file, _, number = started.rpartition(":")
    return Path(file).read_text().splitlines()[int(number) - 1].strip()
