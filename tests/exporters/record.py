"""Runs real exporters under load, lets a real Prometheus scrape them, gates them with `davy`, and keeps what they showed.

    python record.py DAVY OUT [KIND…]

Writes OUT/KIND.prom for a proxy and OUT/KIND.ARM.prom for an instrumented service, and prints each verdict. A good canary
must not be rolled back, a bad one must be, and every metric of the preset must have values in both arms.
"""

import asyncio
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import apps
import behaviour
import load
import proxies
import upstream

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parent.parent
# What is kept of an exposition: the preset's families and those beside them. The rest is about the process.
KEPT = {
    "envoy": ("envoy_cluster_upstream_rq",),
    "traefik": ("traefik_service_",),
    "haproxy": ("haproxy_backend_http_", "haproxy_backend_total_time", "haproxy_backend_response_time", "haproxy_backend_sessions"),
}
KEPT_OF_APPS = ("http_", "rpc_")
ARM_LABEL = {"envoy": "envoy_cluster_name={}", "traefik": "service={}@file", "haproxy": "proxy={}"}
VERSIONS = {
    "envoy": lambda: "Envoy " + re.search(r"/([0-9.]+)/Clean", said("envoy", "--version"))[1],
    "traefik": lambda: "Traefik " + said("traefik", "version").split()[1],
    "haproxy": lambda: "HAProxy " + said("haproxy", "-v").split()[2],
}


def said(*command):
    """What a program prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def packages(*names):
    """Names and versions of installed Python packages."""
    from importlib.metadata import version
    return ", ".join(f"{name} {version(name)}" for name in names)


def made_by(kind):
    """What the exposition comes from, with versions."""
    if kind in VERSIONS:
        return VERSIONS[kind]()
    names = ["prometheus-client"]
    if kind.startswith("otel"):
        names = ["opentelemetry-sdk", "opentelemetry-exporter-prometheus"]
    names += {"otel-rpc": ["connectrpc-otel"], "prom-http-status": ["prometheus-fastapi-instrumentator"]}.get(kind, [])
    names += ["opentelemetry-instrumentation-fastapi"] if kind.startswith("otel-http") else []
    by_hand = "; the instrument is made by hand after semantic conventions 1.37" if kind == "otel-rpc-ms" else ""
    return packages(*names) + by_hand


def free_port():
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


async def wait_for(port):
    """Until something listens; a minute at most."""
    for _ in range(600):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise SystemExit(f"nothing listens on {port}")


def page(port, path):
    """A page of loopback."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
        return answer.read().decode()


def keep(kind, text):
    """The families that the preset is about."""
    prefixes = KEPT.get(kind, KEPT_OF_APPS)
    lines = []
    for line in text.splitlines():
        words = line.split()
        name = words[2] if line.startswith("# ") and len(words) > 2 else line
        if name.startswith(prefixes) and "_size" not in name and not name.split("{")[0].split(" ")[0].endswith("_created"):
            lines.append(line)
    about = f"# Recorded by `just record-exporters` from {made_by(kind)}.\n# Families about the process itself are left out.\n"
    return about + "\n".join(lines) + "\n"


