"""Expositions of exporters that no package of our registries has, written by hand: names and labels from the page that each
names, counts from `behaviour`, as if it had been loaded like the others.

    python shapes.py OUT
"""

import pathlib
import sys

import behaviour

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
ISTIO_MS = (0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10000, 30000, 60000, 300000, 600000, 1800000, 3600000)
LINKERD_MS = (1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 200, 300, 400, 500, 1000, 2000, 3000, 4000, 5000, 10000, 20000, 30000, 40000, 50000)


def head(project, version, page):
    return f"# Shape of {project} {version}, written by hand after {page}:\n# names and labels are its, counts are those of the recorded exporters' load.\n"


def line(name, labels, value):
    return name + "{" + ",".join(f'{label}="{text}"' for label, text in labels.items()) + f"}} {value:g}"


def requests(arm):
    """Statuses of an arm's requests, and their delays in seconds by status."""
    found = {}
    for n in range(behaviour.RATE * behaviour.SECONDS):
        found.setdefault(behaviour.status(arm, n), []).append(behaviour.delay(arm, n))
    return found


def histogram(name, labels, bounds, values):
    lines = [line(name + "_bucket", {**labels, "le": f"{bound:g}"}, sum(value <= bound for value in values)) for bound in bounds]
    lines.append(line(name + "_bucket", {**labels, "le": "+Inf"}, len(values)))
    return lines + [line(name + "_sum", labels, sum(values)), line(name + "_count", labels, len(values))]


def istio(arm):
    totals, durations = ["# TYPE istio_requests_total counter"], ["# TYPE istio_request_duration_milliseconds histogram"]
    workload = {"destination_workload": f"checkout-{arm}", "destination_workload_namespace": "shop", "destination_app": "checkout",
                "destination_version": arm, "destination_service": "checkout.shop.svc.cluster.local",
                "destination_canonical_service": "checkout", "destination_canonical_revision": arm}
    for status, delays in requests(arm).items():
        # A third of the traffic is gRPC, whose failures hide under status 200.
        for protocol, part in (("http", delays[::3] + delays[1::3]), ("grpc", delays[2::3])):
            if part:
                grpc = {"grpc_response_status": {200: "0", 404: "5", 503: "14"}[status]} if protocol == "grpc" else {}
                labels = {"reporter": "destination", "source_workload": "web", "source_workload_namespace": "shop", "source_app": "web",
                          "source_version": "v1", **workload, "request_protocol": protocol,
                          "response_code": "200" if grpc else str(status), **grpc,
                          "response_flags": "-", "connection_security_policy": "mutual_tls"}
                totals.append(line("istio_requests_total", labels, len(part)))
                durations += histogram("istio_request_duration_milliseconds", labels, ISTIO_MS, [delay * 1000 for delay in part])
    return head("Istio", "1.2x", "istio.io/latest/docs/reference/config/metrics") + "\n".join(totals + durations) + "\n"


def linkerd(arm):
    totals, durations = ["# TYPE response_total counter"], ["# TYPE response_latency_ms histogram"]
    for status, delays in requests(arm).items():
        labels = {"direction": "inbound", "authority": "checkout.shop.svc.cluster.local:8080", "target_addr": "10.42.0.7:8080",
                  "target_ip": "10.42.0.7", "target_port": "8080", "tls": "true", "client_id": "web.shop.serviceaccount.identity.linkerd.cluster.local",
                  "srv_kind": "server", "srv_name": "checkout", "status_code": str(status)}
        result = {"classification": "failure" if status >= 500 else "success", "grpc_status": "", "error": ""}
        totals.append(line("response_total", {**labels, **result}, len(delays)))
        durations += histogram("response_latency_ms", labels, LINKERD_MS, [delay * 1000 for delay in delays])
    return head("Linkerd's proxy", "2.1x", "linkerd.io/2/reference/proxy-metrics") + "\n".join(totals + durations) + "\n"


def nginx_ingress():
    totals, durations = ["# TYPE nginx_ingress_controller_requests counter"], ["# TYPE nginx_ingress_controller_request_duration_seconds histogram"]
    for arm in behaviour.ARMS:
        for status, delays in requests(arm).items():
            labels = {"canary": "" if arm == "baseline" else f"shop-checkout-{arm}-80", "controller_class": "k8s.io/ingress-nginx",
                      "controller_namespace": "ingress-nginx", "controller_pod": "ingress-nginx-controller-7d4f5b9c8-x2x4z",
                      "host": "shop.example.com", "ingress": "checkout", "method": "GET", "namespace": "shop", "path": "/",
                      "service": "checkout", "status": str(status)}
            totals.append(line("nginx_ingress_controller_requests", labels, len(delays)))
            durations += histogram("nginx_ingress_controller_request_duration_seconds", labels, SECONDS, delays)
    page = "kubernetes/ingress-nginx internal/ingress/metric/collectors/socket.go"
    return head("ingress-nginx", "1.1x", page) + "\n".join(totals + durations) + "\n"


def kubernetes():
    cpu, memory, restarts = [], [], []
    for arm in behaviour.ARMS:
        for number in range(2):
            pod = {"namespace": "shop", "pod": f"checkout-{arm}-{number}"}
            cgroup = f"/kubepods.slice/kubepods-pod{arm}{number}.slice"
            seconds = {"checkout": 3.2 if arm != "bad" else 9.1, "istio-proxy": 0.8, "": 4.1}
            bytes_used = {"checkout": 2.1e8 if arm != "bad" else 3.9e8, "istio-proxy": 5e7, "": 2.62e8}
            for container in seconds:
                named = {"image": f"registry.example.com/{container}:1", "name": f"{container}-{arm}-{number}"} if container else {"image": "", "name": ""}
                labels = {"container": container, "id": f"{cgroup}/{container}", **named, **pod}
                cpu.append(line("container_cpu_usage_seconds_total", {**labels, "cpu": "total"}, seconds[container]))
                memory.append(line("container_memory_working_set_bytes", labels, bytes_used[container]))
                if container:
                    count = 2 if arm == "bad" and container == "checkout" else 0
                    uid = f"00000000-0000-0000-0000-{arm:0>11}{number}"
                    restarts.append(line("kube_pod_container_status_restarts_total", {**pod, "uid": uid, "container": container}, count))
    text = ["# TYPE container_cpu_usage_seconds_total counter", *cpu, "# TYPE container_memory_working_set_bytes gauge", *memory,
            "# TYPE kube_pod_container_status_restarts_total counter", *restarts]
    pages = "github.com/google/cadvisor docs/storage/prometheus.md and kubernetes/kube-state-metrics docs/metrics/workload/pod-metrics.md"
    return head("cAdvisor (in the kubelet) and kube-state-metrics", "2.1x", pages) + "\n".join(text) + "\n"


if __name__ == "__main__":
    out = pathlib.Path(sys.argv[1])
    for arm in behaviour.ARMS:
        (out / f"istio.{arm}.prom").write_text(istio(arm))
        (out / f"linkerd.{arm}.prom").write_text(linkerd(arm))
    (out / "nginx-ingress.prom").write_text(nginx_ingress())
    (out / "kubernetes.prom").write_text(kubernetes())
