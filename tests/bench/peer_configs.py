# SPDX-License-Identifier: Apache-2.0
"""The peers' configurations. All do the same job: keep connections on both sides for as long as they are used, tell the
endpoint the same five things about the client (X-Forwarded-For, -Proto, -Host, -Port and X-Real-IP, as the templates of
marathon-lb and ingress-nginx do), one thread (or as many as asked), deadlines on; a log only where the case is about it."""
import json

HOST = "bench.example"          # leads to an endpoint that speaks HTTP/1.1
H2C_HOST = "h2c.bench.example"  # leads to one that speaks HTTP/2 without TLS
GRPC_HOST = "grpc.bench.example"  # the same, and every response ends with the trailers of gRPC
PACED_HOST = "paced.bench.example"  # leads to paced_client, which is there only while it measures

HAPROXY = """\
global
    nbthread {workers}
    maxconn {connections}
    stats socket {folder}/haproxy.sock level admin
    {log_to}
defaults
    mode http
    http-reuse {reuse}
    option http-keep-alive
    option forwardfor
    {log_format}
    timeout connect 5s
    timeout client 75s
    timeout server 60s
    timeout http-request 10s
    timeout http-keep-alive 75s
    timeout tunnel 1h
frontend web
    bind 127.0.0.1:{port} backlog 4096
    bind 127.0.0.1:{tls_port} backlog 4096 ssl crt {folder}/../both.pem ssl-min-ver TLSv1.2 alpn h2,http/1.1
    http-request set-header X-Real-IP %[src]
    http-request set-header X-Forwarded-Proto http if !{{ ssl_fc }}
    http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
    http-request set-header X-Forwarded-Host %[req.hdr(Host)]
    http-request set-header X-Forwarded-Port %[dst_port]
    use_backend echo if {{ hdr(host) -i {host} }}
    use_backend h2c if {{ hdr(host) -i {h2c_host} }}
    use_backend grpc if {{ hdr(host) -i {grpc_host} }}
    use_backend paced if {{ hdr(host) -i {paced_host} }}
backend echo
    server one 127.0.0.1:{backend} pool-max-conn -1
backend h2c
    server one 127.0.0.1:{h2c_backend} proto h2 pool-max-conn -1
backend grpc
    server one 127.0.0.1:{grpc_backend} proto h2 pool-max-conn -1
backend paced
    server one 127.0.0.1:{paced_backend} pool-max-conn -1
"""

HAPROXY_LOG = (
    """log-format '{"time":"%t","client":"%ci:%cp","method":"%HM","target":"%HU","protocol":"%HV","status":%ST,"""
    """"bytes_in":%U,"bytes_out":%B,"backend":"%b","endpoint":"%si:%sp","duration_ms":%Ta,"connect_ms":%Tc,"""
    """"upstream_ms":%Tr,"retries":%rc,"state":"%ts"}'""")

