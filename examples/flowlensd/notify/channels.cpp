#include "notify/channels.hpp"

#include <algorithm>
#include <chrono>

#include "flowlens/error.hpp"
#include "log.hpp"
#include "notify/alert_json.hpp"
#include "notify/log_channel.hpp"
#include "notify/notice_file.hpp"
#include "notify/webhook.hpp"

namespace flowlensd {
namespace {

WebhookOptions webhook_of(const Settings& s) {
  WebhookOptions o = parse_webhook_url(s.webhook_url);
  o.authorization = s.webhook_authorization;
  const auto is_control = [](unsigned char c) { return c < ' ' || c == 0x7f; };
  if (std::any_of(o.authorization.begin(), o.authorization.end(), is_control)) {
    throw flowlens::ConfigError("alerts.webhook.authorization has control characters");
  }
  o.timeout = std::chrono::seconds(s.webhook_timeout_seconds);
  return o;
}

}  // namespace

Channels::Channels(const Settings& settings, const OutboxOptions& options) {
  if (!settings.alerts_file.empty()) {
    outboxes_.push_back(std::make_unique<Outbox>(
        "file",
        [file = settings.alerts_file](const std::string& text) {
          append_line(file, text);
          return Delivery{};
        },
        options));
  }
  if (!settings.webhook_url.empty()) {
    outboxes_.push_back(std::make_unique<Outbox>(
        "webhook",
        [receiver = webhook_of(settings)](const std::string& text) {
          return post_json(receiver, text);
        },
        options));
  }
}

void Channels::tell(const AlertNotice& notice) {
  for (const std::string& channel : notice.channels) {
    if (channel == kLogChannel) {
      tell_log(notice);
      continue;
    }
    const auto found = std::find_if(outboxes_.begin(), outboxes_.end(),
                                    [&](const auto& outbox) { return outbox->name() == channel; });
    if (found == outboxes_.end()) {
      miss(channel, notice);
    } else {
      (*found)->push(notice_text(notice));
    }
  }
}

/// A rule was put while there was such a channel.
void Channels::miss(const std::string& channel, const AlertNotice& notice) {
  {
    const std::lock_guard lock(mutex_);
    if (!missed_.insert(channel).second) return;
  }
  log::error("alerts", "a rule names a channel that is not set up; nobody is told there",
             {{"channel", channel}, {"rule", notice.alert.key.rule}});
}

void Channels::stop() {
  for (const auto& outbox : outboxes_) outbox->stop();
}

std::vector<std::string> Channels::names() const {
  std::vector<std::string> names{kLogChannel};
  for (const auto& outbox : outboxes_) names.push_back(outbox->name());
  std::sort(names.begin(), names.end());
  return names;
}

bool Channels::has(std::string_view name) const {
  const auto all = names();
  return std::find(all.begin(), all.end(), name) != all.end();
}

std::vector<ChannelView> Channels::view() const {
  std::vector<ChannelView> all;
  for (const auto& outbox : outboxes_) all.push_back({outbox->name(), outbox->view()});
  return all;
}

std::vector<std::string> default_channels(const Settings& settings, const Channels& channels) {
  std::vector<std::string> names;
  std::string_view rest = settings.default_channels;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(','), rest.size());
    std::string_view name = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (name.starts_with(' ')) name.remove_prefix(1);
    while (name.ends_with(' ')) name.remove_suffix(1);
    if (!channels.has(name)) {
      throw flowlens::ConfigError(
          "alerts.default_channels: there is no channel `" + std::string(name) +
          "`; there is log, file where alerts.file is set, webhook where alerts.webhook.url is");
    }
    if (std::find(names.begin(), names.end(), name) == names.end()) names.emplace_back(name);
  }
  return names;
}

}  // namespace flowlensd
