// SPDX-License-Identifier: Apache-2.0
#include "dataplane/app.hpp"

#include <signal.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <random>
#include <string>
#include <system_error>
#include <utility>

#include "common/process/descriptor_limit.hpp"
#include "common/process/random_hex.hpp"
#include "common/process/version.hpp"
#include "common/rpc/limits.hpp"
#include "dataplane/net/connect.hpp"
#include "dataplane/tls/ticket_keys.hpp"

namespace evergate::dataplane {
namespace {

// The workers end a drain themselves; this much later something is broken and we end anyway.
constexpr std::chrono::seconds kDrainGrace{5};
constexpr std::size_t kProblemsLogged = 10;

// What a controller sends is what handshakes take, when it sends it.
static_assert(sizeof(tls::TicketKeys::Key) == rpc::kTicketKeyBytes);
static_assert(tls::TicketKeys::kMost >= rpc::kMaxTicketKeys);
static_assert(tls::TicketKeys::kPeriod == rpc::kTicketPeriod);

unsigned workersOf(const DataplaneSettings& settings, const GrantedLimits& limits) {
    return settings.workers == 0 ? limits.workers() : settings.workers;
}

worker::WorkerPoolOptions poolOptions(const DataplaneSettings& settings,
                                      const GrantedLimits& limits, const ServingLimits& serving) {
    for (const net::SocketAddress& source : settings.sources) {
        char text[net::SocketAddress::kMaxText];
        if (const auto error = net::checkSource(source))
            throw std::system_error(error, "--source-address=" + std::string(source.text(text)));
    }
    worker::WorkerPoolOptions options;
    options.workers = workersOf(settings, limits);
    options.maxConnections = serving.maxConnections;
    options.bufferBytes = serving.bufferBytes;
    options.overloadLag = serving.overloadLag;
    options.handshakeRate = settings.handshakeRate;
    options.handshakeRatePerClient = settings.handshakeRatePerClient;
    options.sources = settings.sources;
    options.accessLog = settings.accessLog;
    options.accessLogPath = settings.accessLogFile;
    return options;
}

GrantedLimits limitsAfterRaising(const process::Logger& log) {
    const process::DescriptorLimit descriptors = process::raiseDescriptorLimit();
    if (descriptors.error)
        log->warn("descriptor limit not raised error=\"{}\"", descriptors.error.message());
    return readGrantedLimits("", affinityCpus(), descriptors.now);
}

health::Checker::Options checkerOptions(const DataplaneSettings& settings) {
    std::random_device entropy;
    health::Checker::Options options;
    options.seed = (std::uint64_t{entropy()} << 32) | entropy();
    if (!settings.sources.empty())
        options.sources = std::make_shared<net::SourceAddresses>(settings.sources);
    return options;
}

ocsp::Stapler::Options staplerOptions(const DataplaneSettings& settings) {
    std::random_device entropy;
    ocsp::Stapler::Options options;
    options.scope = settings.ocsp;
    options.seed = (std::uint64_t{entropy()} << 32) | entropy();
    return options;
}

}  // namespace

App::App(DataplaneSettings settings, const process::Logging& logging)
    : settings_(std::move(settings)),
      log_(logging.logger("dataplane")),
      started_(std::chrono::steady_clock::now()),
      limits_(limitsAfterRaising(log_)),
      serving_(servingLimits(limits_, workersOf(settings_, limits_), settings_.limits)),
      pool_(io_.get_executor(), poolOptions(settings_, limits_, serving_)),
      publisher_(pool_),
      checker_(
          io_.get_executor(), checkerOptions(settings_),
          [this](std::vector<health::EndpointHealth> changes) {
              pool_.setHealth(std::move(changes));
          },
          [this](const std::string& address, bool up, const std::string& detail) {
              logHealth(address, up, detail);
          }),
      healthPublisher_(publisher_, checker_),
      stapler_(
          io_.get_executor(), staplerOptions(settings_),
          [this](std::shared_ptr<const tls::Staples> staples) {
              pool_.setStaples(std::move(staples));
          },
          [this](const ocsp::StaplerNews& news) { logOcsp(news); }),
      staplePublisher_(healthPublisher_, stapler_),
      reports_(pool_),
      applier_(io_.get_executor(), staplePublisher_,
               [this](const RevisionRecord& record) { logRevision(record); }),
      link_(io_, linkOptions(), applier_, logging.logger("control")),
      api_(applier_, reports_, adminOptions()),
      admin_(io_.get_executor(), logging.logger("admin")),
      signals_(io_, SIGTERM, SIGINT),
      reopen_(io_, SIGHUP, SIGUSR1),
      deadline_(io_),
      ticketRotation_(io_) {
    pool_.logEjections([this](const std::string& address, std::string_view reason,
                              std::chrono::milliseconds time) {
        if (reason.empty()) {
            log_->info("endpoint back address={}", address);
        } else {
            log_->warn("endpoint ejected address={} reason={} time={}ms", address, reason,
                       time.count());
        }
    });
    // A peer that is gone is an error code on the write, nothing else.
    ::signal(SIGPIPE, SIG_IGN);
    // Would end us.
    ::signal(SIGUSR2, SIG_IGN);
}

App::~App() = default;

ControlLinkOptions App::linkOptions() {
    ControlLinkOptions options;
    options.controller = settings_.controllerAddress;
    options.tls = settings_.rpcFiles;
    options.nodeId = settings_.nodeId;
    options.bootId = process::randomHex(4);
    options.build = EVERGATE_VERSION;
    options.stateDir = settings_.stateDir;
    options.onTicketKeys = [this](const std::vector<std::string>& keys) {
        if (pool_.useTicketKeys(keys))
            rotateTicketKeys(2 * tls::TicketKeys::kPeriod);
    };
    return options;
}

AdminApiOptions App::adminOptions() {
    AdminApiOptions options;
    options.nodeId = settings_.nodeId;
    options.limits = limits_;
    options.serving = serving_;
    options.series = {settings_.endpointMetricsLimit, settings_.routeMetricsLimit,
                      settings_.histogramMetricsLimit};
    options.facts = [this] { return facts(); };
    options.drain = [this] { drain("asked by the admin API"); };
    options.lastCheck = [this](routing::BackendId id, const std::string& address,
                               std::uint16_t port) {
        const auto facts = checker_.facts(id, address, port);
        return facts ? facts->detail : std::string();
    };
    return options;
}

ProgramFacts App::facts() const {
    ProgramFacts facts;
    facts.link = link_.status();
    facts.configVersion = link_.receiver().state(model::Lane::config).version;
    facts.endpointsVersion = link_.receiver().state(model::Lane::endpoints).version;
    facts.draining = draining_;
    facts.uptime = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::steady_clock::now() - started_);
    facts.ocsp = stapler_.facts();
    return facts;
}

