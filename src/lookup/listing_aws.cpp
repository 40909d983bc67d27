// EC2's DescribeInstances and DescribeNetworkInterfaces, as JSON with the names of the command line.
#include <algorithm>

#include "lookup/listing.hpp"

namespace flowlens::lookup {

namespace {

/// Instances and interfaces name their list differently.
const Json& tags_of(const Json& machine) noexcept {
  const Json& tags = list_of(machine, "Tags");
  return tags.empty() ? list_of(machine, "TagSet") : tags;
}

void say_tags(const Json& tags, Machine& machine) {
  for (const Json& tag : tags) machine.tag(text_of(tag, "Key"), text_of(tag, "Value"));
}

std::string_view name_in(const Json& tags) {
  for (const Json& tag : tags) {
    if (text_of(tag, "Key") == "Name") return text_of(tag, "Value");
  }
  return {};
}

void say_place(const Json& where, std::string_view zone, std::string_view account,
               Machine& machine) {
  machine.say("cloud.provider", "aws");
  machine.say("cloud.account", account);
  machine.say("cloud.region", region_of_aws_zone(zone));
  machine.say("cloud.zone", zone);
  machine.say("cloud.network", text_of(where, "VpcId"));
  machine.say("cloud.subnet", text_of(where, "SubnetId"));
}

/// An address of Amazon's pool is given anew at each start; one of the customer's own stays.
std::optional<Timestamp> public_since(const Json& association, std::optional<Timestamp> attached,
                                      std::optional<Timestamp> launched) {
  const bool is_lent = text_of(association, "IpOwnerId") == "amazon";
  return is_lent && launched ? std::max(attached, launched) : attached;
}

/// All addresses of an interface, each once.
void add_addresses(const Json& interface, std::optional<Timestamp> attached,
                   std::optional<Timestamp> launched, Listing& out, Machine& machine) {
  const Json& list = list_of(interface, "PrivateIpAddresses");
  const auto add = [&](const Json& entry) {
    add_address(out, machine, text_of(entry, "PrivateIpAddress"), attached);
    const Json& association = member(entry, "Association");
    add_address(out, machine, text_of(association, "PublicIp"),
                public_since(association, attached, launched));
  };
  for (const Json& entry : list) add(entry);
  if (list.empty()) add(interface);
  for (const Json& entry : list_of(interface, "Ipv6Addresses")) {
    add_address(out, machine, text_of(entry, "Ipv6Address"), attached);
  }
}

void read_instance(const Json& instance, std::string_view account, Listing& out) {
  const std::string_view id = text_of(instance, "InstanceId");
  if (id.empty()) return;
  Machine machine;
  machine.identity = "aws:" + std::string(id);
  const Json& tags = tags_of(instance);
  machine.say("name", name_in(tags));
  say_place(instance, text_of(member(instance, "Placement"), "AvailabilityZone"), account, machine);
  machine.say("cloud.instance", id);
  machine.say("cloud.instance_type", text_of(instance, "InstanceType"));
  machine.say("operating_system", text_of(instance, "PlatformDetails"));
  say_tags(tags, machine);
  const auto launched = time_of(instance, "LaunchTime");
  for (const Json& interface : list_of(instance, "NetworkInterfaces")) {
    const auto attached = time_of(member(interface, "Attachment"), "AttachTime");
    add_addresses(interface, attached ? attached : launched, launched, out, machine);
  }
  if (machine.addresses.empty()) {  // EC2-Classic, and what filters left of an answer
    add_address(out, machine, text_of(instance, "PrivateIpAddress"), launched);
    add_address(out, machine, text_of(instance, "PublicIpAddress"), launched);
  }
  if (!machine.addresses.empty()) out.machines.push_back(std::move(machine));
}

/// Interfaces of load balancers, gateways and functions are machines of their own; those of instances
/// say whose they are, and leave it to the instance to say its name.
void read_interface(const Json& interface, Listing& out) {
  const std::string_view id = text_of(interface, "NetworkInterfaceId");
  if (id.empty()) return;
  Machine machine;
  const Json& attachment = member(interface, "Attachment");
  const std::string_view instance = text_of(attachment, "InstanceId");
  const auto attached = time_of(attachment, "AttachTime");
  if (!instance.empty()) {
    machine.identity = "aws:" + std::string(instance);
    machine.say("cloud.instance", instance);
  } else if (attached) {
    machine.identity = "aws:" + std::string(id);
  }
  say_place(interface, text_of(interface, "AvailabilityZone"), text_of(interface, "OwnerId"),
            machine);
  machine.say("mac", text_of(interface, "MacAddress"));
  if (instance.empty()) {
    const Json& tags = tags_of(interface);
    machine.say("name", name_in(tags));
    machine.say("description", text_of(interface, "Description"));
    const std::string_view type = text_of(interface, "InterfaceType");
    if (type != "interface") machine.say("cloud.service", type);
    say_tags(tags, machine);
  }
  add_addresses(interface, attached, {}, out, machine);
  if (!machine.addresses.empty()) out.machines.push_back(std::move(machine));
}

}  // namespace

void read_aws_instances(const Json& answer, Listing& out) {
  for (const Json& reservation : list_of(answer, "Reservations")) {
    for (const Json& instance : list_of(reservation, "Instances")) {
      read_instance(instance, text_of(reservation, "OwnerId"), out);
    }
  }
}

void read_aws_interfaces(const Json& answer, Listing& out) {
  for (const Json& interface : list_of(answer, "NetworkInterfaces")) read_interface(interface, out);
}

}  // namespace flowlens::lookup
