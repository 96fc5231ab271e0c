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

{{- define "elixircluster.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "elixircluster.labels" -}}
{{ include "elixircluster.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
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
