"""The real proxies, each in front of the arms' services: how it is configured and started, and where it shows metrics."""

import json


def envoy(directory, ports, listen, admin):
    """A route and a cluster for each arm, chosen by the host's name."""
    def cluster(arm, port):
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        endpoints = [{"lb_endpoints": [{"endpoint": {"address": address}}]}]
        return {"name": arm, "connect_timeout": "1s", "load_assignment": {"cluster_name": arm, "endpoints": endpoints}}

    def host(arm):
        return {"name": arm, "domains": [arm], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": arm}}]}

    manager = {
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress",
        "route_config": {"virtual_hosts": [host(arm) for arm in ports]},
        "http_filters": [
            {
                "name": "router",
                "typed_config": {"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"},
            }
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    at = lambda port: {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    config = {
        "admin": {"address": at(admin)},
        # Histograms are filled at each flush, every 5 s by default: shorter windows than that would be empty.
        "stats_flush_interval": "1s",
        "static_resources": {
            "listeners": [{"address": at(listen), "filter_chains": [chain]}],
            "clusters": [cluster(arm, port) for arm, port in ports.items()],
        },
    }
    path = directory / "envoy.json"
    path.write_text(json.dumps(config))
    return ["envoy", "-c", str(path), "--concurrency", "1", "-l", "error", "--disable-hot-restart"], "/stats/prometheus"


def traefik(directory, ports, listen, admin):
    """A router and a service for each arm; the buckets that the preset's documentation asks for."""
    routers = {arm: {"rule": f"Host(`{arm}`)", "service": arm} for arm in ports}
    services = {arm: {"loadBalancer": {"servers": [{"url": f"http://127.0.0.1:{port}"}]}} for arm, port in ports.items()}
    path = directory / "traefik.yaml"
    path.write_text(json.dumps({"http": {"routers": routers, "services": services}}))
    buckets = "0.005,0.01,0.025,0.05,0.075,0.1,0.15,0.25,0.5,1,2.5,5"
    return [
        "traefik",
        f"--entrypoints.web.address=127.0.0.1:{listen}",
        f"--entrypoints.metrics.address=127.0.0.1:{admin}",
        "--metrics.prometheus=true",
        "--metrics.prometheus.entrypoint=metrics",
        f"--metrics.prometheus.buckets={buckets}",
        f"--providers.file.filename={path}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ], "/metrics"


def haproxy(directory, ports, listen, admin):
    """A backend for each arm, and the exporter that HAProxy has built in."""
    lines = [
        "defaults", "  mode http", "  timeout connect 1s", "  timeout client 10s", "  timeout server 10s",
        "frontend web", f"  bind 127.0.0.1:{listen}", *(f"  use_backend {arm} if {{ hdr(host) {arm} }}" for arm in ports),
        "frontend metrics", f"  bind 127.0.0.1:{admin}", "  http-request use-service prometheus-exporter if { path /metrics }",
    ]
    for arm, port in ports.items():
        lines += [f"backend {arm}", f"  server one 127.0.0.1:{port}"]
    path = directory / "haproxy.cfg"
    path.write_text("\n".join(lines) + "\n")
    return ["haproxy", "-db", "-f", str(path)], "/metrics"


PROXIES = {"envoy": envoy, "traefik": traefik, "haproxy": haproxy}
