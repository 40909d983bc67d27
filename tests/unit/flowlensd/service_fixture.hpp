/// \file
/// A service without sockets and threads, and requests to its routes.
#pragma once

#include <doctest/doctest.h>

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/api.hpp"
#include "support/flows.hpp"

namespace flowlensd::http {

using Answer = nlohmann::json;

struct ServiceFixture {
  Settings settings;
  Life life;
  Resolver resolver;
  Accounts accounts{1, 16, 1};
  MapWriter writer{resolver, nullptr, FlowLedger{}, Epoch{1}, MapObservers{}};
  FlowChannel channel{10};
  Service service{settings,
                  life,
                  resolver.graph(),
                  accounts,
                  writer,
                  channel,
                  nullptr,
                  {},
                  {},
                  ResolverOptions{},
                  ParserOptions{},
                  [this](const Fact& f) { return resolver.graph().apply(f); }};
  Router router;

  ServiceFixture() { service.map = &resolver.graph(); }

  /// A connection that both ends were seen of, so long after noon.
  void use(std::string_view client, std::string_view server, std::uint16_t port,
           std::chrono::hours later) {
    using flowlens::testing::tcp;
    FlowParcel parcel;
    std::vector<FlowRecord>& flows = parcel.batch.flows;
    flows = {tcp(client, 40000, server, port).begun_by(Initiator::source),
             tcp(server, port, client, 40000).begun_by(Initiator::destination)};
    for (FlowRecord& f : flows) {
      f.start += later;
      f.end += later;
      f.received += later;
    }
    writer.add(parcel, flows[0].received);
  }
  /// What was used so far is on the map, ten hours after noon.
  void show() {
    static_cast<void>(resolver.flush(flowlens::testing::kNoon + std::chrono::hours{10}));
  }
  Response send(std::string method, std::string target, std::string body = {},
                std::string type = "application/json") {
    Request request;
    request.method = std::move(method);
    request.target = std::move(target);
    request.body = std::move(body);
    request.headers["content-type"] = std::move(type);
    return router.handle(std::move(request));
  }
  Answer ask(std::string method, std::string target, std::string body, unsigned status = 200) {
    const Response r = send(std::move(method), std::move(target), std::move(body));
    CAPTURE(r.body);
    CHECK(r.status == status);
    return Answer::parse(r.body);
  }
  Answer get(std::string target, unsigned status = 200) {
    return ask("GET", std::move(target), {}, status);
  }
  Answer post(std::string target, std::string body, unsigned status = 200) {
    return ask("POST", std::move(target), std::move(body), status);
  }
  std::string id(std::string_view host) const {
    const auto asset = resolver.graph().asset_of({{}, flowlens::testing::address(host)});
    REQUIRE(asset.has_value());
    return asset->id.to_string();
  }
};

}  // namespace flowlensd::http
