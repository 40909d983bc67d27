#include "flowlens/cloud_instances.hpp"

#include <doctest/doctest.h>

#include "flowlens/error.hpp"
#include "support/fact_lines.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};

constexpr std::string_view kAwsInstances = R"({"Reservations": [{
  "Groups": [], "OwnerId": "123456789012", "ReservationId": "r-0a1b2c3d",
  "Instances": [{
    "AmiLaunchIndex": 0, "ImageId": "ami-0abcdef1234567890", "InstanceId": "i-0123456789abcdef0",
    "InstanceType": "t3.micro", "LaunchTime": "2026-03-02T10:00:00+00:00",
    "Placement": {"AvailabilityZone": "eu-west-1a", "GroupName": "", "Tenancy": "default"},
    "PrivateIpAddress": "10.1.2.3", "PublicIpAddress": "198.51.100.7", "PlatformDetails": "Linux/UNIX",
    "State": {"Code": 16, "Name": "running"}, "SubnetId": "subnet-0aa", "VpcId": "vpc-0bb",
    "NetworkInterfaces": [{
      "Association": {"IpOwnerId": "amazon", "PublicIp": "198.51.100.7"},
      "Attachment": {"AttachTime": "2026-01-01T00:00:00+00:00", "DeviceIndex": 0, "Status": "attached"},
      "Ipv6Addresses": [{"Ipv6Address": "2001:db8::3"}],
      "NetworkInterfaceId": "eni-01", "OwnerId": "123456789012",
      "PrivateIpAddress": "10.1.2.3",
      "PrivateIpAddresses": [
        {"Association": {"IpOwnerId": "amazon", "PublicIp": "198.51.100.7"}, "Primary": true, "PrivateIpAddress": "10.1.2.3"},
        {"Association": {"IpOwnerId": "123456789012", "PublicIp": "198.51.100.8"}, "Primary": false, "PrivateIpAddress": "10.1.2.4"}],
      "Status": "in-use", "SubnetId": "subnet-0aa", "VpcId": "vpc-0bb"}],
    "Tags": [{"Key": "Name", "Value": "web-1"}, {"Key": "aws:autoscaling:groupName", "Value": "web"}]
  }, {
    "InstanceId": "i-0dead", "State": {"Code": 48, "Name": "terminated"}, "NetworkInterfaces": []
  }]
}]})";

constexpr std::string_view kAwsInterfaces = R"({"NetworkInterfaces": [
  {"Attachment": {"AttachTime": "2026-02-01T00:00:00+00:00", "AttachmentId": "eni-attach-1", "DeviceIndex": 1,
     "InstanceOwnerId": "123456789012", "InstanceId": "i-0123456789abcdef0", "Status": "attached"},
   "AvailabilityZone": "us-west-2-lax-1a", "Description": "second", "InterfaceType": "interface", "Ipv6Addresses": [],
   "MacAddress": "02:00:00:00:00:01", "NetworkInterfaceId": "eni-02", "OwnerId": "123456789012",
   "PrivateIpAddress": "10.1.9.9", "PrivateIpAddresses": [{"Primary": true, "PrivateIpAddress": "10.1.9.9"}],
   "Status": "in-use", "SubnetId": "subnet-0cc", "TagSet": [{"Key": "Name", "Value": "not the machine"}], "VpcId": "vpc-0bb"},
  {"Association": {"IpOwnerId": "amazon-elb", "PublicIp": "198.51.100.9"},
   "Attachment": {"AttachTime": "2026-02-03T00:00:00+00:00", "InstanceOwnerId": "amazon-elb", "Status": "attached"},
   "AvailabilityZone": "us-west-2a", "Description": "ELB app/shop/50dc6c495c0c9188", "InterfaceType": "network_load_balancer",
   "NetworkInterfaceId": "eni-03", "OwnerId": "123456789012", "PrivateIpAddress": "10.1.9.10",
   "PrivateIpAddresses": [{"Association": {"IpOwnerId": "amazon-elb", "PublicIp": "198.51.100.9"}, "Primary": true,
     "PrivateIpAddress": "10.1.9.10"}], "Status": "in-use", "SubnetId": "subnet-0cc", "TagSet": [], "VpcId": "vpc-0bb"},
  {"NetworkInterfaceId": "eni-04", "PrivateIpAddress": "10.1.9.11", "PrivateIpAddresses": [], "Status": "available"}
]})";

constexpr std::string_view kAzureMachines = R"([{
  "hardwareProfile": {"vmSize": "Standard_B2s"}, "fqdns": "", "name": "vm1", "location": "westeurope",
  "id": "/subscriptions/0a1b/resourceGroups/RG/providers/Microsoft.Compute/virtualMachines/vm1",
  "macAddresses": "00-0D-3A-00-00-01", "powerState": "VM running", "privateIps": "10.2.0.4,10.2.0.5",
  "publicIps": "192.0.2.4", "resourceGroup": "RG", "storageProfile": {"osDisk": {"osType": "Linux"}},
  "tags": {"Owner": "ops", "data": "kept"}, "timeCreated": "2026-04-01T08:00:00.123456+00:00",
  "vmId": "11111111-2222-3333-4444-555555555555", "zones": ["1"]}])";

