#include "parse/template_store.hpp"

#include <algorithm>

namespace flowlens::parse {
namespace {

constexpr std::chrono::milliseconds kUseGranularity{100};
constexpr std::uint8_t kUsesToProve = 4;
constexpr int kExpiredAtOnce = 8;

/// By IANA's registry only: what a vendor's own element may be is hearsay.
std::uint32_t count_illegal(const std::vector<FieldSpecifier>& fields) noexcept {
  std::uint32_t count = 0;
  for (const FieldSpecifier& field : fields) {
    if (field.element.enterprise != 0 || field.element.number >= kFirstV9VendorType) continue;
    const InformationElement* known = find_element(field.element);
    if (known != nullptr && !is_legal_length(known->type, field.length_octets)) ++count;
  }
  return count;
}

}  // namespace

TemplateStore::TemplateStore(const ParserOptions& options)
    : scopes_(16, ScopeHash{options.hash_seed}),
      exporters_(16, ScopeHash{options.hash_seed}),
      by_address_(16, ScopeHash{options.hash_seed}),
      max_templates_(options.max_templates),
      max_templates_per_exporter_(options.max_templates_per_exporter),
      max_fields_(options.max_fields),
      max_fields_per_exporter_(options.max_fields_per_exporter),
      lifetime_(options.template_lifetime) {}

AddressScope TemplateStore::address_of(const Slot& slot) noexcept {
  const TemplateScope& key = slot.scope->key;
  return {key.session.exporter, key.observation_domain, key.protocol, slot.layout.id()};
}

bool TemplateStore::is_expired(const Slot& slot, Timestamp now) const noexcept {
  const Transport transport = slot.scope->key.session.transport;
  return transport == Transport::udp && now - slot.last_used > lifetime_;
}

TemplateStore::Scope* TemplateStore::find_scope(const TemplateScope& key) noexcept {
  if (last_scope_ != nullptr && last_scope_->key == key) return last_scope_;
  const auto it = scopes_.find(key);
  if (it == scopes_.end()) return nullptr;
  last_scope_ = it->second.get();
  return last_scope_;
}

TemplateStore::Scope& TemplateStore::make_scope(const TemplateScope& key) {
  if (Scope* known = find_scope(key)) return *known;
  auto scope = std::make_unique<Scope>();
  scope->key = key;
  scope->exporter = &exporters_[key.session.exporter];
  return *scopes_.emplace(key, std::move(scope)).first->second;
}

void TemplateStore::link(Slot& slot) noexcept {
  by_use_.add(slot);
  slot.scope->exporter->by_use.add(slot);
}

void TemplateStore::unlink(Slot& slot) noexcept {
  by_use_.remove(slot);
  slot.scope->exporter->by_use.remove(slot);
}

/// Newcomers are moved at each new time: between a flood of others they have no tenth of a second.
void TemplateStore::touch(Slot& slot, Timestamp now) noexcept {
  if (now == slot.last_used || (slot.is_proven && now - slot.last_used < kUseGranularity)) return;
  unlink(slot);
  slot.last_used = now;
  if (slot.uses < kUsesToProve) slot.is_proven = ++slot.uses == kUsesToProve;
  link(slot);
}

TemplateStore::Slot* TemplateStore::find_in_session(const TemplateScope& key,
                                                    std::uint16_t id) noexcept {
  Scope* scope = find_scope(key);
  if (scope == nullptr) return nullptr;
  Slot*& recent = scope->recent[id & 7u];
  if (recent != nullptr && recent->layout.id() == id) return recent;
  const auto it = scope->slots.find(id);
  if (it == scope->slots.end()) return nullptr;
  recent = it->second.get();
  return recent;
}

TemplateStore::Slot* TemplateStore::find_by_address(const TemplateScope& key,
                                                    std::uint16_t id) noexcept {
  const auto it = by_address_.find(
      AddressScope{key.session.exporter, key.observation_domain, key.protocol, id});
  if (it == by_address_.end()) return nullptr;
  Slot* found = it->second.newest();
  while (found != nullptr && is_connection(found->scope->key.session.transport)) {
    found = Siblings::next_older(*found);
  }
  return found;
}

std::optional<Timestamp> TemplateStore::last_used(const TemplateScope& key,
                                                  std::uint16_t id) noexcept {
  const Slot* slot = find_in_session(key, id);
  return slot != nullptr ? std::optional{slot->last_used} : std::nullopt;
}

TemplateMatch TemplateStore::find(const TemplateScope& key, std::uint16_t id,
                                  Timestamp now) noexcept {
  while (true) {
    Slot* found = find_in_session(key, id);
    const bool by_session = found != nullptr;
    if (!by_session && !is_connection(key.session.transport)) found = find_by_address(key, id);
    if (found == nullptr) return {};
    if (!is_expired(*found, now)) {
      touch(*found, now);
      return {&found->layout, by_session, found->illegal_fields};
    }
    ++expired_;
    drop(found);
  }
}

Learned TemplateStore::learn(const TemplateScope& key, std::uint16_t id,
                             const std::vector<FieldSpecifier>& fields,
                             std::uint16_t scope_field_count, bool is_options, Timestamp now,
                             bool& evicted) {
  Learned result = Learned::added;
  if (Scope* scope = find_scope(key)) {
    if (const auto it = scope->slots.find(id); it != scope->slots.end()) {
      Slot& old = *it->second;
      if (old.layout.is_options() == is_options &&
          old.layout.scope_field_count() == scope_field_count &&
          std::ranges::equal(old.layout.fields(), fields) && !is_expired(old, now)) {
        touch(old, now);
        old.last_announced = now;
        return Learned::same;
      }
      result = old.last_announced == now ? Learned::contradicted : Learned::redefined;
      drop(&old);
      ++redefined_;
    }
  }
  make_room(key, fields.size(), evicted);

  auto slot =
      std::make_unique<Slot>(Template{key.protocol, id, fields, scope_field_count, next_serial_});
  if (is_options) slot->layout.mark_options();
  slot->last_used = slot->first_announced = slot->last_announced = now;
  slot->illegal_fields = count_illegal(fields);
  Scope& scope = make_scope(key);
  slot->scope = &scope;
  Slot* const added = slot.get();
  const AddressScope at = address_of(*added);
  try {
    Siblings& siblings = by_address_[at];
    scope.slots.emplace(id, std::move(slot));
    Slot* const newest = siblings.newest();
    siblings.add(*added);
    if (newest != nullptr && newest->last_used > now) {  // then this one comes from saved state
      siblings.remove(*newest);
      siblings.add(*newest);
    }
  } catch (...) {
    if (const auto it = by_address_.find(at); it != by_address_.end() && it->second.empty()) {
      by_address_.erase(it);
    }
    drop_scope_if_empty(&scope);
    throw;
  }
  link(*added);
  scope.exporter->fields += fields.size();
  fields_ += fields.size();
  ++next_serial_;
  return result;
}

void TemplateStore::make_room(const TemplateScope& key, std::size_t fields,
                              bool& evicted) noexcept {
  while (true) {
    const auto it = exporters_.find(key.session.exporter);
    if (it == exporters_.end() || it->second.by_use.size() == 0) break;
    if (it->second.by_use.size() < max_templates_per_exporter_ &&
        it->second.fields + fields <= max_fields_per_exporter_) {
      break;
    }
    ++evicted_;
    evicted = true;
    drop(it->second.by_use.first_to_go());
  }
  while (by_use_.size() != 0 &&
         (by_use_.size() >= max_templates_ || fields_ + fields > max_fields_)) {
    ++evicted_;
    drop(by_use_.first_to_go());
  }
}

void TemplateStore::drop(Slot* slot) noexcept {
  Scope* scope = slot->scope;
  const auto siblings = by_address_.find(address_of(*slot));
  siblings->second.remove(*slot);
  if (siblings->second.empty()) by_address_.erase(siblings);
  unlink(*slot);
  const std::size_t fields = slot->layout.fields().size();
  scope->exporter->fields -= fields;
  fields_ -= fields;
  const std::uint16_t id = slot->layout.id();
  Slot*& recent = scope->recent[id & 7u];
  if (recent == slot) recent = nullptr;
  scope->slots.erase(id);
  drop_scope_if_empty(scope);
}

void TemplateStore::drop_scope_if_empty(Scope* scope) noexcept {
  if (!scope->slots.empty()) return;
  const TemplateScope key = scope->key;
  if (scope->exporter->by_use.size() == 0) exporters_.erase(key.session.exporter);
  if (last_scope_ == scope) last_scope_ = nullptr;
  scopes_.erase(key);
}

bool TemplateStore::forget(const TemplateScope& key, std::uint16_t id) noexcept {
  Scope* scope = find_scope(key);
  if (scope == nullptr) return false;
  const auto it = scope->slots.find(id);
  if (it == scope->slots.end()) return false;
  drop(it->second.get());
  return true;
}

std::size_t TemplateStore::forget_all(const TemplateScope& key, bool options) noexcept {
  Scope* scope = find_scope(key);
  if (scope == nullptr) return 0;
  std::size_t forgotten = 0;
  for (auto it = scope->slots.begin(); it != scope->slots.end();) {
    Slot* slot = it->second.get();
    ++it;
    if (slot->layout.is_options() != options) continue;
    const bool is_last = scope->slots.size() == 1;
    drop(slot);
    ++forgotten;
    if (is_last) break;  // the scope went with it
  }
  return forgotten;
}

void TemplateStore::forget_session(const TransportSession& session) noexcept {
  const auto exporter = exporters_.find(session.exporter);
  if (exporter == exporters_.end()) return;
  auto& by_use = exporter->second.by_use;
  for (const auto* list : {&by_use.newcomers(), &by_use.proven()}) {
    Slot* next = nullptr;
    for (Slot* slot = list->oldest(); slot != nullptr; slot = next) {
      next = list->next_newer(*slot);
      if (slot->scope->key.session != session) continue;
      const bool is_last = by_use.size() == 1;
      drop(slot);
      if (is_last) return;  // the exporter went with it
    }
  }
}

void TemplateStore::expire(Timestamp now) noexcept {
  for (int i = 0; i < kExpiredAtOnce; ++i) {
    Slot* oldest = by_use_.newcomers().oldest();
    if (oldest == nullptr || !is_expired(*oldest, now)) oldest = by_use_.proven().oldest();
    if (oldest == nullptr || !is_expired(*oldest, now)) return;
    ++expired_;
    drop(oldest);
  }
}

std::size_t TemplateStore::describe(const IpAddress& exporter, std::size_t most,
                                    std::vector<TemplateStatus>& out) const {
  const auto found = exporters_.find(exporter);
  if (found == exporters_.end()) return 0;
  const auto& by_use = found->second.by_use;
  for (const auto* list : {&by_use.proven(), &by_use.newcomers()}) {
    for (const Slot* s = list->newest(); s != nullptr && out.size() < most;
         s = list->next_older(*s)) {
      const auto fields = s->layout.fields();
      out.push_back({s->scope->key.protocol,
                     s->scope->key.observation_domain,
                     s->scope->key.session,
                     s->layout.id(),
                     s->layout.scope_field_count(),
                     s->layout.is_options(),
                     s->first_announced,
                     s->last_announced,
                     s->last_used,
                     {fields.begin(), fields.end()}});
    }
  }
  return by_use.size();
}

}  // namespace flowlens::parse
