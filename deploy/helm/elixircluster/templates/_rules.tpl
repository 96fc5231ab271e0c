{{- /*
What the operator may do, said once: in the ClusterRole, or in the Role of each watched namespace.
No wildcard, and no verb that it does not use. It cannot read what it has no part in: no pod logs, no exec. Secrets
are created (cookies, certificates), read, and renewed (certificates); never deleted.
*/ -}}
{{- define "elixircluster.rules" -}}
- apiGroups: [elixircluster.dev]
  resources: [elixirclusters]
  verbs: [list, watch]
- apiGroups: [elixircluster.dev]
  resources: [elixirclusters/status]
  verbs: [patch]
# An owner reference that blocks the owner's deletion needs this where the API server checks it.
- apiGroups: [elixircluster.dev]
  resources: [elixirclusters/finalizers]
  verbs: [update]
- apiGroups: [apps]
  resources: [statefulsets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [""]
  resources: [services, serviceaccounts, configmaps]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch, create, patch]
- apiGroups: [networking.k8s.io]
  resources: [networkpolicies]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [cert-manager.io]
  resources: [certificates]
  verbs: [get, list, create, patch, delete]
# For discovery by the API server: the right to read pods and endpoints, which one must have to give.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, watch, create, patch, delete]
- apiGroups: [""]
  resources: [endpoints]
  verbs: [get, list]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# A rollout deletes the pod whose turn it is; the StatefulSet makes the new one.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end -}}

{{- /* And in the lease's namespace: who of the replicas works. */ -}}
{{- define "elixircluster.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end -}}
