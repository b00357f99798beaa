// SPDX-License-Identifier: Apache-2.0
#include "common/process/prometheus_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <map>

namespace evergate::process {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

std::string_view typeName(MetricType type) {
    switch (type) {
        case MetricType::Counter:
            return "counter";
        case MetricType::Gauge:
            return "gauge";
        case MetricType::Summary:
            return "summary";
        case MetricType::Histogram:
            return "histogram";
        case MetricType::Untyped:
            break;
    }
    return "untyped";
}

template <typename Number>
void appendNumber(std::string& out, Number number) {
    std::array<char, 32> digits;
    out.append(digits.data(),
               std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr);
}

void appendDouble(std::string& out, double number) {
    if (std::isnan(number)) {
        out += "NaN";
    } else if (std::isinf(number)) {
        out += number > 0 ? "+Inf" : "-Inf";
    } else {
        appendNumber(out, number);
    }
}

void appendEscaped(std::string& out, std::string_view text, bool escapeQuotes) {
    for (const char c : text) {
        if (c == '\n') {
            out += "\\n";
        } else if (c == '\\' || (c == '"' && escapeQuotes)) {
            out.append(1, '\\').append(1, c);
        } else {
            out.push_back(c);
        }
    }
}

class Writer {
public:
    explicit Writer(std::string& out) : out_(out) {}

    void header(const MetricFamily& family) {
        if (!family.help.empty()) {
            out_.append("# HELP ").append(family.name).append(1, ' ');
            appendEscaped(out_, family.help, false);
            out_.push_back('\n');
        }
        out_.append("# TYPE ").append(family.name).append(1, ' ');
        out_.append(typeName(family.type)).push_back('\n');
    }

    void metrics(const MetricFamily& family) {
        for (const ClientMetric& metric : family.metric) {
            write(family, metric);
        }
    }

private:
    void write(const MetricFamily& family, const ClientMetric& metric) {
        switch (family.type) {
            case MetricType::Counter:
                return sample(family, "", metric, metric.counter.value);
            case MetricType::Gauge:
                return sample(family, "", metric, metric.gauge.value);
            case MetricType::Untyped:
                return sample(family, "", metric, metric.untyped.value);
            case MetricType::Summary:
                return summary(family, metric);
            case MetricType::Histogram:
                return histogram(family, metric);
        }
    }

    void summary(const MetricFamily& family, const ClientMetric& metric) {
        for (const auto& quantile : metric.summary.quantile) {
            sample(family, "", metric, quantile.value, "quantile", quantile.quantile);
        }
        sample(family, "_sum", metric, metric.summary.sample_sum);
        sample(family, "_count", metric, metric.summary.sample_count);
    }

    void histogram(const MetricFamily& family, const ClientMetric& metric) {
        double last = 0;
        for (const auto& bucket : metric.histogram.bucket) {
            sample(family, "_bucket", metric, bucket.cumulative_count, "le", bucket.upper_bound);
            last = bucket.upper_bound;
        }
        if (!std::isinf(last)) {
            sample(family, "_bucket", metric, metric.histogram.sample_count, "le", INFINITY);
        }
        sample(family, "_sum", metric, metric.histogram.sample_sum);
        sample(family, "_count", metric, metric.histogram.sample_count);
    }

    template <typename Number>
    void sample(const MetricFamily& family, std::string_view suffix, const ClientMetric& metric,
                Number value, std::string_view extraName = {}, double extraValue = 0) {
        out_.append(family.name).append(suffix);
        labels(metric, extraName, extraValue);
        out_.push_back(' ');
        if constexpr (std::is_same_v<Number, double>) {
            appendDouble(out_, value);
        } else {
            appendNumber(out_, value);
        }
        if (metric.timestamp_ms != 0) {
            out_.push_back(' ');
            appendNumber(out_, metric.timestamp_ms);
        }
        out_.push_back('\n');
    }

    void labels(const ClientMetric& metric, std::string_view extraName, double extraValue) {
        char separator = '{';
        for (const auto& label : metric.label) {
            out_.append(1, separator).append(label.name).append("=\"");
            appendEscaped(out_, label.value, true);
            out_.push_back('"');
            separator = ',';
        }
        if (!extraName.empty()) {
            out_.append(1, separator).append(extraName).append("=\"");
            appendDouble(out_, extraValue);
            out_.push_back('"');
            separator = ',';
        }
        if (separator == ',') {
            out_.push_back('}');
        }
    }

    std::string& out_;
};

}  // namespace

std::string toPrometheusText(const std::vector<MetricFamily>& families) {
    // In the order of first appearance: a stable order compresses and diffs well.
    std::map<std::string_view, std::size_t> positions;
    std::vector<std::vector<const MetricFamily*>> groups;
    for (const MetricFamily& family : families) {
        const auto [it, isNew] = positions.try_emplace(family.name, groups.size());
        if (isNew) {
            groups.emplace_back();
        }
        auto& group = groups[it->second];
        if (group.empty() || group.front()->type == family.type) {
            group.push_back(&family);
        }
    }
    std::string out;
    Writer writer(out);
    for (const auto& group : groups) {
        writer.header(*group.front());
        for (const MetricFamily* family : group) {
            writer.metrics(*family);
        }
    }
    return out;
}

}  // namespace evergate::process
