/// \file
/// lookup: the pods, services and nodes of a cluster, and the facts that follow from them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lookup/json_file.hpp"
#include "lookup/machine.hpp"

namespace flowlens::lookup {

enum class KubernetesKind : std::uint8_t { pod, service, node };
inline constexpr std::size_t kKubernetesKinds = 3;

/// `Pod`; nothing for other kinds.
std::optional<KubernetesKind> kubernetes_kind(std::string_view name) noexcept;

struct KubernetesObject {
  std::string uid;
  std::string resource_version;
  Id asset;
  std::vector<IpAddress> addresses;
  std::optional<Timestamp> since;
  bool is_over = false;  ///< a pod that has ended: its addresses may be others' by now
  std::vector<std::pair<std::string, std::string>> says;
};

/// \param refused  counts addresses that are none. \return nothing without a uid.
std::optional<KubernetesObject> read_kubernetes_object(KubernetesKind kind, const Json& object,
                                                       std::uint64_t& refused);

/// What is there, and who held addresses before. Thread-compatible.
class KubernetesBook {
 public:
  struct Options {
    std::string cluster;
    std::size_t max_objects = 200'000;  ///< of each kind; further ones are left out and counted
    std::size_t max_past = 100'000;     ///< the oldest are forgotten first
    std::chrono::minutes remember{60};  ///< how long it is said who held an address before
  };
  explicit KubernetesBook(Options options) : options_(std::move(options)) {}

  /// \return whether anything is said otherwise now.
  bool put(KubernetesKind kind, KubernetesObject object, Timestamp now);
  bool remove(KubernetesKind kind, const std::string& uid, Timestamp now);
  /// These are all that there are of the kind.
  void replace(KubernetesKind kind, std::vector<KubernetesObject> objects, Timestamp now);

  [[nodiscard]] std::vector<Fact> facts(const Speaker& speaker);
  [[nodiscard]] std::size_t size() const noexcept;
  [[nodiscard]] std::uint64_t left_out() const noexcept { return left_out_; }

 private:
  struct Past {
    IpAddress address;
    Id asset;
    Timestamp since, ended;
  };
  using Objects = std::map<std::string, KubernetesObject, std::less<>>;

  void note_past(const KubernetesObject& object, const KubernetesObject* now_is, Timestamp now);

  Options options_;
  Objects objects_[kKubernetesKinds];
  std::deque<Past> past_;  ///< ascending by end
  std::uint64_t left_out_ = 0;
};

}  // namespace flowlens::lookup
