"""The configuration files of the embedded cluster's programs."""

from __future__ import annotations

import json
from typing import Any

import yaml

from .layout import MAX_PODS, NODE_NAME, PAUSE_IMAGE, STORAGE_PROVISIONER, Layout

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
state = "{state}"
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

# Nobody else can have the address, so there is nobody to ask for a second.
FLAGS = {"IPv4": "", "IPv6": "nodad"}

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
    files: dict[str, Any] = {
        "audit-policy.yaml": AUDIT_POLICY,
        "kubelet.yaml": kubelet(layout),
        "proxy.yaml": proxy(layout),
        "base.yaml": base_objects(layout),
    }
    for name, content in files.items():
        documents = content if isinstance(content, list) else [content]
        (layout.run / name).write_text(yaml.safe_dump_all(documents))
    cni = layout.run / "cni"
    cni.mkdir()
    (cni / "10-bridge.conflist").write_text(json.dumps(network(layout)))
    (layout.run / "containerd.toml").write_text(containerd(layout))
    (layout.run / "resolv.conf").write_text(f"nameserver {layout.network.dns_node}\n")
    write_corefile(layout, dns_ttl)


def write_corefile(layout: Layout, dns_ttl: int) -> None:
    kubeconfig = f"{layout.user_config('coredns')} {layout.full_name}"
    address = layout.network.dns_node
    text = COREFILE.format(address=address, host=in_url(address), ttl=dns_ttl, kubeconfig=kubeconfig)
    (layout.run / "Corefile").write_text(text)


def in_url(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def containerd(layout: Layout) -> str:
    folder = layout.containerd
    return CONTAINERD.format(
        root=folder / "root",
        state=folder / "state",
        socket=layout.containerd_socket,
        pause=PAUSE_IMAGE,
        cni=layout.run / "cni",
    )


def network(layout: Layout) -> dict[str, Any]:
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": False,
        "hairpinMode": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": layout.network.pods}]],
            "routes": [{"dst": layout.network.everything}],
            "dataDir": str(layout.run / "ipam"),
        },
    }
    port_map = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, port_map]}


def kubelet(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(layout.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(layout.pki / "kubelet.crt"),
        "tlsPrivateKeyFile": str(layout.pki / "kubelet.key"),
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": layout.cgroup,
        "failCgroupV1": False,
        "failSwapOn": False,
        "containerRuntimeEndpoint": f"unix://{layout.containerd_socket}",
        "volumePluginDir": str(layout.run / "volume-plugins"),
        "podLogsDir": str(layout.run / "pod-logs"),
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


def proxy(layout: Layout) -> dict[str, Any]:
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "nftables",
        "clientConnection": {"kubeconfig": str(layout.user_config("proxy")), "qps": 200, "burst": 400},
        "clusterCIDR": layout.network.pods,
        "hostnameOverride": NODE_NAME,
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


def namespaces_script(layout: Layout) -> str:
    """Shell commands that furnish the cluster's own network and mount namespace."""
    network = layout.network
    overlays = "\n".join(
        f"mkdir -p {layout.run}/over{path}/up {layout.run}/over{path}/work\n"
        f"mount -t overlay -o lowerdir={path},upperdir={layout.run}/over{path}/up,"
        f"workdir={layout.run}/over{path}/work overlay {path}"
        for path in ("/var/lib", "/var/log")
    )
    return f"""\
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
# The kubelet's statistics look for containerd there only.
mkdir /run/containerd
ln -s {layout.containerd_socket} /run/containerd/containerd.sock
# kubelet, CNI and containerd have paths that no setting moves.
{overlays}
ip link set lo up
# A veth pair with one end unused is a dead end that every kernel has: nothing leaves the namespace.
ip link add node0 type veth peer name node0p
ip addr add {network.node}/{network.host_bits} dev node0 {FLAGS[network.family]}
ip addr add {network.dns_node}/{network.host_bits} dev node0 {FLAGS[network.family]}
ip link set node0 up
ip link set node0p up
ip route add {network.everything} dev node0 src {network.node}
sysctl -qw {network.forwarding}=1
# Bridged answers of a Service's pod must pass the address translation of the question.
sysctl -qw {network.filtered_bridge}=1
"""
