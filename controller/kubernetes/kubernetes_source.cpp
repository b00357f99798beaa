// SPDX-License-Identifier: Apache-2.0
#include "controller/kubernetes/kubernetes_source.hpp"

#include <boost/asio/post.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <stdexcept>
#include <utility>
#include <vector>

#include "controller/kubernetes/object_tracker.hpp"
#include "controller/kubernetes/resource.hpp"
#include "controller/translate/translate.hpp"

namespace evergate::controller {
namespace {

namespace asio = boost::asio;
using kubernetes::Reflector;
using Clock = std::chrono::steady_clock;

std::uint32_t seedOf(const KubernetesOptions& options) {
    return options.seed != 0 ? options.seed : std::random_device{}();
}

std::int64_t secondsNow() {
    return std::chrono::duration_cast<std::chrono::seconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

std::optional<std::string> processEnvironment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

class WatchingSource final : public KubernetesSource, private kubernetes::ReflectorSink {
public:
    WatchingSource(asio::io_context& context, KubernetesOptions options,
                   const kubernetes::ClusterConfig& cluster)
        : executor_(context.get_executor()),
          options_(std::move(options)),
          tracker_(options_.translate.ingressClass) {
        auto seed = seedOf(options_);
        kubernetes::ReflectorSink& self = *this;
        for (const auto kind : kubernetes::kWatchedKinds) {
            if (kind == ResourceKind::secret && !options_.translate.https) {
                tracker_.doWithout(kind);  // least privilege: nothing would be made of them
                continue;
            }
            reflectors_.push_back(std::make_shared<Reflector>(
                executor_, cluster, kind, options_.watchNamespace, options_.tuning, ++seed, self));
        }
    }

    ~WatchingSource() override { stop(); }

    void start(SourceSink& sink) override {
        sink_ = &sink;
        for (const auto& reflector : reflectors_) {
            Reflector::launch(reflector);
        }
    }

    void relist() override {
        if (wantedRound_ != tracker_.completeRound()) {
            return;  // a round of lists is under way, and will be followed by onDesired
        }
        ++wantedRound_;
        for (const auto& reflector : reflectors_) {
            reflector->relist(wantedRound_);
        }
    }

    void stop() override {
        sink_ = nullptr;
        for (const auto& reflector : reflectors_) {
            reflector->stop();
        }
    }

    SourceStatus status() const override;

    const ObjectStore& store() const override { return tracker_.store(); }

    std::optional<std::uint64_t> serial() const override {
        return serial_ == 0 || pending_.config ? std::nullopt : std::optional(serial_);
    }

private:
    void onListed(ResourceKind kind, std::vector<Decoded> objects, std::uint64_t round) override {
        note(tracker_.listed(kind, std::move(objects), round));
        tell(kind);
    }

    void onChanged(ResourceKind kind, Decoded object) override {
        note(tracker_.changed(kind, std::move(object)));
        tell(kind);
    }

    void onErased(const ObjectKey& key) override {
        note(tracker_.erased(key));
        tell(key.kind);
    }

    void onForbidden(ResourceKind kind) override;

    void onWatching(ResourceKind kind) override {
        if (kind == ResourceKind::secret) {
            secretsRefusedAt_.reset();
        }
        note(tracker_.allowed(kind));
    }

    void onState(ResourceKind kind, const std::string& state, bool trouble) override;

    void tell(ResourceKind kind) {
        if (options_.onChange && kind != ResourceKind::endpointSlice) {
            options_.onChange();
        }
    }

    void note(Change change);
    void flush();

    asio::any_io_executor executor_;
    KubernetesOptions options_;
    std::vector<std::shared_ptr<Reflector>> reflectors_;
    kubernetes::ObjectTracker tracker_;
    CertificateCache certificates_;
    SourceSink* sink_ = nullptr;
    std::uint64_t wantedRound_ = 1;
    std::uint64_t publishedRound_ = 0;
    std::uint64_t serial_ = 0;
    Change pending_;
    bool flushPosted_ = false;
    EventTime since_{};                                  // of the oldest event in pending_
    std::optional<Clock::time_point> secretsRefusedAt_;  // since then without a list
    // Expires with this object: what a posted flush checks first.
    std::shared_ptr<const char> alive_ = std::make_shared<const char>();
};

void WatchingSource::onForbidden(ResourceKind kind) {
    if (kind == ResourceKind::secret) {
        const auto now = Clock::now();
        secretsRefusedAt_ = secretsRefusedAt_.value_or(now);
        if (now - *secretsRefusedAt_ < options_.secretGrace) {
            return;  // the reflector asks again
        }
    }
    note(tracker_.forbidden(kind, wantedRound_));
}

// Gathers changes: what one turn of the event loop brings goes to the sink at its end.
void WatchingSource::note(Change change) {
    change.config |= tracker_.completeRound() > publishedRound_;
    if (change.none()) {
        return;
    }
    if (pending_.none()) {
        since_ = Clock::now();
    }
    pending_.merge(std::move(change));
    if (!flushPosted_ && tracker_.completeRound() > 0) {
        flushPosted_ = true;
        asio::post(executor_, [this, alive = std::weak_ptr<const char>(alive_)] {
            if (!alive.expired()) {
                flush();
            }
        });
    }
}

void WatchingSource::flush() {
    flushPosted_ = false;
    const auto change = std::exchange(pending_, {});
    if (sink_ == nullptr) {
        return;
    }
    const auto& store = tracker_.store();
    if (!change.config) {
        for (const auto& service : change.endpointsOf) {
            for (const auto& backend : affectedBackends(store, options_.translate, service)) {
                sink_->onEndpoints(backend, translateEndpoints(store, options_.translate, backend),
                                   since_);
            }
        }
        return;
    }
    auto desired = translate(store, options_.translate, certificates_, secondsNow());
    const auto malformed = tracker_.problems();
    desired.problems.insert(desired.problems.end(), malformed.begin(), malformed.end());
    if (options_.logger && tracker_.completeRound() > publishedRound_) {
        options_.logger->info("listed everything: round={} objects={} problems={}",
                              tracker_.completeRound(), store.size(), desired.problems.size());
    }
    publishedRound_ = tracker_.completeRound();
    desired.fullList = publishedRound_;
    desired.serial = ++serial_;
    sink_->onDesired(std::move(desired), since_);
    if (options_.onChange) {
        options_.onChange();
    }
}

void WatchingSource::onState(ResourceKind kind, const std::string& state, bool trouble) {
    if (options_.logger) {
        options_.logger->log(trouble ? spdlog::level::warn : spdlog::level::debug,
                             "resource={} state=\"{}\"", kubernetes::pluralOf(kind), state);
    }
}

SourceStatus WatchingSource::status() const {
    SourceStatus status;
    status.synced = publishedRound_ > 0;
    status.objects = tracker_.store().size();
    for (const auto& reflector : reflectors_) {
        const auto& counters = reflector->counters();
        status.events += counters.events;
        status.lists += counters.lists;
        status.errors += counters.errors;
        if (!reflector->watching()) {
            status.state += (status.state.empty() ? "" : "; ") +
                            std::string(kubernetes::pluralOf(reflector->kind())) + ": " +
                            reflector->state();
        }
    }
    if (status.state.empty()) {
        status.state = "watching";
    }
    return status;
}

}  // namespace

kubernetes::OrProblem<kubernetes::ClusterConfig> findCluster(const KubernetesOptions& options) {
    if (options.cluster) {
        return *options.cluster;
    }
    if (!options.kubeconfig.empty()) {
        return kubernetes::loadKubeconfig(options.kubeconfig);
    }
    return kubernetes::inClusterConfig(
        options.environment ? options.environment : kubernetes::Environment(processEnvironment),
        options.serviceAccountDirectory);
}

std::unique_ptr<KubernetesSource> makeKubernetesSource(asio::io_context& context,
                                                       KubernetesOptions options) {
    const auto cluster = findCluster(options);
    if (const auto* problem = std::get_if<kubernetes::ConfigProblem>(&cluster)) {
        throw std::invalid_argument(problem->what);
    }
    return std::make_unique<WatchingSource>(context, std::move(options),
                                            std::get<kubernetes::ClusterConfig>(cluster));
}

}  // namespace evergate::controller
