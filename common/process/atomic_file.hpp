// SPDX-License-Identifier: Apache-2.0
// Small files that are either the old or the new content after a crash, never something between.
// Blocking: for start-up and the control thread. One writer per path at a time.
#pragma once

#include <boost/system/error_code.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>

namespace evergate::process {

// Writes <path>.tmp (mode 0600), fsyncs it, renames it to `path`, fsyncs the folder. On an error
// `path` is as it was, except that after a failed last fsync it may be either.
boost::system::error_code writeFileAtomically(const std::string& path, std::string_view content);

// The whole file; errc::file_too_large when it has more than maxBytes.
boost::system::result<std::string> readFile(const std::string& path, std::size_t maxBytes);

}  // namespace evergate::process
