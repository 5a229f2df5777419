# SPDX-License-Identifier: Apache-2.0
"""A root of Debian that has Python and pip alone, and the wheel: what docs say to type there.

`make newcomer`: ROOT is the root (packaging/matrix/root.sh), WHEEL the wheel. Nothing is fetched.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import hanging
import pytest

import support

for folder in ("packaging/matrix", "tests/cli", "tests/python"):
    sys.path.insert(0, str(support.ROOT / folder))
import action  # noqa: E402: found by the paths just set
import matrix  # noqa: E402
import pages  # noqa: E402

START = (support.ROOT / "docs/start.md").read_text()
RECIPES = (support.ROOT / "docs/recipes.md").read_text()
JOB = pages.job(START, "job.py")


class Home:
    """A folder in the root: commands run there as a user types them, each in a PID namespace, as its first process."""

    def __init__(self, place, name):
        self.place, self.folder, self.inner = place, place.folder / name, place.inner / name
        self.folder.mkdir()
        wheel = Path(os.environ["WHEEL"])
        self.wheel = self.inner / wheel.name
        shutil.copy2(wheel, self.folder)
        (self.folder / "job.py").write_text(JOB)

    def bash(self, script, **variables):
        settings = [f"{key}={value}" for key, value in variables.items()]
        shell = ["bash", "--noprofile", "--norc", "-e", "-o", "pipefail", "-c", script]
        return self.place.call(["env", "-C", str(self.inner), *settings, *shell])

    def has(self, done):
        assert done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="module")
def place():
    if not {"ROOT", "WHEEL"} <= os.environ.keys():
        pytest.skip("no ROOT and WHEEL")
    place = matrix.Place("newcomer", Path(os.environ["ROOT"]).resolve(), "/usr/bin/python3")
    yield place
    place.close()


@pytest.fixture
def home(place, request):
    return Home(place, re.sub(r"\W", "-", request.node.name))


def test_ten_minutes(home):
    """docs/start.md, command by command."""
    for command in re.findall(r"^    \$ (.*)$", START, re.M):
        home.has(home.bash(command))
    (command,) = re.findall(r"^\$ (.*)$", START, re.M)
    done = home.bash(command)
    assert done.stdout == "" and done.returncode == 0, done
    pages.check_shown(pages.shown(START, command), done.stderr, home.inner)


@pytest.fixture
def tests(home):
    """A repository with a test that hangs, and the PATH of an environment with the release's pytest."""
    (home.folder / "test_it.py").write_text(hanging.TEST)
    home.has(home.bash("python3 -m venv --system-site-packages env"))
    return f"{home.inner}/env/bin:/usr/bin:/bin"


def test_the_plugin(home, tests):
    home.has(home.bash(f"env/bin/pip install {home.wheel}"))
    done = home.bash("python3 -m pytest -p no:cacheprovider --forkpolicy=fail", PATH=tests)
    assert done.returncode == 1 and "1 failed" in done.stdout, done.stdout + done.stderr
    assert f"test_it.py:{hanging.FORK_LINE} in test_sum" in done.stdout and "ThreadPoolExecutor" in done.stdout, done.stdout


EXPLAIN = """
forkpolicy run -- python3 job.py 2>told &
until grep -q "can never go on" told; do sleep 0.1; done
child=$(grep -o "pid [0-9]*" told | head -n 1)
for i in $(seq 50); do # the shim may look around just now
    forkpolicy explain "${child#pid }" >said || true
    ! grep -q "never go on" said || break
    sleep 0.1
done
cat said
"""


def test_explain(home, tests):
    """It sees through the shim's slices of a wait, by the symbols that the wheel has kept."""
    home.has(home.bash(f"env/bin/pip install {home.wheel}"))
    done = home.has(home.bash(EXPLAIN, PATH=tests))
    assert "never go on" in done.stdout and " in sem_wait; only a signal" in done.stdout, done.stdout


def test_the_action(home, tests):
    """All its steps."""
    given = {"command": "python3 -m pytest -p no:cacheprovider test_it.py", "requirement": str(home.wheel)}
    done = {}
    for name in ("Install", "Run", "Report"):
        script, variables = action.step(name, given)
        of_runner = {"GITHUB_ACTIONS": "true", "RUNNER_TEMP": home.inner, "GITHUB_STEP_SUMMARY": home.inner / "summary.md"}
        done[name] = home.bash(script, PATH=tests, **of_runner, **variables)
    assert [each.returncode for each in done.values()] == [0, 70, 0], "".join(each.stdout + each.stderr for each in done.values())
    said = "".join(each.stdout + each.stderr for each in done.values()).splitlines()
    (annotation,) = [line for line in said if line.startswith("::error ")]
    assert f"file={home.inner}/test_it.py,line={hanging.FORK_LINE}," in annotation
    assert "ThreadPoolExecutor" in (home.folder / "summary.md").read_text()
    assert (home.folder / "forkpolicy/forks.html").read_text().startswith("<!doctype html>")


@pytest.fixture
def image(home):
    """The Dockerfile of docs/recipes.md: its RUN in an environment of its own, and its variables."""
    text = re.search(r"```dockerfile\n(.*?)```", RECIPES, re.S)[1]
    home.has(home.bash(f"python3 -m venv env && cp {home.wheel} /tmp"))
    path = {"PATH": f"{home.inner}/env/bin:/usr/bin:/bin"}
    link = home.place.root / "usr/local/lib/libforkpolicy.so"
    home.has(home.bash(re.search(r"^RUN (.*)$", text, re.M)[1], **path))
    yield {**path, **dict(each.split("=") for each in re.search(r"^ENV (.*)$", text, re.M)[1].split())}
    link.unlink()
    (home.place.root / "tmp" / home.wheel.name).unlink()


def test_a_container_s_variables(home, image):
    done = home.bash("python3 job.py", **image)
    assert done.returncode == 0 and "ForkPolicyError is raised at that line" in done.stderr, done


def test_a_container_s_first_process(home, image):
    """The CMD of the recipe, with no shell before it."""
    words = re.search(r'`CMD (\["forkpolicy".*?\])`', RECIPES)[1]
    command = [word.replace("serve.py", "job.py") for word in json.loads(words)]
    done = home.bash(f"echo $$; exec {' '.join(command)}", PATH=image["PATH"])
    assert (done.returncode, done.stdout) == (70, "1\n"), done
    assert "job ended: child" in done.stderr, done
