"""What is run inside of pods, and by what Erlang here."""

from __future__ import annotations

import subprocess

import pytest

from elixircluster.api.pod import RESTARTED_ANNOTATION
from elixircluster.plugin import changes, observer, remote, resources
from elixircluster.plugin.kubectl import Kubectl, KubectlError
from elixircluster.plugin.logs import containers
from elixircluster.plugin.names import painted
from elixircluster.plugin.observer import LocalErlang, Peer, peer, recipe
from elixircluster.plugin.remote import console_command, inside, rpc_command
from elixircluster.render import names, vm
from elixircluster.render.names import members, selector_text
from elixircluster.status.document import console as told_console
from tests.unit.factory import cluster
from tests.unit.plugin.resources import pod, resource

RUNTIMES = ("Mix", "Relx", "Gleam", "Erl")


def told(runtime):
    """A resource whose status tells the console that the operator would tell."""
    body = resource()
    body["spec"]["runtime"] = runtime
    body["status"]["console"] = told_console(cluster(runtime=runtime), [], None)
    return body


def test_what_the_plugin_knows_by_heart_is_what_the_operator_renders():
    assert resources.CONTAINER == names.CONTAINER
    assert changes.RESTARTED_AT == RESTARTED_ANNOTATION
    assert remote.COOKIE_FILE == vm.COOKIE_FILE
    assert resources.selector("chat") == selector_text(members(cluster()))


def test_a_remote_console_is_the_one_of_the_status():
    assert console_command(told("Mix")) == ["bin/chat", "remote"]
    assert console_command(told("Relx")) == ["bin/chat", "remote_console"]
    assert "-remsh" in console_command(told("Erl"))[2]


def test_a_script_that_is_not_there_is_told_with_the_field_that_names_it(tmp_path):
    """A shell said "exec: bin/chat: not found", and nobody which field that is."""
    done = subprocess.run(inside(["bin/chat", "rpc"]), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (127, "")
    assert f"there is no bin/chat in {tmp_path}: spec.release.name" in done.stderr
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "shop").symlink_to("/bin/echo")
    done = subprocess.run(inside(["bin/chat", "rpc"]), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert f"there is no bin/chat in {tmp_path}, but bin/shop: spec.release.name" in done.stderr
    (tmp_path / "bin" / "chat").symlink_to("/bin/echo")
    done = subprocess.run(inside(["bin/chat", "rpc"]), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "rpc\n", "")


def test_without_a_status_there_is_no_console():
    body = resource()
    del body["status"]["console"]
    with pytest.raises(KubectlError, match="does it run"):
        console_command(body)


def test_elixir_evaluates_and_prints_the_value():
    assert rpc_command(told("Mix"), "Node.list()") == ["bin/chat", "rpc", "IO.inspect((\nNode.list()\n))"]


@pytest.mark.parametrize("expression", ["nodes()", "nodes().", "nodes(). "])
def test_erlang_takes_an_expression_with_its_full_stop_or_without(expression):
    assert rpc_command(told("Relx"), expression) == ["bin/chat", "eval", "nodes()."]


@pytest.mark.parametrize("runtime", ["Gleam", "Erl"])
def test_a_plain_erlang_is_asked_as_the_console_would(runtime):
    command = rpc_command(told(runtime), "it's('here')")
    assert command[-1] == "it's('here')"
    assert "-remsh" not in command[2]
    assert "-setcookie" in command[2]
    assert "it's" not in command[2]


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_what_runs_inside_reads_the_cookie_there(runtime):
    command = inside(rpc_command(told(runtime), "x"))
    assert command[:2] == ["sh", "-c"]
    assert remote.COOKIE_FILE in command[2]


@pytest.mark.parametrize("cookie", ["a-b=c/d+e==", "_-=", "0+/"])
def test_a_cookie_of_any_allowed_kind_passes_the_shell_unchanged(cookie, tmp_path):
    (tmp_path / "cookie").write_text(cookie)
    shell, option, script, *rest = inside(["sh", "-c", 'printf %s "$RELEASE_COOKIE|$RELX_COOKIE|$ERLANG_COOKIE"'])
    script = script.replace(remote.COOKIE_FILE, str(tmp_path / "cookie"))
    done = subprocess.run([shell, option, script, *rest], capture_output=True, text=True, check=True)
    assert done.stdout == "|".join([cookie] * 3)


def test_a_node_that_speaks_tls_is_refused_with_the_way_out():
    body = resource()
    body["spec"]["distribution"] = {"tls": {"mode": "SelfSigned"}}
    with pytest.raises(KubectlError, match="kubectl elixir console chat"):
        peer(body, "chat-0")


def test_a_node_is_found_by_its_pod():
    assert peer(resource(), "chat-1") == Peer("chat-1", "chat@10.0.0.1", 6789)


def test_a_pod_whose_node_is_not_known_yet_is_told():
    body = resource()
    del body["status"]["nodes"][0]["node"]
    with pytest.raises(KubectlError, match="try again"):
        peer(body, "chat-0")


def test_the_local_erlang_hides_and_its_command_line_holds_no_cookie(tmp_path):
    command = LocalErlang(Peer("chat-1", "chat@10.0.0.1", 6789), tmp_path, ["true"]).command(observer.OBSERVER)
    assert "-hidden" in command
    assert command[command.index("-setcookie") + 1] == "none"
    assert "connect_node('chat@10.0.0.1')" in command[-1]
    assert "NODE" not in command[-1]


@pytest.mark.parametrize(
    ("host", "first"),
    [
        ("10.0.0.1", "sudo ip address add 10.0.0.1 dev lo"),
        ("fd00::1", "sudo ip address add fd00::1 dev lo"),
        ("chat-0.chat-nodes.default.svc.cluster.local", "sudo sh -c 'echo 127.0.0.1 chat-0.chat-nodes"),
    ],
)
def test_without_erlang_it_tells_what_to_run(host, first):
    lines = recipe(Kubectl({"namespace": "web"}), Peer("chat-0", f"chat@{host}", 6789))
    assert lines[2].strip().startswith(first)
    assert "kubectl --namespace=web port-forward pod/chat-0 6789" in lines[3]


def test_a_copy_of_a_pod_that_somebody_debugs_is_no_member():
    copied, job = pod(7), pod(3)
    del copied["metadata"]["ownerReferences"]
    job["metadata"]["ownerReferences"] = [{"kind": "Job", "name": "chat", "controller": True}]
    found = resources.members([pod(10), copied, pod(2), job])
    assert [item["metadata"]["name"] for item in found] == ["chat-2", "chat-10"]


def test_names_have_one_width_and_a_colour_on_a_terminal_only():
    assert painted(["chat-9", "chat-10"], coloured=False) == {"chat-9": "chat-9 ", "chat-10": "chat-10"}
    assert "\x1b" in painted(["chat-9"], coloured=True)["chat-9"]


def test_logs_are_followed_once_a_container_has_begun_and_again_when_it_starts_anew():
    waiting, running, again = pod(0), pod(1), pod(1)
    running["status"]["containerStatuses"][0]["containerID"] = "containerd://a"
    again["status"]["containerStatuses"][0]["containerID"] = "containerd://b"
    assert containers([waiting, running], "app") == {"containerd://a": "chat-1"}
    assert containers([again], "app") == {"containerd://b": "chat-1"}
