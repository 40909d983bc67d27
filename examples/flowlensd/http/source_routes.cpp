// How flows come in and go on beside UDP: connections, watched folders, another collector.
#include "http/api.hpp"
#include "http/health.hpp"
#include "http/rows.hpp"
#include "pipeline/flow_sender.hpp"

namespace flowlensd::http {
namespace {

Json problem_json(const std::string& text) { return text.empty() ? Json(nullptr) : Json(text); }

Json connection_json(const IpfixConnection& c) {
  return {{"exporter", c.session.exporter.to_string()},
          {"port", c.session.exporter_port},
          {"transport", to_string(c.session.transport)},
          {"certificate", problem_json(c.certificate)},
          {"since", to_string(c.since)},
          {"last_message", to_string(c.last_message)},
          {"messages", c.messages},
          {"octets", c.octets}};
}

Json streams_json(const StreamsView& view) {
  const IpfixListenerCounters& c = view.counters;
  Json connections = Json::array();
  for (const IpfixConnection& connection : view.connections) {
    connections.push_back(connection_json(connection));
  }
  const bool has_problem = !view.last_problem.text.empty();
  return {{"tcp_port", view.tcp_port},
          {"tls_port", view.tls_port},
          {"open", c.open},
          {"accepted", c.accepted},
          {"messages", c.messages},
          {"octets", c.octets},
          {"last_problem", problem_json(view.last_problem.text)},
          {"last_problem_at", has_problem ? Json(to_string(view.last_problem.at)) : Json(nullptr)},
          {"connections", std::move(connections)}};
}

Json folder_json(const WatchedDirectory& folder) {
  return {{"folder", folder.directory.string()},
          {"read", folder.read},
          {"broken", folder.broken},
          {"unsettled", folder.files.unsettled},
          {"datagrams", folder.datagrams},
          {"packets", folder.packets},
          {"flows", folder.flows},
          {"last_file", problem_json(folder.last_file)},
          {"last_problem", problem_json(folder.problem)}};
}

Json sender_json(const Settings& settings, const FlowSenderView& view) {
  return {{"host", settings.forward_host},
          {"port", settings.forward_port},
          {"protocol", settings.forward_protocol},
          {"is_connected", view.is_connected},
          {"sent", view.sent},
          {"filtered_out", view.filtered_out},
          {"sampled_out", view.sampled_out},
          {"queue_full", view.queue_full},
          {"refused", view.refused},
          {"lost_messages", view.lost_messages},
          {"waiting", view.waiting},
          {"last_problem", problem_json(view.problem)}};
}

Response list_sources(const Service& s) {
  const ReceiverView receiver = s.receiver();
  Json folders = Json::array();
  for (const WatchedDirectory& folder : receiver.watched) folders.push_back(folder_json(folder));
  return fresh_json(
      {{"connections", receiver.streams ? streams_json(*receiver.streams) : Json(nullptr)},
       {"folders", std::move(folders)},
       {"forwarding", s.flow_sender == nullptr ? Json(nullptr)
                                               : sender_json(s.settings, s.flow_sender->view())}});
}

}  // namespace

void add_source_routes(Router& router, const Service& s) {
  router.add({"/api/v1/sources", [&s](const Request&) { return list_sources(s); }, {}});
}

}  // namespace flowlensd::http
