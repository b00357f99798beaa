// SPDX-License-Identifier: Apache-2.0
// A logger that writes nothing: what is logged is not asserted.
#pragma once

#include <spdlog/sinks/null_sink.h>

#include <memory>

#include "common/process/logging.hpp"

namespace evergate::test {

inline process::Logger quietLogger() {
    return process::Logging(spdlog::level::off, process::LogFormat::text,
                            std::make_shared<spdlog::sinks::null_sink_mt>())
        .logger("test");
}

}  // namespace evergate::test
