// SPDX-License-Identifier: Apache-2.0
// The Marathon source: the apps of one Marathon that carry labels of marathon-lb.
//
// Runs on the controller's thread. The sink hears nothing before a whole list has been read. While
// no master answers, or what one answers is not to be believed, the last known state stays.
// docs/labels.md tells users what it reads and does.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/process/logging.hpp"
#include "controller/marathon/event_stream.hpp"
#include "controller/source.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

struct MarathonTuning {
    std::chrono::milliseconds heartbeatTimeout{30'000};
    std::chrono::milliseconds resync{120'000};   // full lists while the event stream stands
    std::chrono::milliseconds poll{5'000};       // and while it does not
    std::chrono::milliseconds patience{30'000};  // before a list that lost most is believed
    std::chrono::milliseconds minPause{100};     // between failures
    std::chrono::milliseconds maxPause{5'000};
    std::chrono::milliseconds listGap{200};  // between two full lists
    client::HttpDeadlines deadlines{std::chrono::seconds(3), std::chrono::seconds(20),
                                    std::chrono::seconds(10), std::chrono::seconds(60)};
};

struct MarathonOptions {
    std::vector<std::string> urls;
    std::vector<std::string> groups;  // "*": all
    std::string authFile;
    std::string authorityFile;
    TranslateOptions translate;  // its Kubernetes-only members mean nothing here
    process::Logger logger;      // null: none
    MarathonTuning tuning;
    std::uint32_t seed = 0;  // of jitter; 0: a random one
};

// Throws std::invalid_argument with one line for the user: at start, and only then.
std::unique_ptr<Source> makeMarathonSource(boost::asio::io_context& context,
                                           MarathonOptions options);

}  // namespace evergate::controller
