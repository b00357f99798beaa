{{- define "evergate.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" }}
{{- end }}

{{- define "evergate.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains (include "evergate.name" .) .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "evergate.name" .) | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "evergate.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "evergate.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "evergate.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{/* What tells our pods from all others: (dict "root" $ "component" "dataplane") */}}
{{- define "evergate.selector" -}}
app.kubernetes.io/name: {{ include "evergate.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* name, labels and annotations of an object: (dict "root" $ "component" ... "name" ... "labels" ... "annotations" ...) */}}
{{- define "evergate.metadata" -}}
name: {{ .name }}
{{- if not .cluster }}
namespace: {{ default .root.Release.Namespace .namespace }}
{{- end }}
labels:
  helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
  {{- include "evergate.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/part-of: evergate
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  {{- with merge (dict) (default (dict) .labels) .root.Values.commonLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with merge (dict) (default (dict) .annotations) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "evergate.separate" -}}
{{- if eq .Values.controller.mode "separate" }}true{{ end }}
{{- end }}

{{/* Ports on the node itself: two pods of ours cannot share one. */}}
{{- define "evergate.onHost" -}}
{{- $host := or .Values.hostNetwork .Values.http.hostPort (and .Values.https.enabled .Values.https.hostPort) }}
{{- range .Values.tcp }}{{ $host = or $host .hostPort }}{{ end }}
{{- if $host }}true{{ end }}
{{- end }}

{{/* Some port below 1024 is to be bound in the pod. */}}
{{- define "evergate.lowPorts" -}}
{{- $low := or (lt (int .Values.http.containerPort) 1024) (and .Values.https.enabled (lt (int .Values.https.containerPort) 1024)) }}
{{- range .Values.tcp }}{{ $low = or $low (lt (int .port) 1024) }}{{ end }}
{{- if $low }}true{{ end }}
{{- end }}

{{- define "evergate.gracePeriod" -}}
{{- $needed := add .Values.drain.endpointRemovalSeconds .Values.drain.timeoutSeconds }}
{{- $wanted := .Values.drain.terminationGracePeriodSeconds }}
{{- if kindIs "invalid" $wanted }}
{{- add $needed 10 }}
{{- else if le (int $wanted) (int $needed) }}
{{- fail (printf "drain.terminationGracePeriodSeconds=%d must be more than endpointRemovalSeconds + timeoutSeconds = %d" (int $wanted) (int $needed)) }}
{{- else }}
{{- $wanted }}
{{- end }}
{{- end }}

{{/* Constraints or the like without a labelSelector get ours: (dict "root" $ "component" ... "list" ...) */}}
{{- define "evergate.spread" -}}
{{- $own := dict "matchLabels" (include "evergate.selector" . | fromYaml) }}
{{- range .list }}
- {{ toYaml (merge (dict) . (dict "labelSelector" $own)) | nindent 2 | trim }}
{{- end }}
{{- end }}

{{/* What both pods of ours have in common, of .place = .Values or .Values.controller */}}
{{- define "evergate.scheduling" -}}
{{- with .place.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .place.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .place.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .place.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .place.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- include "evergate.spread" (dict "root" $.root "component" $.component "list" .) | trim | nindent 2 }}
{{- end }}
{{- end }}

{{- define "evergate.rpcSecret" -}}
{{- $tls := .root.Values.controller.rpc.tls }}
{{- if eq $tls.source "existing" }}
{{- required (printf "controller.rpc.tls.%sSecret is needed with source=existing" .component) (get $tls (printf "%sSecret" .component)) }}
{{- else }}
{{- printf "%s-rpc-%s" (include "evergate.fullname" .root) .component }}
{{- end }}
{{- end }}

{{- define "evergate.controllerHost" -}}
{{- printf "%s-controller.%s.svc" (include "evergate.fullname" .) .Release.Namespace }}
{{- end }}

{{/* The data plane's own account, which may do nothing; separate controllers only. */}}
{{- define "evergate.dataplaneAccount" -}}
{{- printf "%s-dataplane" (include "evergate.fullname" .) }}
{{- end }}

{{- define "evergate.adminAddress" -}}
{{- if .Values.adminAddress }}
{{- .Values.adminAddress }}
{{- else if and .Values.hostNetwork (not .controllerPod) }}
{{- "127.0.0.1" }}
{{- else }}
{{- .Values.listenAddress }}
{{- end }}
{{- end }}

{{- define "evergate.servicePort" -}}
- name: {{ .name }}
  port: {{ int .port }}
  targetPort: {{ .name }}
  {{- with .nodePort }}
  nodePort: {{ int . }}
  {{- end }}
  {{- with .appProtocol }}
  appProtocol: {{ . }}
  {{- end }}
  protocol: TCP
{{- end }}

{{/* minAvailable or maxUnavailable of a PodDisruptionBudget */}}
{{- define "evergate.budget" -}}
{{- if not (kindIs "invalid" .minAvailable) -}}
minAvailable: {{ .minAvailable }}
{{- else -}}
maxUnavailable: {{ .maxUnavailable }}
{{- end }}
{{- end }}

{{/* What the controller does in the namespaces it watches. */}}
{{- define "evergate.watchRules" -}}
- apiGroups: [networking.k8s.io]
  resources: [ingresses]
  verbs: [get, list, watch]
- apiGroups: [networking.k8s.io]
  resources: [ingresses/status]
  verbs: [patch, update]
- apiGroups: [""]
  resources: [services]
  verbs: [get, list, watch]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, list, watch]
{{- if and .Values.rbac.secrets .Values.https.enabled }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
{{- end }}
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- define "evergate.binding" -}}
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ ternary "ClusterRoleBinding" "RoleBinding" (default false .cluster) }}
metadata:
  {{- include "evergate.metadata" (dict "root" .root "component" "controller" "name" .name "cluster" .cluster "namespace" .namespace) | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ .kind }}
  name: {{ .role }}
subjects:
  - kind: ServiceAccount
    name: {{ include "evergate.serviceAccountName" .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}

{{/* One endpoint of a monitor: (dict "port" ... "how" .Values.metrics....) */}}
{{- define "evergate.scrape" -}}
- port: {{ .port }}
  path: /metrics
  interval: {{ .how.interval }}
  scrapeTimeout: {{ .how.scrapeTimeout }}
  relabelings:
    # What the alerts and the dashboard know the programs by.
    - {targetLabel: job, replacement: {{ .job }}}
    {{- with .how.relabelings }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .how.metricRelabelings }}
  metricRelabelings:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "evergate.certificate" -}}
secretName: {{ .secret }}
commonName: {{ .host | trunc 64 | trimSuffix "." | trimSuffix "-" }}
dnsNames: [{{ .host }}]
usages: [digital signature, {{ .usage }}]
duration: {{ .tls.duration }}
renewBefore: {{ .tls.renewBefore }}
privateKey: {algorithm: ECDSA, size: 256, rotationPolicy: Always}
issuerRef:
  {{- toYaml (merge (dict) .issuer (dict "kind" "Issuer" "group" "cert-manager.io")) | nindent 2 }}
{{- end }}

{{/* The https port as clients see it. */}}
{{- define "evergate.redirectPort" -}}
{{- $seen := ternary .Values.https.containerPort (default .Values.https.servicePort .Values.https.hostPort) .Values.hostNetwork }}
{{- default $seen .Values.https.redirectPort | int }}
{{- end }}

{{/* Where the entry point asks for the sidecar's health. */}}
{{- define "evergate.watchAddress" -}}
{{- $address := include "evergate.adminAddress" . }}
{{- get (dict "0.0.0.0" "127.0.0.1" "[::]" "::1") $address | default (trimAll "[]" $address) }}
{{- end }}
