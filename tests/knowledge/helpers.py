# SPDX-License-Identifier: Apache-2.0
"""What recipes find in their `use` beside `folder`."""

import functools
import http.server
import threading


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and takes whatever is sent."""

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


def serve(folder):
    """The address of a server of that folder, which runs in a thread of the parent."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"127.0.0.1:{server.server_address[1]}"
