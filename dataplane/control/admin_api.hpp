// SPDX-License-Identifier: Apache-2.0
// Answers the admin requests of the data plane: status page, health, metrics and the JSON API.
//
// Control thread only. An answer that needs the workers comes when the last of them has replied; no
// request waits for another. Reads only, but for /api/v1/drain.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "common/process/admin_server.hpp"
#include "dataplane/control/config_applier.hpp"
#include "dataplane/control/control_link.hpp"
#include "dataplane/control/granted_limits.hpp"
#include "dataplane/control/metrics.hpp"
#include "dataplane/control/serving_limits.hpp"
#include "dataplane/control/worker_reports.hpp"

namespace evergate::dataplane {

// What the rest of the program knows at the moment of a request.
struct ProgramFacts {
    ControlLinkStatus link;
    std::uint64_t configVersion = 0;  // a version may move on without a change of the configuration
    std::uint64_t endpointsVersion = 0;
    bool draining = false;
    std::chrono::seconds uptime{0};
    ocsp::StaplerFacts ocsp;
};

struct AdminApiOptions {
    std::string nodeId;
    GrantedLimits limits;
    ServingLimits serving;
    SeriesLimits series;
    std::string root;  // where /proc is; "" in the program
    std::function<ProgramFacts()> facts;
    std::function<void()> drain;  // as SIGTERM does
    // How the last health check of an endpoint went; empty: none. May be null.
    std::function<std::string(routing::BackendId, const std::string& address, std::uint16_t port)>
        lastCheck;
};

class AdminApi {
public:
    using Done = std::function<void(process::AdminResponse)>;

    AdminApi(const ConfigApplier& applier, WorkerReports& workers, AdminApiOptions options);

    // Registers every page; this object outlives the server.
    void mount(process::AdminServer& server, boost::asio::any_io_executor control);

    // The answer to a request for a known path. `done` runs exactly once, perhaps before the
    // return.
    void handle(const process::AdminRequest& request, Done done);

    // Empty: ready. Else why not, in a few words.
    std::string notReadyReason() const;

private:
    using Handler = void (AdminApi::*)(const process::AdminRequest&, Done);
    struct Row;
    static std::span<const Row> rows();

    void page(const process::AdminRequest&, Done done);
    void health(const process::AdminRequest&, Done done);
    void readiness(const process::AdminRequest&, Done done);
    void metrics(const process::AdminRequest&, Done done);
    void status(const process::AdminRequest&, Done done);
    void config(const process::AdminRequest& request, Done done);
    void routes(const process::AdminRequest&, Done done);
    void listeners(const process::AdminRequest&, Done done);
    void backends(const process::AdminRequest& request, Done done);
    void addChecks(std::vector<worker::BackendStats>& stats) const;
    void connections(const process::AdminRequest& request, Done done);
    void revisions(const process::AdminRequest&, Done done);
    void drain(const process::AdminRequest&, Done done);
    void explainRequest(const process::AdminRequest& request, Done done);

    std::size_t endpointCount() const;
    void describeConfiguration(Scrape& scrape) const;
    void writeMetrics(Scrape scrape, const Done& done) const;
    std::optional<double> lastApplied() const;
    ControlFacts controlFacts() const;

    const ConfigApplier& applier_;
    WorkerReports& workers_;
    AdminApiOptions options_;
};

}  // namespace evergate::dataplane