class Running:
    """Processes and a directory that end with the recording."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="davy-exporters-"))
        self.children = []

    def start(self, command, **environment):
        log = open(self.directory / f"{pathlib.Path(command[0]).name}-{len(self.children)}.log", "wb")
        self.children.append(subprocess.Popen(command, env={**os.environ, **environment}, stdout=log, stderr=log, cwd=HERE))

    def end(self):
        for child in self.children:
            child.kill()
            child.wait()
        shutil.rmtree(self.directory)


async def start_exporters(kind, running):
    """Starts them; pools to load, and what to scrape: (port, path, labels, arm or None)."""
    if kind in proxies.PROXIES:
        ports = {arm: await upstream.serve(arm) for arm in behaviour.ARMS}
        listen, admin = free_port(), free_port()
        command, path = proxies.PROXIES[kind](running.directory, ports, listen, admin)
        running.start(command)
        await wait_for(listen)
        await wait_for(admin)
        return [load.Pool(listen, host=arm) for arm in behaviour.ARMS], [(admin, path, {}, None)]
    pools, targets = [], []
    for arm in behaviour.ARMS:
        port, metrics_port = free_port(), free_port()
        running.start([sys.executable, "apps.py", kind, arm, str(port), str(metrics_port)],
                      OTEL_SEMCONV_STABILITY_OPT_IN="http" if kind == "otel-http" else "")
        await wait_for(port)
        rpc = {"method": "POST", "path": "/shop.Checkout/Pay", "headers": ("content-type: application/json",), "body": b"{}"}
        pools.append(load.Pool(port, **(rpc if kind == "otel-rpc" else {})))
        targets.append((metrics_port, "/metrics", {"version": arm, "pod": arm + "-1"}, arm))
    return pools, targets


def start_prometheus(running, targets):
    """A real one that scrapes once a second; its address."""
    jobs = [{"job_name": f"job{number}", "metrics_path": path, "static_configs": [{"targets": [f"127.0.0.1:{port}"], "labels": labels}]}
            for number, (port, path, labels, _) in enumerate(targets)]
    config = running.directory / "prometheus.yml"
    config.write_text(json.dumps({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": jobs}))
    port = free_port()
    running.start(["prometheus", f"--config.file={config}", f"--storage.tsdb.path={running.directory}/data",
                   f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"])
    return port


def gate(davy, kind, running, prometheus, arm, begin, end):
    """Judges one arm against the baseline; what is wrong with the answer."""
    rules = running.directory / "rules.yaml"
    rules.write_text(f"schema: davy/v1\nname: {kind}\nextends: [presets/{kind}]\nhistory: false\n"
                     "window: { step: 2s, warmup: 2s, deadline: 2m, min_windows: 10 }\n")
    label = ARM_LABEL.get(kind, "version={}")
    done = subprocess.run([davy, "gate", "--prometheus", f"http://127.0.0.1:{prometheus}", "--rules", rules,
                           "--baseline", label.format("baseline"), "--canary", label.format(arm),
                           "--start", f"{begin:.0f}", "--end", f"{end:.0f}", "--output", "json"], capture_output=True, text=True)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        return [f"{kind} {arm}: no report: {done.stderr}"]
    print(f"{kind:17} {arm:7} {report['verdict']:9} {report['reason']}")
    wrong = []
    for finding in report["findings"]:
        values = [finding[side]["value"] for side in ("baseline", "canary")]
        print(f"    {finding['metric']:16} {values[0]} -> {values[1]} {finding['baseline']['unit']}: {finding['outcome']}")
        if None in values:
            wrong.append(f"{kind} {arm}: {finding['metric']} has no value in an arm")
        elif arm == "canary" and finding["metric"] == "latency_p99" and not 0.95 < values[1] / values[0] < 1.05:
            wrong.append(f"{kind} {arm}: P99 differs though the services are alike: the machine was busy, record again")
    verdicts = ("rollback",) if arm == "bad" else ("promote", "hold")
    if report["verdict"] not in verdicts:
        wrong.append(f"{kind} {arm}: expected {verdicts}, found {report['verdict']}: {report['reason']}")
    return wrong


async def record(davy, out, kind):
    """One exporter, from start to end; what is wrong."""
    running = Running()
    try:
        pools, targets = await start_exporters(kind, running)
        prometheus = start_prometheus(running, targets)
        await wait_for(prometheus)
        await asyncio.sleep(8)  # Prometheus begins to scrape some seconds after it listens.
        begin = time.time()
        print(kind, await load.run(pools), flush=True)
        end = time.time()
        await asyncio.sleep(3)
        for port, path, _, arm in targets:
            text = keep(kind, await asyncio.to_thread(page, port, path))
            (out / (f"{kind}.{arm}.prom" if arm else f"{kind}.prom")).write_text(text)
        wrong = []
        for arm in ("canary", "bad"):
            wrong += await asyncio.to_thread(gate, davy, kind, running, prometheus, arm, begin, end)
        return wrong
    finally:
        running.end()


def main():
    davy, out, *kinds = sys.argv[1:]
    wrong = []
    for kind in kinds or [*apps.KINDS, *proxies.PROXIES]:
        wrong += asyncio.run(record(davy, pathlib.Path(out), kind))
    print("\n".join(wrong) or "all as expected")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
