#include "lookup/curl/aws_answer.hpp"

#include <doctest/doctest.h>

#include <cstdlib>

#include "flowlens/aws_client.hpp"
#include "flowlens/error.hpp"
#include "flowlens/kubernetes_client.hpp"
#include "lookup/listing.hpp"
#include "support/fact_lines.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::string_view kInstances = R"(<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
  <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
  <reservationSet><item>
    <reservationId>r-1234567890abcdef0</reservationId><ownerId>123456789012</ownerId><groupSet/>
    <instancesSet><item>
      <instanceId>i-1234567890abcdef0</instanceId><imageId>ami-bff32ccc</imageId>
      <instanceState><code>16</code><name>running</name></instanceState>
      <instanceType>t2.micro</instanceType><launchTime>2026-03-02T10:00:00.000Z</launchTime>
      <placement><availabilityZone>eu-west-1c</availabilityZone><tenancy>default</tenancy></placement>
      <subnetId>subnet-56f5f633</subnetId><vpcId>vpc-11112222</vpcId>
      <privateIpAddress>192.168.1.88</privateIpAddress><ipAddress>198.51.100.52</ipAddress>
      <tagSet><item><key>Name</key><value>Server &amp; &lt;1&gt;</value></item></tagSet>
      <networkInterfaceSet><item>
        <networkInterfaceId>eni-551ba033</networkInterfaceId>
        <attachment><attachTime>2026-01-01T00:00:00.000Z</attachTime><status>attached</status></attachment>
        <privateIpAddressesSet><item>
          <privateIpAddress>192.168.1.88</privateIpAddress><primary>true</primary>
          <association><publicIp>198.51.100.52</publicIp><ipOwnerId>amazon</ipOwnerId></association>
        </item></privateIpAddressesSet>
        <ipv6AddressesSet><item><ipv6Address>2001:db8:1234:1a2b::123</ipv6Address></item></ipv6AddressesSet>
      </item></networkInterfaceSet>
    </item></instancesSet>
  </item></reservationSet>
  <nextToken>eyJ2IjoiMiJ9==</nextToken>
</DescribeInstancesResponse>)";

}  // namespace

TEST_CASE("EC2's answer in XML says what the command line's JSON says") {
  const lookup::Json answer = lookup::read_aws_answer(kInstances, "aws");
  CHECK(lookup::text_of(answer, "NextToken") == "eyJ2IjoiMiJ9==");
  lookup::Listing listing;
  lookup::read_aws_instances(answer, listing);
  REQUIRE(listing.machines.size() == 1);
  std::vector<Fact> facts;
  lookup::say({{}, FactSource::cloud, "aws:eu-west-1", {}}, listing.machines[0], facts);
  const auto want = [](std::string_view since) {
    return Lines{held_by("aws:i-1234567890abcdef0", since),
                 "cloud.account=123456789012",
                 "cloud.instance=i-1234567890abcdef0",
                 "cloud.instance_type=t2.micro",
                 "cloud.network=vpc-11112222",
                 "cloud.provider=aws",
                 "cloud.region=eu-west-1",
                 "cloud.subnet=subnet-56f5f633",
                 "cloud.tag.name=Server & <1>",
                 "cloud.zone=eu-west-1c",
                 "name=Server & <1>"};
  };
  CHECK(fact_lines(facts, "192.168.1.88") == want("2026-01-01T00:00:00Z"));
  CHECK(fact_lines(facts, "198.51.100.52") == want("2026-03-02T10:00:00Z"));
  CHECK(fact_lines(facts, "2001:db8:1234:1a2b::123") == want("2026-01-01T00:00:00Z"));
}

TEST_CASE("what is no XML is refused with its place; entities of one's own are not followed") {
  for (const char* xml : {"", "<a>", "<a></b>", "text", "<a b=></a>"}) {
    CAPTURE(xml);
    const std::string said =
        message_of<IoError>([&] { (void)lookup::read_aws_answer(xml, "aws"); });
    CHECK(said.starts_with("aws: octet "));
  }
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<association>";
  for (int i = 0; i < 40; ++i) deep += "</association>";
  CHECK_THROWS_AS((void)lookup::read_aws_answer("<a>" + deep + "</a>", "aws"), IoError);
  const auto answer = lookup::read_aws_answer(
      R"(<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd"><!ENTITY y "&x;&x;">]><a><nextToken>&x;&y;</nextToken></a>)",
      "aws");
  CHECK(lookup::text_of(answer, "NextToken") == "&x;&y;");
}

TEST_CASE("an error is known by its code, and by nothing that may repeat a secret") {
  const auto error = [](std::string_view code) {
    return "<Response><Errors><Error><Code>" + std::string(code) +
           "</Code><Message>AKIA is secret</Message></Error></Errors></Response>";
  };
  CHECK(lookup::aws_error_code(error("RequestLimitExceeded")) == "RequestLimitExceeded");
  CHECK(lookup::aws_error_code(error("Client.Unauthorized")) == "Client.Unauthorized");
  CHECK(lookup::aws_error_code(error("two words")).empty());
  CHECK(lookup::aws_error_code(error(std::string(65, 'x'))).empty());
  CHECK(lookup::aws_error_code("<ErrorResponse><Error><Code>A</Code></Error></ErrorResponse>") ==
        "A");
  CHECK(lookup::aws_error_code("oops").empty());
  CHECK(lookup::aws_error_code("").empty());
}

