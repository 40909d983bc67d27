#include "parse/template_store.hpp"

#include <algorithm>

namespace flowlens::parse {
namespace {

constexpr std::chrono::seconds kUseGranularity{1};
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
    : max_templates_(options.max_templates),
      max_templates_per_exporter_(options.max_templates_per_exporter),
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

void TemplateStore::touch(Slot& slot, Timestamp now) noexcept {
  if (now - slot.last_used < kUseGranularity) return;
  slot.last_used = now;
  by_use_.splice(by_use_.begin(), by_use_, slot.in_all);
  SlotList& own = slot.scope->exporter->by_use;
  own.splice(own.begin(), own, slot.in_exporter);
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
  return it == by_address_.end() ? nullptr : it->second.front();
}

TemplateMatch TemplateStore::find(const TemplateScope& key, std::uint16_t id,
                                  Timestamp now) noexcept {
  while (true) {
    Slot* found = find_in_session(key, id);
    const bool by_session = found != nullptr;
    if (!by_session) found = find_by_address(key, id);
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
        return Learned::same;
      }
      drop(&old);
      ++redefined_;
      result = Learned::redefined;
    }
  }
  make_room(key, fields.size(), evicted);

  auto slot =
      std::make_unique<Slot>(Template{key.protocol, id, fields, scope_field_count, next_serial_});
  if (is_options) slot->layout.mark_options();
  slot->last_used = now;
  slot->illegal_fields = count_illegal(fields);
  Scope& scope = make_scope(key);
  slot->scope = &scope;
  // The list nodes are made first: linking them cannot fail.
  SlotList all{slot.get()}, own{slot.get()}, address{slot.get()};
  Slot* const added = slot.get();
  const AddressScope at = address_of(*added);
  try {
    SlotList& siblings = by_address_[at];
    scope.slots.emplace(id, std::move(slot));
    siblings.splice(siblings.begin(), address);
    added->in_address = siblings.begin();
  } catch (...) {
    if (const auto it = by_address_.find(at); it != by_address_.end() && it->second.empty()) {
      by_address_.erase(it);
    }
    drop_scope_if_empty(&scope);
    throw;
  }
  by_use_.splice(by_use_.begin(), all);
  added->in_all = by_use_.begin();
  scope.exporter->by_use.splice(scope.exporter->by_use.begin(), own);
  added->in_exporter = scope.exporter->by_use.begin();
  scope.exporter->fields += fields.size();
  fields_ += fields.size();
  ++next_serial_;
  return result;
}

void TemplateStore::make_room(const TemplateScope& key, std::size_t fields,
                              bool& evicted) noexcept {
  while (true) {
    const auto it = exporters_.find(key.session.exporter);
    if (it == exporters_.end() || it->second.by_use.empty()) break;
    if (it->second.by_use.size() < max_templates_per_exporter_ &&
        it->second.fields + fields <= kMaxFieldsPerExporter) {
      break;
    }
    ++evicted_;
    evicted = true;
    drop(it->second.by_use.back());
  }
  while (!by_use_.empty() && (by_use_.size() >= max_templates_ || fields_ + fields > kMaxFields)) {
    ++evicted_;
    drop(by_use_.back());
  }
}

void TemplateStore::drop(Slot* slot) noexcept {
  Scope* scope = slot->scope;
  const auto siblings = by_address_.find(address_of(*slot));
  siblings->second.erase(slot->in_address);
  if (siblings->second.empty()) by_address_.erase(siblings);
  by_use_.erase(slot->in_all);
  scope->exporter->by_use.erase(slot->in_exporter);
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
  if (scope->exporter->by_use.empty()) exporters_.erase(key.session.exporter);
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

void TemplateStore::expire(Timestamp now) noexcept {
  for (int i = 0; i < kExpiredAtOnce && !by_use_.empty(); ++i) {
    Slot* oldest = by_use_.back();
    if (!is_expired(*oldest, now)) return;
    ++expired_;
    drop(oldest);
  }
}

}  // namespace flowlens::parse
