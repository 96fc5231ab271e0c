"""What the pages for newcomers say, done word by word, in an own namespace.

`standin` says which programs are stood in for, and why. kubectl, helm, curl and sed are real, and so are the operator's
own. PostgreSQL's image is one that listens where PostgreSQL would. The console's output is compared with the page's.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests import standin
from tests.cluster import Cluster, binary, images
from tests.documents import Command, File, steps

from .user import NEW_IMAGE, ROOT, Namespace, comes_true, image_of

README, QUICKSTART = ROOT / "README.md", ROOT / "docs" / "quickstart.md"
POSTGRES = "docker.io/library/postgres:17"
REAL = ("curl", "sed", "make")
OURS = ("elixircluster", "kubectl-elixir")
# What is a test of its own, or every test.
ONLY_SHOWN = {"make demo": "make -n demo", "make test": "make -n test"}
SITUATION = "kubectl describe elixirclusters; kubectl get pods"
PAGE = "http://localhost:4000/"
# What is another one each time: ages, and addresses of pods.
PASSING = ((r"\b(?:\d+[dhms])+\b", "AGE"), (r"\b\d+\.\d+\.\d+\.\d+\b", "ADDRESS"), (r"[ \t]+", " "))


@dataclass
class Newcomer:
    """Somebody in a clone of the repository, who does what a page says."""

    namespace: Namespace
    folder: Path
    environment: dict[str, str]
    forwards: list[subprocess.Popen[str]] = field(default_factory=list)

    def follow(self, page: Path) -> None:
        for step in steps(page):
            if isinstance(step, File):
                self.write(step)
            else:
                self.type(step)

    def write(self, file: File) -> None:
        path = self.folder / file.name
        path.write_text(file.text)
        self.run(f"kubectl apply --dry-run=server -f {file.name}")

    def type(self, command: Command) -> None:
        program, *arguments = shlex.split(command.line, comments=True)
        if program == "cd":
            self.folder = Path(os.path.normpath(self.folder / arguments[0]))
        elif (program, *arguments[:1]) == ("kubectl", "port-forward"):
            self.forward(command.line)
        else:
            assert program in (*standin.PROGRAMS, *REAL, *OURS, "kubectl", "helm"), f"nobody knows {command.line}"
            line = ONLY_SHOWN.get(command.line.partition("#")[0].strip(), command.line)
            said = self.run(line)
            if command.output:
                self.compare(command, said)

    def compare(self, command: Command, said: str) -> None:
        """As the page shows it, or soon after: what it shows may take a look of the operator's."""
        wanted = self.lasting(command.output)

        def shown() -> bool:
            return self.lasting(self.run(command.line)) == wanted

        assert self.lasting(said) == wanted or comes_true(shown, 30, pause=2), (
            f"{command.line}\n{self.run(command.line)}"
        )

    def lasting(self, said: str) -> list[str]:
        text = said.replace(self.namespace.name, "default")
        for pattern, name in PASSING:
            text = re.sub(pattern, name, text)
        return [line.strip() for line in text.strip().splitlines()]

    def forward(self, line: str) -> None:
        """In another terminal; and the page is opened, in place of a browser."""
        started = subprocess.Popen(
            ["bash", "-c", f"exec {line}"],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.forwards.append(started)
        assert started.stdout is not None
        said = started.stdout.readline()
        assert said.startswith("Forwarding from 127.0.0.1:4000"), said
        with urllib.request.urlopen(PAGE, timeout=10) as page:
            assert page.status == 200

    def run(self, line: str) -> str:
        done = self._bash(line)
        assert done.returncode == 0, f"$ {line}\n{done.stdout}{done.stderr}{self._bash(SITUATION).stdout}"
        return done.stdout

    def _bash(self, line: str) -> subprocess.CompletedProcess[str]:
        options: Any = {"cwd": self.folder, "env": self.environment, "capture_output": True, "text": True}
        return subprocess.run(["bash", "-c", line], check=False, **options)

    def leave(self) -> None:
        for each in self.forwards:
            each.terminate()
            each.wait()


@pytest.fixture
def newcomer(kubernetes: Cluster, tmp_path: Path) -> Iterator[Callable[[str], Newcomer]]:
    """Somebody with a Kubernetes in which there is no operator yet, and whose kubectl talks to one namespace.

    It is one as Kubernetes makes it, with no Pod Security: the database's image knows nothing of that.
    """
    here: list[Newcomer] = []

    def arrive(name: str) -> Newcomer:
        leave_others_alone(kubernetes, name)
        programs, clone = tmp_path / "bin", tmp_path / "elixircluster"
        programs.mkdir()
        clone.symlink_to(ROOT)
        standin.install(programs, **{standin.CLUSTER: kubernetes.name})
        for program in ("kubectl", "helm"):
            (programs / program).symlink_to(binary(program))
        for program in OURS:
            (programs / program).symlink_to(Path(sys.prefix) / "bin" / program)
        environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "KUBECONFIG": str(tmp_path / "kubeconfig"),
            "PYTHONPATH": f"{ROOT}:{ROOT / 'operator'}",
            "TOKEN": "of a registry",
        }
        (tmp_path / "kubeconfig").write_bytes(kubernetes.kubeconfig.read_bytes())
        found = Newcomer(Namespace(kubernetes, name), clone, environment)
        found.run(f"kubectl config set-context --current --namespace {name}")
        found.run(f"kubectl delete namespace {name} --ignore-not-found && kubectl create namespace {name}")
        found.run("helm uninstall elixircluster --namespace elixircluster-system --ignore-not-found --wait")
        here.append(found)
        return found

    yield arrive
    for each in here:
        each.leave()
        # Waited for: whoever comes next must find no clusters but their own.
        kubernetes.kubectl("delete", "namespace", each.namespace.name)


