// SPDX-License-Identifier: Apache-2.0
#include "controller/app.hpp"

#include <sys/signal.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <utility>

#include "common/process/descriptor_limit.hpp"
#include "common/process/prometheus_text.hpp"
#include "common/process/random_hex.hpp"
#include "common/process/version.hpp"
#include "controller/admin_json.hpp"
#include "controller/directory/directory_source.hpp"
#include "controller/kubernetes/kubernetes_source.hpp"

namespace evergate::controller {

namespace asio = boost::asio;
using process::AdminRequest;
using process::AdminResponse;

namespace {

TranslateOptions translateOptions(const ControllerSettings& settings) {
    TranslateOptions options;
    options.ingressClass = settings.ingressClass;
    options.listenAddress = settings.httpListen.address;
    options.listenPort = settings.httpListen.port;
    options.https = httpsOptions(settings.https);
    applyTraffic(settings.traffic, options);
    options.loopbackEndpoints = settings.loopbackEndpoints;
    options.reservedPorts.push_back(settings.adminListen.port);
    if (const auto* tcp = std::get_if<rpc::TcpAddress>(&settings.rpcAddress)) {
        options.reservedPorts.push_back(tcp->port);
    }
    return options;
}

}  // namespace

App::App(ControllerSettings settings)
    : settings_(std::move(settings)),
      logging_(settings_.logLevel, settings_.logFormat),
      logger_(logging_.logger("controller")),
      relay_(metrics_, [this](bool refused) { noteAnswer(refused); }),
      publisher_(io_, process::randomHex(4), logging_.logger("publish"), relay_,
                 [this] { relist(); }),
      loop_(io_, publisher_, logging_.logger("publish"), [this] { relist(); }),
      admin_(io_.get_executor(), logging_.logger("admin")),
      signals_(io_),
      idleSignals_(io_, SIGHUP, SIGUSR1) {}

int App::run() {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGUSR2, SIG_IGN);
    const auto descriptors = process::raiseDescriptorLimit();
    logger_->info("starting version={} rpc={} descriptors={}", EVERGATE_VERSION,
                  settings_.rpcListen, descriptors.now);
    try {
        source_ = makeSource();
    } catch (const std::invalid_argument& wrong) {
        logger_->error("the source cannot be set up reason={}", wrong.what());
        return 2;
    }
    if (!start()) {
        return 1;
    }
    io_.run();
    logger_->info("stopped");
    return 0;
}

std::unique_ptr<Source> App::makeSource() {
    if (settings_.source == SourceKind::directory) {
        DirectoryOptions options;
        options.directory = settings_.directory;
        options.translate = translateOptions(settings_);
        options.logger = logging_.logger("directory");
        return makeDirectorySource(io_, std::move(options));
    }
    if (settings_.source == SourceKind::marathon) {
        auto options = marathonOptions(settings_.marathon);
        options.translate = translateOptions(settings_);
        options.logger = logging_.logger("marathon");
        return makeMarathonSource(io_, std::move(options));
    }
    return makeKubernetes();
}

std::unique_ptr<Source> App::makeKubernetes() {
    KubernetesOptions options;
    options.kubeconfig = settings_.kubeconfig;
    options.watchNamespace = settings_.watchNamespace;
    options.translate = translateOptions(settings_);
    options.logger = logging_.logger("kubernetes");
    options.onChange = [this] {
        if (writeback_) {
            writeback_->changed();
        }
    };
    const auto cluster = findCluster(options);
    auto source = makeKubernetesSource(io_, std::move(options));  // throws when there is no cluster
    const auto& access = std::get<kubernetes::ClusterConfig>(cluster);
    auto writing = writebackOptions(settings_.writeback, access.nameSpace,
                                    [](const char* name) { return std::getenv(name); });
    writing.cluster = access;
    // Only those who hear from data planes know what is served. One that loses its last data plane
    // for a moment need not give the lease away at once: the election has patience.
    writing.lease.eligible = [this] { return publisher_.hasDataplanes(); };
    writing.translate = translateOptions(settings_);
    writing.logger = logging_.logger("writeback");
    writeback_ = std::make_shared<writeback::Writeback>(
        io_.get_executor(), std::move(writing),
        writeback::WritebackInputs{
            [watched = source.get()]() -> const ObjectStore& { return watched->store(); },
            [watched = source.get()] { return watched->serial(); },
            [this] { return loop_.acknowledgedSerial(); },
            [this] {
                return writeback::ProblemSet{loop_.sourceProblems(), loop_.keyProblems()};
            }});
    return source;
}

