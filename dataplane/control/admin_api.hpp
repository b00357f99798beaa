// SPDX-License-Identifier: Apache-2.0
// Answers the admin requests of the data plane: status page, health, metrics and the JSON API.
//
// Control thread only. An answer that needs the workers comes when the last of them has replied; no
// request waits for another. Reads only: nothing here changes what is served.
#pragma once

#include <prometheus/metric_family.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dataplane/control/config_applier.hpp"
#include "dataplane/control/granted_limits.hpp"
#include "dataplane/control/metrics.hpp"
#include "dataplane/control/request_query.hpp"
#include "dataplane/control/worker_reports.hpp"

namespace evergate::dataplane {

struct ApiReply {
    unsigned status = 200;
    std::string contentType;
    std::string body;
};

// What the rest of the program knows at the moment of a request.
struct ProgramFacts {
    bool connected = false;
    std::optional<std::chrono::milliseconds> age;  // since the controller was last heard
    std::string lastError;                         // why not connected
    bool draining = false;
    std::chrono::seconds uptime{0};
};

struct AdminApiOptions {
    std::string nodeId;
    GrantedLimits limits;
    std::size_t endpointMetricsLimit = 2'000;
    std::string root;  // where /proc is; "" in the program
    std::function<ProgramFacts()> facts;
    // Families from elsewhere for /metrics (process_*); may be empty.
    std::function<std::vector<prometheus::MetricFamily>()> moreMetrics;
};

class AdminApi {
public:
    using Done = std::function<void(ApiReply)>;

    AdminApi(const ConfigApplier& applier, WorkerReports& workers, AdminApiOptions options);

    // `target` as in the request line, of a GET or HEAD. `done` runs exactly once, perhaps before
    // the return.
    void handle(std::string_view target, Done done);

    // Empty: ready. Else why not, in a few words.
    std::string notReadyReason() const;

private:
    using Handler = void (AdminApi::*)(const RequestQuery&, Done);
    struct Row;
    static const Row* find(std::string_view path);

    void page(const RequestQuery&, Done done);
    void health(const RequestQuery&, Done done);
    void readiness(const RequestQuery&, Done done);
    void metrics(const RequestQuery&, Done done);
    void status(const RequestQuery&, Done done);
    void config(const RequestQuery& query, Done done);
    void routes(const RequestQuery&, Done done);
    void listeners(const RequestQuery&, Done done);
    void backends(const RequestQuery& query, Done done);
    void connections(const RequestQuery& query, Done done);
    void revisions(const RequestQuery&, Done done);
    void explainRequest(const RequestQuery& query, Done done);

    void writeMetrics(std::vector<worker::WorkerStats> workers,
                      std::vector<worker::BackendStats> backends, const Done& done) const;
    ControlFacts controlFacts() const;

    const ConfigApplier& applier_;
    WorkerReports& workers_;
    AdminApiOptions options_;
};

}  // namespace evergate::dataplane
