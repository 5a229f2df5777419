# SPDX-License-Identifier: Apache-2.0
"""libforkloader.so by ctypes: where it is, what it declares, its errors as exceptions."""

import ctypes
import errno
import os

NAME = "libforkloader.so"
WORD = ctypes.c_uint64
WORDS = ctypes.POINTER(WORD)
SPLITS = ctypes.POINTER(ctypes.c_int32)

# The structs of the Arrow C interfaces. Only their producers and consumers look into them.
ArrowSchema = WORD * 9
ArrowArray = WORD * 10
ArrowStream = WORD * 5


class Error(ctypes.Structure):
    _fields_ = [("message", ctypes.c_char * 512)]


class Split(ctypes.Structure):
    _fields_ = [
        ("by", ctypes.c_int),
        ("ratios", ctypes.POINTER(ctypes.c_double)),
        ("counts", WORDS),
        ("count", WORD),
    ]


class OrderOptions(ctypes.Structure):
    _fields_ = [
        ("rows", WORD),
        ("selected", WORDS),
        ("selected_count", WORD),
        ("sizes", WORDS),
        ("split_of", SPLITS),
        ("split_count", ctypes.c_size_t),
        ("is_random", ctypes.c_bool),
        ("random_seed", WORD),
        ("random_clump_size", WORD),
        ("is_shuffled", ctypes.c_bool),
        ("shuffle_seed", WORD),
        ("shuffle_clump_size", WORD),
    ]


class RingBatch(ctypes.Structure):
    _fields_ = [
        ("sequence", WORD),
        ("kind", ctypes.c_uint32),
        ("is_copy", ctypes.c_uint32),
        ("values", WORD * 4),
    ]


class Counts(ctypes.Structure):
    """A struct of counters, as a dict."""

    def read(self):
        return {name: getattr(self, name) for name, _ in self._fields_}


class PrefetchCounts(Counts):
    _fields_ = [
        (name, WORD)
        for name in (
            "submitted", "done", "given", "rows", "bytes", "bytes_ahead", "waits", "wait_ns",
            "take_ns",
        )
    ]  # fmt: skip


class RingCounts(Counts):
    _fields_ = [
        (name, WORD)
        for name in (
            "batches", "bytes", "copies",
            "reader_waits", "reader_wait_ns", "writer_waits", "writer_wait_ns",
        )
    ] + [(name, ctypes.c_uint32) for name in ("free", "filling", "ready", "held")]  # fmt: skip


HANDLE = ADDRESS = ctypes.c_void_p
NEW = ctypes.POINTER(HANDLE)
ERROR = ctypes.POINTER(Error)
ARRAY = ctypes.POINTER(ArrowArray)
SCHEMA = ctypes.POINTER(ArrowSchema)
NAMES = ctypes.POINTER(ctypes.c_char_p)
COLUMNS = ctypes.POINTER(ctypes.c_int)
SIZE = ctypes.c_size_t
SIZES = ctypes.POINTER(SIZE)
INT = ctypes.c_int
BATCH = ctypes.POINTER(RingBatch)

