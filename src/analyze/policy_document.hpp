/// \file
/// analyze: what the dialects of a policy have in common.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/policy_export.hpp"

namespace flowlens::policy {

using Json = nlohmann::ordered_json;

inline constexpr std::uint8_t kIcmp = 1, kTcp = 6, kUdp = 17, kIcmp6 = 58, kSctp = 132;

/// What a dialect cannot say, a sentence each. They hold names of groups and numbers, and no text from
/// the network.
class Remarks {
 public:
  void add(std::string sentence) {
    if (list_.size() < kMost) list_.push_back(std::move(sentence));
  }
  [[nodiscard]] const std::vector<std::string>& list() const noexcept { return list_; }

 private:
  static constexpr std::size_t kMost = 1'000;
  std::vector<std::string> list_;
};

struct Service {
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
  friend auto operator<=>(const Service&, const Service&) noexcept = default;
};
/// Rules put together: all of these peers, at all of these services.
struct Clause {
  std::vector<PolicyPeer> peers;
  std::vector<Service> services;
};
/// The rules whose protocol `is_known`, by their first service; the others are remarked on.
[[nodiscard]] std::vector<Clause> clauses_of(const PolicyGroup& group, bool is_egress,
                                             bool (*is_known)(std::uint8_t), std::string_view what,
                                             Remarks& remarks);
[[nodiscard]] bool has_ports(std::uint8_t protocol);  ///< of those that Kubernetes knows
[[nodiscard]] bool is_tcp(std::uint8_t protocol);
/// `TCP`
[[nodiscard]] std::string_view upper_name(std::uint8_t protocol);
/// 10.0.0.1/32
[[nodiscard]] std::string cidr(const IpPrefix& network);
[[nodiscard]] std::string cidr(const IpAddress& address);

/// One YAML 1.2 document, that YAML 1.1 reads alike. Whatever a text holds, it stays one text.
void write_yaml(const Json& document, std::ostream& out);
/// Text for a description: letters, digits, blanks and `._:/-`, other octets as `_`, at most `most`.
[[nodiscard]] std::string harmless(std::string_view text, std::size_t most);

// The dialects that are documents.
[[nodiscard]] std::vector<Json> kubernetes_documents(const Policy&, const PolicyExportOptions&,
                                                     Remarks&);
[[nodiscard]] std::vector<Json> cilium_documents(const Policy&, const PolicyExportOptions&,
                                                 Remarks&);
[[nodiscard]] std::vector<Json> calico_documents(const Policy&, const PolicyExportOptions&,
                                                 Remarks&);
[[nodiscard]] std::vector<Json> istio_documents(const Policy&, const PolicyExportOptions&,
                                                Remarks&);
[[nodiscard]] std::vector<Json> envoy_documents(const Policy&, const PolicyExportOptions&,
                                                Remarks&);
[[nodiscard]] Json aws_template(const Policy&, const PolicyExportOptions&, Remarks&);
void write_nftables(const Policy&, const PolicyExportOptions&, std::ostream& out);

}  // namespace flowlens::policy
