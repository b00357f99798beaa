{{/* A kubelet can ask a loopback address on the host's network only. */}}
{{- define "evergate.probeHost" -}}
{{- $address := include "evergate.adminAddress" . }}
{{- if hasPrefix "127." $address }}
{{- if or (not .Values.hostNetwork) .controllerPod }}
{{- fail "adminAddress: the kubelet cannot ask a loopback address in a pod; it is for hostNetwork" }}
{{- end }}, host: {{ $address }}
{{- end }}
{{- end }}

{{/* A flag for each value of .values that is set; .prefix and the value's name in kebab case make the flag's. */}}
{{- define "evergate.optionalFlags" -}}
{{- $prefix := .prefix -}}
{{- range $name, $value := .values }}
{{- if kindIs "slice" $value }}
{{- with $value }}
- {{ printf "--%s%s=%s" $prefix (kebabcase $name) (join "," .) | quote }}
{{- end }}
{{- else if not (or (kindIs "invalid" $value) (kindIs "map" $value) (eq (toString $value) "")) }}
{{- if kindIs "float64" $value }}{{ $value = int64 $value }}{{ end }}
- {{ printf "--%s%s=%v" $prefix (kebabcase $name) $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- define "evergate.controllerArgs" -}}
{{- $c := .Values.controller -}}
- --source=kubernetes
- --ingress-class={{ .Values.ingressClass.name }}
{{- with .Values.watchNamespace }}
- --watch-namespace={{ . }}
{{- end }}
- --http-listen={{ .Values.listenAddress }}:{{ .Values.http.containerPort }}
{{- if .Values.https.enabled }}
- --https-listen={{ .Values.listenAddress }}:{{ .Values.https.containerPort }}
- --https-redirect-to={{ include "evergate.redirectPort" . }}
{{- with .Values.https.defaultCertificate }}
- --default-certificate={{ . }}
{{- end }}
{{- include "evergate.optionalFlags" (dict "prefix" "https-client-" "values" .Values.https.client) }}
{{- else }}
- --https-listen=off
{{- end }}
{{- include "evergate.optionalFlags" (dict "prefix" "" "values" .Values.traffic) }}
{{- if not (kindIs "invalid" .Values.traffic.http2.enabled) }}
- "--http2={{ .Values.traffic.http2.enabled }}"
{{- end }}
{{- include "evergate.optionalFlags" (dict "prefix" "http2-" "values" (omit .Values.traffic.http2 "enabled")) }}
{{- include "evergate.optionalFlags" (dict "prefix" "timeout-" "values" .Values.traffic.timeouts) }}
{{- if include "evergate.separate" . }}
- --rpc-listen=tcp://{{ .Values.listenAddress }}:{{ $c.rpc.port }}
- --rpc-cert=/etc/evergate/rpc/tls.crt
- --rpc-key=/etc/evergate/rpc/tls.key
- --rpc-ca=/etc/evergate/rpc/ca.crt
{{- else }}
- --rpc-listen=unix:/run/evergate/rpc.sock
{{- end }}
- --admin-listen={{ include "evergate.adminAddress" . }}:{{ $c.adminPort }}
{{- if $c.status.addresses }}
- --publish-status-address={{ join "," $c.status.addresses }}
{{- else if $c.status.service }}
- --publish-service={{ $c.status.service }}
{{- else if and $c.status.fromService .Values.service.enabled }}
- --publish-service={{ .Release.Namespace }}/{{ include "evergate.fullname" . }}
{{- end }}
{{- if not $c.leaderElection }}
- --leader-election=false
{{- end }}
- --log-level={{ $c.logLevel }}
- --log-format={{ $c.logFormat }}
{{- with $c.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "evergate.controllerContainer" -}}
{{- $c := .Values.controller -}}
name: controller
image: {{ include "evergate.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- if include "evergate.separate" . }}
command: [evergate-controller]
{{- else }}
# Started again inside the container: a controller that dies does not take its pod out of the Service.
command: [evergate-entrypoint, controller]
{{- end }}
args:
  {{- include "evergate.controllerArgs" . | nindent 2 }}
env:
  - name: POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: POD_NAMESPACE
    valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
  {{- if not (include "evergate.separate" .) }}
  - name: EVERGATE_WATCH_HEALTH
    value: "{{ include "evergate.watchAddress" . }}/{{ $c.adminPort }}"
  {{- end }}
  {{- with $c.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $c.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  - {name: ctl-admin, containerPort: {{ $c.adminPort }}, protocol: TCP}
  {{- if include "evergate.separate" . }}
  - {name: rpc, containerPort: {{ $c.rpc.port }}, protocol: TCP}
  {{- end }}
{{- if include "evergate.separate" . }}
livenessProbe:
  httpGet: {path: /healthz, port: ctl-admin{{ include "evergate.probeHost" . }}}
  {{- toYaml $c.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: ctl-admin{{ include "evergate.probeHost" . }}}
  {{- toYaml $c.readinessProbe | nindent 2 }}
{{- else }}
# No probes: a data plane that serves is ready, whatever its controller does. The entry point watches over it.
lifecycle:
  preStop:
    exec: {command: [sleep, "{{ .Values.drain.endpointRemovalSeconds }}"]}
{{- end }}
resources:
  {{- toYaml $c.resources | nindent 2 }}
securityContext:
  {{- toYaml $c.securityContext | nindent 2 }}
volumeMounts:
  - {name: api-access, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
  {{- if include "evergate.separate" . }}
  - {name: rpc-tls, mountPath: /etc/evergate/rpc, readOnly: true}
  {{- else }}
  - {name: run, mountPath: /run/evergate}
  {{- end }}
  {{- with $c.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{/* The token goes to the controller alone: the data plane has no business with the cluster. */}}
{{- define "evergate.apiAccessVolume" -}}
name: api-access
projected:
  defaultMode: 0440
  sources:
    - serviceAccountToken: {path: token, expirationSeconds: 3607}
    - configMap:
        name: kube-root-ca.crt
        items: [{key: ca.crt, path: ca.crt}]
    - downwardAPI:
        items: [{path: namespace, fieldRef: {apiVersion: v1, fieldPath: metadata.namespace}}]
{{- end }}

{{- define "evergate.dataplaneArgs" -}}
{{- $d := .Values.dataplane -}}
{{- if include "evergate.separate" . -}}
- --controller=tcp://{{ include "evergate.controllerHost" . }}:{{ .Values.controller.rpc.port }}
- --rpc-cert=/etc/evergate/rpc/tls.crt
- --rpc-key=/etc/evergate/rpc/tls.key
- --rpc-ca=/etc/evergate/rpc/ca.crt
{{- else -}}
- --controller=unix:/run/evergate/rpc.sock
{{- end }}
- --admin-listen={{ include "evergate.adminAddress" . }}:{{ $d.adminPort }}
- --state-dir=/var/lib/evergate
- --workers={{ int $d.workers }}
- --drain-timeout={{ .Values.drain.timeoutSeconds }}s
- --access-log={{ $d.accessLog }}
- --endpoint-metrics-limit={{ int $d.endpointMetricsLimit }}
{{- include "evergate.optionalFlags" (dict "prefix" "" "values" $d.limits) }}
{{- with $d.ocsp }}
- --ocsp={{ . }}
{{- end }}
- --log-level={{ $d.logLevel }}
- --log-format={{ $d.logFormat }}
{{- with $d.extraArgs }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* On the host's network no sysctl can lower the first free port: there it takes the file capability. */}}
{{- define "evergate.dataplaneSecurity" -}}
{{- $context := deepCopy .Values.dataplane.securityContext }}
{{- if and .Values.hostNetwork (include "evergate.lowPorts" .) }}
{{- $capabilities := default (dict) (get $context "capabilities") }}
{{- $add := append (without (default (list) (get $capabilities "add")) "NET_BIND_SERVICE") "NET_BIND_SERVICE" }}
{{- $_ := set $context "capabilities" (merge (dict "add" $add) $capabilities) }}
{{- $_ := set $context "allowPrivilegeEscalation" true }}
{{- end }}
{{- toYaml $context }}
{{- end }}

{{- define "evergate.podSecurity" -}}
{{- $context := deepCopy .Values.podSecurityContext }}
{{- $sysctls := default (list) (get $context "sysctls") }}
{{- if and (not .Values.hostNetwork) (include "evergate.lowPorts" .) }}
{{- $sysctls = append $sysctls (dict "name" "net.ipv4.ip_unprivileged_port_start" "value" "0") }}
{{- end }}
{{- $context = omit $context "sysctls" }}
{{- with $sysctls }}{{ $_ := set $context "sysctls" . }}{{ end }}
{{- toYaml $context }}
{{- end }}

{{- define "evergate.port" -}}
- name: {{ .name }}
  containerPort: {{ int .port }}
  {{- with .hostPort }}
  hostPort: {{ int . }}
  {{- end }}
  protocol: TCP
{{- end }}

{{- define "evergate.dataplaneContainer" -}}
{{- $d := .Values.dataplane -}}
name: dataplane
image: {{ include "evergate.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
command: [evergate-dataplane]
args:
  {{- include "evergate.dataplaneArgs" . | nindent 2 }}
env:
  - name: EVERGATE_NODE_ID
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  {{- with $d.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $d.envFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
ports:
  {{- include "evergate.port" (dict "name" "http" "port" .Values.http.containerPort "hostPort" .Values.http.hostPort) | nindent 2 }}
  {{- if .Values.https.enabled }}
  {{- include "evergate.port" (dict "name" "https" "port" .Values.https.containerPort "hostPort" .Values.https.hostPort) | nindent 2 }}
  {{- end }}
  {{- range .Values.tcp }}
  {{- include "evergate.port" (dict "name" .name "port" .port "hostPort" .hostPort) | nindent 2 }}
  {{- end }}
  {{- include "evergate.port" (dict "name" "admin" "port" $d.adminPort) | nindent 2 }}
startupProbe:
  httpGet: {path: /healthz, port: admin{{ include "evergate.probeHost" . }}}
  {{- toYaml $d.startupProbe | nindent 2 }}
livenessProbe:
  httpGet: {path: /healthz, port: admin{{ include "evergate.probeHost" . }}}
  {{- toYaml $d.livenessProbe | nindent 2 }}
readinessProbe:
  httpGet: {path: /readyz, port: admin{{ include "evergate.probeHost" . }}}
  {{- toYaml $d.readinessProbe | nindent 2 }}
lifecycle:
  preStop:
    # Serve on while the pod is taken out of the load balancers; then SIGTERM drains.
    exec: {command: [sleep, "{{ .Values.drain.endpointRemovalSeconds }}"]}
resources:
  {{- toYaml $d.resources | nindent 2 }}
securityContext:
  {{- include "evergate.dataplaneSecurity" . | nindent 2 }}
volumeMounts:
  - {name: state, mountPath: /var/lib/evergate}
  {{- if include "evergate.separate" . }}
  - {name: rpc-tls, mountPath: /etc/evergate/rpc, readOnly: true}
  {{- else }}
  - {name: run, mountPath: /run/evergate}
  {{- end }}
  {{- with $d.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
