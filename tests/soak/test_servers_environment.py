# SPDX-License-Identifier: Apache-2.0
"""What pip says while the environment of the servers is made: only what went wrong."""

import zipfile

import servers_environment

METADATA = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def index(folder):
    """Of one package."""
    wheel = folder / "tiny" / "tiny-1.0-py3-none-any.whl"
    wheel.parent.mkdir(parents=True)
    with zipfile.ZipFile(wheel, "w") as made:
        made.writestr("tiny.py", "")
        for name, text in {"METADATA": METADATA, "WHEEL": WHEEL, "RECORD": ""}.items():
            made.writestr(f"tiny-1.0.dist-info/{name}", text)
    (wheel.parent / "index.html").write_text(f'<a href="{wheel.name}">{wheel.name}</a>')
    return folder.as_uri()


def programs(monkeypatch, folder, wanted):
    (folder / "more").mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", index(folder / "simple"))
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", (folder / "more").as_uri())
    monkeypatch.setattr(servers_environment, "WANTED", folder / "wanted.txt")
    monkeypatch.setattr(servers_environment, "ENVIRONMENT", folder / "environment")
    servers_environment.WANTED.write_text(wanted)
    return servers_environment.programs()


def test_an_index_that_lacks_a_package_is_not_mentioned(monkeypatch, tmp_path, capfd):
    python = programs(monkeypatch, tmp_path, "tiny==1.0\n") / "python"
    said = capfd.readouterr()
    assert (said.out, said.err) == ("", "")
    assert not servers_environment.missing(python)


def test_what_is_nowhere_is_named(monkeypatch, tmp_path, capfd):
    python = programs(monkeypatch, tmp_path, "tiny==1.0\nnowhere==1.0\n") / "python"
    assert "No matching distribution found for nowhere==1.0" in capfd.readouterr().err
    assert servers_environment.missing(python) == {"nowhere"}
