// SPDX-License-Identifier: Apache-2.0
#include "controller/directory/directory_source.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <set>
#include <utility>
#include <vector>

#include "controller/directory/folder.hpp"
#include "controller/directory/folder_watch.hpp"
#include "controller/directory/manifest_store.hpp"
#include "controller/translate/translate.hpp"

namespace evergate::controller {
namespace {

using directory::FolderEvents;
using Clock = std::chrono::steady_clock;

class DirectorySource final : public Source {
public:
    DirectorySource(boost::asio::io_context& context, DirectoryOptions options)
        : context_(context),
          options_(std::move(options)),
          watch_(context, options_.directory,
                 [this](FolderEvents events) { on(std::move(events)); }),
          removalTimer_(context),
          retryTimer_(context),
          retryDelay_(options_.firstRetry) {
        options_.translate.loopbackEndpoints = true;
    }

    void start(SourceSink& sink) override {
        sink_ = &sink;
        relist();
    }

    void relist() override {
        boost::asio::post(context_, [this, alive = std::weak_ptr(alive_)] {
            if (!alive.expired() && sink_ != nullptr) {
                reload(Clock::now());
            }
        });
    }

    void stop() override {
        sink_ = nullptr;
        removalTimer_.cancel();
        retryTimer_.cancel();
        status_.state = "stopped";
    }

    SourceStatus status() const override {
        SourceStatus status = status_;
        status.objects = store_.objects().size();
        return status;
    }

private:
    void on(FolderEvents events);
    void reload(EventTime since);
    void readTouched(const std::set<std::string>& names, EventTime since);
    void armRemoval(EventTime since);
    void removeMissing(EventTime since);
    void retryLater(const boost::system::error_code& error);
    void publish(const Change& change, EventTime since);
    void publishAll(EventTime since);

    boost::asio::io_context& context_;
    DirectoryOptions options_;
    SourceSink* sink_ = nullptr;
    directory::ManifestStore store_;
    CertificateCache certificates_;
    directory::FolderWatch watch_;
    boost::asio::steady_timer removalTimer_;
    boost::asio::steady_timer retryTimer_;
    std::chrono::milliseconds retryDelay_;
    std::vector<ObjectProblem> problems_;  // of files and their objects, as last published
    std::set<std::string> missing_;        // files that disappeared and may come back
    SourceStatus status_{
        .synced = false, .state = "starting", .objects = 0, .events = 0, .lists = 0, .errors = 0};
    std::shared_ptr<const bool> alive_ = std::make_shared<const bool>(true);
};

void DirectorySource::on(FolderEvents events) {
    if (sink_ == nullptr) {
        return;
    }
    const EventTime since = Clock::now();
    status_.events += events.count;
    if (events.replaced || events.rescan) {
        reload(since);
    } else {
        readTouched(events.touched, since);
    }
}

// A complete list: watch first, so that nothing changes unseen between the two.
void DirectorySource::reload(EventTime since) {
    auto error = watch_.watch();
    if (!error) {
        const auto loaded = directory::loadFolder(options_.directory, store_);
        error = loaded ? boost::system::error_code() : loaded.error();
    }
    removalTimer_.cancel();
    missing_.clear();
    if (error) {
        retryLater(error);
        return;
    }
    if (!status_.synced || retryDelay_ != options_.firstRetry) {
        if (options_.logger) {
            options_.logger->info("watching directory={} objects={}", options_.directory.string(),
                                  store_.objects().size());
        }
    }
    retryTimer_.cancel();
    retryDelay_ = options_.firstRetry;
    ++status_.lists;
    status_.synced = true;
    status_.state = "watching";
    publishAll(since);
}

void DirectorySource::retryLater(const boost::system::error_code& error) {
    ++status_.errors;
    status_.state = "cannot read " + options_.directory.string() + ": " + error.message();
    if (options_.logger && retryDelay_ == options_.firstRetry) {
        options_.logger->warn("cannot read directory={} error=\"{}\"; keeping {} objects",
                              options_.directory.string(), error.message(),
                              store_.objects().size());
    }
    retryTimer_.expires_after(retryDelay_);
    retryDelay_ = std::min(2 * retryDelay_, options_.longestRetry);
    retryTimer_.async_wait(
        [this, alive = std::weak_ptr(alive_)](const boost::system::error_code& canceled) {
            if (!canceled && !alive.expired() && sink_ != nullptr) {
                reload(Clock::now());
            }
        });
}

void DirectorySource::readTouched(const std::set<std::string>& names, EventTime since) {
    Change change;
    bool read = false;
    bool lost = false;
    for (const std::string& name : names) {
        directory::FileOutcome outcome = directory::loadFile(options_.directory, name, store_);
        if (outcome.missing) {
            lost = (store_.hasFile(name) && missing_.insert(name).second) || lost;
            continue;
        }
        read = true;
        missing_.erase(name);
        change.merge(std::move(outcome.change));
    }
    if (lost) {
        armRemoval(since);
    }
    if (read) {
        publish(change, since);
    }
}

void DirectorySource::armRemoval(EventTime since) {
    removalTimer_.expires_after(options_.removalGrace);
    removalTimer_.async_wait(
        [this, since, alive = std::weak_ptr(alive_)](const boost::system::error_code& canceled) {
            if (!canceled && !alive.expired() && sink_ != nullptr) {
                removeMissing(since);
            }
        });
}

void DirectorySource::removeMissing(EventTime since) {
    Change change;
    for (const std::string& name : std::exchange(missing_, {})) {
        change.merge(store_.removeFile(name));
    }
    publish(change, since);
}

void DirectorySource::publish(const Change& change, EventTime since) {
    if (!change.config) {
        for (const ObjectName& service : change.endpointsOf) {
            for (const auto& name :
                 affectedBackends(store_.objects(), options_.translate, service)) {
                sink_->onEndpoints(
                    name, translateEndpoints(store_.objects(), options_.translate, name), since);
            }
        }
    }
    // Problems travel with the whole configuration only.
    if (change.config || store_.problems() != problems_) {
        publishAll(since);
    }
}

void DirectorySource::publishAll(EventTime since) {
    const auto now = std::chrono::duration_cast<std::chrono::seconds>(
        std::chrono::system_clock::now().time_since_epoch());
    Desired desired = translate(store_.objects(), options_.translate, certificates_, now.count());
    store_.locate(desired.problems);
    problems_ = store_.problems();
    desired.problems.insert(desired.problems.end(), problems_.begin(), problems_.end());
    std::sort(desired.problems.begin(), desired.problems.end());
    desired.fullList = status_.lists;
    sink_->onDesired(std::move(desired), since);
}

}  // namespace

std::unique_ptr<Source> makeDirectorySource(boost::asio::io_context& context,
                                            DirectoryOptions options) {
    return std::make_unique<DirectorySource>(context, std::move(options));
}

}  // namespace evergate::controller
