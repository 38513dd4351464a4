"""A Prometheus that holds one service of ordinary size, for the memory figures of docs/performance.md.

Six instances of a baseline and two of a canary, scraped every 15 s for as long as anyone asks: a histogram of 15 buckets and
requests by two codes. Argument: the port.
"""

import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

INSTANCES = [("v1", f"10.0.0.{n}:8080") for n in range(6)] + [("v2", f"10.0.1.{n}:8080") for n in range(2)]
BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]


def series(query):
    wanted = [(version, instance) for version, instance in INSTANCES if "version" not in query or version in query]
    for version, instance in wanted:
        labels = {"version": version, "instance": instance}
        if "duration_seconds" in query:
            for rank, bound in enumerate([*map(str, BOUNDS), "+Inf"]):
                yield {"__name__": "http_request_duration_seconds_bucket", "le": bound, **labels}, (rank + 1) * 4
        elif 'code="500"' in query:
            yield {"__name__": "http_requests_total", "code": "500", **labels}, 1
        else:
            yield {"__name__": "http_requests_total", "code": "200", **labels}, 59


class Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers["content-length"] or 0)).decode())
        field = lambda name: form.get(name, [""])[0]
        data = {"resultType": "matrix", "result": []}
        raw = re.search(r"\[(\d+)s\]$", field("query"))
        if self.path.endswith("/labels"):
            data = ["__name__", "instance", "version", "code", "le"]
        elif "/label/" in self.path:
            data = ["v1", "v2"] if "/version/" in self.path else ["http_request_duration_seconds_bucket", "http_requests_total"]
        elif self.path.endswith("/query_range"):
            times = range(int(float(field("start"))), int(float(field("end"))) + 1, int(float(field("step"))))
            found = series(field("query"))
            data["result"] = [{"metric": labels, "values": [[t, str(t)] for t in times]} for labels, _ in found]
        elif raw:
            to = int(float(field("time")))
            times = [t for t in range(to - int(raw[1]), to + 1) if t % 15 == 0]
            found = series(field("query"))
            data["result"] = [{"metric": labels, "values": [[t, str((t % 10**8) * rate)] for t in times]} for labels, rate in found]
        body = json.dumps({"status": "success", "data": data}).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
