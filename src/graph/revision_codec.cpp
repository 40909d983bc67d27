// Each row has one list of its fields, which a writer and a reader walk alike.
#include "flowlens/revision_codec.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <string>
#include <type_traits>

#include "flowlens/error.hpp"
#include "wire/byte_reader.hpp"
#include "wire/byte_writer.hpp"
#include "wire/varint.hpp"

namespace flowlens {
namespace {

constexpr std::uint16_t kVersion = 3;
constexpr std::uint16_t kWithoutFacts =
    2;  ///< the version before Revision::facts and Alias::is_turned
constexpr std::uint16_t kWithoutPosition = 1;  ///< and that before Revision::input_position
constexpr std::size_t kMostSites = 65'536;

class Writer {
 public:
  explicit Writer(const SiteTable& sites) : sites_(&sites) {}
  [[nodiscard]] static bool has_position() noexcept { return true; }
  [[nodiscard]] static bool has_facts() noexcept { return true; }

  void number(std::uint64_t n) { wire::put_varint(out_, n); }
  void word(std::uint32_t n) { out_.u32(n); }
  void flag(bool b) { out_.u8(b); }
  template <typename Enum>
  void choice(Enum e, Enum) {
    out_.u8(static_cast<std::uint8_t>(e));
  }
  void time(Timestamp t) { out_.u64(static_cast<std::uint64_t>(to_unix_ns(t))); }
  void share(float f) { out_.u32(std::bit_cast<std::uint32_t>(f)); }
  void id(const Id& id) { out_.append(std::as_bytes(std::span{id.octets})); }
  void text(const std::string& text) {
    number(text.size());
    out_.append(std::as_bytes(std::span{text}));
  }
  void address(const IpAddress& a) {
    const auto octets = std::as_bytes(std::span{a.octets()}).subspan(a.is_v4() ? 12 : 0);
    out_.u8(static_cast<std::uint8_t>(octets.size())).append(octets);
  }
  void site(SiteId id) { number(places_.try_emplace(id.value, places_.size()).first->second); }
  template <typename Value, typename Put>
  void optional(const std::optional<Value>& value, Put put) {
    flag(value.has_value());
    if (value) put(*value);
  }
  template <typename Row, typename Put>
  void list(const std::vector<Row>& rows, Put put) {
    number(rows.size());
    for (const Row& row : rows) put(row);
  }

  /// The names of the sites that were spoken of, and then what was written.
  [[nodiscard]] std::vector<std::byte> finish() {
    const wire::ByteWriter rows = std::move(out_);
    std::vector<std::string> names(places_.size());
    for (const auto& [site, place] : places_) names[place] = sites_->name(SiteId{site});
    out_ = {};
    out_.u16(kVersion);
    list(names, [&](const std::string& name) { text(name); });
    return out_.append(rows.octets()).take();
  }

 private:
  const SiteTable* sites_;
  std::map<std::uint16_t, std::size_t> places_;
  wire::ByteWriter out_;
};

class Reader {
 public:
  Reader(std::span<const std::byte> octets, const SiteTable& sites) : in_(octets) {
    version_ = in_.u16();
    if (!is_known()) return;
    std::vector<std::string> names;
    list(names, [&](std::string& name) { text(name); });
    if (names.size() > kMostSites) refuse();
    if (!is_good()) return;
    for (const std::string& name : names) sites_.push_back(find(sites, name));
  }

  [[nodiscard]] bool has_position() const noexcept { return version_ > kWithoutPosition; }
  [[nodiscard]] bool has_facts() const noexcept { return version_ > kWithoutFacts; }

