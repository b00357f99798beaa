// SPDX-License-Identifier: Apache-2.0
// The composition root of the data plane: builds every part in dependency order, runs the control
// thread (the caller's), and ends it.
//
// Start: descriptors raised, workers, admin server, last-known-good applied, controller dialed.
// SIGHUP and SIGUSR1: the access log's file is opened anew. SIGUSR2 means nothing.
// First SIGTERM, SIGINT or POST /api/v1/drain: not ready, requests finish until the drain timeout,
// then the end. Second signal: the end at once. Both end with code 0: cutting is what was asked
// for.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>

#include "common/process/admin_server.hpp"
#include "common/process/logging.hpp"
#include "dataplane/control/admin_api.hpp"
#include "dataplane/control/config_applier.hpp"
#include "dataplane/control/control_link.hpp"
#include "dataplane/control/granted_limits.hpp"
#include "dataplane/control/health_publisher.hpp"
#include "dataplane/control/snapshot_publisher.hpp"
#include "dataplane/control/staple_publisher.hpp"
#include "dataplane/control/worker_reports.hpp"
#include "dataplane/dataplane_settings.hpp"
#include "dataplane/health/checker.hpp"
#include "dataplane/ocsp/stapler.hpp"
#include "dataplane/worker/worker_pool.hpp"

namespace evergate::dataplane {

class App {
public:
    // May throw std::exception: an access log that cannot be opened, no threads left.
    App(DataplaneSettings settings, const process::Logging& logging);
    ~App();
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    // Serves until told to stop; gives the exit code.
    int run();

private:
    ControlLinkOptions linkOptions();
    AdminApiOptions adminOptions();
    ProgramFacts facts() const;
    void logStart() const;
    void logRevision(const RevisionRecord& record) const;
    void logHealth(const std::string& address, bool up, const std::string& detail) const;
    void logOcsp(const ocsp::StaplerNews& news) const;
    void waitForSignal();
    void waitForReopen();
    void reopenAccessLog(const char* why);
    void rotateTicketKeys(std::chrono::hours after);
    void drain(const char* why);
    void finish(int code);

    const DataplaneSettings settings_;
    process::Logger log_;
    const std::chrono::steady_clock::time_point started_;
    const GrantedLimits limits_;
    const ServingLimits serving_;

    boost::asio::io_context io_{1};
    worker::WorkerPool pool_;
    PoolPublisher publisher_;
    health::Checker checker_;
    HealthPublisher healthPublisher_;
    ocsp::Stapler stapler_;
    StaplePublisher staplePublisher_;
    PoolReports reports_;
    ConfigApplier applier_;
    ControlLink link_;
    AdminApi api_;
    process::AdminServer admin_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set reopen_;
    boost::asio::steady_timer deadline_;
    boost::asio::steady_timer ticketRotation_;
    bool draining_ = false;
    int exitCode_ = 0;
};

}  // namespace evergate::dataplane
