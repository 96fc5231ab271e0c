"""Resources that cannot be, and what is said of each.

REFUSED: by the API server at `kubectl apply`. STALLED: only the operator can know.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Bad(NamedTuple):
    """A change of the spec, and a part of the message; of the operator also the reason."""

    spec: dict[str, Any]
    said: str
    reason: str = ""


ONE_CHECK = "choose one of httpGet, tcpSocket, exec and disabled"


def web(**fields: Any) -> dict[str, Any]:
    return {"web": fields}


def check(**fields: Any) -> dict[str, Any]:
    return {"health": {"readiness": fields}}


def env(name: str, **fields: Any) -> dict[str, Any]:
    return {"env": [{"name": name, **fields}]}


REFUSED: dict[str, Bad] = {
    "no image": Bad({"image": None}, "spec.image: Required value"),
    "empty image": Bad({"image": ""}, "spec.image: Invalid value"),
    "image with a blank": Bad({"image": "a b"}, "spec.image"),
    "image with a newline": Bad({"image": "a\n"}, "spec.image"),
    "image of 513 characters": Bad({"image": "a" * 513}, "spec.image: Too long"),
    "image that is a number": Bad({"image": 5}, "spec.image"),
    "negative replicas": Bad({"replicas": -1}, "spec.replicas"),
    "too many replicas": Bad({"replicas": 1001}, "spec.replicas"),
    "replicas in words": Bad({"replicas": "three"}, "spec.replicas"),
    "half a replica": Bad({"replicas": 1.5}, "spec.replicas"),
    "pull policy": Bad({"imagePullPolicy": "Sometimes"}, "spec.imagePullPolicy: Unsupported value"),
    "pull secret without a name": Bad({"imagePullSecrets": [{}]}, "imagePullSecrets[0].name: Required value"),
    "pull secret that is no name": Bad({"imagePullSecrets": [{"name": "A_B"}]}, "imagePullSecrets[0].name"),
    "a pull secret twice": Bad({"imagePullSecrets": [{"name": "a"}] * 2}, "imagePullSecrets[1]: Duplicate value"),
    "pull secrets": Bad({"imagePullSecrets": [{"name": f"a{i}"} for i in range(17)]}, "imagePullSecrets: Too many"),
    "runtime": Bad({"runtime": "Cobol"}, "spec.runtime: Unsupported value"),
    "release name with a blank": Bad({"release": {"name": "a b"}}, "spec.release.name"),
    "release name with an @": Bad({"release": {"name": "a@b"}}, "spec.release.name"),
    "release name with quotes": Bad({"release": {"name": "a'b"}}, "spec.release.name"),
    "release name that mix does not make": Bad({"release": {"name": "chat-eu"}}, "mix release makes names of"),
    "a name by the command": Bad({"release": {"command": ["erl", "-name", "a@b"]}}, "must not be repeated"),
    "a name by the arguments": Bad({"release": {"args": ["-sname", "a"]}}, "must not be repeated"),
    "long release name": Bad({"release": {"name": "a" * 64}}, "spec.release.name: Too long"),
    "empty argument of the release": Bad({"release": {"args": [""]}}, "spec.release.args[0]"),
    "strategy": Bad({"discovery": {"strategy": "Gossip"}}, "spec.discovery.strategy: Unsupported value"),
    "polling never": Bad({"discovery": {"pollingIntervalSeconds": 0}}, "pollingIntervalSeconds"),
    "domain that ends with a dot": Bad({"discovery": {"clusterDomain": "cluster.local."}}, "clusterDomain"),
    "domain with quotes": Bad({"discovery": {"clusterDomain": 'a">>}'}}, "clusterDomain"),
    "port 0": Bad({"distribution": {"port": 0}}, "spec.distribution.port"),
    "port 65536": Bad({"distribution": {"port": 65536}}, "spec.distribution.port"),
    "cookie in the open": Bad({"distribution": {"cookie": "hunter2"}}, "spec.distribution.cookie"),
    "cookie without a key": Bad(
        {"distribution": {"cookie": {"secretKeyRef": {"name": "a"}}}}, "secretKeyRef.key: Required"
    ),
    "cookie in a bad name": Bad(
        {"distribution": {"cookie": {"secretKeyRef": {"name": "A", "key": "k"}}}}, "secretKeyRef.name"
    ),
    "cookie under a bad key": Bad(
        {"distribution": {"cookie": {"secretKeyRef": {"name": "a", "key": "/"}}}}, "secretKeyRef.key"
    ),
    "short tick": Bad({"distribution": {"netTickTimeSeconds": 1}}, "netTickTimeSeconds"),
    "no schedulers": Bad({"vm": {"schedulers": 0}}, "spec.vm.schedulers"),
    "spinning": Bad({"vm": {"busyWait": "Always"}}, "spec.vm.busyWait: Unsupported value"),
    "few ports": Bad({"vm": {"maxPorts": 1}}, "spec.vm.maxPorts"),
    "a second name": Bad({"vm": {"args": ["-name", "a@b"]}}, "must not be repeated"),
    "a second cookie": Bad({"vm": {"args": ["-setcookie", "a"]}}, "must not be repeated"),
    "a second protocol": Bad({"vm": {"args": ["-proto_dist inet6_tcp"]}}, "must not be repeated"),
    "a second port": Bad({"vm": {"args": ["+a", "-erl_epmd_port", "1"]}}, "must not be repeated"),
    "a second lower port": Bad({"vm": {"args": ["-kernel", "inet_dist_listen_min", "1"]}}, "must not be repeated"),
    "two arguments in one entry": Bad({"vm": {"args": ["-kernel shell_history enabled"]}}, "one argument an entry"),
    "a flag and its value in one entry": Bad({"vm": {"args": ["+hms 4000"]}}, "one argument an entry"),
    "too many arguments": Bad({"vm": {"args": ["a"] * 65}}, "spec.vm.args: Too many"),
    "web on port 0": Bad(web(port=0), "spec.web.port"),
    "web on the distribution port": Bad(web(port=6789), "choose another web.port"),
    "distribution on the port of web": Bad({**web(), "distribution": {"port": 4000}}, "choose another web.port"),
    "type of the Service": Bad(web(service={"type": "ExternalName"}), "spec.web.service.type: Unsupported value"),
    "annotations that are a list": Bad(web(service={"annotations": ["a"]}), "spec.web.service.annotations"),
    "two checks at once": Bad(check(httpGet={"path": "/"}, tcpSocket={}), ONE_CHECK),
    "a check and a command": Bad(check(exec={"command": ["true"]}, tcpSocket={}), ONE_CHECK),
    "a check and none": Bad(check(tcpSocket={}, disabled=True), ONE_CHECK),
    "no command": Bad(check(exec={"command": []}), "exec.command"),
    "scheme": Bad(check(httpGet={"path": "/", "port": 1, "scheme": "FTP"}), "httpGet.scheme: Unsupported value"),
    "header with a colon": Bad(
        check(httpGet={"path": "/", "port": 1, "httpHeaders": [{"name": "a:", "value": "b"}]}), "httpHeaders[0].name"
    ),
    "readiness over HTTP of no port": Bad(check(httpGet={"path": "/"}), "there is no web"),
    "liveness over HTTP of no port": Bad({"health": {"liveness": {"httpGet": {"path": "/"}}}}, "there is no web"),
    "no time to stop": Bad({"shutdown": {"preStopSeconds": 10, "gracePeriodSeconds": 10}}, "no time to stop"),
    "no time to stop after what web waits": Bad({**web(), "shutdown": {"gracePeriodSeconds": 5}}, "no time to stop"),
    "negative wait": Bad({"shutdown": {"preStopSeconds": -1}}, "shutdown.preStopSeconds"),
    "hook": Bad({"shutdown": {"hook": "Http"}}, "shutdown.hook: Unsupported value"),
    "protocol of the Service": Bad(web(service={"appProtocol": "http/"}), "service.appProtocol"),
    "size of /tmp": Bad({"tmp": {"sizeLimit": "much"}}, "tmp.sizeLimit"),
    "path without a slash": Bad(check(httpGet={"path": "ready"}), "httpGet.path"),
    "no path": Bad(check(httpGet={}), "httpGet.path: Required value"),
    "check every 0 seconds": Bad(check(periodSeconds=0), "periodSeconds"),
    "variable that is ours": Bad(env("RELEASE_COOKIE", value="hunter2"), "are set by the operator"),
    "flags that are ours": Bad(env("ERL_FLAGS", value="+S 1"), "are set by the operator"),
    "a flag that is ours, elsewhere": Bad(
        env("ELIXIR_ERL_OPTIONS", value="-proto_dist inet_tls"), "must not be repeated in a variable"
    ),
    "a flag that is ours, at the end": Bad(env("ERL_ZFLAGS", value="+S 1 -setcookie a"), "must not be repeated"),
    "another port of epmd": Bad(env("ERL_EPMD_PORT", value="4370"), "epmd is on port 4369"),
    "a port by a parameter": Bad(
        {"vm": {"args": ["-kernel", "erl_epmd_node_listen_port", "1"]}}, "must not be repeated"
    ),
    "another PORT": Bad({**web(), **env("PORT", value="8080")}, "PORT is web.port"),
    "PORT from elsewhere": Bad({**web(), **env("PORT", valueFrom={"fieldRef": {}})}, "PORT is web.port"),
    "a variable twice": Bad({"env": [{"name": "A"}, {"name": "A"}]}, "env[1]: Duplicate value"),
    "variable without a name": Bad({"env": [{"value": "a"}]}, "spec.env[0].name: Required value"),
    "variable with a blank": Bad(env("A B"), "spec.env[0].name"),
    "variable with a digit in front": Bad(env("1A"), "spec.env[0].name"),
    "variable with two values": Bad(env("A", value="a", valueFrom={"fieldRef": {}}), "either value or valueFrom"),
    "variable of 8 KB and one": Bad(env("A", value="a" * 8193), "spec.env[0].value: Too long"),
    "file with a slash": Bad({"files": {"a/b": ""}}, "a name is made of"),
    "hidden file": Bad({"files": {".a": ""}}, "a name is made of"),
    "file with a long name": Bad({"files": {"a" * 201: ""}}, "a name is made of"),
    "file of 64 KB and one": Bad({"files": {"a": "a" * 65537}}, "files.a: Too long"),
    "files of 250 KB and more": Bad({"files": {f"f{i}": "a" * 62501 for i in range(4)}}, "at most 250000 characters"),
    "vm.args with a name": Bad({"files": {"my.vm.args": "-name a@b\n"}}, "a vm.args without names"),
    "too many files": Bad({"files": {f"f{i}": "" for i in range(33)}}, "spec.files: Too many"),
    "resources that are a text": Bad({"resources": "many"}, "spec.resources"),
    "label that is ours": Bad({"podMetadata": {"labels": {"elixircluster.dev/x": "y"}}}, "belong to the operator"),
    "label that all know": Bad(
        {"podMetadata": {"labels": {"app.kubernetes.io/managed-by": "me"}}}, "belong to the operator"
    ),
    "label with a blank": Bad({"podMetadata": {"labels": {"a": "b c"}}}, "podMetadata.labels.a"),
    "label with a bad key": Bad({"podMetadata": {"labels": {"a b": "c"}}}, "a key is a name of"),
    "annotation with a bad key": Bad({"podMetadata": {"annotations": {"a/b/c": "c"}}}, "a key is a name of"),
    "annotation of the Service with a bad key": Bad(web(service={"annotations": {"a b": "c"}}), "a key is a name of"),
    "annotation that is ours": Bad(
        {"podMetadata": {"annotations": {"elixircluster.dev/config": "x"}}}, "belong to the operator"
    ),
    "template that takes our labels": Bad(
        {"podTemplate": {"metadata": {"labels": {"elixircluster.dev/cluster": "other"}}}}, "belong to the operator"
    ),
    "template that takes our annotations": Bad(
        {"podTemplate": {"metadata": {"annotations": {"elixircluster.dev/config": "x"}}}}, "belong to the operator"
    ),
    "template that is a text": Bad({"podTemplate": {"spec": "nonsense"}}, "spec.podTemplate.spec"),
    "selector of machines with a bad key": Bad({"scheduling": {"nodeSelector": {"a b": "c"}}}, "a key is a name of"),
    "annotations of another's account": Bad(
        {"serviceAccount": {"name": "a", "annotations": {"b": "c"}}}, "leave them out"
    ),
    "account that is no name": Bad({"serviceAccount": {"name": "A"}}, "spec.serviceAccount.name"),
    "tolerations that are an object": Bad({"scheduling": {"tolerations": {}}}, "scheduling.tolerations"),
    "volumes that are texts": Bad({"volumes": ["a"]}, "spec.volumes[0]"),
    "volume without a name": Bad({"volumes": [{"emptyDir": {}}]}, "volumes[0].name: Required value"),
    "volume with the name of ours": Bad({"volumes": [{"name": "tmp", "emptyDir": {}}]}, "are the operator's"),
    "a volume twice": Bad({"volumes": [{"name": "a"}, {"name": "a"}]}, "volumes[1]: Duplicate value"),
    "mount without a path": Bad({"volumeMounts": [{"name": "tmp"}]}, "volumeMounts[0].mountPath: Required value"),
    "mount over ours": Bad({"volumeMounts": [{"name": "a", "mountPath": "/tmp"}]}, "are the operator's"),
    "mount over ours with a slash": Bad(
        {"volumeMounts": [{"name": "a", "mountPath": "//etc//elixircluster/"}]}, "are the operator's"
    ),
    "sidecar called app": Bad({"sidecars": [{"name": "app", "image": "a"}]}, "the release's own container"),
    "sidecar without a name": Bad({"sidecars": [{"image": "a"}]}, "sidecars[0].name: Required value"),
    "sidecar with a name that is an object": Bad({"sidecars": [{"name": {}, "image": "a"}]}, "sidecars[0].name"),
    "init container called app": Bad(
        {"initContainers": [{"name": "app", "image": "a"}]}, "the release's own container"
    ),
    "issuer of a kind with a dash": Bad(
        {"distribution": {"tls": {"mode": "CertManager", "issuerRef": {"name": "a", "kind": "a-b"}}}}, "issuerRef.kind"
    ),
    "a certificate of anybody's for nodes that are named by address": Bad(
        {"distribution": {"tls": {"mode": "Secret", "secretRef": {"name": "mine"}}}}, "must be named by host"
    ),
    "sidecars that are an object": Bad({"sidecars": {"name": "a"}}, "spec.sidecars"),
    "negative disruption": Bad({"disruption": {"maxUnavailable": -1}}, "disruption.maxUnavailable"),
    "disruption in percent": Bad({"disruption": {"maxUnavailable": "50%"}}, "disruption.maxUnavailable"),
    "update strategy": Bad({"update": {"strategy": "Surprise"}}, "spec.update.strategy: Unsupported value"),
    "a node ready for longer than a change may take": Bad(
        {"update": {"minReadySeconds": 600}}, "minReadySeconds must be less than update.timeoutSeconds"
    ),
    "a node in the mesh for longer than a change may take": Bad(
        {"update": {"minMeshedSeconds": 600}}, "minMeshedSeconds must be less than update.timeoutSeconds"
    ),
    "a canary where all stop": Bad(
        {"update": {"strategy": "Recreate", "canary": {}}}, "update.canary needs update.strategy Rolling"
    ),
    "a canary of no node": Bad({"update": {"canary": {"nodes": 0}}}, "update.canary.nodes"),
    "what follows a failure": Bad({"update": {"onFailure": "Panic"}}, "spec.update.onFailure: Unsupported value"),
    "a drain that outlasts the update": Bad(
        {"shutdown": {"drain": {"module": "Chat", "function": "drain", "timeoutSeconds": 700}}},
        "shutdown.drain.timeoutSeconds must be less than update.timeoutSeconds",
    ),
    "a drain that is no function": Bad(
        {"shutdown": {"drain": {"module": "Chat", "function": "drain()"}}}, "spec.shutdown.drain.function"
    ),
    "a migration of nothing": Bad({"migration": {"command": []}}, "spec.migration.command"),
    "what becomes of a Secret": Bad(
        {"update": {"onReferenceChange": "Reload"}}, "onReferenceChange: Unsupported value"
    ),
    "paused in words": Bad({"paused": "yes"}, "spec.paused"),
}

NAMES: dict[str, tuple[str, str]] = {
    "53 characters": ("a" * 53, "longer than 52 characters"),
    "a digit in front": ("1chat", "must begin with a letter"),
    "a dot": ("chat.eu", "must begin with a letter"),
    "capitals": ("Chat", "metadata.name"),
}


def cookie(name: str, key: str = "cookie") -> dict[str, Any]:
    return {"distribution": {"cookie": {"secretKeyRef": {"name": name, "key": key}}}}


def template(**spec: Any) -> dict[str, Any]:
    return {"podTemplate": {"spec": spec}}


SECRETS = {
    "newline": "hunter2\n",
    "blank": "hunter2 hunter2",
    "flag": "-hunter2-hunter2-hunter2",
    "empty": "",
    "long": "hunter2" * 40,
    "weak": "hunter2",
}
REFERRED = "spec.distribution.cookie.secretKeyRef"

STALLED: dict[str, Bad] = {
    "cookie that is not there": Bad(cookie("nobody"), REFERRED, "CookieSecretMissing"),
    "cookie under a key that is not there": Bad(cookie("newline", "x"), REFERRED, "CookieKeyMissing"),
    "cookie with a newline": Bad(cookie("newline"), "newline, which would be part of the cookie", "CookieInvalid"),
    "cookie with a blank": Bad(cookie("blank"), "holds a blank", "CookieInvalid"),
    "cookie like a flag": Bad(cookie("flag"), "begins with - or +", "CookieInvalid"),
    "empty cookie": Bad(cookie("empty"), "is empty", "CookieInvalid"),
    "long cookie": Bad(cookie("long"), "longer than 255", "CookieInvalid"),
    "cookie that can be guessed": Bad(cookie("weak"), "shorter than 20 characters", "CookieWeak"),
    "names too long for DNS": Bad(
        {
            "discovery": {"strategy": "DNSSRV", "clusterDomain": "d" * 63 + "." + "e" * 36},
            "release": {"name": "r" * 63},
        },
        "shorten",
        "NameTooLong",
    ),
    "no quantity": Bad({"resources": {"requests": {"cpu": "many"}}}, "quantit", "ApplyRefused"),
    "a request above its limit": Bad(
        {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}}, "requests", "ApplyRefused"
    ),
    "a family that Kubernetes does not have": Bad(
        {"distribution": {"ipFamily": "IPv6"}}, "set it to IPv4", "WrongAddressFamily"
    ),
    "requests that are a list": Bad({"resources": {"requests": ["cpu"]}}, "requests", "ApplyRefused"),
    "volume of two kinds": Bad(
        {"volumes": [{"name": "a", "emptyDir": {}, "hostPath": {"path": "/"}}]}, "volumes", "ApplyRefused"
    ),
    "volume of a kind that there is not": Bad({"volumes": [{"name": "a", "floppy": {}}]}, "floppy", "ApplyRefused"),
    "mount of no volume": Bad(
        {"volumeMounts": [{"name": "nobody", "mountPath": "/x"}]}, "volumeMounts", "ApplyRefused"
    ),
    "sidecar without an image": Bad({"sidecars": [{"name": "a"}]}, "image", "ApplyRefused"),
    "sidecar with a field that there is not": Bad(
        {"sidecars": [{"name": "a", "image": "a", "nonsense": 1}]}, "nonsense", "ApplyRefused"
    ),
    "variables from nowhere": Bad({"envFrom": [{}]}, "envFrom", "ApplyRefused"),
    "a value from two places": Bad(
        env("A", valueFrom={"fieldRef": {"fieldPath": "metadata.name"}, "secretKeyRef": {"name": "a", "key": "b"}}),
        "valueFrom",
        "ApplyRefused",
    ),
    "a value from an odd place": Bad(env("A", valueFrom={"x": "y"}), "valueFrom", "ApplyRefused"),
    "toleration with an odd operator": Bad(
        {"scheduling": {"tolerations": [{"key": "a", "operator": "Maybe"}]}}, "tolerations", "ApplyRefused"
    ),
    "affinity of an odd shape": Bad({"scheduling": {"affinity": {"nodeAffinity": []}}}, "affinity", "ApplyRefused"),
    "spread without a key": Bad(
        {"scheduling": {"topologySpreadConstraints": [{"maxSkew": 1}]}}, "topology", "ApplyRefused"
    ),
    "annotations of 300 KB": Bad(
        {"podMetadata": {"annotations": {f"a{i}": "x" * 60000 for i in range(5)}}}, "annotations", "ApplyRefused"
    ),
    "template without containers": Bad(template(containers=None), "containers", "ApplyRefused"),
    "template with a container that is a number": Bad(template(containers=[5]), "containers", "ApplyRefused"),
    "template with a field that there is not": Bad(template(nonsense=1), "nonsense", "ApplyRefused"),
    "template with a field of another type": Bad(template(hostNetwork="yes"), "hostNetwork", "ApplyRefused"),
    "template that never restarts": Bad(template(restartPolicy="Never"), "restartPolicy", "ApplyRefused"),
    "template with a directive that there is not": Bad(template(**{"$patch": "x"}), "$patch", "InvalidPodTemplate"),
    "template that replaces all": Bad(template(**{"$patch": "replace"}), "containers", "ApplyRefused"),
    "template with another order": Bad(
        template(**{"$setElementOrder/containers": [{"name": "app"}]}), "$setElementOrder", "InvalidPodTemplate"
    ),
}
