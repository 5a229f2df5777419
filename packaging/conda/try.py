# SPDX-License-Identifier: Apache-2.0
"""try.py SDIST FOLDER: builds and tests the recipe without conda's channels, which a machine may not reach.

Needs py-rattler-build (requirements.txt). The channel is one of FOLDER's own, whose packages are empty: compiler,
headers and libraries are this system's, and its python is PYTHON's, with what that has. So this shows that the recipe is
sound, that its script builds, and that the package works; not that conda-forge's libraries do.
"""

import os
import sys
from pathlib import Path

import rattler_build

HERE = Path(__file__).resolve().parent
EMPTY = """gcc_linux-64 sysroot_linux-64 make pip setuptools jansson libffi liblzma-devel libunwind sqlite uthash
    xxhash zlib""".split()
PYTHON_SCRIPT = """
    - mkdir -p $PREFIX/bin
    - for name in python python3; do ln -s {python} $PREFIX/bin/$name; done
    - printf 'home = %s\\ninclude-system-site-packages = true\\n' {home} >$PREFIX/pyvenv.cfg
"""
RECIPE = """
package:
  name: {name}
  version: "{version}"
build:
  script:{script}
"""


def write_recipe(folder, name, version="1", script="\n    - true\n"):
    folder = folder / name
    folder.mkdir(parents=True)
    (folder / "recipe.yaml").write_text(RECIPE.format(name=name, version=version, script=script))
    return folder / "recipe.yaml"


def main():
    sdist, folder = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
    channel = folder / "channel"
    python = Path(sys.base_prefix, "bin", "python3").resolve()
    version = "{}.{}.{}".format(*sys.version_info)
    script = PYTHON_SCRIPT.format(python=python, home=python.parent)
    recipes = [write_recipe(folder / "recipes", "python", version, script)]
    recipes += [write_recipe(folder / "recipes", name) for name in EMPTY]
    rattler_build.build_recipes(recipes, output_dir=channel, channel=[], test="skip")
    variants = folder / "variants.yaml"
    variants.write_text("c_compiler: [gcc]\nc_stdlib: [sysroot]\npython: ['%d.%d.*']\n" % sys.version_info[:2])
    os.environ["SDIST"] = str(sdist)
    rattler_build.build_recipes(
        [HERE / "recipe.yaml"],
        output_dir=channel,
        channel=[channel.as_uri()],
        variant_config=[str(variants)],
        test="native",
    )
    print(*channel.glob("linux-*/forkpolicy-*"))


main()
