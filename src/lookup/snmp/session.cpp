#include "lookup/snmp/session.hpp"

// In this order: net-snmp's headers are not complete each for itself.
// clang-format off
#include <net-snmp/net-snmp-config.h>
#include <net-snmp/net-snmp-includes.h>
#include <net-snmp/library/transform_oids.h>
// clang-format on

#include <algorithm>
#include <array>
#include <clocale>
#include <cstdlib>
#include <mutex>
#include <span>

#include "flowlens/error.hpp"

namespace flowlens::lookup {

namespace {

constexpr std::size_t kShortestPassword = 8;  // RFC 3414 §11.2

/// net-snmp's own configuration, MIBs and state are for its tools, not for a library in another's process.
void set_up_library() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (const int option :
         {NETSNMP_DS_LIB_DONT_READ_CONFIGS, NETSNMP_DS_LIB_DONT_PERSIST_STATE,
          NETSNMP_DS_LIB_DISABLE_PERSISTENT_LOAD, NETSNMP_DS_LIB_DISABLE_PERSISTENT_SAVE}) {
      netsnmp_ds_set_boolean(NETSNMP_DS_LIBRARY_ID, option, 1);
    }
    netsnmp_register_loghandler(NETSNMP_LOGHANDLER_NONE, LOG_DEBUG);
    // It would make folders for certificates there; below this nothing can be made.
    set_persistent_directory("/dev/null");
    set_configuration_directory("/dev/null");
    netsnmp_set_mib_directory("");
    std::string no_mibs = "mibs :";
    netsnmp_config_remember(no_mibs.data());
    // init_snmp() takes the environment's, for the whole process.
    const std::string locale = std::setlocale(LC_CTYPE, nullptr);
    init_snmp("flowlens");
    std::setlocale(LC_CTYPE, locale.c_str());
  });
}

struct AuthProtocol {
  std::string_view name;
  std::span<const oid> id;
};

std::span<const oid> auth_protocol(std::string_view name) {
  const std::array<AuthProtocol, 5> known = {{{"SHA", usmHMACSHA1AuthProtocol},
                                              {"SHA-224", usmHMAC128SHA224AuthProtocol},
                                              {"SHA-256", usmHMAC192SHA256AuthProtocol},
                                              {"SHA-384", usmHMAC256SHA384AuthProtocol},
                                              {"SHA-512", usmHMAC384SHA512AuthProtocol}}};
  for (const AuthProtocol& p : known) {
    if (p.name == name) return p.id;
  }
  throw ConfigError("snmp: auth_protocol is SHA, SHA-224, SHA-256, SHA-384 or SHA-512");
}

std::string make_key(std::span<const oid> protocol, const std::string& password) {
  std::array<unsigned char, USM_AUTH_KU_LEN> key{};
  std::size_t length = key.size();
  const auto* const octets = reinterpret_cast<const unsigned char*>(password.data());
  if (generate_Ku(protocol.data(), static_cast<u_int>(protocol.size()), octets, password.size(),
                  key.data(), &length) != SNMPERR_SUCCESS) {
    throw ConfigError("snmp: no key can be made of the password");
  }
  return {reinterpret_cast<const char*>(key.data()), length};
}

Oid oid_of(const netsnmp_variable_list& variable) {
  Oid id;
  for (std::size_t i = 0; i < variable.name_length; ++i) {
    id.push_back(static_cast<std::uint32_t>(variable.name[i]));
  }
  return id;
}

SnmpValue value_of(const netsnmp_variable_list& variable) {
  SnmpValue value;
  if (variable.type == ASN_OCTET_STR) {
    value.type = SnmpValue::Type::octets;
    value.octets.assign(reinterpret_cast<const char*>(variable.val.string), variable.val_len);
  } else if (variable.type == ASN_INTEGER && variable.val_len == sizeof(long)) {
    value.type = SnmpValue::Type::number;
    value.number = *variable.val.integer;
  }
  return value;
}