DECLARED = {  # name: (what it returns, its arguments)
    "permutation_new": (ctypes.c_int, NEW, WORD, WORD, WORD, WORD, ERROR),
    "permutation_free": (None, HANDLE),
    "permutation_read": (None, HANDLE, WORD, SIZE, ADDRESS),
    "permutation_at": (None, HANDLE, ADDRESS, SIZE, ADDRESS),
    "table_import": (ctypes.c_int, NEW, ctypes.POINTER(ArrowStream), ERROR),
    "table_free": (None, HANDLE),
    "table_rows": (WORD, HANDLE),
    "table_take": (ctypes.c_int, HANDLE, ADDRESS, SIZE, COLUMNS, SIZE, ARRAY, SCHEMA, ERROR),
    "table_filter": (ctypes.c_int, HANDLE, ctypes.c_char_p, ctypes.POINTER(WORDS), WORDS, ERROR),
    "rows_free": (None, WORDS),
    "table_evaluate": (ctypes.c_int, HANDLE, ctypes.c_char_p, ARRAY, SCHEMA, ERROR),
    "table_hash": (ctypes.c_int, HANDLE, NAMES, SIZE, WORDS, ERROR),
    "hash_splits": (ctypes.c_int, WORDS, SIZE, WORDS, SIZE, WORD, SPLITS, ERROR),
    "split_sizes": (ctypes.c_int, ctypes.POINTER(Split), WORD, WORDS, ERROR),
    "order_new": (ctypes.c_int, NEW, ctypes.POINTER(OrderOptions), ERROR),
    "order_free": (None, HANDLE),
    "order_rows": (WORD, HANDLE, SIZE),
    "order_set_epoch": (ctypes.c_int, HANDLE, WORD, ERROR),
    "order_read": (ctypes.c_int, HANDLE, SIZE, WORD, SIZE, ADDRESS, ERROR),
    "order_export": (ctypes.c_int, HANDLE, NAMES, ctypes.POINTER(ArrowStream), ERROR),
    "prefetch_new": (INT, NEW, SIZE, WORD, ERROR),
    "prefetch_free": (None, HANDLE),
    "prefetch_submit": (INT, HANDLE, HANDLE, ADDRESS, SIZE, COLUMNS, SIZE, ERROR),
    "prefetch_next": (INT, HANDLE, ARRAY, SCHEMA, ERROR),
    "prefetch_cancel": (None, HANDLE),
    "prefetch_count": (None, HANDLE, ctypes.POINTER(PrefetchCounts)),
    "ring_new": (INT, NEW, SIZE, SIZE, WORD, ERROR),
    "ring_open": (INT, NEW, INT, ERROR),
    "ring_free": (None, HANDLE),
    "ring_descriptor": (INT, HANDLE),
    "ring_put": (INT, HANDLE, SIZE, BATCH, ARRAY, SCHEMA, INT, ERROR),
    "ring_put_bytes": (
        INT, HANDLE, SIZE, BATCH, ctypes.POINTER(ADDRESS), SIZES, SIZE, INT, ERROR
    ),
    "ring_get": (INT, HANDLE, SIZE, BATCH, ARRAY, SCHEMA, INT, ERROR),
    "ring_reap": (SIZE, HANDLE, INT),
    "ring_stop": (None, HANDLE),
    "ring_count": (INT, HANDLE, SIZE, ctypes.POINTER(RingCounts)),
    "order_at": (ctypes.c_int, HANDLE, SIZE, ADDRESS, SIZE, ADDRESS, ERROR),
}


def find():
    """The path: in the wheel, where FORKLOADER_LIBRARY says, or where make built it."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [os.path.join(package, "lib", "forkpolicy", NAME)]
    if os.environ.get("FORKLOADER_LIBRARY"):
        places.append(os.environ["FORKLOADER_LIBRARY"])
    places.append(os.path.join(os.path.dirname(os.path.dirname(package)), "build", NAME))
    for path in places:
        if os.path.exists(path):
            return path
    raise ImportError(
        f"{NAME} is missing: install the wheel, run make, or set FORKLOADER_LIBRARY to its path"
        f" (looked for {', '.join(places)})"
    )


def load():
    path = find()
    try:
        library = ctypes.CDLL(path)
        for name, (result, *arguments) in DECLARED.items():
            function = getattr(library, f"forkloader_{name}")
            function.restype = result
            function.argtypes = arguments
    except (OSError, AttributeError) as error:
        raise ImportError(f"{path} does not fit this package: {error}") from error
    return library


library = load()


def text(value, what):
    """Text for C, which would end it at a NUL. WHAT is the text, for the message."""
    at = value.find("\0")
    if at >= 0:
        raise ValueError(f"{what} has a NUL at character {at + 1}")
    return value.encode()


def call(name, *arguments):
    """Calls a function that may fail, its `error` being added."""
    error = Error()
    code = getattr(library, f"forkloader_{name}")(*arguments, error)
    if code == 0:
        return
    message = error.message.decode(errors="replace")
    if code == errno.EINVAL:
        raise ValueError(message)
    if code == errno.ENOMEM:
        raise MemoryError(message)
    raise OSError(code, message)


class Handle:
    """What the library allocated, given back with the object."""

    def __init__(self, kind):
        self.pointer = HANDLE()
        self._free = getattr(library, f"forkloader_{kind}_free")

    def __del__(self):
        if self.pointer:
            self._free(self.pointer)
            self.pointer = None


def words(array):
    """The address of a C-contiguous numpy array of uint64."""
    return array.ctypes.data_as(WORDS)
