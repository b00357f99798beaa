// SPDX-License-Identifier: Apache-2.0
// The standard process_* metrics, read from /proc/self at each scrape. Values that cannot be read
// are left out. Safe on any thread.
#pragma once

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <vector>

namespace evergate::process {

class ProcessCollector final : public prometheus::Collectable {
public:
    std::vector<prometheus::MetricFamily> Collect() const override;
};

}  // namespace evergate::process