constexpr std::string_view kAzureAddresses = R"([{"virtualMachine": {"name": "vm2", "network": {
  "privateIpAddresses": ["10.2.0.6"],
  "publicIpAddresses": [{"id": "/subscriptions/0a1b/resourceGroups/RG/providers/Microsoft.Network/publicIPAddresses/ip",
    "ipAddress": "192.0.2.6", "ipAllocationMethod": "Dynamic", "name": "ip", "resourceGroup": "RG", "zone": null}]},
  "resourceGroup": "RG"}}])";

constexpr std::string_view kGcpMachines = R"([{
  "creationTimestamp": "2026-05-01T00:00:00.000-08:00", "lastStartTimestamp": "2026-05-02T00:00:00.000+02:00",
  "id": "1234567890123456789", "name": "vm-1", "labels": {"env": "prod", "volumes": "kept"}, "status": "RUNNING",
  "machineType": "https://www.googleapis.com/compute/v1/projects/shop/zones/us-central1-a/machineTypes/e2-medium",
  "networkInterfaces": [{"accessConfigs": [{"name": "External NAT", "natIP": "203.0.113.5", "type": "ONE_TO_ONE_NAT"}],
    "network": "https://www.googleapis.com/compute/v1/projects/shop/global/networks/default",
    "networkIP": "10.128.0.2",
    "subnetwork": "https://www.googleapis.com/compute/v1/projects/shop/regions/us-central1/subnetworks/inner"}],
  "zone": "https://www.googleapis.com/compute/v1/projects/shop/zones/us-central1-a"}])";

struct Listed {
  TemporaryFolder folder;
  CloudInstances lister;
  std::vector<Fact> facts;
  explicit Listed(std::string_view content)
      : lister({write_file(folder.path / "list.json", content), SiteId{2}}),
        facts(lister.list(kNow)) {}
};

}  // namespace

TEST_CASE("EC2 instances: names, place, tags, and whose the address is since when") {
  const Listed listed(kAwsInstances);
  const Lines common = {
      "cloud.account=123456789012",
      "cloud.instance=i-0123456789abcdef0",
      "cloud.instance_type=t3.micro",
      "cloud.network=vpc-0bb",
      "cloud.provider=aws",
      "cloud.region=eu-west-1",
      "cloud.subnet=subnet-0aa",
      "cloud.tag.aws_autoscaling_groupname=web",
      "cloud.tag.name=web-1",
      "cloud.zone=eu-west-1a",
      "name=web-1",
      "operating_system=Linux/UNIX",
  };
  const auto with = [&](std::string_view since) {
    Lines lines = common;
    lines.insert(lines.begin(), held_by("aws:i-0123456789abcdef0", since));
    return lines;
  };
  CHECK(fact_lines(listed.facts, "10.1.2.3") == with("2026-01-01T00:00:00Z"));
  CHECK(fact_lines(listed.facts, "2001:db8::3") == with("2026-01-01T00:00:00Z"));
  CHECK(fact_lines(listed.facts, "198.51.100.7") == with("2026-03-02T10:00:00Z"));  // lent anew
  CHECK(fact_lines(listed.facts, "198.51.100.8") ==
        with("2026-01-01T00:00:00Z"));  // the customer's
  CHECK(listed.facts.size() == 5 * 13);
  for (const Fact& fact : listed.facts) {
    CHECK(fact.source == FactSource::cloud);
    CHECK(fact.origin == listed.lister.origin());
    CHECK(fact.subject.site == SiteId{2});
  }
  CHECK(listed.lister.origin() == "instances:" + (listed.folder.path / "list.json").string());
}

TEST_CASE("EC2 interfaces: the instance's address, or a machine of its own, or nobody's") {
  const Listed listed(kAwsInterfaces);
  CHECK(fact_lines(listed.facts, "10.1.9.9") ==
        Lines{held_by("aws:i-0123456789abcdef0", "2026-02-01T00:00:00Z"),
              "cloud.account=123456789012", "cloud.instance=i-0123456789abcdef0",
              "cloud.network=vpc-0bb", "cloud.provider=aws", "cloud.region=us-west-2",
              "cloud.subnet=subnet-0cc", "cloud.zone=us-west-2-lax-1a", "mac=02:00:00:00:00:01"});
  CHECK(fact_lines(listed.facts, "198.51.100.9") ==
        Lines{held_by("aws:eni-03", "2026-02-03T00:00:00Z"), "cloud.account=123456789012",
              "cloud.network=vpc-0bb", "cloud.provider=aws", "cloud.region=us-west-2",
              "cloud.service=network_load_balancer", "cloud.subnet=subnet-0cc",
              "cloud.zone=us-west-2a", "description=ELB app/shop/50dc6c495c0c9188"});
  CHECK(fact_lines(listed.facts, "10.1.9.11") == Lines{"cloud.provider=aws"});
}

