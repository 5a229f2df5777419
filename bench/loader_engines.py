"""Filters, and columns that SQL computes, beside pyarrow.compute and DuckDB, in turn.

Usage: build/venv/loader/bin/python bench/loader_engines.py [ROWS [ROUNDS]]

Ours is Table.filter, the list of rows, and Table.evaluate, a column; pyarrow's the same by its
functions, called by hand, one thread; DuckDB's `SELECT id ... WHERE`, or `SELECT ...`, as an Arrow
table, with as many threads as there are processors. The table is in memory. The best of the rounds.

SPDX-License-Identifier: Apache-2.0
"""

import os
import sys

import duckdb
import numpy
import pyarrow
import pyarrow.compute as pc
from loader_rounds import alternate, duration, figure, head, line, save, timed

from forkpolicy.loader import Table

ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 4_000_000
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 7


def make_table():
    random = numpy.random.default_rng(1)
    texts = pyarrow.array([f"user-{number}" for number in range(100_000)])
    kinds = pyarrow.array(["cat", "dog", "bird", "fish"])
    return pyarrow.table(
        {
            "id": numpy.arange(ROWS),
            "x": random.random(ROWS),
            "k": random.integers(0, 1000, ROWS).astype("i4"),
            "s": texts.take(pyarrow.array(random.integers(0, 100_000, ROWS))),
            "c": kinds.take(pyarrow.array(random.integers(0, 4, ROWS))),
            "ts": pyarrow.array(numpy.arange(ROWS) * 1000, pyarrow.timestamp("us")),
        }
    )


def remainder(column, divisor):
    return pc.subtract(column, pc.multiply(pc.divide(column, divisor), divisor))


HALF = pyarrow.scalar(ROWS // 2 * 1000, pyarrow.timestamp("us"))
FILTERS = {
    "id % 1000 = 7": lambda t: pc.equal(remainder(t["id"], 1000), 7),
    "k < 20 AND x < .05": lambda t: pc.and_(pc.less(t["k"], 20), pc.less(t["x"], 0.05)),
    "x < .1": lambda t: pc.less(t["x"], 0.1),
    "x < .5": lambda t: pc.less(t["x"], 0.5),
    "c IN ('cat', 'dog')": lambda t: pc.is_in(t["c"], pyarrow.array(["cat", "dog"])),
    "s LIKE '%7'": lambda t: pc.match_like(t["s"], "%7"),
    "CASE WHEN k < 500 THEN x ELSE 1 - x END < .5": lambda t: pc.less(
        pc.if_else(pc.less(t["k"], 500), t["x"], pc.subtract(1, t["x"])), 0.5
    ),
    f"ts >= timestamp '{HALF.as_py()}'": lambda t: pc.greater_equal(t["ts"], HALF),
}
VALUES = {
    "x * 2 + 1": lambda t: pc.add(pc.multiply(t["x"], 2), 1),
    "CASE WHEN k < 500 THEN x ELSE -x END": lambda t: pc.if_else(
        pc.less(t["k"], 500), t["x"], pc.negate(t["x"])
    ),
    "CAST(k AS DOUBLE) / 7": lambda t: pc.divide(pc.cast(t["k"], "double"), 7),
    "upper(s) || '!'": lambda t: pc.binary_join_element_wise(pc.utf8_upper(t["s"]), "!", ""),
}


def contenders(arrow, database):
    """{what: {who: a function}}"""
    ours = Table(arrow)
    for sql, by_pyarrow in FILTERS.items():
        yield sql, {
            "ours": lambda sql=sql: ours.filter(sql),
            "pyarrow": lambda make=by_pyarrow: pc.indices_nonzero(make(arrow)),
            "DuckDB": lambda sql=sql: database.sql(f"SELECT id FROM t WHERE {sql}").to_arrow_table(),
        }
    for sql, by_pyarrow in VALUES.items():
        yield f"select {sql}", {
            "ours": lambda sql=sql: ours.evaluate(sql),
            "pyarrow": lambda make=by_pyarrow: make(arrow),
            "DuckDB": lambda sql=sql: database.sql(f"SELECT {sql} FROM t").to_arrow_table(),
        }


def main():
    arrow, database = make_table(), duckdb.connect()
    database.execute(f"SET threads = {os.cpu_count()}")
    database.register("t", arrow)
    title = f"{ROWS} rows, the best of {ROUNDS} rounds; of all processors"
    head(title, ("what", "ours", "pyarrow", "DuckDB", "ours to the faster one", "of processor time"))
    figures = []
    for what, functions in contenders(arrow, database):
        lengths = {who: len(function()) for who, function in functions.items()}
        assert len(set(lengths.values())) == 1, (what, lengths)
        rounds = alternate({who: lambda f=f: timed(f)[:2] for who, f in functions.items()}, ROUNDS)
        clock, processors = (
            {who: min(found[which] for found in times) for who, times in rounds.items()}
            for which in range(2)
        )
        ratios = [best["ours"] / min(best["pyarrow"], best["DuckDB"]) for best in (clock, processors)]
        cells = [f"{duration(clock[who])} ({duration(processors[who])})" for who in functions]
        line([f"`{what}`".replace("|", r"\|"), *cells, *(f"{ratio:.2f}" for ratio in ratios)])
        for who, times in rounds.items():
            figures.append(figure(what, who, [seconds for seconds, _ in times]))
    save("loader_engines", figures, rows=ROWS)


if __name__ == "__main__":
    main()
