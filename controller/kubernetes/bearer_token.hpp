// SPDX-License-Identifier: Apache-2.0
// The token sent with each request; read again when its file changes, each minute, or after a 401.
//
// Not thread-safe. A file that cannot be read or holds no token leaves the last good one in use.
#pragma once

#include <chrono>
#include <string>

#include "controller/kubernetes/cluster_config.hpp"

namespace evergate::controller::kubernetes {

class BearerToken {
public:
    using Time = std::chrono::steady_clock::time_point;

    explicit BearerToken(TextOrFile source);

    // Empty: none is sent.
    const std::string& get(Time now);

    // The server refused it: the next get() reads the file whatever its time says.
    void distrust() noexcept { distrusted_ = true; }

private:
    struct FileStamp {
        long long seconds = 0;
        long long nanoseconds = 0;
        unsigned long long inode = 0;

        friend bool operator==(const FileStamp&, const FileStamp&) = default;
    };

    FileStamp stampOfFile() const;

    TextOrFile source_;
    std::string token_;
    FileStamp stamp_;
    Time readAt_{};
    bool distrusted_ = true;  // nothing has been read yet
};

}  // namespace evergate::controller::kubernetes
