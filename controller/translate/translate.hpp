// SPDX-License-Identifier: Apache-2.0
// Kubernetes objects -> the whole desired configuration. Pure and deterministic: the same objects
// give the same bytes, whatever the order they arrived in.
//
// One malformed object costs that object (or the part of it that is wrong) and is reported as a
// problem; nothing throws. docs/ingress.md states the semantics for users.
#pragma once

#include "controller/objects/object_store.hpp"
#include "controller/source.hpp"
#include "controller/translate/certificate_cache.hpp"
#include "controller/translate/translate_options.hpp"

namespace evergate::controller {

// Everything, both lanes. `fullList` is left at 0 for the source to set.
// `certificates` saves time from run to run; `now`, in seconds since 1970, is for problems with the
// time of certificates.
Desired translate(const ObjectStore& store, const TranslateOptions& options,
                  CertificateCache& certificates, std::int64_t now);

// Once, whatever the time.
Desired translate(const ObjectStore& store, const TranslateOptions& options);

// The endpoint lane alone, in time proportional to one Service. `backend` is a name that
// translate() gave; any other has no endpoints.
model::Endpoints translateEndpoints(const ObjectStore& store, const TranslateOptions& options,
                                    std::string_view backend);

// The backends whose endpoints come from the slices of `service`: those translate() would build,
// sorted.
std::vector<std::string> affectedBackends(const ObjectStore& store, const TranslateOptions& options,
                                          const ObjectName& service);

// Whether this Ingress is ours to serve, and so to write a status on.
bool selects(const ObjectStore& store, const TranslateOptions& options, const Ingress& ingress);

}  // namespace evergate::controller
