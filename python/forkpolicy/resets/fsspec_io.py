# SPDX-License-Identifier: Apache-2.0
"""fsspec: filesystems and files of the parent work in the child.

All of fsspec's asynchronous filesystems (http, s3fs, gcsfs ...) share one loop in one thread. The
child has neither: a filesystem of the parent raises "This class is not fork-safe", a file that was
open is read for ever (fsspec/s3fs#889, #914; fsspec/gcsfs#379; fsspec 2026.9.0), and what the
child's collector closes silences the parent's sockets.

fsspec's own handlers, which run before or after this one, forget the loop and empty the caches of
instances. The loop is put to sleep (asyncio_loop) and given back to fsspec, so that the sessions
that filesystems and open files hold go on with new connections. A filesystem is adopted by the
child where it is first used, since many are in no cache.

What remains: a file that streams (block_size=0) was in the middle of one answer, which is the
parent's: reading raises. Sessions of filesystems that this module does not know are kept even
where requests of the parent were under way: the connections these had still count for them.
"""

import functools
import os
import threading

from . import asyncio_loop, common

NAME = "fsspec"

# What a filesystem makes anew where it is None: HTTPFileSystem and GCSFileSystem, S3FileSystem.
SESSIONS = ("_session", "_s3", "_s3creator")
SESSION_LOCKS = ("_set_session_lock",)

_adopts_in = None  # the process in which filesystems are adopted
_interrupted = set()  # ids of loops whose tasks were ended: their sessions wait for them


def find(lost, wants):
    """See the driver. Takes fsspec's loop, wanted or not."""
    asyn = common.imported("fsspec.asyn")
    loop = asyn.loop[0] if asyn else None
    if loop is None:
        return
    lost_loop = lost.loops.pop(id(loop), None)
    if wants(NAME) and (lost_loop or asyncio_loop.is_asleep(loop)):
        yield NAME, functools.partial(_reset, asyn, loop, asyn.iothread[0], lost_loop, lost)


def _reset(asyn, loop, thread, lost_loop, lost):
    global _adopts_in
    if lost_loop and asyncio_loop.reset(lost_loop, lost):
        _interrupted.add(id(loop))
    asyn.loop[0], asyn.iothread[0] = loop, thread
    for name in ("_lock", "lock"):  # made again by get_lock; which name depends on the version
        if hasattr(asyn, name):
            setattr(asyn, name, None)
    if hasattr(asyn, "_deferred_close_lock"):
        asyn._deferred_close_lock = threading.Lock()
        asyn._deferred_close_tasks = set()
    for item in lost.items:
        _forget_read_ahead(item)
    _adopts_in = os.getpid()
    _adopt_on_use(asyn.AsyncFileSystem)


def _adopt_on_use(kind):
    """`loop` is what a filesystem asks itself for first, and where it looks at the pid."""
    own = kind.__dict__["loop"]
    if getattr(own.fget, "adopts", False):
        return

    def loop(self):
        if self._pid != os.getpid() == _adopts_in:
            _adopt(self)
        return own.fget(self)

    loop.adopts = True
    kind.loop = property(loop, doc=own.__doc__)


def _adopt(files):
    """Makes a filesystem of the parent one of this process."""
    if id(files._loop) in _interrupted:
        for name in SESSIONS:
            if getattr(files, name, None) is not None:
                common.keep(getattr(files, name))
                setattr(files, name, None)
        for name in SESSION_LOCKS:
            if hasattr(files, name):
                setattr(files, name, type(getattr(files, name))())
        if getattr(files, "_session_is_owned", False):  # S3FileSystem's, made by itself
            common.keep(files.session)
            files.session = None
    files._pid = os.getpid()


def _forget_read_ahead(item):
    """A file that reads ahead in an executor (fsspec.caching.BackgroundBlockCache) would ask for
    ever for the block that the parent was reading."""
    cache = getattr(getattr(item, "fn", None), "__self__", None)
    if getattr(cache, "_fetch_future", None) is item.future:
        cache._fetch_future = None
        cache._fetch_future_block_number = None
        cache._fetch_future_lock = threading.Lock()