NGINX = """\
worker_processes {workers};
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/nginx-error.log crit;
worker_rlimit_nofile {descriptors};
events {{ worker_connections {descriptors}; }}
http {{
    {log}
    keepalive_timeout 75s;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream echo {{
        server 127.0.0.1:{backend};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    upstream h2c {{
        server 127.0.0.1:{h2c_backend};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    upstream grpc {{
        server 127.0.0.1:{grpc_backend};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    upstream paced {{
        server 127.0.0.1:{paced_backend};
        keepalive 256;
        keepalive_requests 1000000000;
    }}
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Real-IP $remote_addr;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_max_temp_file_size 0;
    proxy_request_buffering off;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        listen 127.0.0.1:{h2_port} backlog=4096 http2;
        listen 127.0.0.1:{tls_port} backlog=4096 ssl http2;
        server_name {host};
        ssl_certificate {folder}/../cert.pem;
        ssl_certificate_key {folder}/../key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{ proxy_pass http://echo; }}
        location /upgrade {{
            proxy_pass http://echo;
            proxy_set_header Connection "upgrade";
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Host $host;
            proxy_read_timeout 1h;
        }}
    }}
    server {{
        listen 127.0.0.1:{port};
        server_name {paced_host};
        location / {{ proxy_pass http://paced; }}
    }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{h2_port} http2;
        listen 127.0.0.1:{tls_port} ssl http2;
        server_name {h2c_host};
        ssl_certificate {folder}/../cert.pem;
        ssl_certificate_key {folder}/../key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{
            grpc_pass grpc://h2c;
            grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            grpc_set_header X-Real-IP $remote_addr;
            grpc_set_header X-Forwarded-Proto $scheme;
            grpc_set_header X-Forwarded-Host $host;
            grpc_set_header X-Forwarded-Port $server_port;
        }}
    }}
    server {{
        listen 127.0.0.1:{port};
        listen 127.0.0.1:{h2_port} http2;
        listen 127.0.0.1:{tls_port} ssl http2;
        server_name {grpc_host};
        ssl_certificate {folder}/../cert.pem;
        ssl_certificate_key {folder}/../key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        location / {{
            grpc_pass grpc://grpc;
            grpc_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            grpc_set_header X-Real-IP $remote_addr;
            grpc_set_header X-Forwarded-Proto $scheme;
            grpc_set_header X-Forwarded-Host $host;
            grpc_set_header X-Forwarded-Port $server_port;
        }}
    }}
}}
"""

# Lines are collected, as anybody with this many would do; without buffer= each costs a system call.
NGINX_LOG = (
    """log_format json escape=json '{{"time":"$time_iso8601","client":"$remote_addr:$remote_port","""
    """"method":"$request_method","host":"$host","target":"$request_uri","protocol":"$server_protocol","""
    """"status":$status,"bytes_in":$request_length,"bytes_out":$body_bytes_sent,"endpoint":"$upstream_addr","""
    """"duration":$request_time,"upstream":"$upstream_response_time","user_agent":"$http_user_agent"}}';
    access_log {folder}/access.log json buffer=64k flush=1s;""")

# Without scripts it can say the last three only as constants, and has no Via of its own as nobody here has.
NGHTTPX = """\
workers={workers}
frontend=127.0.0.1,{port};no-tls
frontend=127.0.0.1,{tls_port}
private-key-file={folder}/../key.pem
certificate-file={folder}/../cert.pem
backend=127.0.0.1,{backend};;proto=http/1.1
backend=127.0.0.1,{h2c_backend};{h2c_host}/;proto=h2
backend=127.0.0.1,{grpc_backend};{grpc_host}/;proto=h2
backend=127.0.0.1,{paced_backend};{paced_host}/;proto=http/1.1
backlog=4096
rlimit-nofile={descriptors}
frontend-keep-alive-timeout=75s
backend-keep-alive-timeout=60s
frontend-http2-max-concurrent-streams=256
add-x-forwarded-for=yes
add-request-header=x-real-ip: 127.0.0.1
add-request-header=x-forwarded-host: {host}
add-request-header=x-forwarded-port: {port}
no-via=yes
no-ocsp=yes
errorlog-file={folder}/error.log
pid-file={folder}/nghttpx.pid
{log}
"""

NGHTTPX_LOG = (
    """accesslog-file={folder}/access.log
accesslog-format={{"time":"$time_iso8601","client":"$remote_addr:$remote_port","method":"$method","""
    """"host":"$http_host","target":"$path","protocol":"$protocol","status":$status,"bytes_out":$body_bytes_sent,"""
    """"endpoint":"$backend_host:$backend_port","duration":$request_time,"user_agent":"$http_user_agent"}}""")

_EXTENSIONS = "type.googleapis.com/envoy.extensions"
_ENVOY_LOG = {"time": "%START_TIME%", "client": "%DOWNSTREAM_REMOTE_ADDRESS%", "method": "%REQ(:METHOD)%",
              "host": "%REQ(:AUTHORITY)%", "target": "%REQ(:PATH)%", "protocol": "%PROTOCOL%",
              "status": "%RESPONSE_CODE%", "bytes_in": "%BYTES_RECEIVED%", "bytes_out": "%BYTES_SENT%",
              "endpoint": "%UPSTREAM_HOST%", "duration": "%DURATION%", "flags": "%RESPONSE_FLAGS%",
              "user_agent": "%REQ(USER-AGENT)%"}