// Without --https-listen nobody needs it.
bool App::useTicketSecret() {
    if (!settings_.https.listen) {
        return true;
    }
    std::string error = "no randomness";
    const std::string& file = settings_.https.ticketSecretFile;
    auto secret = file.empty() ? TicketSecret::random() : TicketSecret::fromFile(file, error);
    if (!secret) {
        logger_->error("cannot use the secret of session tickets reason={}", error);
        return false;
    }
    publisher_.useTicketSecret(*std::move(secret));
    return true;
}

bool App::start() {
    addRoutes();
    if (!useTicketSecret()) {
        return false;
    }
    if (const auto error = admin_.start(settings_.adminListen)) {
        logger_->error("cannot listen for admin requests address={} reason={}",
                       process::formatListenAddress(settings_.adminListen), error.message());
        return false;
    }
    std::string error;
    if (!publisher_.listen(settings_.rpcAddress, settings_.rpcFiles, error)) {
        logger_->error("cannot listen for data planes reason={}", error);
        return false;
    }
    watchSignals();
    watchIdleSignals();
    source_->start(loop_);
    if (writeback_) {
        writeback::Writeback::launch(writeback_);
    }
    return true;
}

void App::addRoutes() {
    const auto json = [this](const char* path, auto make) {
        admin_.route("GET", path, [make](const AdminRequest& request) {
            return AdminResponse::json(make(request));
        });
    };
    admin_.route("GET", "/healthz", [](const AdminRequest&) { return AdminResponse::text("ok"); });
    admin_.route("GET", "/readyz", [this](const AdminRequest&) {
        return publisher_.state().ready()
                   ? AdminResponse::text("ok")
                   : AdminResponse::text("the source has not synced: " + sourceStatus().state, 503);
    });
    admin_.route("GET", "/metrics", [this](const AdminRequest&) {
        AdminResponse response;
        response.contentType = process::kPrometheusContentType;
        response.body = metrics_.text(facts(), publisher_);
        return response;
    });
    admin_.route("GET", "/api/v1/config", [this](const AdminRequest& request) {
        auto body = configJson(publisher_.state(), request.parameter("kind"));
        return body ? AdminResponse::json(std::move(*body))
                    : AdminResponse::error(400, "no such kind");
    });
    json("/api/v1/source",
         [this](const AdminRequest&) { return sourceJson(sourceStatus(), loop_.holding()); });
    json("/api/v1/leader", [this](const AdminRequest&) {
        const auto status = writeback_ ? std::optional(writeback_->status()) : std::nullopt;
        return leaderJson(status ? &*status : nullptr);
    });
    json("/api/v1/dataplanes", [this](const AdminRequest&) { return dataplanesJson(publisher_); });
    json("/api/v1/revisions", [this](const AdminRequest&) { return revisionsJson(publisher_); });
    json("/api/v1/problems",
         [this](const AdminRequest&) { return problemsJson(loop_.problems()); });
}

ControllerFacts App::facts() const {
    ControllerFacts facts{sourceStatus(), loop_.problems().size(), loop_.holding()};
    if (writeback_) {
        facts.leader = writeback_->status();
    }
    return facts;
}

void App::watchSignals() {
    boost::system::error_code ignored;
    signals_.add(SIGTERM, ignored);
    signals_.add(SIGINT, ignored);
    signals_.async_wait([this](boost::system::error_code ec, int number) {
        if (!ec) {
            logger_->info("stopping signal={}", number);
            stop();
        }
    });
}

// Sent by habit: by log rotation, by a terminal that closes.
void App::watchIdleSignals() {
    idleSignals_.async_wait([this](boost::system::error_code ec, int number) {
        if (!ec) {
            logger_->info("nothing to reload, changes are watched signal={}",
                          number == SIGHUP ? "SIGHUP" : "SIGUSR1");
            watchIdleSignals();
        }
    });
}

void App::stop() {
    // A second signal does not wait for anything.
    signals_.async_wait([this](boost::system::error_code ec, int) {
        if (!ec) {
            io_.stop();
        }
    });
    source_->stop();
    loop_.stop();
    publisher_.stop();
    asio::co_spawn(
        io_,
        [this]() -> asio::awaitable<void> {
            if (writeback_) {
                co_await writeback::Writeback::release(writeback_, std::chrono::seconds(1));
            }
            co_await admin_.stop(std::chrono::seconds(1));
            io_.stop();
        },
        asio::detached);
}

void App::noteAnswer(bool refused) {
    if (!writeback_) {
        return;
    }
    refused ? writeback_->changed() : writeback_->acknowledged();
}

void App::relist() {
    source_->relist();
}

SourceStatus App::sourceStatus() const {
    return source_->status();
}

}  // namespace evergate::controller