bool is_below(const Oid& id, const Oid& root) noexcept {
  return id.size() > root.size() && std::equal(root.begin(), root.end(), id.begin());
}

void add_null(snmp_pdu* question, const Oid& id) {
  const std::vector<oid> name(id.begin(), id.end());
  snmp_add_null_var(question, name.data(), name.size());
}

std::string peer_name(const IpAddress& agent, std::uint16_t port) {
  const std::string address = agent.to_string();
  const std::string at = ':' + std::to_string(port);
  return agent.is_v4() ? "udp:" + address + at : "udp6:[" + address + ']' + at;
}

struct FreePdu {
  void operator()(snmp_pdu* pdu) const noexcept { snmp_free_pdu(pdu); }
};
using Answer = std::unique_ptr<snmp_pdu, FreePdu>;

}  // namespace

SnmpKeys make_snmp_keys(const SnmpOptions& options) {
  set_up_library();
  if (options.version != SnmpVersion::v3) return {};
  const auto protocol = auth_protocol(options.auth_protocol);
  if (options.privacy_protocol != "AES") throw ConfigError("snmp: privacy_protocol is AES");
  if (options.auth_password.size() < kShortestPassword ||
      options.privacy_password.size() < kShortestPassword) {
    throw ConfigError("snmp: auth_password and privacy_password have 8 characters or more");
  }
  return {make_key(protocol, options.auth_password), make_key(protocol, options.privacy_password)};
}

struct SnmpSession::Impl {
  using Clock = std::chrono::steady_clock;

