#include <doctest/doctest.h>

#include <sstream>

#include "config/load.hpp"
#include "flowlens/error.hpp"
#include "pipeline/stores.hpp"

using namespace flowlensd;

namespace {

/// What the refusal says; empty if there was none.
template <typename Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const flowlens::ConfigError& e) {
    return e.what();
  }
  return {};
}

std::string yaml_refusal(std::string_view text) {
  return refusal([&] {
    Loaded loaded;
    apply_yaml(text, "f.yaml", loaded);
  });
}

Loaded from(const std::vector<std::string>& arguments, const Environment& environment = {}) {
  std::ostringstream out;
  auto loaded = load(arguments, environment, out);
  REQUIRE(loaded.has_value());
  return *loaded;
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace

TEST_CASE("config: the defaults are the reference's, as decided") {
  const Settings s = from({}).settings;
  CHECK(s.netflow_port == 2055);
  CHECK(s.ipfix_port == 4739);
  CHECK(s.sflow_port == 6343);
  CHECK(s.drop_threshold == 80'000);
  CHECK(s.batch_timeout_ms == 1'000);
  CHECK(s.api_host.to_string() == "127.0.0.1");
  CHECK(s.api_port == 8000);
  CHECK(s.flush_interval_seconds == 5.0);
}

TEST_CASE("config: YAML gives way to the environment, and that to the command line") {
  Loaded loaded;
  apply_yaml("ingestion:\n  netflow_port: 1001\n  ipfix_port: 1002\n  sflow_port: 1003\n", "f",
             loaded);
  apply_environment({{"INGESTION_IPFIX_PORT", "2002"}, {"INGESTION_SFLOW_PORT", "2003"}}, loaded);
  CHECK(loaded.settings.netflow_port == 1001);
  CHECK(loaded.settings.ipfix_port == 2002);
  const Settings s = from({"--sflow-port", "3003"}, {{"INGESTION_SFLOW_PORT", "2003"}}).settings;
  CHECK(s.sflow_port == 3003);
}

TEST_CASE("config: a window may be given in minutes or in seconds") {
  CHECK(from({}, {{"RESOLUTION_WINDOW_SIZE_MINUTES", "10"}}).settings.window_seconds == 600);
  Loaded loaded;
  apply_yaml("dependency_resolution: {aggregation: {window_size_seconds: 120}}", "f", loaded);
  CHECK(loaded.settings.window_seconds == 120);
}

TEST_CASE("config: what YAML is refused, where, and what would be right") {
  struct Case {
    const char* name;
    const char* yaml;
    const char* says;
  };
  const Case cases[] = {
      {"unknown key", "ingestion:\n  netflow_prt: 1\n",
       "f.yaml:2:3: unknown key ingestion.netflow_prt; did you mean ingestion.netflow_port?"},
      {"unknown section", "\ningest: {}\n", "f.yaml:2:1: unknown key ingest"},
      {"out of range", "api:\n  port: 70000\n",
       "f.yaml:2:9: api.port: `70000` is not valid; give a whole number from 0 to 65535 (TCP "
       "port)"},
      {"octal is not guessed at", "api: {port: 0777}", "`0777` is not valid"},
      {"no number", "api: {port: eight}", "`eight` is not valid"},
      {"negative", "api: {port: -1}", "`-1` is not valid"},
      {"twice", "api:\n  port: 1\n  port: 2\n", "f.yaml:3:3: api.port stands here twice"},
      {"no value", "api:\n  port:\n", "f.yaml:2:3: api.port needs one value"},
      {"a list", "api: {port: [1]}", "api.port needs one value"},
      {"a value for a section", "api: 3", "f.yaml:1:6: api is a section"},
      {"a list as a file", "- a", "f.yaml:1:1: the file must hold keys"},
      {"not YAML", "api: {port: 1", "f.yaml:"},
      {"two documents", "api: {}\n---\napi: {}\n", "2 YAML documents"},
      {"no address", "api: {host: here}", "give an IP address"},
      {"no level", "log: {level: loud}", "DEBUG, INFO, WARNING, ERROR or CRITICAL"},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const std::string message = yaml_refusal(c.yaml);
    CAPTURE(message);
    CHECK(contains(message, c.says));
  }
}

TEST_CASE("config: keys of later releases are accepted with a warning") {
  Loaded loaded;
  apply_yaml("enrichment:\n  dns:\n    enabled: true\napi:\n  cache:\n    enabled: true\n",
             "f.yaml", loaded);
  REQUIRE(loaded.warnings.size() == 1);
  CHECK(loaded.warnings[0] == "f.yaml:6:5: api.cache.enabled has no effect in this release");
}

TEST_CASE("config: a small file of nested aliases is refused before it unfolds") {
  std::string text = "a0: &a0 {x: 1}\n";
  for (int i = 1; i < 12; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " {p: " + before +
            ", q: " + before + "}\n";
  }
  CHECK(!yaml_refusal("api:\n  port: 1\n" + text).empty());
}

TEST_CASE("config: log-in by the names of the reference") {
  Loaded loaded;
  apply_yaml("api:\n  auth:\n    enabled: false\n    jwt_secret: abc\n    token_expiry_hours: 24\n",
             "f.yaml", loaded);
  CHECK(loaded.warnings.empty());
  CHECK_FALSE(loaded.settings.auth_enabled);
  CHECK(loaded.settings.auth_secret_key == "abc");
  CHECK(loaded.settings.access_token_minutes == 24 * 60);
  apply_environment({{"AUTH_ACCESS_TOKEN_EXPIRE_MINUTES", "15"},
                     {"AUTH_ALGORITHM", "HS512"},
                     {"AUTH_ENABLED", "true"},
                     {"AUTH_REFRESH_TOKEN_EXPIRE_DAYS", "30"},
                     {"AUTH_SECRET_KEY", "change-me"},
                     {"ENVIRONMENT", "development"},
                     {"JWT_SECRET", "def"}},
                    loaded);
  CHECK(loaded.warnings.empty());
  CHECK(loaded.settings.auth_enabled);
  CHECK(loaded.settings.auth_algorithm == "HS512");
  CHECK(loaded.settings.access_token_minutes == 15);
  CHECK(loaded.settings.refresh_token_days == 30);
  CHECK(loaded.settings.jwt_secret == "def");
  check_together(loaded.settings);
}

TEST_CASE("config: secrets that everybody knows or may guess are refused in production") {
  const auto refused = [](std::string Settings::*secret, const std::string& value,
                          const std::string& environment) {
    Settings s;
    s.environment = environment;
    s.*secret = value;
    return refusal([&] { check_together(s); });
  };
  const std::string known = "generate-a-64-char-random-string-here";
  for (const auto secret : {&Settings::auth_secret_key, &Settings::jwt_secret}) {
    CHECK(contains(refused(secret, "change-me", "production"), "`change-me` is known"));
    CHECK(contains(refused(secret, known, "production"), "is known to everybody"));
    const std::string guessable = refused(secret, "my-own-secret", "production");
    CHECK(contains(guessable, "13 octets can be guessed"));
    CHECK_FALSE(contains(guessable, "my-own-secret"));
    CHECK(contains(refused(secret, "${AUTH_SECRET_KEY}", ""), "the name of a variable"));
    CHECK(refused(secret, "change-me", "").empty());
    CHECK(refused(secret, std::string(32, 'x'), "production").empty());
  }
}

TEST_CASE("config: the PostgreSQL database, by a URL or in parts") {
  Loaded loaded;
  CHECK(postgres_connection(loaded.settings).empty());
  apply_environment({{"POSTGRES_HOST", "db"}, {"POSTGRES_PASSWORD", "it's \\"}}, loaded);
  CHECK(postgres_connection(loaded.settings) ==
        "host='db' port=5432 user='flowlens' password='it\\'s \\\\' dbname='flowlens'");
  apply_environment({{"DATABASE_URL", "postgresql://x@y/z"}}, loaded);
  CHECK(postgres_connection(loaded.settings) == "postgresql://x@y/z");
}

TEST_CASE("config: environment, known, of later releases, of others, and misspelt") {
  Loaded loaded;
  apply_environment({{"POSTGRES_HOST", "db"},
                     {"POSTGRES_MAX_OVERFLOW", "20"},
                     {"POSTGRES_DB", "x"},
                     {"REDIS_PORT", "tcp://1.2.3.4:1"},
                     {"API_KEY", "x"},
                     {"API_PORT", "tcp://1.2.3.4:1"},
                     {"FLOWLENS_SERVICE_HOST", "1.2.3.4"},
                     {"INGESTION_IPFIX_TCP_PORT", "4739"},  // looks like one, and is ours
                     {"PATH", "/bin"}},
                    loaded);
  REQUIRE(loaded.warnings.size() == 3);
  CHECK(contains(loaded.warnings[0], "API_KEY is no setting"));
  CHECK(contains(loaded.warnings[1], "have no effect in this release: POSTGRES_MAX_OVERFLOW"));
  CHECK(loaded.settings.postgres_host == "db");
  CHECK(contains(loaded.warnings[2], "ignored: REDIS_PORT, API_PORT, FLOWLENS_SERVICE_HOST"));
  CHECK(loaded.settings.ipfix_tcp_port == 4739);

  const std::string unknown = refusal([&] {
    apply_environment({{"FLOWLENS_DATADIR", "x"}}, loaded);
  });
  CHECK(contains(unknown, "unknown variable FLOWLENS_DATADIR; did you mean FLOWLENS_DATA_DIR?"));
  const std::string range = refusal([&] {
    apply_environment({{"INGESTION_SAMPLE_RATE", "0"}}, loaded);
  });
  CHECK(contains(range, "INGESTION_SAMPLE_RATE: `0` is not valid; give a whole number from 1"));
}

TEST_CASE("config: what the command line refuses") {
  struct Case {
    std::vector<std::string> arguments;
    const char* says;
  };
  const Case cases[] = {
      {{"--netflow-prot", "1"}, "unknown option --netflow-prot; did you mean --netflow-port?"},
      {{"--netflow-port", "x"}, "--netflow-port: `x` is not valid"},
      {{"--netflow-port"}, "--netflow-port"},
      {{"file.pcap"}, "files to read go behind --input"},
      {{"--serve"}, "--serve goes with --input"},
      {{"--export", "x"}, "--export goes with --input"},
      {{"--input-kind", "traffic"}, "--input-kind goes with --input"},
      {{"--input", "a", "--input-kind", "pcap"}, "give auto, exporters or traffic"},
      {{"--input", "a", "--export", "x", "--export-format", "svg"},
       "json, graphml, dot, mermaid or csv"},
      {{"--flush-interval", "0"}, "give a number from 0.05 to 3600 (seconds)"},
  };
  for (const Case& c : cases) {
    const std::string message = refusal([&] { (void)from(c.arguments); });
    CAPTURE(message);
    CHECK(contains(message, c.says));
  }
}

TEST_CASE("config: captures, as many as are named") {
  const Loaded loaded = from({"--input", "a.pcap", "b.pcap", "--serve", "--workers=4"});
  CHECK(loaded.run.inputs.size() == 2);
  CHECK(loaded.run.serve);
  CHECK(loaded.settings.workers == 4);
  CHECK(loaded.run.input_kind == flowlens::CaptureContent::automatic);
  CHECK(from({"--input", "a.pcap", "--input-kind", "traffic"}).run.input_kind ==
        flowlens::CaptureContent::traffic);
  CHECK(from({"--input", "a.pcap", "--input-kind=exporters"}).run.input_kind ==
        flowlens::CaptureContent::exports);
}

TEST_CASE("config: thresholds that contradict each other are refused") {
  const auto with = [](const char* name, const char* value) {
    return refusal([&] { (void)from({}, {{name, value}}); });
  };
  CHECK(contains(with("INGESTION_SAMPLE_THRESHOLD", "90000"), "sampling has to begin first"));
  CHECK(contains(with("INGESTION_QUEUE_MAX_SIZE", "60000"), "INGESTION_DROP_THRESHOLD"));
  CHECK(contains(with("API_DEFAULT_PAGE_SIZE", "2000"), "API_MAX_PAGE_SIZE"));
}

TEST_CASE("config: --help names every option, its default and its variable") {
  std::ostringstream out;
  CHECK_FALSE(load({"--help"}, {}, out).has_value());
  CHECK(contains(out.str(), "--netflow-port"));
  CHECK(contains(out.str(), "[2055] (INGESTION_NETFLOW_PORT)"));
}

TEST_CASE("config: values of the file may name variables, as compose files have them") {
  const Environment environment{{"JWT_SECRET", "0123456789abcdef0123456789abcdef"},
                                {"EMPTY", ""},
                                {"LEVEL", "debug"},
                                {"PRICE", "${LEVEL}"}};
  const auto with = [&](const std::string& value) {
    Loaded loaded;
    apply_yaml("api: {auth: {jwt_secret: " + value + "}}", "f.yaml", loaded, environment);
    return loaded.settings.auth_secret_key;
  };
  CHECK(with("\"${JWT_SECRET}\"") == "0123456789abcdef0123456789abcdef");
  CHECK(with("'a${LEVEL}b${NOT_SET:-c:-d}e'") == "adebugbc:-de");
  CHECK(with("'${EMPTY:-x}'") == "x");
  CHECK(with("'${EMPTY}'").empty());  // says nothing
  CHECK(with("'$${LEVEL} $5 $'") == "${LEVEL} $5 $");
  CHECK(with("'${PRICE}'") == "${LEVEL}");  // what a variable holds is not looked at again
  Loaded loaded;
  apply_yaml("log:\n  level: ${LEVEL}\napi:\n  port: ${PORT:-9000}\n", "f.yaml", loaded,
             environment);
  CHECK(loaded.settings.log_level == LogLevel::debug);
  CHECK(loaded.settings.api_port == 9'000);

  const auto refused = [&](const std::string& value) {
    return refusal([&] { static_cast<void>(with(value)); });
  };
  CHECK(refused("'${NOT_SET}'") ==
        "f.yaml:1:26: api.auth.jwt_secret: the variable NOT_SET is not set; set it, or give a "
        "default: ${NOT_SET:-default}");
  for (const char* bad : {"'${'", "'${}'", "'${LEVEL'", "'${1A}'", "'${A-b}'", "'${A:?b}'"}) {
    CAPTURE(bad);
    CHECK(contains(refused(bad), "f.yaml:1:26: api.auth.jwt_secret: `${"));
  }
  // What it became is checked like any other value.
  CHECK(contains(refusal([&] {
                   Loaded other;
                   apply_yaml("api: {port: '${LEVEL}'}", "f.yaml", other, environment);
                 }),
                 "f.yaml:1:13: api.port: `debug` is not valid"));
}

TEST_CASE("config: an exporter that is no address is found before anything starts") {
  CHECK(contains(
      refusal([] {
        static_cast<void>(from({}, {{"FLOWLENS_INGESTION__ALLOWED_EXPORTERS", "10.0.0.1, x"}}));
      }),
      "ingestion.allowed_exporters: `x` is not valid"));
}
