// What a client of a cloud or a cluster tells: for each line on standard input it lists once, and prints
// one line of JSON. For tests that play the server.
#include <chrono>
#include <iostream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>

#include "flowlens/aws_client.hpp"
#include "flowlens/error.hpp"
#include "flowlens/kubernetes_client.hpp"

namespace {

using namespace flowlens;
using Json = nlohmann::json;

std::mutex output;

void print(const Json& line) {
  const std::lock_guard lock(output);
  std::cout << line.dump() << std::endl;
}

Json to_json(const std::vector<Fact>& facts) {
  Json all = Json::array();
  for (const Fact& f : facts) {
    Json fact = {{"address", f.subject.address.to_string()},
                 {"attribute", f.attribute},
                 {"value", f.value},
                 {"source", to_string(f.source)},
                 {"origin", f.origin}};
    if (f.since) fact["since"] = to_string(*f.since);
    all.push_back(fact);
  }
  return all;
}

template <typename Counters>
void list_for_each_line(FactLister& lister, Counters counters) {
  for (std::string line; std::getline(std::cin, line);) {
    Json answer;
    try {
      answer["facts"] = to_json(lister.list(std::chrono::system_clock::now()));
    } catch (const IoError& error) {
      answer["error"] = error.what();
    }
    answer["counters"] = counters();
    print(answer);
  }
}

std::string value(const Json& options, const char* name) { return options.value(name, ""); }

void list_aws(const Json& o) {
  AwsClientOptions options;
  options.region = value(o, "region");
  options.endpoint = value(o, "endpoint");
  options.ca_file = value(o, "ca_file");
  options.page_size = o.value("page_size", std::size_t{1'000});
  options.max_pages = o.value("max_pages", options.max_pages);
  options.max_octets = o.value("max_octets", options.max_octets);
  options.timeout = std::chrono::milliseconds{o.value("timeout_ms", 10'000)};
  options.first_pause = std::chrono::milliseconds{20};
  AwsClient client(options);
  list_for_each_line(client, [&] { return Json{{"repeated", client.repeated()}}; });
}

void list_kubernetes(const Json& o) {
  KubernetesClientOptions options;
  options.api_server = value(o, "api_server");
  options.token_file = value(o, "token_file");
  options.ca_file = value(o, "ca_file");
  options.certificate_file = value(o, "certificate_file");
  options.key_file = value(o, "key_file");
  options.cluster = value(o, "cluster");
  options.page_size = 2;
  options.timeout = std::chrono::milliseconds{10'000};
  options.first_pause = std::chrono::milliseconds{50};
  options.longest_pause = std::chrono::milliseconds{400};
  options.max_line_octets = 1u << 20;
  options.on_change = [] { print({{"changed", true}}); };
  KubernetesClient client(options);
  list_for_each_line(client, [&] {
    const KubernetesClientCounters c = client.counters();
    return Json{{"lists", c.lists},     {"events", c.events},     {"failures", c.failures},
                {"refused", c.refused}, {"left_out", c.left_out}, {"objects", c.objects}};
  });
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw ConfigError("usage: flowlens-list-facts aws|kubernetes OPTIONS-AS-JSON");
    const Json options = Json::parse(argv[2]);
    std::string(argv[1]) == "aws" ? list_aws(options) : list_kubernetes(options);
    return 0;
  } catch (const Error& error) {
    std::cerr << "flowlens-list-facts: " << error.what() << '\n';
    return 2;
  }
}