  template <typename Number>
  void number(Number& n) {
    n = static_cast<Number>(number_up_to(std::numeric_limits<Number>::max()));
  }
  void word(std::uint32_t& n) { n = in_.u32(); }
  void flag(bool& b) { b = number_up_to(1) != 0; }
  template <typename Enum>
  void choice(Enum& e, Enum last) {
    e = static_cast<Enum>(number_up_to(static_cast<std::uint64_t>(last)));
  }
  void time(Timestamp& t) { t = from_unix_ns(static_cast<std::int64_t>(in_.u64())); }
  void share(float& f) { f = std::bit_cast<float>(in_.u32()); }
  void id(Id& id) {
    for (std::uint8_t& octet : id.octets) octet = in_.u8();
  }
  void text(std::string& text) {
    const auto octets = in_.take(number_up_to(in_.remaining()));
    text.assign(reinterpret_cast<const char*>(octets.data()), octets.size());
  }
  void address(IpAddress& a) {
    const auto read = IpAddress::from_octets(in_.take(in_.u8()));
    read ? void(a = *read) : refuse();
  }
  void site(SiteId& id) {
    if (sites_.empty()) return refuse();
    id = sites_[number_up_to(sites_.size() - 1)];
  }
  template <typename Value, typename Take>
  void optional(std::optional<Value>& value, Take take) {
    value.reset();
    if (number_up_to(1) != 0) take(value.emplace());
  }
  /// A row takes an octet at least, so no claim makes the list longer than what is there.
  template <typename Row, typename Take>
  void list(std::vector<Row>& rows, Take take) {
    rows.clear();
    for (std::uint64_t n = number_up_to(in_.remaining()); n > 0 && is_good(); --n) {
      take(rows.emplace_back());
    }
  }
  void refuse() noexcept { is_refused_ = true; }

  [[nodiscard]] Diagnostic result() const noexcept {
    if (!is_known()) return {DiagnosticCode::unknown_version, 0, version_};
    const auto at = static_cast<std::uint32_t>(in_.offset());
    if (is_refused_ || (in_.ok() && in_.remaining() > 0)) {
      return {DiagnosticCode::state_damaged, at, 0};
    }
    return in_.ok() ? Diagnostic{} : Diagnostic{DiagnosticCode::truncated, at, 0};
  }

 private:
  [[nodiscard]] bool is_known() const noexcept {
    return version_ >= kWithoutPosition && version_ <= kVersion;
  }
  [[nodiscard]] bool is_good() const noexcept { return in_.ok() && !is_refused_; }

  std::uint64_t number_up_to(std::uint64_t most) {
    const auto n = wire::take_varint(in_, most);
    if (!n) refuse();
    return n.value_or(0);
  }

  static SiteId find(const SiteTable& sites, const std::string& name) {
    for (std::size_t i = 0; i < kMostSites; ++i) {
      const SiteId id{static_cast<std::uint16_t>(i)};
      if (i > 0 && sites.name(id) == sites.name(SiteId{})) break;  // past the end
      if (sites.name(id) == name) return id;
    }
    throw ConfigError("a revision speaks of the site `" + name +
                      "`, which the configuration lacks; add it again");
  }