  Impl(const IpAddress& agent, const SnmpOptions& options, const SnmpKeys& keys,
       const std::atomic<bool>& over)
      : is_over(over), deadline(Clock::now() + options.exporter_limit) {
    std::string peer = peer_name(agent, options.port);
    std::string community = options.community, user = options.user;
    snmp_session wanted{};
    snmp_sess_init(&wanted);
    wanted.peername = peer.data();
    wanted.timeout = static_cast<long>(std::chrono::microseconds{options.timeout}.count());
    wanted.retries = static_cast<int>(options.retries);
    if (options.version == SnmpVersion::v2c) {
      wanted.version = SNMP_VERSION_2c;
      wanted.community = reinterpret_cast<unsigned char*>(community.data());
      wanted.community_len = community.size();
    } else {
      set_user(wanted, user, options, keys);
    }
    handle = snmp_sess_open(&wanted);
    if (handle == nullptr) fail(wanted);
  }
  ~Impl() {
    if (handle == nullptr) return;
    forget_user();
    snmp_sess_close(handle);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static void set_user(snmp_session& wanted, std::string& user, const SnmpOptions& options,
                       const SnmpKeys& keys) {
    const auto auth = auth_protocol(options.auth_protocol);
    wanted.version = SNMP_VERSION_3;
    wanted.securityName = user.data();
    wanted.securityNameLen = user.size();
    wanted.securityLevel = SNMP_SEC_LEVEL_AUTHPRIV;
    wanted.securityAuthProto = const_cast<oid*>(auth.data());
    wanted.securityAuthProtoLen = auth.size();
    wanted.securityPrivProto = const_cast<oid*>(usmAESPrivProtocol);
    wanted.securityPrivProtoLen = OID_LENGTH(usmAESPrivProtocol);
    std::copy(keys.auth.begin(), keys.auth.end(), wanted.securityAuthKey);
    wanted.securityAuthKeyLen = keys.auth.size();
    std::copy(keys.privacy.begin(), keys.privacy.end(), wanted.securityPrivKey);
    wanted.securityPrivKeyLen = keys.privacy.size();
  }

  /// net-snmp keeps users, with their keys, for the process and by whatever engine an agent says it is.
  void forget_user() const noexcept {
    const snmp_session* const session = snmp_sess_session(handle);
    if (session->version != SNMP_VERSION_3 || session->securityName == nullptr) return;
    usmUser* const user = usm_get_user(session->securityEngineID, session->securityEngineIDLen,
                                       session->securityName);
    if (user == nullptr) return;
    usm_remove_user(user);
    usm_free_user(user);
  }

  /// \throws IoError with net-snmp's words.
  [[noreturn]] static void fail(snmp_session& session) {
    int library = 0, system = 0;
    char* words = nullptr;
    snmp_error(&session, &system, &library, &words);
    const std::string told = words == nullptr ? "does not answer" : words;
    std::free(words);
    throw IoError(told);
  }

  /// Takes `question`. \return an answer without error, or nothing if the agent says what the error is.
  Answer ask(snmp_pdu* question, long& error) {
    if (is_over) {
      snmp_free_pdu(question);
      throw IoError("is not asked any more");
    }
    snmp_pdu* answer = nullptr;
    const int status = snmp_sess_synch_response(handle, question, &answer);
    Answer owned{answer};
    if (status == STAT_TIMEOUT) throw IoError("does not answer");
    if (status != STAT_SUCCESS || !owned) fail(*snmp_sess_session(handle));
    error = owned->errstat;
    return error == SNMP_ERR_NOERROR ? std::move(owned) : nullptr;
  }

  void* handle = nullptr;
  const std::atomic<bool>& is_over;
  Clock::time_point deadline;
  int repetitions = 25;  ///< rows that are asked for at once
};

SnmpSession::SnmpSession(const IpAddress& agent, const SnmpOptions& options, const SnmpKeys& keys,
                         const std::atomic<bool>& is_over)
    : impl_(std::make_unique<Impl>(agent, options, keys, is_over)) {}
SnmpSession::~SnmpSession() = default;

std::vector<SnmpValue> SnmpSession::get(const std::vector<Oid>& scalars) {
  snmp_pdu* const question = snmp_pdu_create(SNMP_MSG_GET);
  for (const Oid& id : scalars) add_null(question, id);
  long error = 0;
  const Answer answer = impl_->ask(question, error);
  std::vector<SnmpValue> values(scalars.size());
  if (!answer) return values;
  for (const netsnmp_variable_list* v = answer->variables; v != nullptr; v = v->next_variable) {
    const auto found = std::find(scalars.begin(), scalars.end(), oid_of(*v));
    if (found != scalars.end())
      values[static_cast<std::size_t>(found - scalars.begin())] = value_of(*v);
  }
  return values;
}

SnmpSession::Walk SnmpSession::walk(const Oid& column, std::size_t max_rows,
                                    const std::function<void(const SnmpValue&)>& sink) {
  constexpr int kFewest = 1;
  Oid last = column;
  for (std::size_t rows = 0;;) {
    if (Impl::Clock::now() >= impl_->deadline) return Walk::late;
    snmp_pdu* const question = snmp_pdu_create(SNMP_MSG_GETBULK);
    question->non_repeaters = 0;
    question->max_repetitions = impl_->repetitions;
    add_null(question, last);
    long error = 0;
    const Answer answer = impl_->ask(question, error);
    if (!answer && error == SNMP_ERR_TOOBIG && impl_->repetitions > kFewest) {
      impl_->repetitions = std::max(impl_->repetitions / 2, kFewest);
      continue;
    }
    if (!answer) return Walk::whole;  // it has no such table, or none for us
    if (answer->variables == nullptr) return Walk::astray;
    for (const netsnmp_variable_list* v = answer->variables; v != nullptr; v = v->next_variable) {
      Oid id = oid_of(*v);
      const bool is_end = v->type == SNMP_ENDOFMIBVIEW || v->type == SNMP_NOSUCHOBJECT ||
                          v->type == SNMP_NOSUCHINSTANCE;
      if (is_end || !is_below(id, column))
        return id <= last && !is_end ? Walk::astray : Walk::whole;
      if (id <= last) return Walk::astray;
      if (rows++ >= max_rows) return Walk::too_many;
      SnmpValue value = value_of(*v);
      value.index.assign(id.begin() + static_cast<std::ptrdiff_t>(column.size()), id.end());
      sink(value);
      last = std::move(id);
    }
  }
}

}  // namespace flowlens::lookup
