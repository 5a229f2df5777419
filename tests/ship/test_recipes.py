# SPDX-License-Identifier: Apache-2.0
"""docs/recipes.md under the tools themselves: what the page shows is what is run.

`make recipes`: RECIPES is the environment of the tools (recipes.txt), WHEEL the wheel. gunicorn has
tests/python/test_servers.py, celery and uwsgi tests/soak/test_real_servers.py, containers test_newcomer.py.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import hanging
import pytest

import support

sys.path.insert(0, str(support.ROOT / "tests/python"))
import pages  # noqa: E402: found by the path just set

PAGE = (support.ROOT / "docs/recipes.md").read_text()
LIMIT = 300  # seconds


@pytest.fixture(scope="module")
def tools():
    """The folder of the tools' programs, which has the wheel's, too."""
    if not {"RECIPES", "WHEEL"} <= os.environ.keys():
        pytest.skip("no RECIPES and WHEEL")
    programs = Path(os.environ["RECIPES"]).absolute() / "bin"
    pip = [programs / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", "--force-reinstall"]
    subprocess.run([*pip, os.environ["WHEEL"]], check=True, timeout=LIMIT)
    return programs


@pytest.fixture
def run(tools, tmp_path):
    def call(*command, **variables):
        """pip finds the wheel beside what an index has."""
        paths = f"{tools}:{os.environ['PATH']}"
        found = f"{Path(os.environ['WHEEL']).resolve().parent} {os.environ.get('PIP_FIND_LINKS', '')}".strip()
        extra = {"PATH": paths, "PIP_FIND_LINKS": found, "TMPDIR": str(tmp_path), **variables}
        return subprocess.run(
            [str(part) for part in command],
            env=support.environment(preload=False, extra=extra),
            cwd=tmp_path,
            timeout=LIMIT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    return call


def of_page(name, language):
    return re.search(rf'```{language} title="{re.escape(name)}"\n(.*?)```', PAGE, re.S)[1]


def check_test_failed(done):
    """The one test, by name, with the report as its message."""
    assert done.returncode == 1, done.stdout
    for words in ("1 failed", "test_it.py::test_sum", "ThreadPoolExecutor", f"test_it.py:{hanging.FORK_LINE} in test_sum"):
        assert words in done.stdout, done.stdout


def test_tox(run, tmp_path):
    (tmp_path / "test_it.py").write_text(hanging.TEST)
    (tmp_path / "tox.ini").write_text(of_page("tox.ini", "ini"))
    check_test_failed(run("tox", "run", "--skip-pkg-install"))


def test_nox(run, tmp_path):
    (tmp_path / "test_it.py").write_text(hanging.TEST)
    (tmp_path / "noxfile.py").write_text(pages.job(PAGE, "noxfile.py"))
    check_test_failed(run("nox", "-s", "tests"))


FORKS = """\
import os
from concurrent.futures import ThreadPoolExecutor
executor = ThreadPoolExecutor(1)
executor.submit(int).result()
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
"""


def forks_of(folder):
    """The records of forks that lost the executor, of all logs in a folder."""
    records = [record for log in folder.glob("*.jsonl") for record in support.read_log(log)]
    return [
        record
        for record in records
        if record["event"] == "fork" and "ThreadPoolExecutor" in [each["name"] for each in record["runtimes"]]
    ]


KERNEL = """
import sys
from jupyter_client.manager import KernelManager
manager = KernelManager(kernel_name="preloaded")
manager.start_kernel()
client = manager.client()
client.start_channels()
client.wait_for_ready(timeout=120)
print(client.execute_interactive(open(sys.argv[1]).read(), timeout=120)["content"]["status"])
client.stop_channels()
manager.shutdown_kernel(now=True)
"""


def test_jupyter(run, tools, tmp_path):
    """The row's `env` in the kernel.json of ipykernel's."""
    text = re.search(r'^\| Jupyter \|.*`("env": \{.*?\})`', PAGE, re.M)[1]
    env = json.loads("{" + text + "}")["env"]
    env["LD_PRELOAD"] = env["LD_PRELOAD"].replace("...", run("forkpolicy", "path").stdout.strip())
    kernel = tmp_path / "share/jupyter/kernels/preloaded"
    kernel.mkdir(parents=True)
    command = [str(tools / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (kernel / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "it", "language": "python", "env": env}))
    (tmp_path / "cell.py").write_text(FORKS)
    log = tmp_path / "log-%p.jsonl"
    jupyter = {"JUPYTER_PATH": str(tmp_path / "share/jupyter"), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    done = run("python", "-c", KERNEL, "cell.py", FORKPOLICY_LOG=str(log), IPYTHONDIR=str(tmp_path), **jupyter)
    assert done.returncode == 0 and done.stdout.endswith("ok\n"), done.stdout  # behind what the cell gives
    assert len(forks_of(tmp_path)) == 1


RAY = """
import os, subprocess, sys
import ray

path = subprocess.run(["forkpolicy", "path"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
{init}

@ray.remote
def task(code):
    exec(code, {{"__name__": "__main__"}})
    return open("/proc/self/maps").read().count("libforkpolicy.so") > 0

print("preloaded", ray.get(task.remote(open(sys.argv[1]).read())))
ray.shutdown()
"""


def test_ray(run, tools, tmp_path):
    if not (tools / "ray").exists():
        pytest.skip("ray has no wheel for this Python")
    init = re.search(r"^\| Ray \| `(ray\.init.*?)`", PAGE, re.M)[1]
    (tmp_path / "task.py").write_text(FORKS)
    (tmp_path / "job.py").write_text(RAY.format(init=init))
    log = tmp_path / "log-%p.jsonl"
    done = run("python", "job.py", "task.py", FORKPOLICY_LOG=str(log), RAY_TMPDIR="/tmp", RAY_USAGE_STATS_ENABLED="0")
    assert done.returncode == 0 and "preloaded True" in done.stdout, done.stdout
    assert forks_of(tmp_path)


def test_torchrun(run, tmp_path):
    """The row's command, with torch of the tests' environment and two ranks."""
    command = re.search(r"^\| torchrun \| `(.*?)`", PAGE, re.M)[1].replace("--nproc-per-node 8", "--nproc-per-node 2")
    (tmp_path / "train.py").write_text(FORKS)
    programs = support.environment_python("wheels").parent
    done = run("bash", "-ec", f"PATH={programs}:$PATH {command}", FORKPOLICY_LOG=str(tmp_path / "log-%p.jsonl"))
    assert done.returncode == 0, done.stdout
    assert sorted(record["rank"] for record in forks_of(tmp_path)) == ["0", "1"], done.stdout


def test_slurm_s_variables(run, tmp_path):
    """The row's words for srun, for env: Slurm itself is not here."""
    words = re.search(r"^\| Slurm \| `srun --export=ALL,(.*?) python train.py`", PAGE, re.M)[1]
    (tmp_path / "train.py").write_text(FORKS)
    done = run("bash", "-ec", f"env {words.replace(',FORKPOLICY', ' FORKPOLICY')} python train.py")
    assert done.returncode == 0 and len(forks_of(tmp_path)) == 1, done.stdout
