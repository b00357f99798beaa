// SPDX-License-Identifier: Apache-2.0
// Folders a program needs for its own files: made on first use, so that a flag naming one just
// works. Blocking; any thread.
#pragma once

#include <boost/system/error_code.hpp>
#include <string>

namespace evergate::process {

// Makes `path` and what is missing above it. What it makes is for the owner alone; what is there
// stays as it is. An empty path is the current folder: nothing to do.
boost::system::error_code ensureDirectory(const std::string& path);

}  // namespace evergate::process
