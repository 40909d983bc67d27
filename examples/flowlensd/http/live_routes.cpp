#include "http/api.hpp"
#include "http/live_subscription.hpp"

namespace flowlensd::http {
namespace {

bool wants_websocket(const Request& request) {
  std::string upgrade(request.header("upgrade"));
  for (char& c : upgrade) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return upgrade == "websocket";
}

/// Where the settings say so, nothing is pushed.
void check_enabled(const Service& s) {
  if (s.settings.websocket_enabled) return;
  throw Problem{404, "Not found", "live updates are off: api.websocket.enabled is false"};
}

Response open_websocket(const Request& request, const Service& s) {
  check_enabled(s);
  LiveRequest begin = live_request(request, false);
  if (!wants_websocket(request)) {
    throw Problem{426,
                  "Upgrade required",
                  "this path is a WebSocket; docs/live.md has examples",
                  {{"Upgrade", "websocket"}}};
  }
  Response r;
  r.status = 101;
  r.live = std::make_shared<const LiveRequest>(std::move(begin));
  return r;
}

Response open_event_stream(const Request& request, const Service& s) {
  check_enabled(s);
  LiveRequest begin = live_request(request, true);
  begin.is_stream = true;
  Response r;
  r.content_type = "text/event-stream";
  r.live = std::make_shared<const LiveRequest>(std::move(begin));
  return r;
}

}  // namespace

void add_live_routes(Router& router, const Service& s) {
  for (const char* path : {"/api/v1/ws", "/api/v1/topology/ws"}) {
    router.add({path, [&s](const Request& r) { return open_websocket(r, s); }, live_parameters()});
  }
  router.add({"/api/v1/events/stream", [&s](const Request& r) { return open_event_stream(r, s); },
              live_parameters()});
}

}  // namespace flowlensd::http
