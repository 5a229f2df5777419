# SPDX-License-Identifier: Apache-2.0
"""The page of report --html, made of records and read as a browser shows it."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

from support import PROGRAM, environment

HERE = Path(__file__).resolve().parent
RECORDS = HERE / "page_records"
GOLDEN = HERE / "golden"
LIMIT = 120  # seconds
PNG = b"\x89PNG"


def make_page(folder, *logs, before=None):
    """The page of logs; exit status 1 says that they tell of something bad."""
    page = folder / "page.html"
    options = ["--before", str(before)] if before else []
    ended = subprocess.run(
        [str(PROGRAM), "report", "--html", "-o", str(page), *options, *map(str, logs)],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        env=environment(preload=False),
    )
    assert ended.returncode in (0, 1), ended.stderr
    return page


def write_log(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def records_of(name):
    return [json.loads(line) for line in (RECORDS / f"{name}.jsonl").read_text().splitlines()]


def browse(page, *options, fragment="", silenced="nothing"):
    """Runs the browser, which must have no complaint about the page; its output."""
    ended = subprocess.run(
        [
            shutil.which("chromium") or "chromium",
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--hide-scrollbars",
            "--no-first-run",
            "--enable-logging=stderr",
            f"--user-data-dir={page.parent / 'profile'}",
            "--window-size=1280,900",
            "--virtual-time-budget=4000",
            *options,
            f"{page.as_uri()}{fragment}",
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT,
    )
    messages = [line for line in ended.stderr.splitlines() if "CONSOLE" in line]
    complaints = [line for line in messages if silenced not in line]
    assert ended.returncode == 0 and not complaints, (ended.stderr[-2000:], complaints)
    return ended.stdout


class Document(HTMLParser):
    """What is seen of a dumped document, a line for each block, and its elements' attributes."""

    HIDDEN = {"script", "style", "noscript", "title", "defs", "clippath"}
    BLOCKS = {
        "h1",
        "h2",
        "h3",
        "p",
        "li",
        "tr",
        "th",
        "td",
        "dt",
        "dd",
        "summary",
        "button",
        "pre",
        "small",
    }
    EMPTY = {"meta", "input", "link", "br"}

    def __init__(self, dumped):
        super().__init__()
        self.elements, self.open, self.texts = [], [], {}
        self.feed(dumped)

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in self.EMPTY:
            self.open.append((tag, dict(attributes).get("id")))
        if tag in self.BLOCKS:
            self.add("\n")

    def handle_endtag(self, tag):
        while self.open and self.open.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not any(tag in self.HIDDEN for tag, _ in self.open):
            self.add(data)

    def add(self, data):
        for identity in {identity for _, identity in self.open if identity} | {""}:
            self.texts[identity] = self.texts.get(identity, "") + data

    def text(self, identity=""):
        """Of the element of that id; runs of blank lines as one."""
        return re.sub(r"\s*\n\s*", "\n", self.texts.get(identity, "")).strip()

    def by_class(self, name):
        return [each for _, each in self.elements if name in (each.get("class") or "").split()]


def document(page, **settings):
    return Document(browse(page, "--dump-dom", **settings))


def page_text(found):
    names = ["headline", "advice", "matrix", "legend", "reports"]
    labels = [each["aria-label"] for each in found.by_class("item")]
    parts = [f"# {name}\n{found.text(name)}\n" for name in names]
    return "\n".join([*parts, "# timeline", *labels, ""])


def with_script(page, script):
    """The same page with a script of the test's at its end, under the page's own nonce."""
    text = page.read_text()
    nonce = re.search(r'<script nonce="(\w+)">', text).group(1)
    extra = f'<script nonce="{nonce}">{script}</script></body>'
    page.write_text(text.replace("</body>", extra))
    return page


HELP = """
const key = (name) => (document.activeElement ?? document.body).dispatchEvent(
    new KeyboardEvent("keydown", { key: name, bubbles: true, cancelable: true }));
const say = (name, value) => { document.body.dataset[name] = value; };
"""


def tell(page, script):
    """The data-* members that a script leaves on the page's body."""
    found = document(with_script(page, HELP + script))
    return next(each for tag, each in found.elements if tag == "body")
