// Who called in vain: no dependency, but what a scan is seen by.
#include "aggregate/window.hpp"

namespace flowlens::aggregate {

namespace {

constexpr std::uint8_t kIcmp = 1, kTcp = 6, kIcmpV6 = 58;

/// The SYN tells who called; else it is the side that was heard, or that was refused.
std::size_t caller_of(const ConversationKey& key, const Conversation& c) noexcept {
  const std::size_t heard = c.half[0].seen() ? 0 : 1;
  if (key.protocol != kTcp) return heard;
  if (c.half[heard].tcp_flags & kTcpSyn) return heard;
  return 1 - heard;
}

}  // namespace

void Window::note_attempt(const ConversationKey& key, const Conversation& c) {
  const std::size_t caller = caller_of(key, c);
  Call call;
  call.caller = key.end(caller);
  call.called = key.end(1 - caller);
  call.caller_port = key.port(caller);
  call.called_port = key.port(1 - caller);
  call.protocol = key.protocol;
  call.is_from_service = c.service[caller].value != 0;
  call.is_sure = key.protocol == kTcp && (c.half[caller].tcp_flags & kTcpSyn) != 0;
  note_attempt(call);
}

void Window::note_attempt(const Call& call) {
  EndpointState& caller = endpoints_[call.caller].value;
  const EndpointState& called = endpoints_[call.called].value;
  if (!caller.is_internal || !called.is_internal || called.is_group || may_be_answer(call)) return;
  const RowKey key{call.caller, call.called, call.called_port, call.protocol};
  if (attempts_.find(key) != kNoPosition) return;
  if (caller.attempts >= kMostAttempts || attempts_.full()) {
    ++shared_.attempts_refused;
    return;
  }
  ++caller.attempts;
  attempts_.insert(key);
}

/// Where one way alone is seen, what a server sends back looks like a call to its client's port.
bool Window::may_be_answer(const Call& call) const noexcept {
  if (call.is_sure) return false;
  if (call.protocol == kIcmp || call.protocol == kIcmpV6) {
    return call.caller_port != kEchoClientPort;
  }
  if (!has_ports(call.protocol)) return false;
  return call.called_port == 0 || call.called_port >= ClientPortRanges::kUsual ||
         call.is_from_service ||
         shared_.client_ports.contains(endpoints_[call.called].key, call.called_port);
}

/// What was seen of conversations that are let go of early.
void Window::note_all_attempts() {
  for (std::uint32_t i = 0; i < conversations_.positions(); ++i) {
    const auto& [key, c] = conversations_[i];
    if (c.is_seen() && c.answer.outcome == Outcome::attempt) note_attempt(key, c);
  }
}

void Window::report_attempts(std::uint32_t from, std::uint32_t to) {
  for (std::uint32_t i = from; i < to; ++i) {
    const RowKey& key = attempts_[i].key;
    decided_->attempts.push_back(
        {{endpoints_[key.client].key, endpoints_[key.server].key, key.port, key.protocol},
         start()});
  }
}

}  // namespace flowlens::aggregate
