# SPDX-License-Identifier: Apache-2.0
"""The process of a Reader: opens a table, and answers until the pipe is closed.

A question is (call, arguments ..., scans that were given up), an answer (failed, is_batch, value);
behind that of a batch comes the batch, as an Arrow IPC stream.
"""

import os
import sys
from multiprocessing.connection import Connection

import pyarrow

from ..errors import picklable
from .lance_table import OpenTable


class Server:
    def __init__(self):
        self._table, self._scans = None, {}

    def open(self, uri, version, options):
        self._table = OpenTable(uri, version, options)

    def answer(self, question):
        call, *arguments, given_up = question
        for number in given_up:
            self._scans.pop(number, None)
        return getattr(self, call)(*arguments)

    def about(self):
        return self._table.version, self._table.schema

    def count_rows(self):
        return self._table.count_rows()

    def has_nulls(self, name):
        return self._table.has_nulls(name)

    def take(self, rows, columns):
        return self._table.take(rows, columns)

    def scan(self, number, columns):
        self._scans[number] = self._table.scan(columns)

    def scanned(self, number):
        if number not in self._scans:
            raise RuntimeError("the process that scanned the table has ended meanwhile")
        return next(self._scans[number], (None, None))[1]


def _send(connection, answer):
    if not isinstance(answer, pyarrow.RecordBatch):
        connection.send((False, False, answer))
        return
    sink = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(sink, answer.schema) as writer:
        writer.write_batch(answer)
    connection.send((False, True, None))
    connection.send_bytes(sink.getvalue())


def _answer(connection, make):
    """Sends what `make` gives, or its error."""
    try:
        answer = make()
    except Exception as error:
        connection.send((True, False, picklable(error)))
    else:
        _send(connection, answer)


def serve(connection):
    server, opened = Server(), connection.recv()
    _answer(connection, lambda: server.open(*opened))
    while True:
        question = connection.recv()
        _answer(connection, lambda: server.answer(question))


def main():
    connection = Connection(int(sys.argv[1]))
    try:
        serve(connection)
    except (EOFError, OSError):
        pass  # whoever asked has ended
    os._exit(0)  # LanceDB's threads are not waited for
