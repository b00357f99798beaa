// SPDX-License-Identifier: Apache-2.0
#include "dataplane/control/admin_api.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <memory>
#include <utility>

#include "common/process/prometheus_text.hpp"
#include "dataplane/control/api_json.hpp"
#include "dataplane/control/dashboard_page.hpp"
#include "dataplane/control/explain.hpp"

namespace evergate::dataplane {
namespace {

constexpr std::size_t kDefaultConnections = 100;
constexpr std::size_t kMaxConnections = 10'000;

ApiReply json(std::string body) {
    return {200, "application/json", std::move(body)};
}

ApiReply text(unsigned status, std::string body) {
    return {status, "text/plain; charset=utf-8", std::move(body) + '\n'};
}

ApiReply failure(unsigned status, std::string_view why) {
    return {status, "application/json", errorJson(why)};
}

// The parameter as a number up to `most`; nothing when it is there but malformed.
std::optional<std::size_t> numberOf(const RequestQuery& query, std::string_view name,
                                    std::size_t otherwise, std::size_t most) {
    if (!query.has(name))
        return otherwise;
    const std::string_view value = query.get(name);
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc() || end != value.data() + value.size())
        return std::nullopt;
    return std::min(number, most);
}

std::optional<model::Kind> kindNamed(std::string_view wanted) {
    for (const model::Kind kind :
         {model::Kind::settings, model::Kind::listener, model::Kind::backend,
          model::Kind::endpoints, model::Kind::route}) {
        if (model::name(kind) == wanted)
            return kind;
    }
    return std::nullopt;
}

std::string_view trim(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
        text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
        text.remove_suffix(1);
    return text;
}

// "Name: value" pairs; nothing when one has no colon.
std::optional<std::vector<std::pair<std::string, std::string>>> headersOf(
    const RequestQuery& query) {
    std::vector<std::pair<std::string, std::string>> headers;
    for (const std::string& line : query.all("header")) {
        const auto colon = line.find(':');
        if (colon == std::string::npos || colon == 0)
            return std::nullopt;
        const std::string_view view = line;
        headers.emplace_back(trim(view.substr(0, colon)), trim(view.substr(colon + 1)));
    }
    return headers;
}

}  // namespace

struct AdminApi::Row {
    std::string_view path;
    Handler handler;
};

const AdminApi::Row* AdminApi::find(std::string_view path) {
    static constexpr std::array<Row, 12> kRows{{
        {"/", &AdminApi::page},
        {"/healthz", &AdminApi::health},
        {"/readyz", &AdminApi::readiness},
        {"/metrics", &AdminApi::metrics},
        {"/api/v1/status", &AdminApi::status},
        {"/api/v1/config", &AdminApi::config},
        {"/api/v1/routes", &AdminApi::routes},
        {"/api/v1/listeners", &AdminApi::listeners},
        {"/api/v1/backends", &AdminApi::backends},
        {"/api/v1/connections", &AdminApi::connections},
        {"/api/v1/revisions", &AdminApi::revisions},
        {"/api/v1/explain", &AdminApi::explainRequest},
    }};
    const auto* const row =
        std::find_if(kRows.begin(), kRows.end(), [&](const Row& one) { return one.path == path; });
    return row == kRows.end() ? nullptr : row;
}

AdminApi::AdminApi(const ConfigApplier& applier, WorkerReports& workers, AdminApiOptions options)
    : applier_(applier), workers_(workers), options_(std::move(options)) {}

void AdminApi::handle(std::string_view target, Done done) {
    const auto query = RequestQuery::parse(target);
    if (!query)
        return done(failure(400, "the query is malformed or too long"));
    const Row* row = find(query->path());
    if (row == nullptr)
        return done(failure(404, "no such page; see docs/api.md"));
    (this->*row->handler)(*query, std::move(done));
}

std::string AdminApi::notReadyReason() const {
    if (options_.facts().draining)
        return "draining";
    return applier_.ready() ? "" : "no configuration applied yet";
}

void AdminApi::page(const RequestQuery&, Done done) {
    done({200, "text/html; charset=utf-8", std::string(kDashboardPage)});
}

