// SPDX-License-Identifier: Apache-2.0
#include "common/process/directory.hpp"

#include <sys/stat.h>

#include <cerrno>

namespace evergate::process {

namespace {

constexpr mode_t kOwnerOnly = 0700;

boost::system::error_code makeOne(const std::string& path) {
    if (::mkdir(path.c_str(), kOwnerOnly) == 0 || errno == EEXIST)
        return {};
    return {errno, boost::system::system_category()};
}

}  // namespace

boost::system::error_code ensureDirectory(const std::string& path) {
    struct stat status {};

    if (path.empty() || ::stat(path.c_str(), &status) == 0)
        return {};
    for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1)) {
        if (const auto error = makeOne(path.substr(0, slash)))
            return error;
    }
    return makeOne(path);
}

}  // namespace evergate::process
