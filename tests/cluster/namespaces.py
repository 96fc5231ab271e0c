"""How the network and mount namespaces of the control plane and of machines are furnished."""

from __future__ import annotations

from pathlib import Path

from .layout import Layout
from .machine import Machine, machines

# Nobody else can have the address, so there is nobody to ask for a second.
FLAGS = {"IPv4": "", "IPv6": "nodad"}


def control_plane(layout: Layout) -> str:
    """Shell commands that furnish the control plane's network and mount namespace."""
    network = layout.network
    alone = [_containerd_link(machine) for machine in machines(layout) if machine.alone]
    return f"""\
{_mounts(layout.run)}
{"".join(alone)}
ip link set lo up
# A veth pair with one end unused is a dead end that every kernel has: nothing leaves the namespace.
ip link add deadend type veth peer name deadend0
ip addr add {network.control_plane}/{network.host_bits} dev deadend {FLAGS[network.family]}
ip addr add {network.dns_node}/{network.host_bits} dev deadend {FLAGS[network.family]}
ip link set deadend up
ip link set deadend0 up
ip route add {network.everything} dev deadend src {network.control_plane}
{_forwarding(layout)}
"""


def one_of_several(machine: Machine, router: int) -> str:
    """Those of one machine of several; a process of the control plane, which is the router between them, is given."""
    network, port = machine.layout.network, machine.name
    flags = FLAGS[network.family]
    return f"""\
{_mounts(machine.run)}
{_containerd_link(machine)}
ip link set lo up
nsenter --net=/proc/{router}/ns/net sh -ec '
    ! ip link show {port} >/dev/null 2>&1 || ip link delete {port}
    ip link add {port} type veth peer name eth0 netns '$$'
    # An IPv6 neighbour answers only for the addresses of the device that was asked.
    ip addr add {network.control_plane}/{network.host_bits} dev {port} {flags}
    ip link set {port} up
'
ip addr add {machine.address}/{network.host_bits} dev eth0 {flags}
ip link set eth0 up
ip route add {network.control_plane} dev eth0
ip route add {network.everything} via {network.control_plane} dev eth0 src {machine.address}
nsenter --net=/proc/{router}/ns/net sh -ec '
    ip route add {machine.address} dev {port}
    ip route add {machine.pods} via {machine.address} dev {port}
'
{_forwarding(machine.layout)}
"""


def _mounts(folder: Path) -> str:
    """kubelet, CNI and containerd have paths that no setting moves."""
    overlays = "\n".join(
        f"mkdir -p {folder}/over{path}/up {folder}/over{path}/work\n"
        f"mount -t overlay -o lowerdir={path},upperdir={folder}/over{path}/up,"
        f"workdir={folder}/over{path}/work overlay {path}"
        for path in ("/var/lib", "/var/log")
    )
    return f"""\
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run
{overlays}"""


def _containerd_link(machine: Machine) -> str:
    """The kubelet's statistics look for containerd there only."""
    return f"mkdir /run/containerd\nln -s {machine.containerd_socket} /run/containerd/containerd.sock"


def _forwarding(layout: Layout) -> str:
    return f"""\
sysctl -qw {layout.network.forwarding}=1
# Bridged answers of a Service's pod must pass the address translation of the question.
sysctl -qw {layout.network.filtered_bridge}=1"""
