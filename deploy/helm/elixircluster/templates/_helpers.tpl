{{- define "elixircluster.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "elixircluster.releaseLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "elixircluster.selectorLabels" -}}
{{ include "elixircluster.releaseLabels" . }}
app.kubernetes.io/component: operator
{{- end -}}

{{- /* On every object. What the chart says wins over commonLabels. */ -}}
{{- define "elixircluster.labels" -}}
{{- $ours := dict
      "app.kubernetes.io/version" .Chart.AppVersion
      "app.kubernetes.io/managed-by" .Release.Service
      "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_") -}}
{{- merge (include "elixircluster.selectorLabels" . | fromYaml) $ours .Values.commonLabels | toYaml -}}
{{- end -}}

{{- /*
On the operator's pods. By the label of our own, and by the pods' namespace, the NetworkPolicies of clusters let the
operator in, however the release and its objects are called.
*/ -}}
{{- define "elixircluster.podLabels" -}}
{{- $ours := merge (include "elixircluster.selectorLabels" . | fromYaml) (dict "elixircluster.dev/operator" "true") -}}
{{- merge $ours .Values.podLabels .Values.commonLabels | toYaml -}}
{{- end -}}

{{- define "elixircluster.image" -}}
{{- if .Values.image.digest -}}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest -}}
{{- else -}}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) -}}
{{- end -}}
{{- end -}}

{{- /*
Replicas keep apart where they can. Not by topologySpreadConstraints: one whose key a machine does not have, such as
the zone, makes the scheduler leave that machine out of the count of all of them.
*/ -}}
{{- define "elixircluster.podAntiAffinity" -}}
preferredDuringSchedulingIgnoredDuringExecution:
  {{- range $key, $weight := dict "kubernetes.io/hostname" 100 "topology.kubernetes.io/zone" 50 }}
  - weight: {{ $weight }}
    podAffinityTerm:
      topologyKey: {{ $key }}
      labelSelector:
        matchLabels:
          {{- include "elixircluster.selectorLabels" $ | nindent 10 }}
  {{- end }}
{{- end -}}

{{- define "elixircluster.serviceAccountName" -}}
{{- if .Values.serviceAccount.create -}}
{{- default (include "elixircluster.fullname" .) .Values.serviceAccount.name -}}
{{- else -}}
{{- default "default" .Values.serviceAccount.name -}}
{{- end -}}
{{- end -}}

{{- define "elixircluster.leaseNamespace" -}}
{{- default .Release.Namespace .Values.lease.namespace -}}
{{- end -}}

{{- /* The ConfigMap with the user's templates; empty when there is none. */ -}}
{{- define "elixircluster.templatesConfigMap" -}}
{{- if .Values.templates.existingConfigMap -}}
{{- .Values.templates.existingConfigMap -}}
{{- else if .Values.templates.files -}}
{{- include "elixircluster.fullname" . }}-templates
{{- end -}}
{{- end -}}

{{- define "elixircluster.subjects" -}}
- kind: ServiceAccount
  name: {{ include "elixircluster.serviceAccountName" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}
