#include "http/follower_metrics.hpp"

#include "http/forwarding.hpp"
#include "http/request_answering.hpp"
#include "pipeline/announcing.hpp"
#include "pipeline/follower.hpp"

namespace flowlensd::http {
namespace {

void add_forwarding(Families& out, const ForwardingCounters& c) {
  out.gauge("flowlens_forwarded_requests_waiting",
            "Requests that wait for the Resolver's process to answer.", number(c.waiting));
  auto& sent = out.counters("flowlens_forwarded_requests_total",
                            "Requests for the Resolver's process, by what came of them.");
  Families::put(sent, {{"result", "answered"}}, number(c.answered));
  Families::put(sent, {{"result", "refused"}}, number(c.refused));
  Families::put(sent, {{"result", "withdrawn"}}, number(c.withdrawn));
  Families::put(sent, {{"result", "unknown"}}, number(c.unknown));
}

void add_announcing(Families& out, const AnnouncingView& view) {
  auto& revisions = out.counters("flowlens_followers_revisions_total",
                                 "Revisions for other processes: announced ahead of the store, or "
                                 "left for them to get from it.");
  Families::put(revisions, {{"result", "announced"}}, number(view.announced));
  Families::put(revisions, {{"result", "passed_over"}}, number(view.passed_over));
}

}  // namespace

void add_follower(Families& out, const Service& s) {
  if (s.follower == nullptr) return;
  const FollowerView view = s.follower->status();
  out.gauge("flowlens_follower_revision", "Revision that the copy of the map has.",
            number(view.at.revision));
  out.gauge("flowlens_follower_store_revision", "Revision of the store, as of the last look.",
            number(view.newest));
  out.gauge("flowlens_follower_lag_seconds", "Age of the last revision when the copy had it.",
            view.lag_seconds);
  out.gauge("flowlens_follower_behind_seconds",
            "For so long there have been revisions that the copy lacks.", view.behind_seconds);
  out.gauge("flowlens_follower_silent_seconds", "Since the database answered last.",
            view.silent_seconds);
  out.counter("flowlens_follower_revisions_total", "Revisions that the copy has taken.",
              number(view.applied));
  out.counter("flowlens_follower_reloads_total",
              "Times that revisions were missing, and the map was read anew.",
              number(view.reloads));
  out.counter("flowlens_follower_failures_total", "Looks for revisions that failed.",
              number(view.failures));
  if (s.forwarding != nullptr) add_forwarding(out, s.forwarding->counters());
}

void add_followers(Families& out, const Service& s) {
  if (s.announcing != nullptr) add_announcing(out, s.announcing->view());
  if (s.requests == nullptr) return;
  const RequestAnsweringCounters c = s.requests->counters();
  auto& answers = out.counters("flowlens_followers_requests_total",
                               "Requests of other processes done here, by whether the database "
                               "took the answer.");
  Families::put(answers, {{"result", "answered"}}, number(c.answered));
  Families::put(answers, {{"result", "unanswered"}}, number(c.unanswered));
}

}  // namespace flowlensd::http
