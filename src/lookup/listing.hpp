/// \file
/// lookup: the machines in a listing of a cloud.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lookup/json_file.hpp"
#include "lookup/machine.hpp"

namespace flowlens::lookup {

struct Listing {
  std::vector<Machine> machines;
  std::uint64_t refused = 0;  ///< addresses that are none
};

/// Adds an address unless it is none. \param text  empty: there is none to add.
void add_address(Listing& listing, Machine& machine, std::string_view text,
                 std::optional<Timestamp> since);

/// `Reservations` of DescribeInstances, `NetworkInterfaces` of DescribeNetworkInterfaces.
void read_aws_instances(const Json& answer, Listing& out);
void read_aws_interfaces(const Json& answer, Listing& out);
/// An array of `az vm list -d` or `az vm list-ip-addresses`.
void read_azure(const Json& machines, Listing& out);
/// An array of `gcloud compute instances list`.
void read_gcp(const Json& machines, Listing& out);

/// Tells them apart. \throws IoError if it is none of them; `name` is what it is called.
Listing read_listing(const Json& document, const std::string& name);

}  // namespace flowlens::lookup
