# SPDX-License-Identifier: Apache-2.0
"""AWS's own client, which is not ours, for as long as a test runs: to start it for each look would take longer than
what is looked at.

look.py: listens on a free port of 127.0.0.1, prints it, and does what is posted, a JSON list [MODULE, COMMAND,
ARGUMENT...]: a row of that module's COMMANDS. What it prints or returns, a line each, is the answer.
"""
import contextlib
import http.server
import io
import json
import traceback

import account
import foreign
import functions
import machines
import meddle
import resources
import services

MODULES = {"account": account, "foreign": foreign, "functions": functions, "machines": machines, "meddle": meddle,
           "resources": resources, "services": services}


def answer(module, command, *arguments):
    """An HTTP status and a text."""
    lines = io.StringIO()
    try:
        with contextlib.redirect_stdout(lines):
            for line in MODULES[module].COMMANDS[command](*arguments) or ():
                print(line)
    except Exception:  # whatever it was, the test shall see it
        traceback.print_exc()
        return 500, traceback.format_exc()
    return 200, lines.getvalue()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        status, text = answer(*json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
