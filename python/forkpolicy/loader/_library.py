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


HANDLE = ADDRESS = ctypes.c_void_p
NEW = ctypes.POINTER(HANDLE)
ERROR = ctypes.POINTER(Error)
ARRAY = ctypes.POINTER(ArrowArray)
SCHEMA = ctypes.POINTER(ArrowSchema)
NAMES = ctypes.POINTER(ctypes.c_char_p)
COLUMNS = ctypes.POINTER(ctypes.c_int)
SIZE = ctypes.c_size_t

DECLARED = {  # name: (what it returns, its arguments)
    "permutation_new": (ctypes.c_int, NEW, WORD, WORD, WORD, WORD, ERROR),
    "permutation_free": (None, HANDLE),
    "permutation_read": (None, HANDLE, WORD, SIZE, ADDRESS),
    "permutation_at": (None, HANDLE, ADDRESS, SIZE, ADDRESS),
    "table_import": (ctypes.c_int, NEW, ctypes.POINTER(ArrowStream), ERROR),
    "table_free": (None, HANDLE),
    "table_rows": (WORD, HANDLE),
    "table_take": (ctypes.c_int, HANDLE, WORDS, SIZE, COLUMNS, SIZE, ARRAY, SCHEMA, ERROR),
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
