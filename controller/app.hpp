// SPDX-License-Identifier: Apache-2.0
// The controller, put together: source -> publish loop -> publisher -> data planes, and the admin
// server.
//
// One thread: the one that calls run(). Ends on SIGTERM or SIGINT; SIGHUP, SIGUSR1 and SIGUSR2 do
// nothing.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <memory>
#include <string>

#include "common/process/admin_server.hpp"
#include "controller/controller_metrics.hpp"
#include "controller/controller_settings.hpp"
#include "controller/publish/publish_loop.hpp"
#include "controller/publish/publisher.hpp"
#include "controller/publish_relay.hpp"
#include "controller/source.hpp"
#include "controller/writeback/writeback.hpp"

namespace evergate::controller {

class App {
public:
    explicit App(ControllerSettings settings);
    App(const App&) = delete;
    App& operator=(const App&) = delete;

    // The exit code: 0 after a clean stop, 1 or 2 when it could not start (logged).
    int run();

private:
    std::unique_ptr<Source> makeSource();
    std::unique_ptr<Source> makeKubernetes();
    bool start();
    bool useTicketSecret();
    void addRoutes();
    void watchSignals();
    void watchIdleSignals();
    void stop();
    void relist();
    void noteAnswer(bool refused);
    SourceStatus sourceStatus() const;
    ControllerFacts facts() const;

    ControllerSettings settings_;
    process::Logging logging_;
    process::Logger logger_;
    boost::asio::io_context io_{1};
    ControllerMetrics metrics_;
    PublishRelay relay_;
    Publisher publisher_;
    PublishLoop loop_;
    process::AdminServer admin_;
    boost::asio::signal_set signals_;
    boost::asio::signal_set idleSignals_;              // those that would end us and must not
    std::unique_ptr<Source> source_;                   // goes early: it calls the loop
    std::shared_ptr<writeback::Writeback> writeback_;  // null: nothing is written back
};

}  // namespace evergate::controller