TEST_CASE("Azure machines") {
  const Listed listed(kAzureMachines);
  const Lines want = {
      held_by("azure:11111111-2222-3333-4444-555555555555", "2026-04-01T08:00:00.123456Z"),
      "cloud.account=0a1b",
      "cloud.instance=11111111-2222-3333-4444-555555555555",
      "cloud.instance_type=Standard_B2s",
      "cloud.provider=azure",
      "cloud.region=westeurope",
      "cloud.tag.data=kept",
      "cloud.tag.owner=ops",
      "cloud.zone=1",
      "name=vm1",
      "operating_system=Linux"};
  for (const char* address : {"10.2.0.4", "10.2.0.5", "192.0.2.4"}) {
    CAPTURE(address);
    CHECK(fact_lines(listed.facts, address) == want);
  }
  const Listed addresses(kAzureAddresses);
  for (const char* address : {"10.2.0.6", "192.0.2.6"}) {
    CAPTURE(address);
    CHECK(fact_lines(addresses.facts, address) ==
          Lines{"cloud.account=0a1b", "cloud.provider=azure", "name=vm2"});
  }
}

TEST_CASE("GCP machines") {
  const Listed listed(kGcpMachines);
  const Lines common = {"cloud.account=shop",
                        "cloud.instance=1234567890123456789",
                        "cloud.instance_type=e2-medium",
                        "cloud.network=default",
                        "cloud.provider=gcp",
                        "cloud.region=us-central1",
                        "cloud.subnet=inner",
                        "cloud.tag.env=prod",
                        "cloud.tag.volumes=kept",
                        "cloud.zone=us-central1-a",
                        "name=vm-1"};
  const auto with = [&](std::string_view since) {
    Lines lines = common;
    lines.insert(lines.begin(), held_by("gcp:1234567890123456789", since));
    return lines;
  };
  CHECK(fact_lines(listed.facts, "10.128.0.2") == with("2026-05-01T08:00:00Z"));
  CHECK(fact_lines(listed.facts, "203.0.113.5") == with("2026-05-01T22:00:00Z"));
}

TEST_CASE("what is no listing is refused; what is wrong in one costs no more than itself") {
  const TemporaryFolder folder;
  const std::pair<const char*, const char*> cases[] = {
      {"", ":1:1: syntax error"},
      {"{", ":1:1: syntax error"},
      {"{\"Reservations\": 7}", ": is none of the answers"},
      {"[7]", ": is none of the answers"},
      {"[{\"name\": \"vm\"}]", ": is none of the answers"},
      {"\"text\"", ": is none of the answers"},
  };
  for (const auto& [content, why] : cases) {
    CAPTURE(content);
    CloudInstances lister({write_file(folder.path / "list.json", content), {}});
    const std::string said = message_of<IoError>([&] { (void)lister.list(kNow); });
    CAPTURE(said);
    CHECK(said.find("list.json" + std::string(why)) != std::string::npos);
  }
  const std::pair<const char*, std::size_t> odd[] = {
      {"[]", 0},
      {"{\"Reservations\": [7, {\"Instances\": [null, {\"InstanceId\": 7}]}]}", 0},
      {"{\"NetworkInterfaces\": [[], {\"NetworkInterfaceId\": \"eni-1\", \"PrivateIpAddress\": "
       "\"x\"}]}",
       1},
      {"[{\"vmId\": \"1\", \"privateIps\": \",10.0.0.1, 10.0.0.2 ,x\"}, 7]", 1},
  };
  for (const auto& [content, refused] : odd) {
    CAPTURE(content);
    CloudInstances lister({write_file(folder.path / "list.json", content), {}});
    CHECK_NOTHROW((void)lister.list(kNow));
    CHECK(lister.refused() == refused);
  }
  CHECK_THROWS_AS(CloudInstances({}), ConfigError);
}

TEST_CASE("values from outside are UTF-8 of one line that fits a fact") {
  const std::string listing =
      R"([{"vmId": "1", "privateIps": "10.0.0.1", "name": "a\nb\u0000c", "location": ")" +
      std::string(1'023, 'x') + R"(é!", "tags": {"": "no name", "Ü x": "1"}}])";
  const Listed listed(listing);
  const Lines lines = fact_lines(listed.facts, "10.0.0.1");
  CHECK(lines.size() == 6);
  CHECK(std::count(lines.begin(), lines.end(), "name=a b c") == 1);
  CHECK(std::count(lines.begin(), lines.end(), "cloud.region=" + std::string(1'023, 'x')) == 1);
  CHECK(std::count(lines.begin(), lines.end(), "cloud.tag.___x=1") == 1);
}
