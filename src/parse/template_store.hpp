/// \file
/// parse: the templates of all exporters: scopes, bounds, life times.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/hash.hpp"
#include "base/use_order.hpp"
#include "flowlens/exporter_status.hpp"
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

/// Keyed, so that forged scopes cannot be made to meet in one bucket.
struct ScopeHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const TemplateScope& s) const noexcept {
    const std::uint64_t ports = std::uint64_t{s.session.exporter_port} << 32 |
                                std::uint64_t{s.session.collector_port} << 16 |
                                static_cast<std::uint64_t>(s.session.transport) << 8 |
                                static_cast<std::uint64_t>(s.protocol);
    return base::mix(base::hash_of(s.session.exporter, seed + s.observation_domain), ports);
  }
  std::size_t operator()(const AddressScope& s) const noexcept {
    return base::mix(base::hash_of(s.exporter, seed + s.observation_domain),
                     std::uint64_t{s.template_id} << 8 | static_cast<std::uint64_t>(s.protocol));
  }
  std::size_t operator()(const IpAddress& a) const noexcept { return base::hash_of(a, seed); }
};

/// What a look-up found, by exact session or by the exporter's address.
struct TemplateMatch {
  const Template* found = nullptr;
  bool by_session = false;
  std::uint32_t illegal_fields = 0;  ///< fields whose length their type cannot have
};

/// What learn() did with an announcement; contradicted: redefined at the same time, so in the same
/// message or nearly so.
enum class Learned : std::uint8_t { added, same, redefined, contradicted };

/// Bounds: templates in total and by exporter, fields likewise (they are what takes memory). Scopes
/// and exporters are held only as long as they have a template, so they are bounded too. At a bound
/// a newcomer goes first (base::UseOrder), then the template used longest ago, to 0.1 s. A template
/// is proven by data at kUsesToProve different times.
///
/// Thread-compatible.
class TemplateStore final : public TemplateSource {
 public:
  explicit TemplateStore(const ParserOptions& options);

  /// Adds, renews or replaces the template announced as `fields`.
  /// \param fields  sound: its records have at least one octet.
  /// \param evicted  set if one of the same exporter had to go for it.
  /// \throws std::bad_alloc; then the store is as before, less the template of that id.
  Learned learn(const TemplateScope& scope, std::uint16_t id,
                const std::vector<FieldSpecifier>& fields, std::uint16_t scope_field_count,
                bool is_options, Timestamp now, bool& evicted);

  /// When a template of exactly that scope was used last; nothing if there is none.
  [[nodiscard]] std::optional<Timestamp> last_used(const TemplateScope& scope,
                                                   std::uint16_t id) noexcept;

  /// Finds a template and renews its life time. Valid until the next call that is not find().
  [[nodiscard]] TemplateMatch find(const TemplateScope& scope, std::uint16_t id,
                                   Timestamp now) noexcept;
  const Template* find_template(const TransportSession& session, const MessageHeader& message,
                                std::uint16_t template_id, Timestamp now) noexcept override {
    return find({session, message.observation_domain, message.protocol}, template_id, now).found;
  }

  /// \return false if there was none.
  bool forget(const TemplateScope& scope, std::uint16_t id) noexcept;
  /// Forgets all (options) templates of a scope. \return how many.
  std::size_t forget_all(const TemplateScope& scope, bool options) noexcept;

  /// Forgets all templates of a session.
  void forget_session(const TransportSession& session) noexcept;

  /// Drops what was not used for a life time: a few at a call, the oldest first.
  void expire(Timestamp now) noexcept;

  /// Whether an exporter has a template here.
  [[nodiscard]] bool knows(const IpAddress& exporter) const noexcept {
    return exporters_.find(exporter) != exporters_.end();
  }
  /// Appends the templates of an exporter, the one used last first, `most` at the most.
  /// \return how many it has.
  std::size_t describe(const IpAddress& exporter, std::size_t most,
                       std::vector<TemplateStatus>& out) const;

  [[nodiscard]] std::size_t size() const noexcept { return by_use_.size(); }
  [[nodiscard]] std::uint64_t evicted() const noexcept { return evicted_; }
  [[nodiscard]] std::uint64_t expired() const noexcept { return expired_; }
  [[nodiscard]] std::uint64_t redefined() const noexcept { return redefined_; }

  /// Calls `visit(scope, layout, last_used)` for newcomers and then for the proven, each from the
  /// one used longest ago on.
  template <typename Visitor>
  void for_each(Visitor&& visit) const {
    for (const AllByUse::List* list : {&by_use_.newcomers(), &by_use_.proven()}) {
      for (const Slot* slot = list->oldest(); slot != nullptr; slot = list->next_newer(*slot)) {
        visit(slot->scope->key, slot->layout, slot->last_used);
      }
    }
  }

 private:
  struct Scope;
  struct Slot {
    Slot(Template t) : layout(std::move(t)) {}
    Template layout;
    Scope* scope = nullptr;
    Timestamp last_used;
    Timestamp first_announced;
    Timestamp last_announced;
    std::uint32_t illegal_fields = 0;
    std::uint8_t uses = 0;  ///< up to kUsesToProve
    bool is_proven = false;
    base::Link<Slot> in_all, in_exporter, in_address;
  };
  using AllByUse = base::UseOrder<Slot, &Slot::in_all>;
  struct Exporter {
    base::UseOrder<Slot, &Slot::in_exporter> by_use;
    std::size_t fields = 0;
  };
  using Siblings = base::LinkedList<Slot, &Slot::in_address>;
  struct Scope {
    TemplateScope key;
    Exporter* exporter = nullptr;
    std::unordered_map<std::uint16_t, std::unique_ptr<Slot>> slots;
    std::array<Slot*, 8> recent{};  ///< by the low bits of the id
  };
  Scope* find_scope(const TemplateScope& key) noexcept;
  Slot* find_in_session(const TemplateScope& key, std::uint16_t id) noexcept;
  Slot* find_by_address(const TemplateScope& key, std::uint16_t id) noexcept;
  Scope& make_scope(const TemplateScope& key);
  void drop(Slot* slot) noexcept;
  void drop_scope_if_empty(Scope* scope) noexcept;
  void make_room(const TemplateScope& key, std::size_t fields, bool& evicted) noexcept;
  void link(Slot& slot) noexcept;
  void unlink(Slot& slot) noexcept;
  void touch(Slot& slot, Timestamp now) noexcept;
  [[nodiscard]] bool is_expired(const Slot& slot, Timestamp now) const noexcept;
  [[nodiscard]] static AddressScope address_of(const Slot& slot) noexcept;

  std::unordered_map<TemplateScope, std::unique_ptr<Scope>, ScopeHash> scopes_;
  std::unordered_map<IpAddress, Exporter, ScopeHash> exporters_;
  std::unordered_map<AddressScope, Siblings, ScopeHash> by_address_;
  AllByUse by_use_;
  Scope* last_scope_ = nullptr;
  std::size_t fields_ = 0;
  std::size_t max_templates_;
  std::size_t max_templates_per_exporter_;
  std::size_t max_fields_;
  std::size_t max_fields_per_exporter_;
  std::chrono::seconds lifetime_;
  std::uint64_t next_serial_ = 16;  ///< below are the fixed layouts
  std::uint64_t evicted_ = 0;
  std::uint64_t expired_ = 0;
  std::uint64_t redefined_ = 0;
};

}  // namespace flowlens::parse
