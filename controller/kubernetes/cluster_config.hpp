// SPDX-License-Identifier: Apache-2.0
// Where the API server is and how to prove who we are: from the pod's service account or a
// kubeconfig.
//
// Plain values. Certificates, keys and tokens that live in files are named here and read when a
// connection is made, because clusters replace them while we run. Secrets never appear in error
// texts.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace evergate::controller::kubernetes {

struct ServerUrl {
    bool tls = true;
    std::string host;  // a name or an IP literal without brackets
    std::uint16_t port = 443;
    std::string basePath;  // without a slash at the end; usually empty

    std::string hostHeader() const;  // "[fd00::1]:6443"
    std::string text() const;        // "https://[fd00::1]:6443"
};

// Text given in place or the file it is in; `file` wins.
struct TextOrFile {
    std::string text;
    std::string file;

    bool empty() const noexcept { return text.empty() && file.empty(); }
};

struct ClusterConfig {
    ServerUrl server;
    TextOrFile authority;  // PEM; empty: the system's roots
    bool skipTlsVerify = false;
    std::string tlsServerName;  // verified and sent as SNI instead of the host
    TextOrFile token;
    TextOrFile clientCertificate;  // PEM
    TextOrFile clientKey;          // PEM
    std::string nameSpace;         // of the pod or the context; may be empty
};

// One clear line for the user.
struct ConfigProblem {
    std::string what;
};

template <typename T>
using OrProblem = std::variant<T, ConfigProblem>;

OrProblem<ServerUrl> parseServerUrl(std::string_view text);

// Pure: reads no files. `baseDirectory` is what relative file names in it are relative to.
OrProblem<ClusterConfig> parseKubeconfig(const std::string& yaml, const std::string& baseDirectory);
OrProblem<ClusterConfig> loadKubeconfig(const std::string& path);

using Environment = std::function<std::optional<std::string>(const char* name)>;

// From KUBERNETES_SERVICE_HOST and _PORT and the files of the service account's directory.
OrProblem<ClusterConfig> inClusterConfig(const Environment& environment,
                                         const std::string& serviceAccountDirectory);

// The text, or the whole file (at most 1 MiB).
OrProblem<std::string> readText(const TextOrFile& source);

}  // namespace evergate::controller::kubernetes
