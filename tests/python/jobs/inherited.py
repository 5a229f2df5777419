# SPDX-License-Identifier: Apache-2.0
"""inherited.py CASE: a TCP connection, and a child that writes on it. Says what the server read.

CASE: alone (the process never had another thread), ended (its thread has ended), exec (a fork whose
child lost a thread, then a subprocess with a preexec_fn, which gets the connection by pass_fds).
"""

import os
import socket
import subprocess
import sys
import threading

WRITE = "import os, sys; os.write(int(sys.argv[1]), b'child')"


def fork(in_child=lambda: None):
    child = os.fork()
    if child == 0:
        try:
            in_child()
        except OSError:
            pass
        os._exit(0)
    os.waitpid(child, 0)


def run_program(connection):
    held = threading.Event()
    threading.Thread(target=held.wait, daemon=True).start()
    fork()
    file = connection.fileno()
    command = [sys.executable, "-c", WRITE, str(file)]
    subprocess.call(command, pass_fds=[file], preexec_fn=os.getpid)


def main(case):
    server = socket.create_server(("127.0.0.1", 0))
    connection = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    if case == "ended":
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
    if case == "exec":
        run_program(connection)
    else:
        fork(lambda: connection.sendall(b"child"))
    connection.sendall(b"parent")
    connection.close()
    print(accepted.makefile("rb").read().decode())


main(sys.argv[1])
