// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/admin_api.hpp"

#include <algorithm>
#include <array>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <charconv>
#include <iterator>
#include <memory>
#include <utility>

#include "common/process/process_metrics.hpp"
#include "common/process/prometheus_text.hpp"
#include "common/process/version.hpp"
#include "dataplane/control/api_json.hpp"
#include "dataplane/control/dashboard_page.hpp"
#include "dataplane/control/explain.hpp"
#include "dataplane/tls/server_certificates.hpp"

namespace evergate::dataplane {
namespace {

using process::AdminRequest;
using process::AdminResponse;

constexpr std::size_t kDefaultConnections = 100;
constexpr std::size_t kMaxConnections = 10'000;

AdminResponse json(std::string body) {
    return AdminResponse::json(std::move(body));
}

AdminResponse failure(unsigned status, std::string_view why) {
    return AdminResponse::error(status, why);
}

// The parameter as a number up to `most`; nothing when it is there but malformed.
std::optional<std::size_t> numberOf(const AdminRequest& request, std::string_view name,
                                    std::size_t otherwise, std::size_t most) {
    if (!request.query.contains(name))
        return otherwise;
    const std::string_view value = request.parameter(name);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size())
        return std::nullopt;
    return std::min(number, most);
}

std::optional<model::Kind> kindNamed(std::string_view wanted) {
    for (const model::Kind kind :
         {model::Kind::settings, model::Kind::certificate, model::Kind::listener,
          model::Kind::backend, model::Kind::endpoints, model::Kind::route}) {
        if (model::name(kind) == wanted)
            return kind;
    }
    return std::nullopt;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
        text.remove_suffix(1);
    return text;
}

// "Name: value" lines; nothing when one has no colon.
std::optional<std::vector<std::pair<std::string, std::string>>> headersOf(std::string_view lines) {
    std::vector<std::pair<std::string, std::string>> headers;
    while (!lines.empty()) {
        const auto end = std::min(lines.find('\n'), lines.size());
        const std::string_view line = lines.substr(0, end);
        lines.remove_prefix(std::min(end + 1, lines.size()));
        if (trim(line).empty())
            continue;
        const auto colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
            return std::nullopt;
        headers.emplace_back(trim(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    return headers;
}

// Turns the callback into something a coroutine can await. The reply is posted: a completion must
// not run inside its own initiation.
boost::asio::awaitable<AdminResponse> answer(AdminApi& api, boost::asio::any_io_executor control,
                                             AdminRequest request) {
    const auto initiate = [&](auto handler) {
        auto shared = std::make_shared<decltype(handler)>(std::move(handler));
        api.handle(request, [shared, control](AdminResponse response) {
            boost::asio::post(control, [shared, response = std::move(response)]() mutable {
                std::move (*shared)(std::move(response));
            });
        });
    };
    co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>,
                                                   void(AdminResponse)>(initiate,
                                                                        boost::asio::use_awaitable);
}

}  // namespace

struct AdminApi::Row {
    const char* method;
    const char* path;
    Handler handler;
};

std::span<const AdminApi::Row> AdminApi::rows() {
    static constexpr std::array<Row, 13> kRows{{
        {"GET", "/", &AdminApi::page},
        {"GET", "/healthz", &AdminApi::health},
        {"GET", "/readyz", &AdminApi::readiness},
        {"GET", "/metrics", &AdminApi::metrics},
        {"GET", "/api/v1/status", &AdminApi::status},
        {"GET", "/api/v1/config", &AdminApi::config},
        {"GET", "/api/v1/routes", &AdminApi::routes},
        {"GET", "/api/v1/listeners", &AdminApi::listeners},
        {"GET", "/api/v1/backends", &AdminApi::backends},
        {"GET", "/api/v1/connections", &AdminApi::connections},
        {"GET", "/api/v1/revisions", &AdminApi::revisions},
        {"GET", "/api/v1/explain", &AdminApi::explainRequest},
        {"POST", "/api/v1/drain", &AdminApi::drain},
    }};
    return kRows;
}

AdminApi::AdminApi(const ConfigApplier& applier, WorkerReports& workers, AdminApiOptions options)
    : applier_(applier), workers_(workers), options_(std::move(options)) {}

void AdminApi::mount(process::AdminServer& server, boost::asio::any_io_executor control) {
    for (const Row& row : rows()) {
        server.route(row.method, row.path, [this, control](AdminRequest request) {
            return answer(*this, control, std::move(request));
        });
    }
}

void AdminApi::handle(const AdminRequest& request, Done done) {
    for (const Row& row : rows()) {
        if (request.path == row.path && request.method == row.method)
            return (this->*row.handler)(request, std::move(done));
    }
    done(failure(404, "no such page; see docs/api.md"));
}

std::string AdminApi::notReadyReason() const {
    if (options_.facts().draining)
        return "draining";
    return applier_.ready() ? "" : "no configuration applied yet";
}

void AdminApi::page(const AdminRequest&, Done done) {
    done(AdminResponse::html(std::string(kDashboardPage)));
}

void AdminApi::health(const AdminRequest&, Done done) {
    done(AdminResponse::text("ok"));
}

void AdminApi::readiness(const AdminRequest&, Done done) {
    const std::string reason = notReadyReason();
    done(reason.empty() ? AdminResponse::text("ok") : AdminResponse::text(reason, 503));
}

void AdminApi::metrics(const AdminRequest&, Done done) {
    workers_.collect([this, done = std::move(done)](std::vector<worker::WorkerStats> stats) {
        auto scrape = std::make_shared<Scrape>();
        scrape->workers = std::move(stats);
        const bool endpoints = endpointCount() <= options_.series.endpoints;
        workers_.collectTraffic(endpoints, [this, done, scrape](worker::TrafficReport traffic) {
            scrape->traffic = std::move(traffic);
            writeMetrics(std::move(*scrape), done);
        });
    });
}

std::size_t AdminApi::endpointCount() const {
    std::size_t count = 0;
    for (const auto& [key, entry] : EntriesOfKind(applier_.endpoints(), model::Kind::endpoints)) {
        if (const auto* endpoints = std::get_if<model::Endpoints>(entry.value.get()))
            count += endpoints->endpoints.size();
    }
    return count;
}

// What is configured now. The names live as long as the applier's snapshot and configuration.
void AdminApi::describeConfiguration(Scrape& scrape) const {
    scrape.endpointCount = endpointCount();
    const auto& snapshot = applier_.snapshot();
    if (!snapshot)
        return;
    scrape.backendCount = snapshot->backends.size();
    for (const auto& target : snapshot->routes.targets()) {
        RouteFacts facts{target->route, target->backend, {}, {}, target->origin};
        const auto& entries = applier_.config()->entries();
        const auto entry = entries.find(model::Key{model::Kind::route, target->route});
        if (entry != entries.end()) {
            const auto& route = std::get<model::Route>(*entry->second.value);
            facts.host = route.host;
            facts.path = route.path;
        }
        scrape.routes.emplace(target->statsIndex, facts);
    }
}

void AdminApi::writeMetrics(Scrape scrape, const Done& done) const {
    describeConfiguration(scrape);
    // Names of configured backends only: a removed one may still live in the workers.
    std::vector<std::string_view> names;
    if (const auto& snapshot = applier_.snapshot(); snapshot && !snapshot->backends.empty()) {
        names.resize(snapshot->backends.back().id + std::size_t{1});
        for (const auto& backend : snapshot->backends)
            names[backend.id] = backend.name;
    }
    scrape.backendName = [&names](routing::BackendId id) {
        return id < names.size() ? names[id] : std::string_view();
    };
    scrape.series = options_.series;
    scrape.control = controlFacts();
    scrape.limits = options_.limits;
    scrape.serving = options_.serving;
    scrape.use = workers_.limitUse();
    scrape.sockets = readTcpSockets(options_.root);
    scrape.socketMemory = readSocketMemory(options_.root);
    scrape.ownSockets = readOwnSockets();
    scrape.accessLogDropped = workers_.accessLogDropped();
    done({200, std::string(process::kPrometheusContentType),
          metricsText(scrape) + process::processMetrics()});
}

std::optional<double> AdminApi::lastApplied() const {
    const auto at = applier_.lastApplied();
    if (!at)
        return std::nullopt;
    return std::chrono::duration<double>(at->time_since_epoch()).count();
}

ControlFacts AdminApi::controlFacts() const {
    const ProgramFacts program = options_.facts();
    ControlFacts facts;
    facts.configVersion = program.configVersion;
    facts.endpointsVersion = program.endpointsVersion;
    facts.applySeconds = static_cast<double>(applier_.lastApplyTime().count()) / 1e6;
    facts.appliedAt = lastApplied();
    facts.configsApplied = applier_.applied(model::Lane::config);
    facts.endpointsApplied = applier_.applied(model::Lane::endpoints);
    facts.configsRejected = applier_.rejected();
    for (const model::Kind kind : {model::Kind::certificate, model::Kind::listener,
                                   model::Kind::backend, model::Kind::route}) {
        facts.objects[std::string(model::name(kind))] =
            applier_.config() ? applier_.config()->count(kind) : 0;
    }
    facts.objects["endpoints"] = applier_.endpoints().count(model::Kind::endpoints);
    facts.connected = program.link.connected;
    if (program.link.age)
        facts.rpcAgeSeconds = static_cast<double>(program.link.age->count()) / 1e3;
    facts.rpcConnects = program.link.connects;
    facts.rpcFailures = program.link.failures;
    facts.stateWrites = program.link.stateWrites;
    facts.stateWriteFailures = program.link.stateWriteFailures;
    facts.ready = notReadyReason().empty();
    facts.draining = program.draining;
    facts.ocsp = program.ocsp;
    if (const auto snapshot = applier_.snapshot(); snapshot && snapshot->certificates)
        facts.certificates = snapshot->certificates->expiries();
    return facts;
}

void AdminApi::status(const AdminRequest&, Done done) {
    workers_.collect([this, done = std::move(done)](const std::vector<worker::WorkerStats>& stats) {
        const ProgramFacts program = options_.facts();
        StatusFacts facts;
        if (applier_.snapshot()) {
            facts.rootHash = applier_.config()->root(model::Lane::config).toHex();
            facts.listeners = applier_.config()->count(model::Kind::listener);
            facts.routes = applier_.config()->count(model::Kind::route);
            facts.backends = applier_.config()->count(model::Kind::backend);
        }
        facts.version = program.configVersion;
        facts.endpointsVersion = program.endpointsVersion;
        facts.endpointsRootHash = applier_.endpoints().root(model::Lane::endpoints).toHex();
        facts.workers = stats.size();
        facts.connected = program.link.connected;
        facts.stale = applier_.ready() && !program.link.connected && !program.draining;
        facts.restored = program.link.restored;
        if (program.link.age)
            facts.ageSeconds = static_cast<std::uint64_t>(program.link.age->count() / 1'000);
        facts.lastError = program.link.connected ? "" : program.link.lastError;
        facts.reason = notReadyReason();
        facts.ready = facts.reason.empty();
        facts.draining = program.draining;
        facts.uptimeSeconds = static_cast<std::uint64_t>(program.uptime.count());
        facts.build = EVERGATE_VERSION;
        facts.nodeId = options_.nodeId;
        facts.counters = sumCounters(stats);
        facts.limits = options_.limits;
        facts.serving = options_.serving;
        facts.use = workers_.limitUse();
        done(json(statusJson(facts)));
    });
}

void AdminApi::config(const AdminRequest& request, Done done) {
    std::optional<model::Kind> kind;
    if (request.query.contains("kind")) {
        kind = kindNamed(request.parameter("kind"));
        if (!kind) {
            return done(
                failure(400,
                        "kind is one of settings, certificate, listener, backend, endpoints, "
                        "route"));
        }
    }
    done(json(configJson(applier_.config().get(), applier_.endpoints(),
                         options_.facts().configVersion, kind)));
}

void AdminApi::routes(const AdminRequest&, Done done) {
    done(json(routesJson(applier_.config().get())));
}

void AdminApi::listeners(const AdminRequest&, Done done) {
    workers_.collect([this, done = std::move(done)](const std::vector<worker::WorkerStats>& stats) {
        done(json(listenersJson(applier_.snapshot().get(), stats)));
    });
}

void AdminApi::backends(const AdminRequest& request, Done done) {
    BackendQuery asked;
    asked.filter = request.parameter("filter");
    if (request.query.contains("limit")) {
        asked.limit = numberOf(request, "limit", 0, std::size_t{1} << 32);
        if (!asked.limit)
            return done(failure(400, "limit is a number"));
    }
    auto snapshot = applier_.snapshot();
    auto ids = selectBackends(snapshot.get(), asked);
    // An empty list of ids would ask for all.
    if (ids.empty())
        return done(json(backendsJson(snapshot.get(), asked, {})));
    workers_.collectBackends(std::move(ids), [this, snapshot, asked, done = std::move(done)](
                                                 std::vector<worker::BackendStats> stats) {
        addChecks(stats);
        done(json(backendsJson(snapshot.get(), asked, stats)));
    });
}

void AdminApi::addChecks(std::vector<worker::BackendStats>& stats) const {
    if (!options_.lastCheck)
        return;
    for (worker::BackendStats& backend : stats) {
        for (worker::EndpointStats& endpoint : backend.endpoints)
            endpoint.check = options_.lastCheck(backend.id, endpoint.address, endpoint.port);
    }
}

void AdminApi::connections(const AdminRequest& request, Done done) {
    const auto limit = numberOf(request, "limit", kDefaultConnections, kMaxConnections);
    if (!limit)
        return done(failure(400, "limit is a number"));
    workers_.collectConnections(
        *limit, [done = std::move(done)](const std::vector<worker::ConnectionInfo>& all) {
            done(json(connectionsJson(all)));
        });
}

void AdminApi::revisions(const AdminRequest&, Done done) {
    done(json(revisionsJson(applier_.history())));
}

void AdminApi::drain(const AdminRequest&, Done done) {
    done(AdminResponse::json(R"({"draining":true})", 202));
    options_.drain();
}

void AdminApi::explainRequest(const AdminRequest& request, Done done) {
    if (!applier_.snapshot())
        return done(failure(503, "no configuration applied yet"));
    auto headers = headersOf(request.parameter("header"));
    if (!headers)
        return done(failure(400, "header is \"Name: value\""));
    ExplainRequest question;
    question.method = request.parameter("method", "GET");
    question.url = request.parameter("url");
    question.listener = request.parameter("listener");
    question.headers = std::move(*headers);
    auto result = explain(*applier_.snapshot(), question);
    if (const auto* problem = std::get_if<std::string>(&result))
        return done(failure(400, *problem));
    auto explanation = std::get<Explanation>(std::move(result));
    if (!explanation.backendId)
        return done(json(explainJson(explanation, {})));
    std::vector<routing::BackendId> ids{*explanation.backendId};
    workers_.collectBackends(std::move(ids),
                             [explanation, done = std::move(done)](const auto& stats) mutable {
                                 explainEndpoints(stats, explanation);
                                 done(json(explainJson(explanation, stats)));
                             });
}

}  // namespace evergate::dataplane
