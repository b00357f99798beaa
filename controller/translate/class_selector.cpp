// SPDX-License-Identifier: Apache-2.0
#include "controller/translate/class_selector.hpp"

namespace evergate::controller {
namespace {

constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";
constexpr std::string_view kDefaultAnnotation = "ingressclass.kubernetes.io/is-default-class";

}  // namespace

ClassSelector::ClassSelector(const ObjectStore& store, const TranslateOptions& options)
    : store_(store), options_(options) {
    for (const auto& [id, ingressClass] : store.ingressClasses()) {
        const bool wanted = options.ingressClass.empty() || options.ingressClass == id.name;
        if (!wanted || ingressClass.controller != kControllerName) {
            continue;
        }
        ours_.insert(id.name);
        const std::string* isDefault = ingressClass.metadata.annotation(kDefaultAnnotation);
        weAreDefault_ = weAreDefault_ || (isDefault != nullptr && *isDefault == "true");
    }
}

bool ClassSelector::selects(const Ingress& ingress) const {
    if (ingress.ingressClassName) {
        return ours_.contains(*ingress.ingressClassName);
    }
    const std::string* old = ingress.metadata.annotation(kClassAnnotation);
    if (old != nullptr) {
        return options_.ingressClass.empty() ? ours_.contains(*old) : *old == options_.ingressClass;
    }
    return weAreDefault_;
}

void ClassSelector::explain(const Ingress& ingress, ProblemList& problems) const {
    const auto& name = ingress.ingressClassName;
    if (!name || name->empty() || *name != options_.ingressClass || ours_.contains(*name)) {
        return;
    }
    const bool exists = store_.ingressClasses().contains({"", *name});
    problems.add(toText({ResourceKind::ingress, ingress.metadata.id}), "spec.ingressClassName",
                 exists ? "IngressClass " + *name + " belongs to another controller; not served"
                        : "IngressClass " + *name + " does not exist; not served");
}

}  // namespace evergate::controller
