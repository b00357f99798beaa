// SPDX-License-Identifier: Apache-2.0
// What both programs agree on: the plain values of a configuration.
//
// Values know no source (Ingress, Marathon, files) and no wire format (json.cpp has that). Every
// type here is copyable, comparable and free of invariants; validation.hpp says which values make
// sense. All text from a cluster object is data: nothing here is ever interpreted as code, path or
// template.
#pragma once

#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace evergate::model {

// The kinds of the keyed map, in the order in which they are written and applied.
enum class Kind : std::uint8_t { settings, certificate, listener, backend, endpoints, route };
inline constexpr std::size_t kKinds = 6;

// Names one value: "listener/http", "route/shop/cart/0/1". The text form is kind + '/' + name.
struct Key {
    Kind kind = Kind::settings;
    std::string name{};

    friend auto operator<=>(const Key&, const Key&) = default;
};

// Client certificates a host's TLS handshake asks for. optional: whoever shows none is served too.
enum class ClientCertificates : std::uint8_t { off, optional, required };

// Who may show one (RFC 5280): signed by `authorities`, over at most `depth` intermediates.
struct ClientVerification {
    ClientCertificates mode = ClientCertificates::off;
    std::string authorities{};  // PEM; empty with a mode: nobody
    std::uint32_t depth = 3;
    std::string revocations{};  // PEM of CRLs; empty: none is revoked

    friend bool operator==(const ClientVerification&, const ClientVerification&) = default;
};

// A certificate chain with its key: what https listeners show to clients that ask for one of its
// hosts (SNI, RFC 6066 §3). The key never appears in a log, an admin answer or a problem.
struct Certificate {
    std::vector<std::string> hosts{};  // lower case; "*.example.com" = one label
    std::string chain{};               // PEM, the host's certificate first
    std::string key{};                 // PEM, without passphrase
    std::string origin{};              // the object it came from, for people: "Secret shop/tls"
    ClientVerification clients{};      // of handshakes that get this certificate

    friend bool operator==(const Certificate&, const Certificate&) = default;
};

// tls: as tcp behind a TLS handshake that ends here.
enum class ListenerProtocol : std::uint8_t { http, tcp, https, tls };

// No requests are looked for: the connection as a whole goes to one endpoint.
constexpr bool carriesBytes(ListenerProtocol protocol) noexcept {
    return protocol == ListenerProtocol::tcp || protocol == ListenerProtocol::tls;
}

// An address and port the data plane accepts on. The key's name is stable; address and port are
// not.
struct Listener {
    std::string address{};  // IP literal, "0.0.0.0" or "::"
    std::uint16_t port = 0;
    ListenerProtocol protocol = ListenerProtocol::http;
    std::string backend{};  // tcp and tls only: where every connection goes
    // tcp and tls only: as Route's.
    bool restrictSources = false;
    std::vector<std::string> allowSources{};
    std::uint32_t maxConnections = 0;  // at once, per data plane; 0 = no limit of its own
    // Networks whose connections must begin with a PROXY protocol header (v1 or v2); what it says
    // becomes the client's address. Others speak for themselves. Empty: nobody sends one.
    std::vector<std::string> proxyProtocolFrom{};

    friend bool operator==(const Listener&, const Listener&) = default;
};

enum class PathType : std::uint8_t {
    exact,   // the whole path, byte for byte
    prefix,  // by path element (Kubernetes "Prefix"): /foo matches /foo and /foo/bar, never /foobar
    rawPrefix,  // by byte ("ImplementationSpecific", as ingress-nginx): /foo matches /foobar too
};

// A header field to be set. The name is lower case; the value is visible ASCII, spaces and tabs.
struct HeaderField {
    std::string name{};
    std::string value{};

    friend auto operator<=>(const HeaderField&, const HeaderField&) = default;
};

// A match and where matching requests go. Precedence is decided by the matcher, never by order:
// exact host, then one-label wildcard, then any host; in a host: exact path, then the longest
// prefix, element-wise before raw at equal length.
struct Route {
    std::vector<std::string> listeners{};  // names of http listeners this route is served on
    std::string host{};                    // lower case; "" = any host; "*.example.com" = one label
    PathType pathType = PathType::prefix;
    std::string path = "/";
    std::string backend{};  // name of a Backend
    std::string origin{};   // the object it came from, for people: "Ingress shop/cart"
    // Replaces the matched prefix of the path, by element; empty: the path stays as it is.
    std::string rewritePrefix{};
    // Applied after our own X-Forwarded-*; hop-by-hop and framing fields are refused by validation.
    std::vector<HeaderField> requestHeadersSet{};
    std::vector<std::string> requestHeadersRemove{};  // lower case
    std::vector<HeaderField> responseHeadersSet{};
    std::vector<std::string> responseHeadersRemove{};
    // On a listener without TLS: answered with 308 to https://<host>[:redirectPort]<target>.
    bool redirectToHttps = false;
    std::uint16_t redirectPort = 443;
    // Only clients of these networks (CIDR) are served, the others get 403. An empty list with
    // restrictSources serves nobody: what a mistake in the list must lead to.
    bool restrictSources = false;
    std::vector<std::string> allowSources{};
    std::uint64_t maxBodyBytes = 0;  // of a request; above: 413; 0 = no limit
    // On https listeners TLS connections to this host go to the backend as they are, by SNI.
    bool passthrough = false;
    // Over connections whose client certificate was not verified: required is answered with 421
    // where it would have been asked for, so that another host's handshake does not open this one.
    ClientCertificates clientCertificates = ClientCertificates::off;
    bool clientCertificateHeaders = false;  // tell the backend who the client is
    // Codings a response may get for clients that accept them, best first: "gzip", "br", "zstd".
    std::vector<std::string> compress{};
    std::vector<std::string> compressTypes{};  // media types, "text/*" too; empty: the usual ones
    std::uint64_t compressMinBytes = 1'024;    // shorter ones stay as they are
    bool grpcWeb = false;                      // gRPC-Web requests are translated to gRPC

