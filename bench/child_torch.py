"""Nanoseconds for adding two tensors by two threads in a child forked beside a foreign thread, the
best of 20 batches: small ones, which is mostly the way into a region and out, and large ones.

The parent never had a team of OpenMP threads: libgomp works in the child.
child_torch.py LIBRARY. SPDX-License-Identifier: Apache-2.0
"""

import sys

import torch

import child

SMALL, LARGE = 70_000, 4_000_000  # elements; torch shares out from 32,768 for each thread on


def adding(elements):
    values = torch.ones(elements)

    def add(times):
        for _ in range(times):
            values + values

    add(10)
    return add


def work():
    torch.set_num_threads(2)
    print(child.best(adding(SMALL), 1000), child.best(adding(LARGE), 5))
    child.must_be_watched()


child.start_foreign(sys.argv[1])
child.in_child(work)
