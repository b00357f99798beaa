# SPDX-License-Identifier: Apache-2.0
"""Kubernetes objects as plain values, with only what Evergate reads."""
import base64

CLASS = "evergate"


def _metadata(name, namespace, annotations=None, labels=None):
    metadata = {"name": name, "namespace": namespace}
    if annotations:
        metadata["annotations"] = dict(annotations)
    if labels:
        metadata["labels"] = dict(labels)
    return metadata


def ingress_class(name=CLASS):
    return {"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": name},
            "spec": {"controller": "evergate.io/ingress-controller"}}


def path(service_name, at="/", kind="Prefix", port=80):
    reference = {"name": port} if isinstance(port, str) else {"number": port}
    return {"path": at, "pathType": kind, "backend": {"service": {"name": service_name, "port": reference}}}


def ingress(name, hosts, namespace="default", annotations=None, class_name=CLASS, tls=()):
    """hosts: {"shop.example": [path(...), ...]}; tls: (["shop.example"], "secret") pairs"""
    rules = [{"host": host, "http": {"paths": paths}} if host else {"http": {"paths": paths}}
             for host, paths in hosts.items()]
    return {"apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": _metadata(name, namespace, annotations),
            "spec": {"ingressClassName": class_name, "rules": rules,
                     **({"tls": [{"hosts": names, "secretName": secret} for names, secret in tls]} if tls else {})}}


def tls_secret(name, certificate, key, namespace="default", authority=None, revocations=None):
    """PEM texts."""
    fields = (("tls.crt", certificate), ("tls.key", key), ("ca.crt", authority), ("ca.crl", revocations))
    data = {field: base64.b64encode(text.encode()).decode() for field, text in fields if text is not None}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": _metadata(name, namespace),
            "type": "kubernetes.io/tls", "data": data}


def service(name, namespace="default", annotations=None, ports=(("http", 80),)):
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(name, namespace, annotations),
            "spec": {"ports": [{"name": n, "port": p, "protocol": "TCP"} for n, p in ports]}}


def endpoint_slice(service_name, addresses, port, namespace="default", suffix="1", port_name="http"):
    """addresses: "127.0.0.2", or ("127.0.0.2", False) for one that is not ready."""
    endpoints = []
    for entry in addresses:
        address, ready = entry if isinstance(entry, tuple) else (entry, True)
        endpoints.append({"addresses": [address], "conditions": {"ready": ready}})
    return {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": _metadata(f"{service_name}-{suffix}", namespace,
                                  labels={"kubernetes.io/service-name": service_name}),
            "addressType": "IPv4", "ports": [{"name": port_name, "port": port, "protocol": "TCP"}],
            "endpoints": endpoints}