    friend bool operator==(const Route&, const Route&) = default;
};

// ewma: the lower of two random endpoints' expected latency times its load (peak EWMA).
enum class BalanceAlgorithm : std::uint8_t { roundRobin, leastRequest, consistentHash, ewma };
enum class HashOn : std::uint8_t { clientAddress, path, header };

// h2c, h2: HTTP/2 with prior knowledge, without and over TLS.
enum class BackendProtocol : std::uint8_t { http, https, h2c, h2 };
// tls: a handshake that completes; grpc: grpc.health.v1.Health/Check answers SERVING.
enum class HealthCheckType : std::uint8_t { none, tcp, http, tls, grpc };
// The PROXY protocol header sent to endpoints (haproxy/doc/proxy-protocol.txt).
enum class ProxyProtocol : std::uint8_t { none, v1, v2 };

// Active checks of every endpoint of a backend; made once per data plane, shared by its workers.
struct HealthCheck {
    HealthCheckType type = HealthCheckType::none;
    std::string path = "/";  // http
    std::string host{};      // http: Host of the check; empty: the endpoint's address
    std::uint16_t port = 0;  // 0: the endpoint's own
    std::chrono::milliseconds interval{5'000};
    std::chrono::milliseconds timeout{2'000};
    std::uint32_t healthyThreshold = 2;    // good checks in a row that bring an endpoint back
    std::uint32_t unhealthyThreshold = 3;  // bad ones in a row that take it out
    std::uint16_t statusLow = 200;         // http: a status in low..high is good
    std::uint16_t statusHigh = 399;
    std::string grpcService{};  // grpc: whose health is asked for; empty: the server's

    friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

// Passive checks: what requests found out about an endpoint takes it out for a while. Each worker
// counts what it saw; the process decides. Off while every trigger is 0.
struct OutlierDetection {
    std::uint32_t consecutiveFailures = 0;  // connect errors, resets, timeouts, 5xx in a row
    std::uint32_t failurePercent = 0;       // of an interval's requests (at least minimumRequests)
    std::uint32_t latencyPercent = 0;       // of the median endpoint's mean latency: 300 = 3 times
    std::uint32_t minimumRequests = 20;     // below: percentages say nothing
    std::chrono::milliseconds interval{10'000};
    std::chrono::milliseconds ejectionTime{30'000};  // times the number of ejections in a row
    std::uint32_t maxEjectedPercent = 50;            // of a backend's endpoints; one always may

    friend bool operator==(const OutlierDetection&, const OutlierDetection&) = default;
};

// Is any trigger on?
constexpr bool watches(const OutlierDetection& outlier) noexcept {
    return outlier.consecutiveFailures != 0 || outlier.failurePercent != 0 ||
           outlier.latencyPercent != 0;
}

// A named group of endpoints (a Service port, a Marathon service port) and how to talk to it.
// Its endpoints are a value of their own (kind Endpoints, same name): they change far more often.
struct Backend {
    BalanceAlgorithm balance = BalanceAlgorithm::roundRobin;
    HashOn hashOn = HashOn::clientAddress;
    std::string hashHeader{};                           // HashOn::header only; lower case
    std::chrono::milliseconds connectTimeout{5'000};    // TCP connect to one endpoint
    std::chrono::milliseconds responseTimeout{60'000};  // last request byte -> first response byte
    std::chrono::milliseconds inactivityTimeout{60'000};  // between two pieces of a body
    std::uint32_t retries = 1;                            // other endpoints tried when that is safe
    std::chrono::milliseconds queueTimeout{5'000};  // waiting for a connection under maxConnections
    std::uint32_t maxConnections = 0;               // to one endpoint, per data plane; 0 = no limit
    std::uint32_t maxPending = 1'024;               // requests waiting for one; above: 503 at once
    // Name of the cookie that keeps a client on its endpoint; empty: none.
    std::string affinityCookie{};
    BackendProtocol protocol = BackendProtocol::http;
    bool tlsVerify = false;        // https: check the certificate and its name
    std::string tlsServerName{};   // https: SNI and expected name; empty: the Host of the request
    std::string tlsAuthorities{};  // https: PEM; empty: the system's
    HealthCheck healthCheck{};
    OutlierDetection outlier{};
    // Fewer usable endpoints than this share: checks are not believed, all are used. 0: only when
    // none is left.
    std::uint32_t panicPercent = 0;
    std::chrono::milliseconds slowStart{0};  // an endpoint that came (back) takes its share by then
    // consistentHash: no endpoint gets more than this share of the mean load; 0 = no bound, else
    // over 100.
    std::uint32_t hashLoadPercent = 0;
    std::vector<std::uint16_t> retryStatuses{};  // 5xx answers that are tried again elsewhere
    std::chrono::milliseconds perTryTimeout{0};  // of responseTimeout, before another try; 0: none
    std::uint32_t retryBudgetPercent = 20;       // retries under way / requests under way; 3 always
    std::chrono::milliseconds hedgeConnect{0};   // then a second endpoint is tried too; 0: never
    bool abortOnClientClose = true;  // false: a request under way is finished without its client
    ProxyProtocol proxyProtocol = ProxyProtocol::none;
    std::string tlsCertificate{};  // Certificate shown to endpoints that ask for one; empty: none

    friend bool operator==(const Backend&, const Backend&) = default;
};

// One address and port of a backend. Ready endpoints only: a source leaves the others out.
struct Endpoint {
    std::string address{};  // IP literal
    std::uint16_t port = 0;
    std::uint32_t weight = 1;  // 0..1000; 0 takes no new requests

    friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// All endpoints of the backend of the same name; sorted by address and port, no duplicates.
struct Endpoints {
    std::vector<Endpoint> endpoints{};

    friend bool operator==(const Endpoints&, const Endpoints&) = default;
};

// Header names with '_', which CGI-like backends take for '-'.
enum class HeaderUnderscores : std::uint8_t { allow, remove, refuse };
// Versions and ciphers for clients, by the names of Mozilla's Server Side TLS 5.7.
enum class TlsPolicy : std::uint8_t { intermediate, modern, old };
// Where trusted proxies say who the client is.
enum class ClientAddressHeader : std::uint8_t { xForwardedFor, forwarded };

// What clients of http and https listeners may speak. on: HTTP/1.1 and HTTP/2, offered by ALPN and
// understood without TLS by its preface (prior knowledge). only: HTTP/2 from the first byte.
enum class ClientHttp2 : std::uint8_t { off, on, only };

// What holds for the whole data plane. One value, key "settings/global"; absent means all defaults.
struct Settings {
    std::chrono::milliseconds headTimeout{10'000};  // first byte (or accept) -> whole request head
    std::chrono::milliseconds keepAliveTimeout{75'000};  // idle client connection between requests
    std::chrono::milliseconds bodyTimeout{60'000};       // between two pieces of a request body
    std::chrono::milliseconds writeTimeout{30'000};      // a client that does not take bytes
    std::chrono::milliseconds tunnelTimeout{3'600'000};  // idle upgraded or TCP connection
    std::chrono::milliseconds upstreamIdleTimeout{60'000};  // idle pooled upstream connection
    std::uint32_t maxHeadBytes = 32'768;  // request or response head; at most 65536
    std::uint32_t maxHeaders = 128;
    // Certificate for clients that ask for no host or an unknown one; empty: a self-signed one.
    std::string defaultCertificate{};
    std::chrono::milliseconds handshakeTimeout{10'000};  // TLS with a client, whole
    std::chrono::milliseconds halfCloseTimeout{30'000};  // a tunnel with one side ended, idle
    std::uint32_t minimumBodyRate = 240;    // bytes/s of a request body after 5 s; 0 = any
    std::uint32_t maxInterimResponses = 8;  // 1xx before the final response; more is a 502
    HeaderUnderscores headerUnderscores = HeaderUnderscores::allow;
    std::string via{};         // pseudonym in Via (RFC 9110 §7.6.3); empty: none is added
    std::string serverName{};  // Server of responses that have none; empty: none is added
    // Networks of proxies in front of us whose word on the client's address is believed.
    std::vector<std::string> trustedProxies{};
    ClientAddressHeader clientAddressHeader = ClientAddressHeader::xForwardedFor;
    std::uint32_t maxConnectionsPerClient = 0;  // by address, per data plane; 0 = no limit
    TlsPolicy tlsPolicy = TlsPolicy::intermediate;
    ClientHttp2 http2 = ClientHttp2::on;
    std::uint32_t http2MaxStreams = 128;  // at once, on one client connection

    friend bool operator==(const Settings&, const Settings&) = default;
};

using Value = std::variant<Settings, Listener, Backend, Endpoints, Route, Certificate>;

Kind kindOf(const Value& value) noexcept;
std::string_view name(Kind kind) noexcept;
std::string toText(const Key& key);

// Something wrong with one value: where (field path, "listener/http.port") and what.
struct Problem {
    std::string where{};
    std::string what{};

    friend auto operator<=>(const Problem&, const Problem&) = default;
};

}  // namespace evergate::model
