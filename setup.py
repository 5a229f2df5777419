# SPDX-License-Identifier: Apache-2.0
"""The part of pyproject.toml that has to run: make builds the program and the shim into the wheel.

Nothing is written into the tree: pip builds in place, and what an earlier build left behind would
end up in the next wheel. `make wheels` builds for other machines and older libcs by the variables
of the Makefile (CC, ARCH, STATIC ...), which make takes from the environment.
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

from setuptools import Distribution, __version__ as setuptools_version, setup
from setuptools.command.build_py import build_py
from setuptools.command.sdist import sdist

try:
    from setuptools.command.bdist_wheel import bdist_wheel
except ImportError:
    from wheel.bdist_wheel import bdist_wheel

ROOT = Path(__file__).resolve().parent
SCRATCH = Path(tempfile.mkdtemp(prefix="forkpolicy-build-"))
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)

OLDEST = (2, 17)  # glibc that a wheel's tag can name
SYSTEM_LIBRARIES = re.compile(r"(libc|libm|libdl|libpthread|librt|ld-linux[-\w]*)\.so\.\d+")
# Debian's packages of what is linked in: where it has their licences when it is not `make wheels`.
LINKED = ["libffi", "libjansson", "libunwind", "liblzma", "zlib1g", "libxxhash", "uthash"]


def version():
    """That of common/version.h. A release's tag must say the same."""
    said = re.search(r'FP_VERSION "(.*)"', (ROOT / "common/version.h").read_text()).group(1)
    command = ["git", "-C", ROOT, "describe", "--tags", "--exact-match", "--match", "v[0-9]*"]
    try:
        tag = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError:
        return said
    if (ROOT / ".git").exists() and tag.returncode == 0 and tag.stdout.decode().strip() != f"v{said}":
        raise SystemExit(f"forkpolicy: tag {tag.stdout.decode().strip()}, but common/version.h says {said}")
    return said


def description():
    """README.md, with links that work on an index, where none of its neighbours are."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.sub(r"\[([^\]]+)\]\((?!https?:|#)[^)]*\)", r"\1", text)


def licence():
    """As PEP 639 spells it, where setuptools can."""
    knows = int(setuptools_version.split(".")[0]) >= 77
    return {"license_expression" if knows else "license": "Apache-2.0"}


def has_glibc():
    try:
        return bool(os.confstr("CS_GNU_LIBC_VERSION"))
    except (ValueError, OSError):  # musl does not know the question
        return False


def make(folder):
    """Builds into FOLDER. System packages are `make packages`' business, not pip's."""
    if not sys.platform.startswith("linux"):
        raise SystemExit(f"forkpolicy: it works on Linux alone, and this is {sys.platform}")
    if not has_glibc():
        raise SystemExit(
            "forkpolicy: this Python's libc is not glibc (Alpine's is musl), and what the package does for "
            "children rests on how glibc's locks are made: use an image with glibc (Debian, Ubuntu, Fedora ...)"
        )
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ".packages").touch()
    jobs = f"-j{len(os.sched_getaffinity(0))}"
    command = ["make", "-C", ROOT, jobs, f"BUILD={folder}", f"PYTHON={sys.executable}", "all"]
    # Symbols stay: by those of the shim `explain` knows its slices of a wait. A linker that can leave out
    # only all of them is given a STRIP for what is for debuggers alone.
    settings = {"CFLAGS": "-O2", "LDFLAGS": "-Wl,--strip-debug", **os.environ}
    try:
        subprocess.run(command, check=True, env=settings)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"forkpolicy: {error}; `make packages` installs what the build needs")
    if os.environ.get("STRIP"):
        subprocess.run([*os.environ["STRIP"].split(), *made()], check=True)


def made():
    """{file: where in the package}: libraries where the program looks for them (cli/locate.c)."""
    files = {SCRATCH / "make/forkpolicy": "bin/forkpolicy"}
    for library in sorted((SCRATCH / "make").glob("*.so")):
        files[library] = f"lib/forkpolicy/{library.name}"
    return files


def licences():
    """{file: where in the package} for the libraries that are linked in."""
    folder = os.environ.get("LICENCES")
    if folder:
        return {file: f"licences/{file.name}" for file in sorted(Path(folder).glob("*.txt"))}
    documents = {name: Path(f"/usr/share/doc/{name}-dev/copyright") for name in LINKED}
    return {file: f"licences/{name}.txt" for name, file in documents.items() if file.exists()}


def console_script():
    file = SCRATCH / "forkpolicy"
    text = (ROOT / "packaging/console.sh").read_text()
    file.write_text(text.replace("@VERSION@", version()))
    return str(file)


def needed_glibc(file):
    """The oldest glibc that has all that a file asks for; None where that is not proved."""
    try:
        text = subprocess.run(
            ["readelf", "--wide", "--dynamic", "--version-info", file],
            check=True,
            stdout=subprocess.PIPE,
            env={**os.environ, "LC_ALL": "C"},
        ).stdout.decode()
    except (OSError, subprocess.CalledProcessError):
        return None
    libraries = re.findall(r"\(NEEDED\).*\[(.*)\]", text)
    needs = re.findall(r"Name: GLIBC_(\S+)", text)
    if not needs or not all(re.fullmatch(r"[\d.]+", need) for need in needs):  # not GLIBC_PRIVATE
        return None
    if not all(SYSTEM_LIBRARIES.fullmatch(library) for library in libraries):
        return None
    return max(tuple(map(int, need.split("."))) for need in needs)[:2]


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
        for file, place in {**made(), **licences()}.items():
            (package / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, package / place)
        shutil.copy2(ROOT / "policy/known.policy", package / "known.policy")


class SourceDistribution(sdist):
    def make_release_tree(self, base_dir, files):
        """With the commit, so that what is built of it is what is built of a checkout."""
        super().make_release_tree(base_dir, files)
        said = subprocess.run(["sh", ROOT / "packaging/commit.sh"], check=True, stdout=subprocess.PIPE)
        (Path(base_dir) / "packaging/commit").write_bytes(said.stdout)


class Wheel(bdist_wheel):
    def get_tag(self):
        """No part of it is compiled against Python: one wheel serves every version."""
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        needed = [needed_glibc(file) for file in made()]
        if all(needed):
            platform = self.manylinux(max(*needed, OLDEST), platform.replace("linux_", ""))
        return "py3", "none", platform

    @staticmethod
    def manylinux(glibc, machine):
        tag = "manylinux_{}_{}_{}".format(*glibc, machine)
        # The name for pip before 20.3.
        return f"{tag}.manylinux2014_{machine}" if glibc == OLDEST else tag


setup(
    version=version(),
    long_description=description(),
    long_description_content_type="text/markdown",
    scripts=[console_script()],
    distclass=BinaryDistribution,
    cmdclass={"build_py": BuildWithMake, "bdist_wheel": Wheel, "sdist": SourceDistribution},
    options={
        "build": {"build_base": str(SCRATCH / "build")},
        "egg_info": {"egg_base": str(SCRATCH)},
    },
    **licence(),
)
