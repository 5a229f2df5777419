# SPDX-License-Identifier: Apache-2.0
"""The wheel: what is in it, and that it works where nothing else of this tree is."""

import email
import os
import re
import shutil
import signal
import stat
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

import support

LIMIT = 600  # seconds
VERSION = re.search(r'"(.*)"', (support.ROOT / "common/version.h").read_text()).group(1)
PROGRAMS = ["forkpolicy/bin/forkpolicy", "forkpolicy/lib/forkpolicy/libforkpolicy.so"]


def call(*command, env=None, cwd=None, check=True):
    """Without a shim, an index of packages, or modules of this tree."""
    settings = support.environment(preload=False, extra={"PIP_NO_INDEX": "1", **(env or {})})
    settings.pop("PYTHONPATH", None)
    return subprocess.run(
        [str(part) for part in command],
        env=settings,
        cwd=cwd,
        check=check,
        timeout=LIMIT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        universal_newlines=True,
    )


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """A copy of what git would keep of this tree."""
    folder = tmp_path_factory.mktemp("tree")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=support.ROOT, check=True, stdout=subprocess.PIPE)
    for name in filter(None, files.stdout.decode().split("\0")):
        source = support.ROOT / name
        if source.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(tree, tmp_path_factory):
    """Built with the environment's setuptools, so that nothing has to be fetched."""
    before = sorted(tree.rglob("*"))
    folder = tmp_path_factory.mktemp("wheel")
    python = support.environment_python("wheels")
    options = ["--no-build-isolation", "--no-deps", "--no-cache-dir", "-w", folder]
    call(python, "-m", "pip", "wheel", tree, *options)
    assert sorted(tree.rglob("*")) == before, "the build leaves things in the tree"
    (file,) = folder.iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The folder of an environment that has the wheel and nothing else."""
    folder = tmp_path_factory.mktemp("environment") / "venv"
    call(support.environment_python("wheels"), "-m", "venv", folder)
    call(folder / "bin/python", "-m", "pip", "install", "--no-deps", wheel)
    return folder


def test_tag_tells_the_least_glibc(wheel):
    major, minor = oldest_glibc(wheel)
    tag = f"manylinux_{major}_{minor}_{os.uname().machine}"
    assert wheel.name == f"forkpolicy-{VERSION}-py3-none-{tag}.whl"


def oldest_glibc(wheel):
    """By the symbols, where setup.py reads the versions' table."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(wheel.parent.parent / "unpacked")
    needs = []
    for name in PROGRAMS:
        symbols = call("nm", "-D", wheel.parent.parent / "unpacked" / name).stdout
        needs += re.findall(r"@GLIBC_([\d.]+)", symbols)
    assert needs
    return max(tuple(map(int, need.split("."))) for need in needs)[:2]


