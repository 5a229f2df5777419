# SPDX-License-Identifier: Apache-2.0
"""matrix.py WHEEL ROOTS_FOLDER [PYTHON...]: the wheel where it was not built.

In each root below ROOTS_FOLDER (packaging/matrix/root.sh), by its own Pythons, and by each PYTHON
given: the wheel is installed by pip, and job.py is run for every job and policy. Prints a table, and
returns 1 where an outcome is not the one expected, or a hang was not told.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

JOB = Path(__file__).with_name("job.py")
POLICIES = ["off", "off@*/job.py:*", "warn", "fail", "spawn", "refuse", "reset", "carry"]
OUTCOMES = {  # by policy, in their order; warn tells of a hang, off does not
    "lock": ["hung", "hung", "hung", "raised", "raised", "raised", "raised", "raised"],
    "future": ["hung", "hung", "hung", "raised", "raised", "raised", "worked", "worked"],
    "queue": ["hung", "hung", "hung", "raised", "raised", "raised", "raised", "raised"],
    "polars": ["hung", "hung", "hung", "exited", "exited", "refused", "exited", "worked"],
    "crash": ["signal 11"] * 8,
}
RESET_EXECUTORS = (3, 8)  # Pythons whose executors `reset` can renew: the fork loses nothing then
CARRIES = (2, 34), (2, 43)  # the versions of glibc whose threads `carry` can take along
CARRIED = "2.1.0"  # of polars
NO_TIE = (3, 13, 5)  # Pythons whose locks prove nothing (docs/proof.md): the hang is told, and goes on
LIMIT = 600  # seconds, for each command


class Place:
    """An environment with the wheel: in a root, or by an interpreter of this machine."""

    def __init__(self, name, root, python):
        self.name, self.root = name, root
        self.folder = Path(tempfile.mkdtemp(prefix="matrix-", dir=root / "var/tmp" if root else None))
        self.inner = "/" / self.folder.relative_to(root) if root else self.folder
        self.python = str(self.inner / "venv/bin/python")
        self.call([python, "-m", "venv", str(self.inner / "venv")], check=True)
        shutil.copy2(JOB, self.folder)

    def call(self, command, check=False, **settings):
        """Without what this process's environment says of Python and of the shim."""
        prefix = []
        if self.root:
            inside = 'mount -t proc proc "$0/proc" && exec chroot "$0" "$@"'
            prefix = ["unshare", "-pf", "-m", "--kill-child", "sh", "-c", inside, str(self.root)]
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("FORKPOLICY", "PYTHON", "PIP_", "LD_"))
        }
        return subprocess.run(
            prefix + command,
            env={**environment, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"},
            check=check,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            universal_newlines=True,
            **settings,
        )

    def ask(self, code):
        return self.call([self.python, "-c", code], check=True).stdout.strip()

    def version(self):
        code = "import platform, os; print(platform.python_version(), os.confstr('CS_GNU_LIBC_VERSION'))"
        python, _, libc = self.ask(code).split()
        free = self.ask("import sys; print(getattr(sys, '_is_gil_enabled', lambda: True)())")
        return python + ("t" if free == "False" else ""), libc

    def install(self, wheel):
        shutil.copy2(wheel, self.folder)
        options = ["-m", "pip", "install", "--disable-pip-version-check", "--no-index"]
        done = self.call([self.python, *options, str(self.inner / wheel.name)])
        assert done.returncode == 0, done.stdout + done.stderr

    def install_polars(self):
        """By this machine's pip, since a root has no network. Its version; None where there is none for this Python."""
        tags = "import sys; print('%d.%d' % sys.version_info[:2])"
        options = ["download", "-q", "--disable-pip-version-check", "--only-binary=:all:"]
        options += ["--python-version", self.ask(tags), "--implementation", "cp", "-d", self.folder / "wheels"]
        for glibc in ("2_17", "2_24", "2_27", "2_28"):
            options += ["--platform", f"manylinux_{glibc}_{os.uname().machine}"]
        options += ["--platform", f"manylinux2014_{os.uname().machine}", "polars"]
        if subprocess.run([sys.executable, "-m", "pip", *map(str, options)], capture_output=True).returncode:
            return None
        wheels = ["--no-index", "--find-links", str(self.inner / "wheels"), "polars"]
        if self.call([self.python, "-m", "pip", "install", "-q", *wheels]).returncode:
            return None
        return self.ask("import polars; print(polars.__version__)")

    def run(self, job, policy):
        program = str(self.inner / "venv/bin/forkpolicy")
        options = ["--policy", policy, "--options", "hang_seconds=1"]
        command = [program, "run", *options, "--", self.python, str(self.inner / "job.py"), job]
        done = self.call(command)
        said = [line for line in done.stderr.splitlines() if line.startswith("forkpolicy: ")]
        reports = [line for line in said if not line.startswith("forkpolicy:  ")]
        return (done.stdout.strip() or f"status {done.returncode}"), reports

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)


