/// \file
/// parse: the templates of all exporters: scopes, bounds, life times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "flowlens/parser.hpp"
#include "flowlens/template.hpp"
#include "flowlens/transport_session.hpp"

namespace flowlens::parse {

/// Where a template id has a meaning (RFC 7011 §3.4.1).
struct TemplateScope {
  TransportSession session;
  std::uint32_t observation_domain = 0;
  ExportProtocol protocol = ExportProtocol::ipfix;
  friend bool operator==(const TemplateScope&, const TemplateScope&) noexcept = default;
};

/// The wider scope: an exporter's address and domain, whatever its port.
struct AddressScope {
  IpAddress exporter;
  std::uint32_t observation_domain = 0;
  ExportProtocol protocol = ExportProtocol::ipfix;
  std::uint16_t template_id = 0;
  friend bool operator==(const AddressScope&, const AddressScope&) noexcept = default;
};

struct ScopeHash {
  std::size_t operator()(const TemplateScope& s) const noexcept {
    const std::uint64_t ports = std::uint64_t{s.session.exporter_port} << 32 |
                                std::uint64_t{s.session.collector_port} << 16 |
                                static_cast<std::uint64_t>(s.session.transport) << 8 |
                                static_cast<std::uint64_t>(s.protocol);
    return base::mix(base::hash_of(s.session.exporter, s.observation_domain), ports);
  }
  std::size_t operator()(const AddressScope& s) const noexcept {
    return base::mix(base::hash_of(s.exporter, s.observation_domain),
                     std::uint64_t{s.template_id} << 8 | static_cast<std::uint64_t>(s.protocol));
  }
  std::size_t operator()(const IpAddress& a) const noexcept { return base::hash_of(a, 0); }
};

/// What a look-up found, by exact session or by the exporter's address.
struct TemplateMatch {
  const Template* found = nullptr;
  bool by_session = false;
  std::uint32_t illegal_fields = 0;  ///< fields whose length their type cannot have
};

/// What learn() did with an announcement.
enum class Learned : std::uint8_t { added, same, redefined };

/// Bounds: templates in total and by exporter, fields likewise (they are what takes memory). At a
/// bound the template used longest ago goes, to the second: use is noted at most once a second.
///
/// Thread-compatible.
class TemplateStore {
 public:
  explicit TemplateStore(const ParserOptions& options);

  /// Adds, renews or replaces the template announced as `fields`.
  /// \param fields  sound: its records have at least one octet.
  /// \param evicted  set if one of the same exporter had to go for it.
  /// \throws std::bad_alloc; then the store is as before, less the template of that id.
  Learned learn(const TemplateScope& scope, std::uint16_t id,
                const std::vector<FieldSpecifier>& fields, std::uint16_t scope_field_count,
                bool is_options, Timestamp now, bool& evicted);

  /// Finds a template and renews its life time. Valid until the next call that is not find().
  [[nodiscard]] TemplateMatch find(const TemplateScope& scope, std::uint16_t id,
                                   Timestamp now) noexcept;

  /// \return false if there was none.
  bool forget(const TemplateScope& scope, std::uint16_t id) noexcept;
  /// Forgets all (options) templates of a scope. \return how many.
  std::size_t forget_all(const TemplateScope& scope, bool options) noexcept;

  /// Drops what was not used for a life time: a few at a call, the oldest first.
  void expire(Timestamp now) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return by_use_.size(); }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }
  [[nodiscard]] std::uint64_t redefined() const noexcept { return redefined_; }

  /// Calls `visit(scope, layout, last_used)` from the one used longest ago on.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (auto slot = by_use_.rbegin(); slot != by_use_.rend(); ++slot) {
      visit((*slot)->scope->key, (*slot)->layout, (*slot)->last_used);
    }
  }

 private:
  struct Slot;
  struct Scope;
  using SlotList = std::list<Slot*>;
  struct Exporter {
    SlotList by_use;  ///< the one used last in front
    std::size_t fields = 0;
  };
  struct Slot {
    Slot(Template t) : layout(std::move(t)) {}
    Template layout;
    Scope* scope = nullptr;
    Timestamp last_used;
    std::uint32_t illegal_fields = 0;
    SlotList::iterator in_all, in_exporter, in_address;
  };
  struct Scope {
    TemplateScope key;
    Exporter* exporter = nullptr;
    std::unordered_map<std::uint16_t, std::unique_ptr<Slot>> slots;
    std::array<Slot*, 8> recent{};  ///< by the low bits of the id
  };
  static constexpr std::size_t kMaxFields = 2'097'152;
  static constexpr std::size_t kMaxFieldsPerExporter = 131'072;

  Scope* find_scope(const TemplateScope& key) noexcept;
  Slot* find_in_session(const TemplateScope& key, std::uint16_t id) noexcept;
  Slot* find_by_address(const TemplateScope& key, std::uint16_t id) noexcept;
  Scope& make_scope(const TemplateScope& key);
  void drop(Slot* slot) noexcept;
  void drop_scope_if_empty(Scope* scope) noexcept;
  void make_room(const TemplateScope& key, std::size_t fields, bool& evicted) noexcept;
  void touch(Slot& slot, Timestamp now) noexcept;
  [[nodiscard]] bool is_expired(const Slot& slot, Timestamp now) const noexcept;
  [[nodiscard]] static AddressScope address_of(const Slot& slot) noexcept;

  std::unordered_map<TemplateScope, std::unique_ptr<Scope>, ScopeHash> scopes_;
  std::unordered_map<IpAddress, Exporter, ScopeHash> exporters_;
  std::unordered_map<AddressScope, SlotList, ScopeHash> by_address_;  ///< the newest in front
  SlotList by_use_;
  Scope* last_scope_ = nullptr;
  std::size_t fields_ = 0;
  std::size_t max_templates_;
  std::size_t max_templates_per_exporter_;
  std::chrono::seconds lifetime_;
  std::uint64_t next_serial_ = 2;  ///< 1 is NetFlow v5's
  std::uint64_t evicted_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t redefined_ = 0;
};

}  // namespace flowlens::parse
