#include "config/roles.hpp"

#include <doctest/doctest.h>

#include <sstream>

#include "config/load.hpp"
#include "flowlens/error.hpp"

using namespace flowlensd;

namespace {

std::string refusal(const std::vector<std::string>& arguments,
                    const Environment& environment = {}) {
  std::ostringstream out;
  try {
    static_cast<void>(load(arguments, environment, out));
  } catch (const flowlens::ConfigError& e) {
    return e.what();
  }
  return {};
}

}  // namespace

TEST_CASE("roles: what each process is") {
  struct Case {
    const char* text;
    bool ingests, resolves, serves;
    std::uint16_t port;
  };
  const Case cases[] = {{"all", true, true, true, 8001},
                        {"ingest", true, false, false, 8001},
                        {"resolve", false, true, false, 8002},
                        {"resolve, api", false, true, true, 8002},
                        {"api", false, false, true, 8002},
                        {"ingest,resolve", true, true, false, 8001},
                        {"resolve,enrich,classify,notify", false, true, false, 8002},
                        {"api,resolve,ingest", true, true, true, 8001}};
  for (const Case& c : cases) {
    CAPTURE(c.text);
    const Roles roles = parse_roles(c.text);
    CHECK(roles.has(Role::ingest) == c.ingests);
    CHECK(roles.has(Role::resolve) == c.resolves);
    CHECK(roles.has(Role::api) == c.serves);
    CHECK(roles.is_whole() == (c.ingests && c.resolves && c.serves));
    if (!roles.has(Role::api)) CHECK(roles.default_metrics_port() == c.port);
  }
}

TEST_CASE("roles: what makes no process is refused, with what would be right") {
  struct Case {
    const char* roles;
    const char* said;
  };
  const Case cases[] = {{"ingets", "`ingets` is no role; did you mean ingest?"},
                        {"ingest;resolve", "is no role; give all, or names"},
                        {"ingest,", "ends with a comma"},
                        {",ingest", "`` is no role"},
                        {"classify", "classify is a part of resolve"},
                        {"api,notify", "name resolve here, or leave notify out"},
                        {"ingest,api", "add resolve, or start one process for each"}};
  for (const Case& c : cases) {
    CAPTURE(c.roles);
    const std::string why =
        refusal({"--roles", c.roles, "--data-dir", "d"}, {{"POSTGRES_HOST", "db"}});
    CAPTURE(why);
    CHECK(why.find(c.said) != std::string::npos);
    CHECK(why.find("FLOWLENS_ROLES") != std::string::npos);
  }
}

TEST_CASE("roles: several processes meet in PostgreSQL") {
  CHECK(refusal({"--roles", "ingest"}).find("DATABASE_URL") != std::string::npos);
  CHECK(refusal({"--roles", "resolve,api"}).find("DATABASE_URL") != std::string::npos);
  CHECK(refusal({"--roles", "ingest,resolve,api"}).empty());
  CHECK(refusal({"--roles", "ingest"}, {{"DATABASE_URL", "postgresql://db/flowlens"}}).empty());
}

TEST_CASE("roles: captures go to the one that resolves") {
  const Environment database{{"POSTGRES_HOST", "db"}};
  CHECK(refusal({"--roles", "ingest", "--input", "a.pcap"}, database).find("--input") !=
        std::string::npos);
  CHECK(refusal({"--roles", "resolve", "--input", "a.pcap"}, database).empty());
}