  wire::ByteReader in_;
  std::uint16_t version_ = 0;
  bool is_refused_ = false;
  std::vector<SiteId> sites_;
};

/// A row as the writer sees it, or the reader.
template <typename Codec, typename Row>
using Of = std::conditional_t<std::is_same_v<Codec, Writer>, const Row, Row>;

template <typename Codec>
void code(Codec& c, Of<Codec, Endpoint>& e) {
  c.site(e.site);
  c.address(e.address);
}

template <typename Codec>
void code(Codec& c, Of<Codec, TrafficCounts>& n) {
  c.number(n.flows);
  c.number(n.octets_to_server);
  c.number(n.octets_to_client);
  c.number(n.packets_to_server);
  c.number(n.packets_to_client);
  c.number(n.estimated_octets_to_server);
  c.number(n.estimated_octets_to_client);
}

template <typename Codec>
void code(Codec& c, Of<Codec, HeldEndpoint>& held) {
  code(c, held.endpoint);
  c.time(held.from);
  c.optional(held.until, [&](auto& until) { c.time(until); });
  c.choice(held.source, FactSource::declared);
}

template <typename Codec>
void code(Codec& c, Of<Codec, AssetRow>& row) {
  c.id(row.id);
  c.text(row.name);
  c.list(row.endpoints, [&](auto& held) { code(c, held); });
  c.text(row.asset_type);
  c.flag(row.is_internal);
  c.time(row.first_seen);
  c.time(row.last_seen);
  c.choice(row.name_source, FactSource::declared);
  c.time(row.name_at);
  c.choice(row.type_source, FactSource::declared);
  c.share(row.type_confidence);
  c.time(row.type_at);
}

/// Most words of four weeks are empty: a bit for each that is not, and then these.
void code(Writer& c, const HourBitmap& hours) {
  std::uint32_t used = 0;
  for (std::size_t i = 0; i < HourBitmap::kWords; ++i)
    used |= (hours.words()[i] != 0 ? 1u : 0u) << i;
  c.number(hours.newest());
  c.number(used);
  for (const std::uint32_t word : hours.words()) {
    if (word != 0) c.word(word);
  }
}
void code(Reader& c, HourBitmap& hours) {
  static_assert(HourBitmap::kWords <= 32);
  HourBitmap::Words words{};
  Hour newest = 0;
  std::uint32_t used = 0;
  c.number(newest);
  c.number(used);
  if (used >> HourBitmap::kWords != 0 || newest > HourBitmap::kNewest) return c.refuse();
  for (std::size_t i = 0; i < HourBitmap::kWords; ++i) {
    if ((used >> i & 1) != 0) c.word(words[i]);
  }
  // In 1970 there are hours that no bit may stand for.
  for (Hour hour = newest + 1; hour < HourBitmap::kHours; ++hour) {
    if ((words[hour / 32] >> hour % 32 & 1) != 0) return c.refuse();
  }
  hours = HourBitmap{words, newest};
}

void code(Writer& c, const DirectionReasons& reasons) { c.number(reasons.bits()); }
void code(Reader& c, DirectionReasons& reasons) {
  std::uint64_t bits = 0;
  c.number(bits);
  reasons = DirectionReasons::from_bits(bits);
}

template <typename Codec>
void code_observers(Codec& c, Of<Codec, DependencyRow>& row) {
  c.number(row.observer_count);
  if (row.observer_count > kMaxObservers) {
    if constexpr (std::is_same_v<Codec, Reader>) c.refuse();
    return;
  }
  for (std::size_t i = 0; i < row.observer_count; ++i) c.address(row.observers[i]);
}

void code(Writer& c, const ServiceId&, const DependencyKey&) { static_cast<void>(c); }
/// Its number is of one release; the key tells it again.
void code(Reader&, ServiceId& service, const DependencyKey& key) {
  service = find_service(key.protocol, key.port);
}

template <typename Codec>
void code(Codec& c, Of<Codec, DependencyRow>& row) {
  c.id(row.id);
  c.id(row.client_asset);
  c.id(row.server_asset);
  code(c, row.key.client);
  code(c, row.key.server);
  c.number(row.key.port);
  c.number(row.key.protocol);
  code(c, row.service, row.key);
  c.choice(row.direction, Direction::unknown);
  c.choice(row.rung, DirectionRung::none);
  c.flag(row.provisional);
  c.time(row.first_seen);
  c.time(row.last_seen);
  code(c, row.totals);
  code_observers(c, row);
  code(c, row.hours);
  code(c, row.reasons);
  c.number(row.flips);
  code(c, row.via);
  c.number(row.client_count);
}

template <typename Codec>
void code(Codec& c, Of<Codec, WindowRow>& row) {
  c.time(row.window_start);
  c.id(row.dependency);
  code(c, row.counts);
}

template <typename Codec>
void code(Codec& c, Of<Codec, FlowLedger>& flows) {
  c.number(flows.normalized);
  c.number(flows.applied);
  c.number(flows.duplicate);
  c.number(flows.attempt);
  c.number(flows.control);
  c.number(flows.sampled_out);
  for (auto& dropped : flows.dropped) c.number(dropped);
  c.number(flows.late_carried);
}

template <typename Codec>
void code(Codec& c, Of<Codec, Alias>& alias) {
  c.id(alias.id);
  c.id(alias.target);
  c.time(alias.at);
  if (c.has_facts()) c.flag(alias.is_turned);
}

template <typename Codec>
void code(Codec& c, Of<Codec, ChangeEvent>& event) {
  c.id(event.id);
  c.choice(event.type, ChangeType{kChangeTypeCount - 1});
  c.id(event.subject);
  c.id(event.object);
  c.time(event.at);
  c.text(event.reason);
  c.choice(event.severity, Severity::critical);
  c.id(event.cause);
  c.text(event.before);
  c.text(event.after);
  c.optional(event.expected, [&](auto& n) { c.number(n); });
  c.optional(event.seen, [&](auto& n) { c.number(n); });
  code(c, event.endpoint);
  code(c, event.client);
  c.number(event.port);
  c.number(event.protocol);
}

template <typename Codec>
void code(Codec& c, Of<Codec, IntermediaryRow>& row) {
  c.id(row.id);
  c.choice(row.kind, IntermediaryKind::source_nat);
  c.choice(row.state, IntermediaryState::rejected);
  code(c, row.front);
  c.number(row.front_port);
  c.number(row.backend_port);
  c.number(row.protocol);
  c.list(row.members, [&](auto& member) { code(c, member); });
  c.number(row.clients);
  c.number(row.windows);
  c.share(row.confidence);
  c.time(row.first_seen);
  c.time(row.last_seen);
}

template <typename Codec>
void code(Codec& c, Of<Codec, Annotation>& said) {
  c.id(said.subject);
  c.list(said.tags, [&](auto& tag) { c.text(tag); });
  c.text(said.notes);
  c.text(said.owner);
  c.choice(said.criticality, Criticality::critical);
  c.flag(said.is_declared);
  c.flag(said.is_confirmed);
  c.text(said.said_by);
  c.time(said.said_at);
}

/// Without its subject.
template <typename Codec>
void code(Codec& c, Of<Codec, Fact>& fact) {
  c.text(fact.attribute);
  c.text(fact.value);
  c.choice(fact.source, FactSource::declared);
  c.text(fact.origin);
  c.time(fact.at);
  c.optional(fact.since, [&](auto& since) { c.time(since); });
  c.optional(fact.expires, [&](auto& expires) { c.time(expires); });
}

template <typename Codec>
void code(Codec& c, Of<Codec, EndpointFacts>& said) {
  code(c, said.subject);
  c.list(said.facts, [&](auto& fact) {
    if constexpr (std::is_same_v<Codec, Reader>) fact.subject = said.subject;
    code(c, fact);
  });
}

template <typename Codec>
void code(Codec& c, Of<Codec, Revision>& r) {
  c.number(r.number);
  c.number(r.epoch.value);
  c.time(r.at);
  c.list(r.assets, [&](auto& row) { code(c, row); });
  c.list(r.dependencies, [&](auto& row) { code(c, row); });
  c.list(r.windows, [&](auto& row) { code(c, row); });
  c.list(r.removed_assets, [&](auto& id) { c.id(id); });
  c.list(r.removed_dependencies, [&](auto& id) { c.id(id); });
  code(c, r.flows);
  c.list(r.aliases, [&](auto& row) { code(c, row); });
  c.list(r.events, [&](auto& row) { code(c, row); });
  c.list(r.intermediaries, [&](auto& row) { code(c, row); });
  c.list(r.annotations, [&](auto& said) { code(c, said); });
  c.list(r.closed_dependencies, [&](auto& id) { c.id(id); });
  if (c.has_position()) c.number(r.input_position);
  if (c.has_facts()) c.list(r.facts, [&](auto& said) { code(c, said); });
}

}  // namespace

std::vector<std::byte> encode_revision(const Revision& revision, const SiteTable& sites) {
  Writer writer{sites};
  code(writer, revision);
  return writer.finish();
}

Diagnostic decode_revision(std::span<const std::byte> octets, const SiteTable& sites,
                           Revision& revision) {
  revision = {};
  Reader reader{octets, sites};
  if (const Diagnostic d = reader.result(); d.code == DiagnosticCode::unknown_version) return d;
  code(reader, revision);
  return reader.result();
}

}  // namespace flowlens
