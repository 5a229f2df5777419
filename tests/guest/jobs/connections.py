# SPDX-License-Identifier: Apache-2.0
"""connections.py NAME: a TCP connection of the parent, and who may write to it.

Prints what the other end of the connection has read.
"""

import os
import socket
import subprocess
import sys
import threading
import time


def connect():
    """Our end, and that of the server, in one process."""
    listening = socket.create_server(("127.0.0.1", 0))
    ours = socket.create_connection(listening.getsockname())
    theirs, _ = listening.accept()
    return ours, theirs


def lose_a_thread():
    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def fork_and_end():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def read_all(theirs):
    theirs.settimeout(0.5)
    try:
        return theirs.recv(100)
    except TimeoutError:
        return b""


WRITES = "import os, sys; os.write(int(sys.argv[1]), b'handed over')"


def hand_to_subprocess(ours):
    """With a preexec_fn it is a fork."""
    subprocess.run(
        [sys.executable, "-c", WRITES, str(ours.fileno())],
        pass_fds=[ours.fileno()],
        preexec_fn=os.getpid,
        check=False,
    )


def subprocess_is_handed_it():
    """The thread has been through a fork that was watched before."""
    ours, theirs = connect()
    lose_a_thread()
    fork_and_end()
    hand_to_subprocess(ours)
    print(read_all(theirs))


def subprocess_is_handed_it_without_a_fork_before():
    ours, theirs = connect()
    lose_a_thread()
    hand_to_subprocess(ours)
    print(read_all(theirs))


def write_in_child():
    ours, theirs = connect()
    child = os.fork()
    if child == 0:
        try:
            ours.sendall(b"from the child")
        except OSError:
            pass
        os._exit(0)
    os.waitpid(child, 0)
    print(read_all(theirs))


def child_of_one_thread():
    write_in_child()


def child_after_a_thread_has_ended():
    thread = threading.Thread(target=int)
    thread.start()
    thread.join()
    write_in_child()


def child_that_lost_a_thread():
    lose_a_thread()
    write_in_child()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    sys.stdout.flush()
    os._exit(0)
