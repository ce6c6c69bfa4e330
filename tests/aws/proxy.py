# SPDX-License-Identifier: Apache-2.0
"""Stands between the platform and an emulator of AWS, and goes wrong as AWS does.

proxy.py UPSTREAM   listens on a free port of 127.0.0.1 and prints it.
  POST /_proxy/rules   a JSON list of {"action": NAME, "fault": FAULT, "times": N}; replaces the old ones
  GET  /_proxy/log     the actions that came, a line each, with the fault that was injected
Faults: throttle, html500, cut (executed, half of the answer), reset (executed, no answer),
hang (executed, never answered), missing, or the code of an EC2 error (not executed).
"""
import http.client
import http.server
import json
import sys
import threading
from urllib.parse import parse_qs, urlsplit

UPSTREAM = urlsplit(sys.argv[1])
rules, log, lock = [], [], threading.Lock()


def error(code):
    text = (f"<Response><Errors><Error><Code>{code}</Code><Message>injected</Message></Error></Errors>"
            "<RequestID>proxy</RequestID></Response>")
    return 400, text.encode()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, cut=False):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cut else body)
        self.close_connection = True

    def control(self, body):
        global rules
        with lock:
            if self.path == "/_proxy/rules":
                rules = json.loads(body)
                log.clear()
            self.answer(200, "".join(line + "\n" for line in log).encode())

    def fault_of(self, action):
        with lock:
            for rule in rules:
                if rule["action"] == action and rule["times"] > 0:
                    rule["times"] -= 1
                    return rule["fault"]
        return ""

    def forward(self, body):
        connection = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        response = connection.getresponse()
        return response.status, response.read()

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_proxy/"):
            self.control(body)
            return
        action = parse_qs(body.decode(errors="replace")).get("Action", ["?"])[0]
        fault = self.fault_of(action)
        if fault == "throttle":
            result = error("RequestLimitExceeded")
        elif fault == "html500":
            result = 500, b"<!DOCTYPE html><html><title>500</title></html>"
        elif fault in ("", "cut", "reset", "hang"):
            result = self.forward(body)
        else:
            result = error(fault)
        with lock:
            log.append(f"{action} {fault}".strip())
        if fault == "hang":
            threading.Event().wait(600)
        elif fault != "reset":
            self.answer(*result, cut=fault == "cut")
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = handle_any

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
