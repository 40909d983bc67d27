#include "lookup/listing.hpp"

#include <algorithm>

#include "flowlens/error.hpp"

namespace flowlens::lookup {

namespace {

/// The part behind the last slash: `n1-standard-1` of a link.
std::string_view last_part(std::string_view link) noexcept {
  return link.substr(link.rfind('/') + 1);
}

/// The part behind `/name/`, in any case of letters: of `/subscriptions/1a2b/resourceGroups/web/…`.
std::string_view part_behind(std::string_view path, std::string_view name) {
  const auto same = [](char a, char b) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return lower(a) == lower(b);
  };
  const std::string wanted = "/" + std::string(name) + "/";
  const auto found = std::search(path.begin(), path.end(), wanted.begin(), wanted.end(), same);
  if (found == path.end()) return {};
  const std::string_view rest =
      path.substr(static_cast<std::size_t>(found - path.begin()) + wanted.size());
  return rest.substr(0, rest.find('/'));
}

void say_pairs(const Json& pairs, Machine& machine) {
  if (!pairs.is_object()) return;
  for (const auto& [key, value] : pairs.items()) {
    if (value.is_string()) machine.tag(key, value.get_ref<const std::string&>());
  }
}

/// `10.0.0.4,10.0.0.5`
void add_addresses(Listing& out, Machine& machine, std::string_view texts,
                   std::optional<Timestamp> since) {
  while (!texts.empty()) {
    const std::size_t end = std::min(texts.find(','), texts.size());
    std::string_view text = texts.substr(0, end);
    texts.remove_prefix(std::min(end + 1, texts.size()));
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    add_address(out, machine, text, since);
  }
}

/// One of `az vm list -d`. A machine made anew under its old name has another vmId.
void read_azure_machine(const Json& vm, Listing& out) {
  Machine machine;
  const std::string_view id = text_of(vm, "vmId");
  if (!id.empty()) machine.identity = "azure:" + std::string(id);
  machine.say("name", text_of(vm, "name"));
  machine.say("cloud.provider", "azure");
  machine.say("cloud.account", part_behind(text_of(vm, "id"), "subscriptions"));
  machine.say("cloud.region", text_of(vm, "location"));
  const Json& zones = list_of(vm, "zones");
  if (!zones.empty() && zones[0].is_string()) {
    machine.say("cloud.zone", zones[0].get_ref<const std::string&>());
  }
  machine.say("cloud.instance", id);
  machine.say("cloud.instance_type", text_of(member(vm, "hardwareProfile"), "vmSize"));
  machine.say("operating_system",
              text_of(member(member(vm, "storageProfile"), "osDisk"), "osType"));
  say_pairs(member(vm, "tags"), machine);
  const auto made = time_of(vm, "timeCreated");
  add_addresses(out, machine, text_of(vm, "privateIps"), made);
  add_addresses(out, machine, text_of(vm, "publicIps"), made);
  if (!machine.addresses.empty()) out.machines.push_back(std::move(machine));
}

/// One of `az vm list-ip-addresses`: has no id that a machine made anew would not have, too.
void read_azure_addresses(const Json& vm, Listing& out) {
  Machine machine;
  machine.say("name", text_of(vm, "name"));
  machine.say("cloud.provider", "azure");
  const Json& network = member(vm, "network");
  for (const Json& address : list_of(network, "privateIpAddresses")) {
    const auto text = address.is_string() ? address.get<std::string>() : std::string("none");
    add_address(out, machine, text, {});
  }
  for (const Json& address : list_of(network, "publicIpAddresses")) {
    add_address(out, machine, text_of(address, "ipAddress"), {});
    if (machine.says.size() == 2) {
      machine.say("cloud.account", part_behind(text_of(address, "id"), "subscriptions"));
    }
  }
  if (!machine.addresses.empty()) out.machines.push_back(std::move(machine));
}

void read_gcp_machine(const Json& vm, Listing& out) {
  Machine machine;
  const std::string_view id = text_of(vm, "id"), zone = last_part(text_of(vm, "zone"));
  if (!id.empty()) machine.identity = "gcp:" + std::string(id);
  machine.say("name", text_of(vm, "name"));
  machine.say("cloud.provider", "gcp");
  machine.say("cloud.account", part_behind(text_of(vm, "zone"), "projects"));
  machine.say("cloud.region", zone.substr(0, zone.rfind('-')));
  machine.say("cloud.zone", zone);
  machine.say("cloud.instance", id);
  machine.say("cloud.instance_type", last_part(text_of(vm, "machineType")));
  say_pairs(member(vm, "labels"), machine);
  const auto made = time_of(vm, "creationTimestamp");
  auto started = time_of(vm, "lastStartTimestamp");
  if (!started) started = made;
  bool is_first = true;
  for (const Json& interface : list_of(vm, "networkInterfaces")) {
    if (is_first) {
      machine.say("cloud.network", last_part(text_of(interface, "network")));
      machine.say("cloud.subnet", last_part(text_of(interface, "subnetwork")));
      is_first = false;
    }
    add_address(out, machine, text_of(interface, "networkIP"), made);
    add_address(out, machine, text_of(interface, "ipv6Address"), made);
    // Outer addresses of the pool change with each start.
    for (const Json& outer : list_of(interface, "accessConfigs")) {
      add_address(out, machine, text_of(outer, "natIP"), started);
    }
    for (const Json& outer : list_of(interface, "ipv6AccessConfigs")) {
      add_address(out, machine, text_of(outer, "externalIpv6"), started);
    }
  }
  if (!machine.addresses.empty()) out.machines.push_back(std::move(machine));
}

}  // namespace

void add_address(Listing& listing, Machine& machine, std::string_view text,
                 std::optional<Timestamp> since) {
  if (text.empty()) return;
  if (const auto address = IpAddress::parse(text)) {
    machine.addresses.push_back({*address, since});
  } else {
    ++listing.refused;
  }
}

void read_azure(const Json& machines, Listing& out) {
  for (const Json& entry : machines) {
    const Json& addresses = member(entry, "virtualMachine");
    if (addresses.is_object()) {
      read_azure_addresses(addresses, out);
    } else {
      read_azure_machine(entry, out);
    }
  }
}

void read_gcp(const Json& machines, Listing& out) {
  for (const Json& entry : machines) read_gcp_machine(entry, out);
}

Listing read_listing(const Json& document, const std::string& name) {
  Listing listing;
  if (member(document, "Reservations").is_array()) {
    read_aws_instances(document, listing);
    return listing;
  }
  if (member(document, "NetworkInterfaces").is_array()) {
    read_aws_interfaces(document, listing);
    return listing;
  }
  if (document.is_array()) {
    if (document.empty()) return listing;  // no machines, whichever cloud has none
    const Json& first = document[0];
    if (member(first, "virtualMachine").is_object() || member(first, "vmId").is_string()) {
      read_azure(document, listing);
      return listing;
    }
    if (member(first, "networkInterfaces").is_array()) {
      read_gcp(document, listing);
      return listing;
    }
  }
  throw IoError(
      name +
      ": is none of the answers of aws ec2 describe-instances or describe-network-interfaces, "
      "az vm list -d or list-ip-addresses, gcloud compute instances list --format json");
}

}  // namespace flowlens::lookup