void AdminApi::health(const RequestQuery&, Done done) {
    done(text(200, "ok"));
}

void AdminApi::readiness(const RequestQuery&, Done done) {
    const std::string reason = notReadyReason();
    done(reason.empty() ? text(200, "ok") : text(503, reason));
}

void AdminApi::metrics(const RequestQuery&, Done done) {
    workers_.collect([this, done = std::move(done)](std::vector<worker::WorkerStats> stats) {
        auto shared = std::make_shared<std::vector<worker::WorkerStats>>(std::move(stats));
        workers_.collectBackends({},
                                 [this, done, shared](std::vector<worker::BackendStats> backends) {
                                     writeMetrics(std::move(*shared), std::move(backends), done);
                                 });
    });
}

void AdminApi::writeMetrics(std::vector<worker::WorkerStats> workers,
                            std::vector<worker::BackendStats> backends, const Done& done) const {
    // Names of configured backends only: a removed one may still live in the workers.
    std::vector<std::string_view> names;
    if (const auto& snapshot = applier_.snapshot(); snapshot && !snapshot->backends.empty()) {
        names.resize(snapshot->backends.back().id + std::size_t{1});
        for (const auto& backend : snapshot->backends)
            names[backend.id] = backend.name;
    }
    Scrape scrape;
    scrape.workers = std::move(workers);
    scrape.backends = std::move(backends);
    scrape.backendName = [&names](routing::BackendId id) {
        return id < names.size() ? names[id] : std::string_view();
    };
    scrape.endpointLimit = options_.endpointMetricsLimit;
    scrape.control = controlFacts();
    scrape.limits = options_.limits;
    scrape.sockets = readTcpSockets(options_.root);
    scrape.accessLogDropped = workers_.accessLogDropped();
    auto families = collectMetrics(scrape);
    if (options_.moreMetrics)
        std::ranges::move(options_.moreMetrics(), std::back_inserter(families));
    done({200, std::string(process::kPrometheusContentType), process::toPrometheusText(families)});
}

ControlFacts AdminApi::controlFacts() const {
    const ProgramFacts program = options_.facts();
    ControlFacts facts;
    if (applier_.snapshot())
        facts.configVersion = applier_.snapshot()->version;
    facts.endpointsVersion = applier_.endpointsVersion();
    facts.applySeconds = static_cast<double>(applier_.lastApplyTime().count()) / 1e6;
    facts.configsApplied = applier_.applied(model::Lane::config);
    facts.endpointsApplied = applier_.applied(model::Lane::endpoints);
    facts.configsRejected = applier_.rejected();
    for (const model::Kind kind :
         {model::Kind::listener, model::Kind::backend, model::Kind::route}) {
        facts.objects[std::string(model::name(kind))] =
            applier_.config() ? applier_.config()->count(kind) : 0;
    }
    facts.objects["endpoints"] = applier_.endpoints().count(model::Kind::endpoints);
    facts.connected = program.connected;
    if (program.connected)
        facts.rpcAgeSeconds = 0;
    else if (program.age)
        facts.rpcAgeSeconds = static_cast<double>(program.age->count()) / 1e3;
    facts.ready = notReadyReason().empty();
    facts.draining = program.draining;
    return facts;
}

