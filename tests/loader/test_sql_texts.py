"""SQL of any bytes, injections, and where it is evaluated. SPDX-License-Identifier: Apache-2.0"""

import os
import random
import subprocess
import sys
import unicodedata

import pytest
from library import PATH, LoaderError
from sql_tables import table

PIECES = [
    "id", "x", "name", "st.a", "u", "flag", "day", "(", ")", ",", "=", "<", "+", "-", "*", "/", "%",
    "||", " AND ", " OR ", " NOT ", " IS NULL", " IN (", " BETWEEN ", " LIKE ", "'a'", "'", '"', "1",
    "2.5", "18446744073709551615", "CASE WHEN ", " THEN ", " ELSE ", " END", "CAST(", " AS INT)",
    "abs(", "length(", "coalesce(", ";", "--", "SELECT ", "PRAGMA ", "\x00", "é", "\xff", "NULL",
    "true", "date '2024-01-01'", ".", "`", "[", "]", "?", "\n", "ATTACH 'x' AS y",
]  # fmt: skip


def check_any(table, sql):
    for call in (table.filter, table.evaluate):
        try:
            call(sql)
        except LoaderError as error:
            text = str(error)
            assert text and len(text) < 512
            assert "\ufffd" not in text  # all of it is UTF-8
            kinds = {unicodedata.category(character) for character in text}
            assert not kinds & {"Cc", "Zl", "Zp"}, text


def test_any_bytes(table):
    source = random.Random(11)
    for _ in range(4000):
        check_any(table, bytes(source.randrange(256) for _ in range(source.randrange(40))))


def test_any_words(table):
    source = random.Random(12)
    for _ in range(6000):
        words = [source.choice(PIECES) for _ in range(source.randrange(1, 14))]
        check_any(table, "".join(words).encode("latin-1" if source.random() < 0.1 else "utf-8"))


INJECTIONS = [
    "1=1) UNION SELECT sql FROM sqlite_master --",
    "1 FROM sqlite_master",
    "id = 1 LIMIT 1",
    "t.id = 1",
    "rowid = 1",
    "c0 = 1",
    "(1, 2) = (1, 2)",
    "id COLLATE NOCASE = 1",
    "fl_number(1) = 1",
    "sqlite_version() = '3'",
    "readfile('/etc/passwd') = ''",
    "writefile('x', 'y') = 1",
    "zeroblob(1000000000) IS NULL",
    "printf('%1000000000d', 1) = ''",
    "name REGEXP 'a'",
    "name MATCH 'a'",
    "name GLOB 'a'",
    "RAISE(FAIL, 'x')",
    "changes() = 0",
    "id -> 'a' = 1",
    "strftime('%s', 'now') = '1'",
    "current_timestamp = ''",
    "x'00' = b",
    "id = 1 WINDOW w AS ()",
]


@pytest.mark.parametrize("sql", INJECTIONS)
def test_injections(table, sql):
    with pytest.raises(LoaderError, match="^SQL at character"):
        table.filter(sql)


def test_quotes_stay_in_their_text(table):
    hostile = "a' OR '1'='1"
    quoted = hostile.replace("'", "''")
    assert table.filter(f"name = '{quoted}'") == []
    assert table.evaluate(f"'{quoted}'").to_pylist() == [hostile] * 6


def test_values_that_grow_are_stopped(table):
    grown = "name"
    for _ in range(11):
        grown = f"replace({grown}, 'a', 'aaaaaaaaaaaaaaaa')"
    with pytest.raises(LoaderError, match="too big"):
        table.filter(f"length({grown}) > 0")


def test_other_locales_change_nothing():
    script = (
        "import locale, sys; sys.path.insert(0, sys.argv[1])\n"
        "for name in ('de_DE.UTF-8', 'fr_FR.UTF-8', 'C.UTF-8'):\n"
        "    try: locale.setlocale(locale.LC_ALL, name); break\n"
        "    except locale.Error: pass\n"
        "import pyarrow; from sql_library import SqlTable\n"
        "from decimal import Decimal\n"
        "t = SqlTable(pyarrow.table({'d': [Decimal('1.5')]}))\n"
        "assert t.filter('d = 1.5') == [0]\n"
        "assert t.evaluate('CAST(d AS TEXT)').to_pylist() == ['1.5']\n"
        "assert t.evaluate(\"CAST('2.5' AS DOUBLE)\").to_pylist() == [2.5]\n"
    )
    subprocess.run([sys.executable, "-c", script, os.path.dirname(__file__)], check=True)


def test_without_sqlite(tmp_path):
    """A library of this name that is none, and then none at all: an error that says what to do."""
    (tmp_path / "libsqlite3.so.0").write_text("no library")
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "import pyarrow; from sql_library import SqlTable; from library import LoaderError\n"
        "t = SqlTable(pyarrow.table({'d': [1]}))\n"
        "try: t.filter('d = 1')\n"
        "except LoaderError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, os.path.dirname(__file__)],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "FORKLOADER_LIBRARY": PATH},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("SQL needs SQLite: apt install libsqlite3-0 ("), done


def test_in_a_forked_child(table):
    assert table.filter("id < 3") == [0, 1, 2]
    child = os.fork()
    if child == 0:
        os._exit(0 if table.filter("id < 2 OR x > 1") == [0, 1, 2, 5] else 1)
    assert os.waitpid(child, 0)[1] == 0