TEST_CASE("credentials: settings, environment, then the profile of the shared file") {
  const TemporaryFolder folder;
  for (const char* name : {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN",
                           "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE"}) {
    ::unsetenv(name);
  }
  AwsClientOptions options;
  options.credentials_file = write_file(folder.path / "credentials",
                                        "# mine\n[default]\naws_access_key_id = AK1\r\n"
                                        "aws_secret_access_key=s/1=\n\n[ other ]\n"
                                        "aws_access_key_id=AK2\naws_secret_access_key = s2\n"
                                        "aws_session_token = t2\n[half]\naws_access_key_id=AK3\n");
  CHECK(find_aws_credentials(options).access_key_id == "AK1");
  CHECK(find_aws_credentials(options).secret_access_key == "s/1=");
  CHECK(find_aws_credentials(options).session_token.empty());
  options.profile = "other";
  CHECK(find_aws_credentials(options).access_key_id == "AK2");
  CHECK(find_aws_credentials(options).session_token == "t2");
  for (const char* wrong : {"half", "none"}) {
    options.profile = wrong;
    const std::string said = message_of<IoError>([&] { (void)find_aws_credentials(options); });
    CHECK(said.find("[" + std::string(wrong) + "]") != std::string::npos);
    CHECK(said.find("AK3") == std::string::npos);
  }
  options.credentials = {"AK0", "s0", ""};
  CHECK(find_aws_credentials(options).access_key_id == "AK0");
  AwsClientOptions bare;
  ::setenv("AWS_SHARED_CREDENTIALS_FILE", options.credentials_file.c_str(), 1);
  ::setenv("AWS_PROFILE", "other", 1);
  CHECK(find_aws_credentials(bare).access_key_id == "AK2");
  ::setenv("AWS_ACCESS_KEY_ID", "AK9", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "s9", 1);
  CHECK(find_aws_credentials(bare).access_key_id == "AK9");
  ::unsetenv("AWS_ACCESS_KEY_ID");
  ::unsetenv("AWS_SECRET_ACCESS_KEY");
  ::unsetenv("AWS_PROFILE");
  ::setenv("AWS_SHARED_CREDENTIALS_FILE", (folder.path / "missing").c_str(), 1);
  CHECK_THROWS_AS((void)find_aws_credentials(bare), IoError);
  ::unsetenv("AWS_SHARED_CREDENTIALS_FILE");
}

TEST_CASE("secrets go to nobody without TLS but on this machine") {
  struct Case {
    const char* url;
    bool is_good;
  };
  const Case cases[] = {
      {"https://10.0.0.1:6443", true},
      {"https://[2001:db8::1]:6443/", true},
      {"http://127.0.0.1:8001", true},
      {"http://localhost:8001/x", true},
      {"http://[::1]:8001", true},
      {"http://10.0.0.1", false},
      {"http://localhost.example", false},
      {"http://127.0.0.1@evil.example", false},
      {"https://user:secret@host/", false},
      {"ftp://localhost", false},
      {"https://", false},
      {"", false},
      {"http://", false},
      {"host:443", false},
  };
  for (const Case& c : cases) {
    CAPTURE(c.url);
    AwsClientOptions options;
    options.region = "eu-west-1";
    options.endpoint = c.url;
    if (options.endpoint.empty()) continue;  // AWS' own
    if (c.is_good) {
      CHECK_NOTHROW(AwsClient{options});
    } else {
      const std::string said = message_of<ConfigError>([&] { AwsClient{options}; });
      CHECK(!said.empty());
      CHECK(said.find("secret") == std::string::npos);
      KubernetesClientOptions kubernetes;
      kubernetes.api_server = c.url;
      CHECK_THROWS_AS(KubernetesClient{kubernetes}, ConfigError);
    }
  }
  CHECK_THROWS_AS(KubernetesClient{KubernetesClientOptions{}}, ConfigError);
  for (const char* wrong : {"", "EU", "eu-west-1/../x", "eu west"}) {
    AwsClientOptions options;
    options.region = wrong;
    CHECK_THROWS_AS(AwsClient{options}, ConfigError);
  }
}

TEST_CASE("options of Kubernetes that cannot be meant") {
  KubernetesClientOptions good;
  good.api_server = "https://127.0.0.1:1";
  const auto refused = [&](auto change) {
    KubernetesClientOptions options = good;
    change(options);
    CHECK_THROWS_AS(KubernetesClient{options}, ConfigError);
  };
  refused([](auto& o) { o.token = "a", o.token_file = "/b"; });
  refused([](auto& o) { o.token = "a\r\nHost: b"; });
  refused([](auto& o) { o.certificate_file = "/a"; });
  refused([](auto& o) { o.with_pods = o.with_services = o.with_nodes = false; });
  refused([](auto& o) { o.page_size = 0; });
  CHECK_THROWS_AS(KubernetesClientOptions::in_cluster(), ConfigError);
}
