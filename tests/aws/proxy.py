# SPDX-License-Identifier: Apache-2.0
"""Stands between the platform and an emulator of AWS, and goes wrong as AWS does.

proxy.py UPSTREAM [strict]   listens on a free port of 127.0.0.1 and prints it.
  POST /_proxy/rules   a JSON list of rules, which replace the old ones as soon as none of those kills any more;
                       clears the log, and answers with what was in it:
                       {"action": NAME or "*", "fault": FAULT, "times": 1, "after": 0, "state": DIRECTORY}
                       after: so many calls of that name go well before; "message": what an error says
  GET  /_proxy/log     the actions that came, a line each, with the fault that was injected
  POST /_proxy/late    [SECONDS, STALE]: from now on AWS knows late of what is made and removed (late.py); [0, 0]: no more
  GET  /_proxy/late    what came of it, a line a thing
Each call takes AWS_DELAY_MS longer (of the environment), as it does where AWS is far away and slow.
Faults: one of faults.py, or the code of an error (not executed), or
  html500, cut (executed, half of the answer), reset (executed, no answer), hang (executed, never answered),
  skew (AWS's clock is "seconds" ahead: what is signed for another time is refused)
  kill-before, kill-after (not executed, or executed: then the platform of that state directory is killed; of
  its processes those in "roles", all three unless told)
"""
import http.client
import http.server
import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import faults
from late import Late
from strict import Strict
from wire import action_of

UPSTREAM = urlsplit(sys.argv[1])
DELAY_S = int(os.environ.get("AWS_DELAY_MS", "0")) / 1000
rules, log, lock = [], [], threading.Lock()
killing, none_kills = [], threading.Condition(lock)  # rules that kill, from when a call came until it is in the log


def kill_platform(rule):
    """All at once: stopped first, none can start another anew."""
    roles = rule.get("roles", ["holder", "supervisor", "worker"])
    pids = [int(Path(rule["state"], f"{role}.pid").read_text()) for role in roles]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)


def forward(method, target, headers, body):
    time.sleep(DELAY_S)
    connection = http.client.HTTPConnection(UPSTREAM.hostname, UPSTREAM.port, timeout=60)
    connection.request(method, target, body, dict(headers))
    response = connection.getresponse()
    kept = [(name, value) for name, value in response.getheaders()
            if name.lower().startswith(("date", "x-amz", "etag", "location", "content-type"))]
    return response.status, response.read(), kept


STRICT = Strict(forward) if "strict" in sys.argv[2:] else None
late = Late(0)


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body, headers=(), cut=False):
        self.send_response_only(status)
        for name, value in headers or [("Date", self.date_time_string())]:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:len(body) // 2] if cut else body)
        self.close_connection = True

    def control(self, body):
        global rules, late
        if self.path == "/_proxy/late":
            late = Late(*json.loads(body)) if body else late
            self.answer(200, "".join(line + "\n" for line in late.report()).encode())
            return
        with lock:
            if self.path == "/_proxy/rules":
                rules = []
                none_kills.wait_for(lambda: not killing, timeout=25)
            lines = "".join(line + "\n" for line in log)
            if self.path == "/_proxy/rules":
                rules = json.loads(body)
                log.clear()
        self.answer(200, lines.encode())

    def rule_of(self, action):
        with lock:
            for rule in rules:
                if rule["action"] not in (action, "*") or rule.get("times", 1) == 0:
                    continue
                if rule.get("after", 0) > 0:
                    rule["after"] -= 1
                    continue
                rule["times"] = rule.get("times", 1) - 1
                if rule["fault"].startswith("kill"):
                    killing.append(rule)
                return rule
        return {"fault": ""}

    def forward(self, body):
        """The answer, and what AWS did not know yet: a word for the log."""
        action = action_of(self.command, self.path, self.headers, body)

        def send():
            return forward(self.command, self.path, self.headers, body)

        def judged():
            return STRICT.answer(action, self.path, self.headers, body, send) if STRICT else send()

        if not late.seconds:
            return judged(), ""
        result, early = late.answer(action, self.path, self.headers, body, judged)
        return result, "late" if early else ""

    def result_of(self, rule, body):
        fault = rule["fault"]
        if fault == "html500":
            return (500, b"<!DOCTYPE html><html><title>500</title></html>", ()), fault
        refused = faults.skewed(rule["seconds"], self.headers, body) if fault == "skew" else None
        if refused:
            return refused, fault
        if fault in ("", "cut", "reset", "hang", "kill-after", "skew"):
            result, word = self.forward(body)
            return result, fault or word
        return faults.answer(fault, self.headers, body, rule.get("message")), fault

    def handle_any(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path.startswith("/_proxy/"):
            self.control(body)
            return
        action = action_of(self.command, self.path, self.headers, body)
        rule = self.rule_of(action)
        fault = rule["fault"]
        word = fault
        try:
            result, word = (None, fault) if fault == "kill-before" else self.result_of(rule, body)
            if fault.startswith("kill"):
                kill_platform(rule)
        finally:
            with lock:
                log.append(f"{action} {word}".strip())
                if rule in killing:
                    killing.remove(rule)
                    none_kills.notify_all()
        if fault == "hang":
            threading.Event().wait(600)
        elif fault != "reset" and not fault.startswith("kill"):
            self.answer(*result, cut=fault == "cut")
        self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = handle_any

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_port, flush=True)
server.serve_forever()
