/// \file
/// http: metrics of one moment, for those who put them together.
#pragma once

#include <prometheus/metric_family.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace flowlensd::http {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<std::pair<std::string, std::string>>;

class Families {
 public:
  MetricFamily& add(MetricType type, std::string name, std::string help) {
    MetricFamily& f = families_.emplace_back();
    f.name = std::move(name);
    f.help = std::move(help);
    f.type = type;
    return f;
  }
  MetricFamily& counters(std::string name, std::string help) {
    return add(MetricType::Counter, std::move(name), std::move(help));
  }
  MetricFamily& gauges(std::string name, std::string help) {
    return add(MetricType::Gauge, std::move(name), std::move(help));
  }
  void counter(std::string name, std::string help, double value) {
    put(counters(std::move(name), std::move(help)), {}, value);
  }
  void gauge(std::string name, std::string help, double value) {
    put(gauges(std::move(name), std::move(help)), {}, value);
  }
  static void put(MetricFamily& family, const Labels& labels, double value) {
    ClientMetric& m = family.metric.emplace_back();
    for (const auto& [name, text] : labels) m.label.push_back({name, text});
    if (family.type == MetricType::Counter)
      m.counter.value = value;
    else
      m.gauge.value = value;
  }
  std::vector<MetricFamily> take() { return std::move(families_); }

 private:
  std::vector<MetricFamily> families_;
};

inline double number(std::uint64_t n) { return static_cast<double>(n); }

}  // namespace flowlensd::http
