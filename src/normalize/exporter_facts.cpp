#include "normalize/exporter_facts.hpp"

#include <algorithm>

#include "wire/byte_reader.hpp"
#include "wire/sealed_state.hpp"

namespace flowlens::normalize {
namespace {

constexpr std::uint32_t kMark = 0x464c4e53;  // "FLNS"
constexpr std::uint16_t kVersion = 1;
constexpr std::size_t kDomainOctets = 16 + 4 + 4 + 1 + 8;
constexpr std::size_t kSamplerOctets = 16 + 4 + 8 + 4;

/// What one options record says about sampling.
struct SamplingOptions {
  std::optional<std::uint64_t> sampler;          ///< 48, 302
  std::optional<std::uint64_t> interval;         ///< 34
  std::optional<std::uint64_t> random_interval;  ///< 50
  std::optional<std::uint64_t> packet_interval;  ///< 305: so many are taken,
  std::optional<std::uint64_t> packet_space;     ///< 306: then so many are not
  std::optional<std::uint64_t> size;             ///< 309: so many
  std::optional<std::uint64_t> population;       ///< 310: out of so many
  std::optional<std::uint64_t> boot_ms;          ///< 160
  bool of_interface = false;                     ///< scope: says nothing about the whole domain

  /// One packet in so many; 0 if the record does not say.
  [[nodiscard]] std::uint32_t rate() const noexcept {
    std::uint64_t rate = 0;
    if (random_interval.value_or(0) != 0) {
      rate = *random_interval;
    } else if (interval.value_or(0) != 0) {
      rate = *interval;
    } else if (packet_interval.value_or(0) != 0) {
      rate = packet_space
                 ? (*packet_interval + std::min<std::uint64_t>(*packet_space, 0xffff'ffffu)) /
                       *packet_interval
                 : *packet_interval;
    } else if (size.value_or(0) != 0) {
      rate = population.value_or(0) / *size;
    }
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(rate, 0xffff'ffffu));
  }
};

void take(SamplingOptions& out, const FieldValue& field) noexcept {
  const ElementId id = field.specifier.element;
  if (id.enterprise == kV9ScopeEnterprise) {
    out.of_interface |= id.number == 2;
    return;
  }
  if (id.enterprise != 0) return;
  const std::optional<std::uint64_t> value = read_unsigned(field.octets);
  switch (id.number) {
    case 34:
      out.interval = value;
      break;
    case 48:
    case 302:
      out.sampler = value;
      break;
    case 50:
      out.random_interval = value;
      break;
    case 160:
      out.boot_ms = value;
      break;
    case 305:
      out.packet_interval = value;
      break;
    case 306:
      out.packet_space = value;
      break;
    case 309:
      out.size = value;
      break;
    case 310:
      out.population = value;
      break;
    default:
      break;
  }
}

bool in_scope_of_interface(const Record& record) noexcept {
  const auto fields = record.layout().fields().first(record.layout().scope_field_count());
  return std::ranges::any_of(fields, [](const FieldSpecifier& f) {
    return f.element == ElementId{0, 10} || f.element == ElementId{0, 14};
  });
}

}  // namespace

void ExporterFacts::learn(const DataSet& set) {
  set.for_each([&](const Record& record) { learn(set, record); });
}

void ExporterFacts::learn(const DataSet& set, const Record& record) {
  SamplingOptions options;
  record.for_each([&](const FieldValue& field) { take(options, field); });
  const std::uint32_t rate = options.rate();
  if (rate == 0 && !options.boot_ms) return;

  Key key{set.session->exporter, set.message->observation_domain, 0};
  if (options.sampler && rate != 0) {
    key.sampler = *options.sampler;
    samplers_.put(key, rate);
    key.sampler = 0;
  }
  const bool of_domain =
      !options.sampler && !options.of_interface && !in_scope_of_interface(record);
  if (!options.boot_ms && !of_domain) return;
  Domain domain;
  if (const Domain* known = domains_.find(key)) domain = *known;
  if (options.boot_ms) domain.boot_ms = options.boot_ms;
  if (rate != 0 && of_domain) domain.sampling_rate = rate;
  domains_.put(key, domain);
  has_last_ = false;
}

const ExporterFacts::Domain& ExporterFacts::domain(const IpAddress& exporter,
                                                   std::uint32_t domain) noexcept {
  const Key key{exporter, domain, 0};
  if (!has_last_ || !(last_key_ == key)) {
    const Domain* known = domains_.find(key);
    last_ = known != nullptr ? *known : Domain{};
    last_key_ = key;
    has_last_ = true;
  }
  return last_;
}

std::uint32_t ExporterFacts::rate_of(const IpAddress& exporter, std::uint32_t domain,
                                     std::uint64_t sampler) noexcept {
  const std::uint32_t* rate = samplers_.find(Key{exporter, domain, sampler});
  return rate != nullptr ? *rate : 0;
}

std::uint64_t ExporterFacts::rates() const noexcept {
  const auto told = std::count_if(domains_.begin(), domains_.end(), [](const auto& entry) {
    return entry.second.sampling_rate != 0;
  });
  return samplers_.size() + static_cast<std::uint64_t>(told);
}

std::vector<std::byte> ExporterFacts::save() const {
  wire::ByteWriter out = wire::begin_state(kMark, kVersion);
  const auto key = [&out](const Key& k) {
    out.append(std::as_bytes(std::span{k.exporter.octets()})).u32(k.domain);
  };
  out.u32(static_cast<std::uint32_t>(domains_.size()));
  // From the one used longest ago on, so that load() leaves the same order of use.
  for (auto it = domains_.end(); it != domains_.begin();) {
    const auto& [k, domain] = *--it;
    key(k);
    out.u32(domain.sampling_rate).u8(domain.boot_ms ? 1 : 0).u64(domain.boot_ms.value_or(0));
  }
  out.u32(static_cast<std::uint32_t>(samplers_.size()));
  for (auto it = samplers_.end(); it != samplers_.begin();) {
    const auto& [k, rate] = *--it;
    key(k);
    out.u64(k.sampler).u32(rate);
  }
  return wire::seal_state(std::move(out));
}

Diagnostic ExporterFacts::load(std::span<const std::byte> state) noexcept {
  std::span<const std::byte> content;
  if (const Diagnostic wrong = wire::open_state(state, kMark, kVersion, content);
      wrong.code != DiagnosticCode::none) {
    return wrong;
  }
  // Sizes first: then nothing can go wrong half way.
  wire::ByteReader sizes{content};
  const std::size_t domains = sizes.u32();
  sizes.skip(domains * kDomainOctets);
  const std::size_t samplers = sizes.u32();
  sizes.skip(samplers * kSamplerOctets);
  if (!sizes.ok() || sizes.remaining() != 0) return {DiagnosticCode::state_damaged, 6, 0};

  wire::ByteReader in{content};
  const auto key = [&in] {
    Key k;
    k.exporter = *IpAddress::from_octets(in.take(16));
    k.domain = in.u32();
    return k;
  };
  try {
    in.skip(4);
    for (std::size_t i = 0; i < domains; ++i) {
      const Key k = key();
      Domain domain;
      domain.sampling_rate = in.u32();
      const bool has_boot = in.u8() != 0;
      const std::uint64_t boot = in.u64();
      if (has_boot) domain.boot_ms = boot;
      domains_.put(k, domain);
    }
    in.skip(4);
    for (std::size_t i = 0; i < samplers; ++i) {
      Key k = key();
      k.sampler = in.u64();
      samplers_.put(k, in.u32());
    }
  } catch (const std::bad_alloc&) {
    return {DiagnosticCode::out_of_memory, 0, 0};
  }
  has_last_ = false;
  return {};
}

}  // namespace flowlens::normalize
