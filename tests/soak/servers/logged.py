# SPDX-License-Identifier: Apache-2.0
"""An application for uwsgi: a thread of the master is in a slow logging handler when the workers are forked."""

import logging
import threading


class Slow(logging.Handler):
    def emit(self, record):
        entered.set()
        threading.Event().wait(30)


entered = threading.Event()
log = logging.getLogger("app")
log.addHandler(Slow())
threading.Thread(target=log.error, args=("the application is there",), daemon=True).start()
entered.wait()


def application(environ, start_response):
    log.error("a request")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
