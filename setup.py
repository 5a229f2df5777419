# SPDX-License-Identifier: Apache-2.0
"""The part of pyproject.toml that has to run: make builds the program and the shim into the wheel.

Nothing is written into the tree: pip builds in place, and what an earlier build left behind would
end up in the next wheel.
"""

import atexit
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.build_py import build_py

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parent
SCRATCH = Path(tempfile.mkdtemp(prefix="forkpolicy-build-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

FLOOR = (2, 34)  # of glibc, that the wheel's tag may promise
SYSTEM_LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|ld-linux[-\w]*)\.so\.\d+")


def version():
    return re.search(r'FP_VERSION "(.*)"', (ROOT / "common/version.h").read_text()).group(1)


def make(folder):
    """Builds into FOLDER. System packages are `make packages`' business, not pip's."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".packages").touch()
    flags = os.environ.get("CFLAGS", "-O2")
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    command = ["make", "-C", ROOT, jobs, f"BUILD={folder}", f"PYTHON={sys.executable}", "all"]
    try:
        subprocess.run(command, check=True, env={**os.environ, "CFLAGS": flags})
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"forkpolicy: {error}; `make packages` installs what the build needs")


def made():
    """{file: where in the package}: libraries where the program looks for them (cli/locate.c)."""
    files = {SCRATCH / "make/forkpolicy": "bin/forkpolicy"}
    for library in (SCRATCH / "make").glob("*.so"):
        files[library] = f"lib/forkpolicy/{library.name}"
    return files


def runs_on_floor(file):
    """Whether a file is proved to need the floor's glibc and no other library."""
    try:
        text = subprocess.run(
            ["readelf", "--wide", "--dynamic", "--version-info", file],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return False
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    needs = re.findall(r"Name: GLIBC_(\S+)", text)
    return (
        bool(needs)
        and all(re.fullmatch(r"[\d.]+", need) for need in needs)  # not GLIBC_PRIVATE
        and all(tuple(map(int, need.split("."))) <= FLOOR for need in needs)
        and all(SYSTEM_LIBRARIES.fullmatch(library) for library in libraries)
    )


class BinaryDistribution(Distribution):
    def has_ext_modules(self):
        """For a wheel of this platform."""
        return True


class BuildWithMake(build_py):
    def run(self):
        super().run()
        if getattr(self, "editable_mode", False):
            return  # the package finds what make has built in the tree
        package = Path(self.build_lib) / "forkpolicy"
        make(SCRATCH / "make")
        for file, place in made().items():
            (package / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, package / place)
        shutil.copy2(ROOT / "policy/known.policy", package / "known.policy")


class Wheel(bdist_wheel):
    def get_tag(self):
        """No part of it is compiled against Python: one wheel serves every version."""
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        if all(runs_on_floor(file) for file in made()):
            platform = platform.replace("linux_", "manylinux_{}_{}_".format(*FLOOR))
        return "py3", "none", platform


setup(
    version=version(),
    distclass=BinaryDistribution,
    cmdclass={"build_py": BuildWithMake, "bdist_wheel": Wheel},
    options={
        "build": {"build_base": str(SCRATCH / "build")},
        "egg_info": {"egg_base": str(SCRATCH)},
    },
)
