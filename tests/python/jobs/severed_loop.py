# SPDX-License-Identifier: Apache-2.0
"""A child goes on with its parent's event loop, one of whose connections was severed.

Stdout: the steps that the loop took in a second of sleep, and whether it heard of the end.
"""

import asyncio
import os
import socket
import time
from concurrent.futures import ThreadPoolExecutor

server = socket.create_server(("127.0.0.1", 0))
pool = ThreadPoolExecutor(1)  # a thread to lose
pool.submit(int).result()
loop = asyncio.new_event_loop()
port = server.getsockname()[1]
reader, writer = loop.run_until_complete(asyncio.open_connection("127.0.0.1", port))
peer = server.accept()[0]
child = os.fork()
if child == 0:
    steps, run_once = 0, loop._run_once

    def count():
        global steps
        steps += 1
        run_once()

    loop._run_once = count
    loop.run_until_complete(asyncio.sleep(1))
    print(steps, reader.at_eof(), flush=True)
    os._exit(0)
time.sleep(0.2)
peer.send(b"for the parent, which does not read it for now")
assert os.waitpid(child, 0)[1] == 0
os._exit(0)
