/// \file
/// lookup: a machine in a cloud, as a listing describes it, and the facts that say so.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "flowlens/fact.hpp"
#include "flowlens/id.hpp"

namespace flowlens::lookup {

struct Machine {
  struct Address {
    IpAddress address;
    std::optional<Timestamp> since;  ///< from when it is the machine's
  };
  /// What it is, in the words of the cloud: `aws:i-0abc`. Empty: not to be told from others, so nothing
  /// is said of who holds the addresses.
  std::string identity;
  std::vector<Address> addresses;
  /// Attribute and value; empty values and attributes that are none say nothing.
  std::vector<std::pair<std::string, std::string>> says;

  void say(std::string_view attribute, std::string_view value) {
    if (!value.empty()) says.emplace_back(attribute, value);
  }
  /// `cloud.tag.<key>`, the key in the words of is_valid_attribute().
  void tag(std::string_view key, std::string_view value);
};

/// What facts share.
struct Speaker {
  SiteId site;
  FactSource source = FactSource::cloud;
  std::string origin;
  Timestamp now;
};

/// The id of the asset, the same for all who know the machine by this name.
[[nodiscard]] Id machine_id(std::string_view identity) noexcept;

/// One fact, if the value can be one; longer values are cut between characters.
void say(const Speaker& speaker, const IpAddress& address, std::string_view attribute,
         std::string_view value, std::vector<Fact>& out, std::optional<Timestamp> since = {});

void say(const Speaker& speaker, const Machine& machine, std::vector<Fact>& out);

/// Letters, digits and `_` in lower case, with points between: `aws:autoscaling:groupName` is
/// `aws_autoscaling_groupname`.
[[nodiscard]] std::string attribute_of(std::string_view key);

/// `us-west-2` of `us-west-2a` and of `us-west-2-lax-1a`.
[[nodiscard]] std::string_view region_of_aws_zone(std::string_view zone) noexcept;

}  // namespace flowlens::lookup
