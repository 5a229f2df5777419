"""A forked child that opens a deltalake table which its parent has used."""

import multiprocessing
import tempfile

import deltalake
import pyarrow as pa


def read(path):
    print("child read", deltalake.DeltaTable(path).to_pyarrow_table().num_rows, "rows")


def main():
    with tempfile.TemporaryDirectory() as path:
        deltalake.write_deltalake(path, pa.table({"id": pa.array(range(1000))}))
        read(path)
        child = multiprocessing.get_context("fork").Process(target=read, args=(path,))
        child.start()
        child.join()
        print("child ended with", child.exitcode)


if __name__ == "__main__":
    main()
