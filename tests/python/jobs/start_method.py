# SPDX-License-Identifier: Apache-2.0
"""start_method.py WAY: processes that multiprocessing starts by its default, of a program that uses
polars where it is installed; the last line says what they are and what they gave."""

import json
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor


def used():
    """What the child does; hangs in a forked one."""
    try:
        import polars
    except ImportError:
        return 3
    return polars.DataFrame({"x": [1, 2]}).lazy().select(polars.col("x").sum()).collect().item()


def work(_):
    return used(), os.path.basename(sys.argv[0]), len(multiprocessing.active_children())


def put(queue):
    queue.put(work(0))


def by_process():
    queue = multiprocessing.Queue()
    process = multiprocessing.Process(target=put, args=(queue,))
    process.start()
    found = [queue.get()]
    process.join()
    return found


def by_pool():
    with multiprocessing.Pool(2) as pool:
        return pool.map(work, range(3))


def by_executor():
    with ProcessPoolExecutor(2) as executor:
        return list(executor.map(work, range(3)))


class Rows:
    def __len__(self):
        return 4

    def __getitem__(self, number):
        return work(number)


def by_loader():
    from torch.utils.data import DataLoader

    return [row for batch in DataLoader(Rows(), 2, num_workers=2, collate_fn=list) for row in batch]


def by_joblib():
    import joblib

    with joblib.parallel_backend("multiprocessing"):
        return joblib.Parallel(2)(joblib.delayed(work)(number) for number in range(3))



if __name__ == "__main__":
    used()
    found = globals()[f"by_{sys.argv[1]}"]()
    print(json.dumps({"method": multiprocessing.get_start_method(), "found": found}))