# X-Forwarded-For and -Proto it says by itself.
_ENVOY_TOLD = [{"header": {"key": key, "value": value}} for key, value in (
    ("x-real-ip", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"), ("x-forwarded-host", "%REQ(:AUTHORITY)%"),
    ("x-forwarded-port", "%DOWNSTREAM_LOCAL_PORT%"))]


def envoy_address(port, address="127.0.0.1"):
    return {"socket_address": {"address": address, "port_value": port}}


def envoy_endpoints(name, addresses):
    """addresses: (address, port) pairs."""
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": [
        {"endpoint": {"address": envoy_address(port, address)}} for address, port in addresses]}]}


def envoy_cluster(name, addresses, http2=False):
    many = 1_000_000  # its default of 1,024 connections, requests and waiting ones is a limit of this benchmark only
    cluster = {"name": name, "type": "STATIC", "connect_timeout": "5s",
               "load_assignment": envoy_endpoints(name, addresses),
               "circuit_breakers": {"thresholds": [{"max_connections": many, "max_pending_requests": many,
                                                    "max_requests": many, "max_retries": many}]}}
    if http2:
        cluster["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": f"{_EXTENSIONS}.upstreams.http.v3.HttpProtocolOptions",
            "explicit_http_config": {"http2_protocol_options": {}}}}
    return cluster


def envoy_host(name, cluster, host):
    return {"name": name, "domains": [host], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}


def envoy_listener(port, hosts, tls=None, log=None):
    """tls: folder of the certificate; log: file."""
    manager = {"@type": f"{_EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
               "stat_prefix": "web", "use_remote_address": True, "generate_request_id": False,
               "upgrade_configs": [{"upgrade_type": "websocket"}, {"upgrade_type": "echo"}],
               "route_config": {"name": "local", "virtual_hosts": hosts, "request_headers_to_add": _ENVOY_TOLD},
               "http_filters": [{"name": "envoy.filters.http.router", "typed_config": {
                   "@type": f"{_EXTENSIONS}.filters.http.router.v3.Router"}}]}
    if log:
        manager["access_log"] = [{"name": "envoy.access_loggers.file", "typed_config": {
            "@type": f"{_EXTENSIONS}.access_loggers.file.v3.FileAccessLog", "path": str(log),
            "log_format": {"json_format": _ENVOY_LOG}}}]
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    if tls:
        chain["transport_socket"] = {"name": "envoy.transport_sockets.tls", "typed_config": {
            "@type": f"{_EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"],
                                   "tls_params": {"tls_minimum_protocol_version": "TLSv1_2",
                                                  "tls_maximum_protocol_version": "TLSv1_3"},
                                   "tls_certificates": [{"certificate_chain": {"filename": f"{tls}/cert.pem"},
                                                         "private_key": {"filename": f"{tls}/key.pem"}}]}}}
    return {"name": f"port{port}", "address": envoy_address(port), "filter_chains": [chain],
            "tcp_backlog_size": 4096}


def envoy(port, tls_port, job, folder):
    hosts = [envoy_host("echo", "echo", HOST), envoy_host("h2c", "h2c", H2C_HOST),
             envoy_host("grpc", "grpc", GRPC_HOST), envoy_host("paced", "paced", PACED_HOST)]
    log = folder / "access.log" if job.log else None
    return json.dumps({"static_resources": {
        "listeners": [envoy_listener(port, hosts, log=log), envoy_listener(tls_port, hosts, folder.parent, log)],
        "clusters": [envoy_cluster("echo", [("127.0.0.1", job.backend)]),
                     envoy_cluster("h2c", [("127.0.0.1", job.h2c_backend)], http2=True),
                     envoy_cluster("grpc", [("127.0.0.1", job.grpc_backend)], http2=True),
                     envoy_cluster("paced", [("127.0.0.1", job.paced_backend)])]}})
