# SPDX-License-Identifier: Apache-2.0
"""fine.py CASE: jobs that fork with threads alive, and do well."""

import concurrent.futures
import multiprocessing
import os
import sys

import libraries

FORK = multiprocessing.get_context("fork")


def loader_over_numpy():
    import numpy
    from torch.utils.data import DataLoader, Dataset

    class Squares(Dataset):
        def __len__(self):
            return 32

        def __getitem__(self, i):
            return float(numpy.full((8, 8), float(i)).sum())

    libraries.use("numpy")
    for epoch in range(2):
        loader = DataLoader(Squares(), batch_size=4, num_workers=2, multiprocessing_context="fork")
        print(epoch, sum(float(batch.sum()) for batch in loader))


def training():
    """The second epoch forks with libgomp's team alive; its workers never use it."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    torch.set_num_threads(2)
    net = torch.nn.Sequential(torch.nn.Linear(512, 512), torch.nn.ReLU(), torch.nn.Linear(512, 1))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    data = TensorDataset(torch.randn(256, 512), torch.randn(256, 1))
    for epoch in range(2):
        for x, y in DataLoader(data, batch_size=64, num_workers=2, multiprocessing_context="fork"):
            optimizer.zero_grad()
            loss = torch.nn.functional.mse_loss(net(x), y)
            loss.backward()
            optimizer.step()
        print(epoch, bool(loss > 0))


def pool():
    libraries.use("numpy")
    with FORK.Pool(2) as workers:
        print(workers.map(abs, range(-20, 0)))


def executor():
    libraries.use("numpy")
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK) as workers:
        print(list(workers.map(abs, range(-20, 0))))


def use_in_parent_and_child(name):
    again = libraries.use(name)
    print("parent", again(), flush=True)
    child = os.fork()
    if child == 0:
        print("child", again(), flush=True)
        os._exit(0)
    print(os.waitpid(child, 0)[1])
    print("parent", again(), flush=True)
    os._exit(0)  # duckdb and jax crash when a process that forked cleans up


def numpy_in_child():
    use_in_parent_and_child("numpy")


def pyarrow_in_child():
    use_in_parent_and_child("pyarrow")


def duckdb_in_child():
    use_in_parent_and_child("duckdb")


def tokenizers_in_child():
    use_in_parent_and_child("tokenizers")


def bystander():
    """Threads that the child never uses: an executor, and fsspec's loop."""
    libraries.use("executor")
    libraries.use("fsspec")
    child = os.fork()
    if child == 0:
        os._exit(11)
    print(os.WEXITSTATUS(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    globals()[sys.argv[1]]()