int App::run() {
    logStart();
    api_.mount(admin_, io_.get_executor());
    if (const auto error = admin_.start(settings_.adminListen)) {
        log_->error("cannot listen for admin requests address={} error=\"{}\"",
                    process::formatListenAddress(settings_.adminListen), error.message());
        return 1;
    }
    pool_.start();
    link_.start();
    waitForSignal();
    waitForReopen();
    rotateTicketKeys(tls::TicketKeys::kPeriod);
    io_.run();
    link_.stop();
    checker_.stop();
    stapler_.stop();
    pool_.stop();
    log_->info("ended code={}", exitCode_);
    return exitCode_;
}

void App::logStart() const {
    log_->info("starting version={} node={} controller={} admin={} workers={} {}", EVERGATE_VERSION,
               settings_.nodeId, settings_.controller,
               process::formatListenAddress(settings_.adminListen), pool_.size(), limits_.toText());
    log_->info("limits {}", serving_.toText());
    for (const std::string& warning : limitWarnings(limits_, serving_, settings_.limits))
        log_->warn("limits: {}", warning);
}

void App::logRevision(const RevisionRecord& record) const {
    const bool config = record.lane == model::Lane::config;
    // Endpoints change all the time; their last hundred are at /api/v1/revisions.
    const auto level = !record.applied() ? spdlog::level::warn
                       : config          ? spdlog::level::info
                                         : spdlog::level::debug;
    log_->log(level, "revision {} lane={} version={} upserts={} deletes={} micros={}",
              record.applied() ? "applied" : "refused", config ? "config" : "endpoints",
              record.version, record.upserts, record.deletes, record.micros);
    const std::size_t shown = std::min(record.problems.size(), kProblemsLogged);
    for (std::size_t i = 0; i < shown; ++i)
        log_->warn("refused: {}", record.problems[i]);
    if (shown < record.problems.size())
        log_->warn("refused: and {} more problems", record.problems.size() - shown);
}

void App::logHealth(const std::string& address, bool up, const std::string& detail) const {
    log_->log(up ? spdlog::level::info : spdlog::level::warn, "endpoint {} address={} check=\"{}\"",
              up ? "up" : "down", address, detail);
}

void App::logOcsp(const ocsp::StaplerNews& news) const {
    const bool good = news.outcome == tls::OcspOutcome::good;
    log_->log(good ? spdlog::level::info : spdlog::level::warn,
              "ocsp {} certificate={} responder={} detail=\"{}\" sha256={}",
              tls::name(news.outcome), news.certificate, news.responder, news.detail,
              news.fingerprint);
}

// Keys of our own, unless the controller gives us some before.
void App::rotateTicketKeys(std::chrono::hours after) {
    ticketRotation_.expires_after(after);
    ticketRotation_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        pool_.rotateTicketKeys();
        rotateTicketKeys(tls::TicketKeys::kPeriod);
    });
}

void App::waitForSignal() {
    signals_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error)
            return;
        if (draining_) {
            log_->warn("second signal: ending at once signal={}", signal);
            return finish(0);
        }
        drain(signal == SIGTERM ? "SIGTERM" : "SIGINT");
        waitForSignal();
    });
}

// Also in a drain: these signals never end anything.
void App::waitForReopen() {
    reopen_.async_wait([this](const boost::system::error_code& error, int signal) {
        if (error)
            return;
        reopenAccessLog(signal == SIGHUP ? "SIGHUP" : "SIGUSR1");
        waitForReopen();
    });
}

void App::reopenAccessLog(const char* why) {
    const bool isFile = pool_.reopenAccessLog([this, why](std::error_code error) {
        const std::string& file = settings_.accessLogFile;
        if (error) {
            log_->error("access log not reopened, the old file stays why={} file={} error=\"{}\"",
                        why, file, error.message());
        } else {
            log_->info("access log reopened why={} file={}", why, file);
        }
    });
    if (!isFile)
        log_->info("nothing to reopen: no access log in a file why={}", why);
}

void App::drain(const char* why) {
    if (draining_)
        return;
    draining_ = true;
    log_->info("draining why=\"{}\" timeout={}ms", why, settings_.drainTimeout.count());
    link_.stop();  // a new configuration would open listeners again
    pool_.drain(settings_.drainTimeout, [this](std::size_t cut) {
        log_->info("drained cut={}", cut);
        finish(0);
    });
    deadline_.expires_after(settings_.drainTimeout + kDrainGrace);
    deadline_.async_wait([this](const boost::system::error_code& error) {
        if (error)
            return;
        log_->error("the drain did not end by its deadline");
        finish(1);
    });
}

void App::finish(int code) {
    exitCode_ = code;
    io_.stop();
}

}  // namespace evergate::dataplane