def numbers(version):
    return tuple(map(int, re.findall(r"\d+", version)[:3]))


def expectation(python, libc, polars, job, policy):
    """How the child ends, and whether nothing is said."""
    carries = CARRIES[0] <= numbers(libc) <= CARRIES[1]
    if policy == "carry" and not carries:
        return expectation(python, libc, polars, job, "reset")[0], False  # that it acts so is said
    if policy == "carry" and not (job == "polars" and polars == CARRIED):
        policy = "reset"
    if job in ("lock", "queue") and policy not in ("off", POLICIES[1]) and numbers(python) >= NO_TIE:
        policy = "warn"
    if job in ("future", "crash") and policy == "reset" and numbers(python) < RESET_EXECUTORS:
        policy = "fail"
    outcome = OUTCOMES[job][POLICIES.index(policy)]
    is_quiet = policy.startswith("off") or outcome == "worked" or (job, policy) == ("crash", "reset")
    return outcome, is_quiet


def faults_of(expected, is_quiet, outcome, reports):
    if outcome != expected:
        yield f"{outcome}, not {expected}"
    if is_quiet and reports:
        yield f"says {reports[0]}"
    if not is_quiet and not reports:
        yield "says nothing"


def pythons_of(root):
    names = (path.name for path in (root / "usr/bin").iterdir())
    return sorted((name for name in names if re.fullmatch(r"python3\.\d+t?", name)), key=len)


def try_place(place, wheel):
    """Prints a row for each job; how many were wrong."""
    python, libc = place.version()
    place.install(wheel)
    polars = place.install_polars()
    jobs = [job for job in OUTCOMES if job != "polars" or polars]
    wrong = 0
    for job in jobs:
        cells = []
        with ThreadPoolExecutor(len(POLICIES)) as pool:  # they mostly wait
            runs = list(pool.map(lambda policy: place.run(job, policy), POLICIES))
        for policy, (outcome, reports) in zip(POLICIES, runs):
            expected = expectation(python, libc, polars, job, policy)
            faults = list(faults_of(*expected, outcome, reports))
            wrong += bool(faults)
            cells.append("; ".join(["WRONG", *faults]) if faults else outcome)
        print(f"| {place.name} | {libc} | {python} | {job} | {' | '.join(cells)} |", flush=True)
    if "polars" not in jobs:
        print(f"| {place.name} | {libc} | {python} | polars | no wheel for this Python |" + " |" * 4)
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("wheel", type=Path)
    parser.add_argument("roots", type=Path)
    parser.add_argument("pythons", nargs="*")
    given = parser.parse_args()
    roots = sorted(path for path in given.roots.iterdir() if (path / "usr/bin/python3").exists())
    places = [(root.name, root.resolve(), f"/usr/bin/{name}") for root in roots for name in pythons_of(root)]
    places += [("here", None, python) for python in given.pythons]
    print(f"| root | glibc | Python | job | {' | '.join(POLICIES)} |\n|{'---|' * (4 + len(POLICIES))}")
    wrong = 0
    for name, root, python in places:
        place = Place(name, root, python)
        try:
            wrong += try_place(place, given.wheel.resolve())
        finally:
            place.close()
    print(f"{wrong} of the outcomes are not as expected")
    return wrong > 0


if __name__ == "__main__":
    sys.exit(main())