void AdminApi::status(const RequestQuery&, Done done) {
    workers_.collect([this, done = std::move(done)](const std::vector<worker::WorkerStats>& stats) {
        const ProgramFacts program = options_.facts();
        StatusFacts facts;
        if (applier_.snapshot()) {
            facts.version = applier_.snapshot()->version;
            facts.rootHash = applier_.config()->root(model::Lane::config).toHex();
            facts.listeners = applier_.config()->count(model::Kind::listener);
            facts.routes = applier_.config()->count(model::Kind::route);
            facts.backends = applier_.config()->count(model::Kind::backend);
        }
        facts.endpointsVersion = applier_.endpointsVersion();
        facts.endpointsRootHash = applier_.endpoints().root(model::Lane::endpoints).toHex();
        facts.workers = stats.size();
        facts.connected = program.connected;
        facts.stale = applier_.ready() && !program.connected;
        if (program.connected)
            facts.ageSeconds = 0;
        else if (program.age)
            facts.ageSeconds = static_cast<std::uint64_t>(program.age->count() / 1'000);
        facts.lastError = program.lastError;
        facts.reason = notReadyReason();
        facts.ready = facts.reason.empty();
        facts.draining = program.draining;
        facts.uptimeSeconds = static_cast<std::uint64_t>(program.uptime.count());
        facts.build = EVERGATE_VERSION;
        facts.nodeId = options_.nodeId;
        facts.counters = sumCounters(stats);
        facts.limits = options_.limits;
        done(json(statusJson(facts)));
    });
}

void AdminApi::config(const RequestQuery& query, Done done) {
    std::optional<model::Kind> kind;
    if (query.has("kind")) {
        kind = kindNamed(query.get("kind"));
        if (!kind)
            return done(
                failure(400, "kind is one of settings, listener, backend, endpoints, route"));
    }
    const std::uint64_t version = applier_.snapshot() ? applier_.snapshot()->version : 0;
    done(json(configJson(applier_.config().get(), applier_.endpoints(), version, kind)));
}

void AdminApi::routes(const RequestQuery&, Done done) {
    done(json(routesJson(applier_.config().get())));
}

void AdminApi::listeners(const RequestQuery&, Done done) {
    workers_.collect([this, done = std::move(done)](const std::vector<worker::WorkerStats>& stats) {
        done(json(listenersJson(applier_.snapshot().get(), stats)));
    });
}

void AdminApi::backends(const RequestQuery& query, Done done) {
    BackendQuery asked;
    asked.filter = query.get("filter");
    if (query.has("limit")) {
        asked.limit = numberOf(query, "limit", 0, std::size_t{1} << 32);
        if (!asked.limit)
            return done(failure(400, "limit is a number"));
    }
    auto snapshot = applier_.snapshot();
    auto ids = selectBackends(snapshot.get(), asked);
    // An empty list of ids would ask for all.
    if (ids.empty())
        return done(json(backendsJson(snapshot.get(), asked, {})));
    workers_.collectBackends(std::move(ids), [snapshot, asked, done = std::move(done)](
                                                 const std::vector<worker::BackendStats>& stats) {
        done(json(backendsJson(snapshot.get(), asked, stats)));
    });
}

void AdminApi::connections(const RequestQuery& query, Done done) {
    const auto limit = numberOf(query, "limit", kDefaultConnections, kMaxConnections);
    if (!limit)
        return done(failure(400, "limit is a number"));
    workers_.collectConnections(
        *limit, [done = std::move(done)](const std::vector<worker::ConnectionInfo>& all) {
            done(json(connectionsJson(all)));
        });
}

void AdminApi::revisions(const RequestQuery&, Done done) {
    done(json(revisionsJson(applier_.history())));
}

void AdminApi::explainRequest(const RequestQuery& query, Done done) {
    if (!applier_.snapshot())
        return done(failure(503, "no configuration applied yet"));
    auto headers = headersOf(query);
    if (!headers)
        return done(failure(400, "header is \"Name: value\""));
    ExplainRequest request;
    if (query.has("method"))
        request.method = query.get("method");
    request.url = query.get("url");
    request.listener = query.get("listener");
    request.headers = std::move(*headers);
    auto answer = explain(*applier_.snapshot(), *applier_.config(), request);
    if (const auto* problem = std::get_if<std::string>(&answer))
        return done(failure(400, *problem));
    auto explanation = std::get<Explanation>(std::move(answer));
    if (!explanation.backendId)
        return done(json(explainJson(explanation, {})));
    std::vector<routing::BackendId> ids{*explanation.backendId};
    workers_.collectBackends(std::move(ids), [explanation, done = std::move(done)](
                                                 const std::vector<worker::BackendStats>& stats) {
        done(json(explainJson(explanation, stats)));
    });
}

}  // namespace evergate::dataplane