def leave_others_alone(kubernetes: Cluster, namespace: str) -> None:
    """The operator is taken away and installed anew here: not under somebody whose clusters it looks after."""
    kind = kubernetes.kubectl("get", "crd", "elixirclusters.elixircluster.dev", "--ignore-not-found")
    found = kubernetes.kubectl("get", "elixirclusters", "-A", "-o", "name", "--no-headers") if kind else ""
    ours = Namespace(kubernetes, namespace).kubectl("get", "elixirclusters", "-o", "name") if kind else ""
    others = len(found.split()) - len(ours.split())
    if others:
        pytest.fail(
            f"{others} ElixirClusters of somebody else are in cluster {kubernetes.name}; it would lose its operator"
        )


@pytest.fixture
def postgres(kubernetes: Cluster, tmp_path: Path) -> None:
    """An image of that name, of which only the port is PostgreSQL's."""
    program = shutil.which("busybox")
    assert program is not None
    root, archive = tmp_path / "postgres", tmp_path / "postgres.tar"
    root.mkdir()
    shutil.copy(program, root / "busybox")
    images.write_archive(POSTGRES, root, archive, ["/busybox", "httpd", "-f", "-p", "5432"])
    kubernetes.load(archive)


@pytest.mark.usefixtures("postgres")
def test_a_newcomer_follows_the_quickstart(newcomer):
    """Nobody had: it needed an image that no registry has, and a wait that ended after 30 s."""
    reader = newcomer("quickstart")
    reader.follow(QUICKSTART)
    namespace = reader.namespace
    pods = namespace.pods("shop")
    assert [image_of(pod) for pod in pods] == ["shop:1.1.0"] * 3
    status = namespace.get("elixircluster", "shop")["status"]
    assert status["migration"]["images"] == ["shop:1.1.0", "shop:1.0.0"]
    assert namespace.get("secret", "registry")["type"] == "kubernetes.io/dockerconfigjson"


def test_a_newcomer_follows_the_readme(newcomer):
    reader = newcomer("readme")
    reader.follow(README)
    namespace = reader.namespace
    namespace.wait_until_ready("chat")
    assert [image_of(pod) for pod in namespace.pods("chat")] == [NEW_IMAGE] * 5
    assert namespace.get("service", "chat-nodes")


def test_a_command_that_nobody_knows_is_not_passed_over(kubernetes):
    with pytest.raises(AssertionError, match="nobody knows"):
        Newcomer(Namespace(kubernetes, "nowhere"), ROOT, {}).type(Command("brew install kind"))


def test_an_operator_that_somebody_else_uses_stays(newcomer):
    """It was taken from under a whole run of these tests, which went on in the same cluster."""
    newcomer("somebody").run(
        f"kubectl apply --server-side --force-conflicts -f {ROOT}/crds -f {ROOT}/examples/chat.yaml"
    )
    with pytest.raises(pytest.fail.Exception, match="of somebody else"):
        newcomer("another")
