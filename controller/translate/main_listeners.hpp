// SPDX-License-Identifier: Apache-2.0
// The listeners that are there whatever the source says: "http", and "https" unless it is off.
// Pure.
#pragma once

#include "common/model/config.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

inline constexpr const char* kHttpListener = "http";
inline constexpr const char* kHttpsListener = "https";

void emitMainListeners(const TranslateOptions& options, model::Config& config);

}  // namespace evergate::controller
