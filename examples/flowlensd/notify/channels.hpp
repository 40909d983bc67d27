/// \file
/// notify: the channels that rules may name: `log`, and `file` and `webhook` where they are set up.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "library.hpp"
#include "notify/outbox.hpp"

namespace flowlensd {

struct ChannelView {
  std::string name;
  OutboxView outbox;
};

/// Thread-safe.
class Channels {
 public:
  /// \throws flowlens::ConfigError for a URL that is none.
  explicit Channels(const Settings& settings, const OutboxOptions& options = {});

  /// Gives the notice to the channels that its rule names. Never waits for a receiver.
  void tell(const AlertNotice& notice);
  /// See Outbox::stop().
  void stop();

  /// Those there are, ascending.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// Of those with a receiver.
  [[nodiscard]] std::vector<ChannelView> view() const;

 private:
  void miss(const std::string& channel, const AlertNotice& notice);

  std::vector<std::unique_ptr<Outbox>> outboxes_;
  std::mutex mutex_;
  std::set<std::string> missed_;  ///< named by rules; the log has said that they are not there
};

/// The names in `alerts.default_channels`, each once, in their order.
/// \throws flowlens::ConfigError for one that there is not.
[[nodiscard]] std::vector<std::string> default_channels(const Settings& settings,
                                                        const Channels& channels);

}  // namespace flowlensd
