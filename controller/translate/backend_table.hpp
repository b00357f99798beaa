// SPDX-License-Identifier: Apache-2.0
// The backends of one translation: every Service port somebody refers to, with its policy and
// endpoints. Pure; borrows the store and options.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/model/config.hpp"
#include "controller/objects/object_store.hpp"
#include "controller/translate/annotations.hpp"
#include "controller/translate/backend_authorities.hpp"
#include "controller/translate/backend_reference.hpp"
#include "controller/translate/certificates.hpp"
#include "controller/translate/problem_list.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

class BackendTable {
public:
    BackendTable(const ObjectStore& store, const TranslateOptions& options,
                 const ServiceAnnotations& services, ProblemList& problems)
        : store_(store),
          options_(options),
          services_(services),
          problems_(problems),
          authorities_(store, options.https.has_value()) {}

    // The backends of an Ingress and what it wants of them, in order of precedence. Notes
    // references that lead nowhere; such a backend exists all the same, without endpoints, and
    // answers 503.
    void addIngress(const Ingress& ingress, const GivenAnnotations& given);
    void add(const BackendReference& reference);
    // `certificates`: where those that endpoints are shown are gathered; null: there are none.
    void emit(model::Config& config, CertificateTable* certificates);

private:
    // A word on how to talk to a backend, and whose it is.
    struct Word {
        GivenAnnotation given;
        ObjectKey from;
    };

    struct Use {
        BackendReference reference;
        std::vector<Word>
            words;  // of Ingresses: of each annotation the first, but for the Service's
    };

    void checkTarget(const ObjectKey& from, const std::string& where,
                     const BackendReference& reference);
    void addWord(const ObjectKey& from, const GivenAnnotation& given, Use& use);
    model::Backend backendOf(const Use& use, CertificateTable* certificates);
    static void settleHealthCheck(const std::vector<Word>& words, model::Backend& backend);
    void settleAuthorities(const std::vector<Word>& words, model::Backend& backend);
    void settleCertificate(const std::vector<Word>& words, CertificateTable* certificates,
                           model::Backend& backend);

    const ObjectStore& store_;
    const TranslateOptions& options_;
    const ServiceAnnotations& services_;
    ProblemList& problems_;
    BackendAuthorities authorities_;
    std::map<std::string, Use> uses_;
};

}  // namespace evergate::controller