def test_contents(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        modes = {each.filename: each.external_attr >> 16 for each in archive.infolist()}
        licence = archive.read(f"forkpolicy-{VERSION}.dist-info/licenses/LICENSE")
        policy = archive.read("forkpolicy/known.policy")
    modules = {"__init__", "__main__", "error", "hand_over", "words", "pytest_plugin", "pytest_records", "pytest_watch"}
    modules |= {"resets/__init__"}
    assert {f"forkpolicy/{name}.py" for name in modules} | set(PROGRAMS) <= names
    assert not [name for name in names if "test" in name.replace("pytest_", "")]
    assert all(modes[name] & stat.S_IXUSR for name in PROGRAMS)
    libraries = {Path(name).name for name in names if name.endswith(".so")}
    assert libraries == {path.name for path in support.BUILD.glob("*.so")}
    assert licence == (support.ROOT / "LICENSE").read_bytes()
    assert policy == (support.ROOT / "policy/known.policy").read_bytes()
    linked = {"libffi", "libjansson", "libunwind", "liblzma", "zlib1g", "libxxhash", "uthash"}
    assert {f"forkpolicy/licences/{name}.txt" for name in linked} <= names


def test_programs_have_nothing_for_debuggers(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    for path in tmp_path.rglob("forkpolicy/**/*"):
        if path.suffix == ".so" or path.parent.name == "bin":
            assert ".debug_" not in call("readelf", "--wide", "--sections", path).stdout, path


def test_metadata(wheel):
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"forkpolicy-{VERSION}.dist-info/METADATA").decode()
    metadata = email.message_from_string(text)
    assert metadata["Name"] == "forkpolicy" and metadata["Version"] == VERSION
    assert "Apache-2.0" in (metadata["License-Expression"], metadata["License"]) and metadata["Summary"]
    assert metadata["Requires-Python"] == ">=3.7" and metadata.get_all("Classifier")
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = metadata.get_payload()
    assert readme.startswith("# forkpolicy")
    assert not re.findall(r"\]\((?!https?:|#)", readme)  # an index has none of the neighbours of README.md
    assert sorted(metadata.get_all("Requires-Dist")) == [  # nothing that is not asked for
        'numpy; extra == "loader"',
        'py-spy; extra == "stacks"',
        'pyarrow; extra == "loader"',
        'pytest>=6; extra == "pytest"',
        'sqlglot; extra == "loader"',
    ]


def source_of(tree, folder):
    """A source distribution of TREE, unpacked below FOLDER."""
    (folder / "made").mkdir()
    build = "from setuptools import build_meta; print(build_meta.build_sdist('{}'))"
    call(support.environment_python("wheels"), "-c", build.format(folder / "made"), cwd=tree)
    (archive,) = (folder / "made").iterdir()
    assert archive.name == f"forkpolicy-{VERSION}.tar.gz"
    shutil.unpack_archive(archive, folder)
    return folder / f"forkpolicy-{VERSION}"


def test_source_distribution(tree, tmp_path):
    """It has what a build needs, and the tests."""
    source = source_of(tree, tmp_path)
    (source / "build").mkdir()
    (source / "build/.packages").touch()
    assert "forkpolicy" in call("make", "-n", "all", cwd=source).stdout
    assert files_of(tree) <= files_of(source)


def commit_of(tree):
    return call("sh", tree / "packaging/commit.sh").stdout.split()


def test_commit(tree, tmp_path):
    """Of a checkout, and of what is made of one; none where nobody knows."""
    assert commit_of(tree) == []
    checkout = tmp_path / "checkout"
    shutil.copytree(tree, checkout)
    time = "2026-11-30T12:00:00Z"
    author = ["-c", "user.name=n", "-c", "user.email=n@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "all"]):
        call("git", *author, *command, cwd=checkout, env={"GIT_AUTHOR_DATE": time, "GIT_COMMITTER_DATE": time})
    commit = call("git", "rev-parse", "HEAD", cwd=checkout).stdout[:12]
    assert commit_of(checkout) == [commit, "1796040000"]
    source = source_of(checkout, tmp_path)
    assert commit_of(source) == [commit, "1796040000"]
    (checkout / "Makefile").write_text("")
    assert commit_of(checkout) == [commit + "+", "1796040000"]
    for folder, says in ((source, f' = "{commit}";'), (tree, ' = "";')):
        call("make", "-C", folder, f"BUILD={tmp_path}/made", f"{tmp_path}/made/commit.c")
        assert says in (tmp_path / "made/commit.c").read_text()


def test_the_conda_recipe_is_of_this_version():
    assert f'version: "{VERSION}"' in (support.ROOT / "packaging/conda/recipe.yaml").read_text()


def test_alpine_is_told_why(tree, tmp_path):
    """A Python of musl, in what it says of its libc."""
    (tmp_path / "sitecustomize.py").write_text("import os\ndef confstr(name):\n    raise ValueError(name)\nos.confstr = confstr\n")
    pip = [support.environment_python("wheels"), "-m", "pip", "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path]
    done = call("env", f"PYTHONPATH={tmp_path}", *pip, tree, check=False)
    assert done.returncode == 1 and "libc is not glibc (Alpine's is musl)" in done.stdout, done.stdout


def files_of(tree):
    """All but what only git reads, tests and benchmarks among them."""
    files = {path.relative_to(tree) for path in tree.rglob("*") if path.is_file()}
    return {file for file in files if not file.name.startswith(".git")}


def test_program(installed):
    assert call(installed / "bin/forkpolicy", "--version").stdout == f"forkpolicy {VERSION}\n"
    module = call(installed / "bin/python", "-m", "forkpolicy", "--version")
    assert module.stdout == f"forkpolicy {VERSION}\n"
    path = call(installed / "bin/forkpolicy", "path").stdout.strip()
    assert path.startswith(str(installed.resolve())) and path.endswith(PROGRAMS[1])
    checked = call(installed / "bin/forkpolicy", "check", "python3").stdout
    assert f"preload    {path}" in checked
    assert call(installed / "bin/python", "-c", "import forkpolicy; print(forkpolicy.__version__)").stdout == f"{VERSION}\n"
    bad = call(installed / "bin/forkpolicy", "run", "--policy", "flail", "true", check=False)
    assert bad.returncode == 2 and "--policy column 1" in bad.stdout


CHILD_THAT_HANGS = """
import os, threading
lock = threading.Lock()
held = threading.Event()
def hold():
    with lock:
        held.set()
        threading.Event().wait()
threading.Thread(target=hold, daemon=True).start()
held.wait()
child = os.fork()
if child == 0:
    lock.acquire()
os.waitpid(child, 0)
"""


def test_explain_sees_through_its_own_watch(installed):
    """The slices in which the shim waits are of a wait without a limit, and of the code that waits."""
    program = installed / "bin/forkpolicy"
    command = [program, "run", installed / "bin/python", "-c", CHILD_THAT_HANGS]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True) as job:
        try:
            for line in job.stderr:  # told once it waits in slices
                if "can never go on" in line:
                    break
            child = re.search(r"pid (\d+)", line)[1]
            seen, end = 0, time.monotonic() + 60
            while seen < 3 and time.monotonic() < end:  # in a row: it may look around just now
                text = call(program, "explain", child).stdout
                assert "waits   forkpolicy" not in text, text
                seen = seen + 1 if " in sem_wait; only a signal could wake it" in text else 0
            assert seen == 3, text
        finally:
            os.killpg(job.pid, signal.SIGKILL)


def test_script_is_found_where_pip_puts_it(wheel, installed, tmp_path):
    """Through a link, as pipx makes one, and in a folder of its own."""
    (tmp_path / "link").symlink_to(installed / "bin/forkpolicy")
    pip = [installed / "bin/python", "-m", "pip", "install", "--no-deps", "--target", tmp_path / "own", wheel]
    call(*pip)
    for script, place in ((tmp_path / "link", installed), (tmp_path / "own/bin/forkpolicy", tmp_path / "own")):
        path = call(script, "path", env={"PATH": "/nowhere:/usr/bin:/bin"}).stdout
        assert path.startswith(str(place.resolve())) and path.endswith(PROGRAMS[1] + "\n"), path


def test_script_costs_no_python(installed):
    """It finds the program by itself: with a Python that cannot start, it works."""
    broken = call(installed / "bin/forkpolicy", "--version", env={"PYTHONHOME": "/nowhere"})
    assert broken.stdout.startswith("forkpolicy ")


def test_job_has_what_the_shell_gave(installed):
    """Not what Python does to its own process: ignored signals, another locale, another name."""
    ask = "grep SigIgn /proc/$$/status; echo LC_CTYPE=$LC_CTYPE"
    bare = call("sh", "-c", ask, env={"LC_ALL": "", "LANG": "C"}).stdout
    command = [installed / "bin/forkpolicy", "run", "--", "sh", "-c", ask]
    assert call(*command, env={"LC_ALL": "", "LANG": "C"}).stdout == bare


CATCHES = """
import concurrent.futures, os
import forkpolicy
threads = concurrent.futures.ThreadPoolExecutor(1)
threads.submit(str, 1).result()
try:
    os.fork()
except forkpolicy.ForkPolicyError as error:
    print("caught", "ThreadPoolExecutor" in str(error))
"""


def test_error_is_the_packages(installed):
    command = ["run", "--policy", "refuse:ThreadPoolExecutor", "--", installed / "bin/python", "-c"]
    said = call(installed / "bin/forkpolicy", *command, CATCHES)
    assert said.stdout.splitlines()[-1] == "caught True", said.stdout


def test_pytest_finds_the_plugin(installed, tmp_path):
    (tmp_path / "test_it.py").write_text("def test_it():\n    pass\n")
    others = call(
        support.environment_python("wheels"), "-c", "import pytest; print(pytest.__file__)"
    )
    env = {"PYTHONPATH": str(Path(others.stdout.strip()).parent.parent)}
    command = [
        installed / "bin/python",
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        "--forkpolicy=fail",
    ]
    settings = support.environment(preload=False, extra=env)
    done = subprocess.run(
        [str(part) for part in command],
        env=settings,
        cwd=tmp_path,
        timeout=LIMIT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        universal_newlines=True,
    )
    assert done.returncode == 0 and "under fail: 0 forks" in done.stdout, done.stdout


def test_every_interpreter_imports_it(installed, interpreter):
    (site,) = installed.glob("lib/python*/site-packages")
    said = call(
        interpreter,
        "-c",
        "import sys; sys.path.insert(0, sys.argv[1]); import forkpolicy, forkpolicy.__main__;"
        "print(forkpolicy.ForkPolicyError.__module__, forkpolicy.__main__.program())",
        site,
    )
    assert said.stdout.split() == ["forkpolicy", str(site / "forkpolicy/bin/forkpolicy")]


def test_uninstalled(wheel, installed):
    """Last: nothing stays behind."""
    pip = [installed / "bin/python", "-m", "pip"]
    listed = call(*pip, "show", "-f", "forkpolicy").stdout
    for name in PROGRAMS + ["forkpolicy/known.policy", "../../../bin/forkpolicy"]:
        assert f"  {name}\n" in listed, listed
    call(*pip, "uninstall", "-y", "forkpolicy")
    assert [path for path in installed.rglob("*") if "forkpolicy" in path.name] == []
