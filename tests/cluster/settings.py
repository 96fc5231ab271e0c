"""The configuration files of the embedded cluster's programs."""

from __future__ import annotations

import json
from typing import Any

import yaml

from .layout import MAX_PODS, PAUSE_IMAGE, STORAGE_PROVISIONER, Layout, in_url
from .machine import Machine, machines

# As kubeadm writes it, but that nothing is forwarded: there is no way out of the cluster.
COREFILE = """\
.:53 {{
    bind {address}
    errors
    health {host}:8080
    ready {host}:8181
    kubernetes cluster.local in-addr.arpa ip6.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        fallthrough in-addr.arpa ip6.arpa
        ttl {ttl}
    }}
    prometheus {host}:9153
    cache {ttl}
    reload 2s 1s
    loadbalance
}}
"""

CONTAINERD = """\
version = 2
root = "{root}"
# Gone with its mounts when the power is cut, as on any machine.
state = "/run/containerd/state"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]
[grpc]
  address = "{socket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "{root}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  # Without CAP_SYS_RESOURCE nobody may lower a score, and every sandbox would fail.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
"""

# Everything is recorded but the components' own health checks and leases.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [
        {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*", "/openapi*", "/version"]},
        {"level": "None", "userGroups": ["system:nodes"]},
        {
            "level": "None",
            "users": ["system:apiserver", "system:kube-scheduler", "system:kube-controller-manager"],
            "resources": [{"group": "coordination.k8s.io"}],
        },
        {"level": "Metadata"},
    ],
}


def write_all(layout: Layout, dns_ttl: int) -> None:
    """Write every file; the certificates are not among them."""
    everyone = machines(layout)
    (layout.run / "audit-policy.yaml").write_text(yaml.safe_dump(AUDIT_POLICY))
    (layout.run / "base.yaml").write_text(yaml.safe_dump_all(base_objects(layout)))
    # Beside several machines the control plane reaches Services, too, as the first of them would.
    (layout.run / "proxy.yaml").write_text(yaml.safe_dump(proxy(everyone[0])))
    (layout.run / "resolv.conf").write_text(f"nameserver {layout.network.dns_node}\n")
    write_corefile(layout, dns_ttl)
    for machine in everyone:
        write_machine(machine)


def write_machine(machine: Machine) -> None:
    cni = machine.run / "cni"
    cni.mkdir(parents=True)
    (cni / "10-bridge.conflist").write_text(json.dumps(network(machine)))
    (machine.run / "containerd.toml").write_text(containerd(machine))
    (machine.run / "kubelet.yaml").write_text(yaml.safe_dump(kubelet(machine)))
    (machine.run / "proxy.yaml").write_text(yaml.safe_dump(proxy(machine)))


def write_corefile(layout: Layout, dns_ttl: int) -> None:
    kubeconfig = f"{layout.user_config('coredns')} {layout.full_name}"
    address = layout.network.dns_node
    text = COREFILE.format(address=address, host=in_url(address), ttl=dns_ttl, kubeconfig=kubeconfig)
    (layout.run / "Corefile").write_text(text)


def containerd(machine: Machine) -> str:
    return CONTAINERD.format(
        root=machine.run / "containerd",
        socket=machine.containerd_socket,
        pause=PAUSE_IMAGE,
        cni=machine.run / "cni",
    )


def network(machine: Machine) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": machine.pods}]],
            "routes": [{"dst": machine.layout.network.everything}],
            "dataDir": str(machine.run / "ipam"),
        },
    }
    port_map = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, port_map]}


def kubelet(machine: Machine) -> dict[str, Any]:
    layout = machine.layout
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / f"{machine.user}.crt"),
        "tlsPrivateKeyFile": str(layout.pki / f"{machine.user}.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": machine.cgroup,
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{machine.containerd_socket}",
        "volumePluginDir": str(machine.run / "volume-plugins"),
        "podLogsDir": str(machine.run / "pod-logs"),
        "clusterDNS": [layout.network.dns_service],
        "clusterDomain": "cluster.local",
        "resolvConf": str(layout.run / "resolv.conf"),
        "maxPods": MAX_PODS,
        "serializeImagePulls": False,
        "registryPullQPS": 0,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 0,
        "evictionHard": {"memory.available": "100Mi", "nodefs.available": "1%", "imagefs.available": "1%"},
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
    }


def proxy(machine: Machine) -> dict[str, Any]:
    layout = machine.layout
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(layout.user_config("proxy")), "qps": 200, "burst": 400},
        "clusterCIDR": layout.network.pods,
        "hostnameOverride": machine.name,
        "healthzBindAddress": "127.0.0.1:10256",
        "metricsBindAddress": "127.0.0.1:10249",
        # The conntrack limits are the machine's, not the namespace's: leave them.
        "conntrack": {"maxPerCore": 0},
        "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }


def base_objects(layout: Layout) -> list[dict[str, Any]]:
    """What kubeadm and a cloud would have put there: the DNS Service and a default StorageClass."""
    ports = [
        {"name": "dns", "port": 53, "protocol": "UDP"},
        {"name": "dns-tcp", "port": 53, "protocol": "TCP"},
    ]
    meta = {"name": "kube-dns", "namespace": "kube-system"}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": meta,
        "spec": {"clusterIP": layout.network.dns_service, "ports": ports},
    }
    endpoints = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": meta | {"labels": {"kubernetes.io/service-name": "kube-dns"}},
        "addressType": layout.network.family,
        "endpoints": [{"addresses": [layout.network.dns_node]}],
        "ports": ports,
    }
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": STORAGE_PROVISIONER,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer",
        "allowVolumeExpansion": True,
    }
    return [service, endpoints, storage]
