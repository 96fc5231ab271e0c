{{- /*
What the operator may do, said once: in the ClusterRole, or in the Role of each watched namespace.
No wildcard, and no verb that it does not use. It cannot read what it has no part in: no pod logs, no exec. Secrets
are created (cookies, certificates), read, and renewed (certificates); never deleted. A kind that only one field of the
resource needs comes with a value of its own (rbac.certManager, rbac.apiDiscovery).
*/ -}}
{{- define "elixircluster.rules" -}}
- apiGroups: [elixircluster.dev]
  resources: [elixirclusters]
  verbs: [get, list, watch]
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
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [get, list, watch, create, patch, delete]
# A migration is created once, and patched to get its label back; one that tells nothing any more is deleted.
- apiGroups: [batch]
  resources: [jobs]
  verbs: [get, list, watch, create, patch, delete]
# A rollout deletes the pod whose turn it is; the StatefulSet makes the new one.
- apiGroups: [""]
  resources: [pods]
  verbs: [get, list, watch, delete]
# Listed by the uid of what they are about, where only an Event says why a pod is not made or not ready.
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch, list]
{{- if .Values.rbac.certManager }}
- apiGroups: [cert-manager.io]
  resources: [certificates]
  verbs: [get, list, create, patch, delete]
{{- end }}
{{- if .Values.rbac.apiDiscovery }}
# The right to read pods and endpoints, which one must have to give.
- apiGroups: [rbac.authorization.k8s.io]
  resources: [roles, rolebindings]
  verbs: [get, list, create, patch, delete]
- apiGroups: [""]
  resources: [endpoints]
  verbs: [get, list]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list]
{{- end }}
{{- end -}}

{{- /* And in the lease's namespace: who of the replicas works. */ -}}
{{- define "elixircluster.leaseRules" -}}
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get, create, update]
{{- end -}}
