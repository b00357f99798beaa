// SPDX-License-Identifier: Apache-2.0
// Writes samples in the Prometheus text format, version 0.0.4, under the names, types and help of a
// table of metrics.
//
// Samples may come in any order: those of a row end up together, rows in the table's order, rows
// without samples not at all. One scrape each; no thread but the caller's.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/process/metric_table.hpp"

namespace evergate::process {

inline constexpr std::string_view kPrometheusContentType =
    "text/plain; version=0.0.4; charset=utf-8";

struct MetricLabel {
    std::string_view name;
    std::string_view value;
};

using MetricLabels = std::initializer_list<MetricLabel>;

struct HistogramSample {
    std::span<const double> bounds;         // upper ones, ascending, without +Inf
    std::span<const std::uint64_t> counts;  // one per bound and one above; not cumulative
    double sum = 0;
};

class PrometheusText {
public:
    explicit PrometheusText(std::span<const MetricDescription> table);

    // `row`: a place in the table, as a number or as the enum that names its rows.
    template <typename Row, typename Number>
    void add(Row row, MetricLabels labels, Number value) {
        if constexpr (std::integral<Number>) {
            addInteger(static_cast<std::size_t>(row), labels, static_cast<std::uint64_t>(value));
        } else {
            addDouble(static_cast<std::size_t>(row), labels, static_cast<double>(value));
        }
    }

    template <typename Row, typename Number>
    void add(Row row, Number value) {
        add(row, {}, value);
    }

    template <typename Row>
    void addHistogram(Row row, MetricLabels labels, const HistogramSample& sample) {
        writeHistogram(static_cast<std::size_t>(row), labels, sample);
    }

    std::string take();

private:
    void addInteger(std::size_t row, MetricLabels labels, std::uint64_t value);
    void addDouble(std::size_t row, MetricLabels labels, double value);
    void writeHistogram(std::size_t row, MetricLabels labels, const HistogramSample& sample);

    std::span<const MetricDescription> table_;
    std::vector<std::string> rows_;
};

}  // namespace evergate::process
