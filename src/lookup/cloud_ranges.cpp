#include "flowlens/cloud_ranges.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <tuple>
#include <utility>

#include "base/masked.hpp"
#include "lookup/json_file.hpp"
#include "lookup/machine.hpp"
#include "lookup/range_file.hpp"
#include "lookup/whole_file.hpp"

namespace flowlens {

namespace {

using lookup::RangeEntry;

constexpr std::uint32_t kNothing = ~std::uint32_t{0};
constexpr std::size_t kSlots = 65'536;  ///< of IPv4, by its first two octets

/// The address behind the last of a network. \return false if there is none.
bool next_after(const IpPrefix& network, IpAddress& next) noexcept {
  auto octets = network.address.octets();
  for (unsigned bit = network.length; bit-- > 0;) {
    auto& octet = octets[bit / 8];
    const auto mask = static_cast<std::uint8_t>(0x80u >> (bit % 8));
    octet = static_cast<std::uint8_t>(octet ^ mask);
    if ((octet & mask) != 0) {
      next = IpAddress::v6(octets);
      return true;
    }
  }
  return false;
}

/// Ascending, a larger network in front of those within it.
bool is_before(const RangeEntry& a, const RangeEntry& b) noexcept {
  return std::tie(a.network, a.says.provider) < std::tie(b.network, b.says.provider);
}

std::string joined(const std::set<std::string, std::less<>>& services) {
  std::string text;
  for (const std::string& service : services) {
    if (text.size() + service.size() + 1 > kLongestFactValue) break;
    if (!text.empty()) text += ',';
    text += service;
  }
  return text;
}

/// Makes one of all entries with the same network and provider; they stand one behind another.
void unite(std::vector<RangeEntry>& entries) {
  auto kept = entries.begin();
  for (auto from = entries.begin(); from != entries.end();) {
    RangeEntry one = std::move(*from);
    std::set<std::string, std::less<>> services;
    if (!one.says.service.empty()) services.insert(one.says.service);
    for (++from; from != entries.end() && !is_before(one, *from); ++from) {
      if (one.says.region.empty()) one.says.region = from->says.region;
      if (!from->says.service.empty()) services.insert(from->says.service);
    }
    one.says.service = joined(services);
    *kept++ = std::move(one);
  }
  entries.erase(kept, entries.end());
}

}  // namespace

/// All addresses, cut where what is said of them changes.
struct CloudRanges::Impl {
  std::vector<IpAddress> begins;                  ///< ascending, the first is ::
  std::vector<std::uint32_t> said;                ///< of each, its place in `ranges`, or kNothing
  std::array<std::uint32_t, kSlots + 1> slots{};  ///< of IPv4, the last that begins at it or before
  std::vector<CloudRange> ranges;
  std::uint64_t refused = 0;

  void begin(const IpAddress& at, std::uint32_t says) {
    if (begins.back() == at) {
      said.back() = says;
    } else if (said.back() != says) {
      begins.push_back(at);
      said.push_back(says);
    }
  }
  void lay_out(std::vector<RangeEntry> entries);
  void index_v4();
};

/// Walks over the networks as they nest, like over brackets.
void CloudRanges::Impl::lay_out(std::vector<RangeEntry> entries) {
  struct Open {
    IpPrefix network;
    std::uint32_t range;
  };
  std::vector<Open> opened;
  begins.push_back(IpAddress());
  said.push_back(kNothing);
  const auto close = [&] {
    const IpPrefix network = opened.back().network;
    opened.pop_back();
    IpAddress next;
    if (next_after(network, next)) begin(next, opened.empty() ? kNothing : opened.back().range);
  };
  for (RangeEntry& entry : entries) {
    while (!opened.empty() && !opened.back().network.contains(entry.network.address)) close();
    const auto around = std::find_if(opened.rbegin(), opened.rend(), [&](const Open& o) {
      return ranges[o.range].provider == entry.says.provider;
    });
    if (around != opened.rend()) {
      const CloudRange& larger = ranges[around->range];
      if (entry.says.region.empty()) entry.says.region = larger.region;
      if (entry.says.service.empty()) entry.says.service = larger.service;
    }
    const auto range = static_cast<std::uint32_t>(ranges.size());
    ranges.push_back(std::move(entry.says));
    begin(entry.network.address, range);
    opened.push_back({entry.network, range});
  }
  while (!opened.empty()) close();
}

void CloudRanges::Impl::index_v4() {
  for (std::size_t slot = 0; slot <= kSlots; ++slot) {
    IpAddress last = slot < kSlots ? IpAddress::v4(static_cast<std::uint32_t>(slot << 16))
                                   : IpAddress::v4(0xffffffff);
    const auto after = std::upper_bound(begins.begin(), begins.end(), last);
    slots[slot] = static_cast<std::uint32_t>(after - begins.begin() - 1);
  }
}

CloudRanges::CloudRanges(std::span<const std::filesystem::path> files,
                         const CloudRangesOptions& options)
    : impl_(std::make_unique<Impl>()) {
  std::vector<RangeEntry> entries;
  for (const std::filesystem::path& path : files) {
    const std::string content = lookup::read_file(path, options.max_octets);
    lookup::RangeFile file = lookup::read_ranges(content, path.string());
    impl_->refused += file.refused;
    const std::size_t room = options.max_ranges - entries.size();
    if (file.entries.size() > room) {
      impl_->refused += file.entries.size() - room;
      file.entries.resize(room);
    }
    std::string origin = "ranges:" + path.filename().string();
    origin.resize(std::min(origin.size(), kLongestOrigin));
    for (RangeEntry& entry : file.entries) {
      entry.says.origin = origin;
      entries.push_back(std::move(entry));
    }
  }
  std::stable_sort(entries.begin(), entries.end(), is_before);
  unite(entries);
  impl_->lay_out(std::move(entries));
  impl_->index_v4();
}

CloudRanges::~CloudRanges() = default;
CloudRanges::CloudRanges(CloudRanges&&) noexcept = default;
CloudRanges& CloudRanges::operator=(CloudRanges&&) noexcept = default;

const CloudRange* CloudRanges::find(const IpAddress& address) const noexcept {
  const Impl& table = *impl_;
  auto from = table.begins.begin(), to = table.begins.end();
  if (address.is_v4()) {
    const std::uint32_t slot = address.to_v4() >> 16;
    to = from + table.slots[slot + 1] + 1;
    from += table.slots[slot];
  }
  const auto after = std::upper_bound(from, to, address);
  const std::uint32_t range =
      table.said[static_cast<std::size_t>(after - table.begins.begin()) - 1];
  return range == kNothing ? nullptr : &table.ranges[range];
}

std::vector<Fact> CloudRanges::facts(const Endpoint& subject, Timestamp now) const {
  std::vector<Fact> facts;
  const CloudRange* const range = find(subject.address);
  if (range == nullptr) return facts;
  const lookup::Speaker speaker{subject.site, FactSource::cloud, range->origin, now};
  lookup::say(speaker, subject.address, "cloud.provider", range->provider, facts);
  lookup::say(speaker, subject.address, "cloud.region", range->region, facts);
  lookup::say(speaker, subject.address, "cloud.service", range->service, facts);
  return facts;
}

std::size_t CloudRanges::size() const noexcept { return impl_->ranges.size(); }
std::uint64_t CloudRanges::refused() const noexcept { return impl_->refused; }

}  // namespace flowlens
