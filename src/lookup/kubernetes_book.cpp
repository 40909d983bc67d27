#include "lookup/kubernetes_book.hpp"

#include <algorithm>
#include <set>
#include <tuple>

namespace flowlens::lookup {

namespace {

using Says = std::vector<std::pair<std::string, std::string>>;

void say_of(Says& says, std::string_view attribute, std::string_view value) {
  if (!value.empty()) says.emplace_back(attribute, value);
}

void add_address(KubernetesObject& object, std::string_view text, std::uint64_t& refused) {
  if (text.empty() || text == "None") return;
  const auto address = IpAddress::parse(text);
  if (!address) {
    ++refused;
    return;
  }
  auto& all = object.addresses;
  if (std::find(all.begin(), all.end(), *address) == all.end()) all.push_back(*address);
}

/// `deployment/web`: the deployment behind a ReplicaSet, whose name ends with the hash of its pods.
std::string workload_of(const Json& metadata) {
  for (const Json& owner : list_of(metadata, "ownerReferences")) {
    const Json& controls = member(owner, "controller");
    if (!controls.is_boolean() || !controls.get<bool>()) continue;
    std::string kind(text_of(owner, "kind"));
    std::string_view name = text_of(owner, "name");
    const std::string_view hash = text_of(member(metadata, "labels"), "pod-template-hash");
    if (kind == "ReplicaSet" && !hash.empty() && name.size() > hash.size() + 1 &&
        name.ends_with(hash) && name[name.size() - hash.size() - 1] == '-') {
      name.remove_suffix(hash.size() + 1);
      kind = "Deployment";
    }
    for (char& c : kind) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    return kind + "/" + std::string(name);
  }
  return {};
}

void read_pod(const Json& pod, const Json& metadata, KubernetesObject& out,
              std::uint64_t& refused) {
  const Json& spec = member(pod, "spec");
  const Json& status = member(pod, "status");
  const Json& is_of_node = member(spec, "hostNetwork");
  if (is_of_node.is_boolean() && is_of_node.get<bool>()) return;
  add_address(out, text_of(status, "podIP"), refused);
  for (const Json& ip : list_of(status, "podIPs")) add_address(out, text_of(ip, "ip"), refused);
  out.since = time_of(status, "startTime");
  const std::string_view phase = text_of(status, "phase");
  out.is_over = phase == "Succeeded" || phase == "Failed";
  say_of(out.says, "name", text_of(metadata, "name"));
  say_of(out.says, "kubernetes.pod", text_of(metadata, "name"));
  say_of(out.says, "kubernetes.namespace", text_of(metadata, "namespace"));
  say_of(out.says, "kubernetes.node", text_of(spec, "nodeName"));
  say_of(out.says, "kubernetes.workload", workload_of(metadata));
}

void read_service(const Json& service, const Json& metadata, KubernetesObject& out,
                  std::uint64_t& refused) {
  const Json& spec = member(service, "spec");
  add_address(out, text_of(spec, "clusterIP"), refused);
  for (const char* list : {"clusterIPs", "externalIPs"}) {
    for (const Json& ip : list_of(spec, list)) {
      add_address(out, ip.is_string() ? ip.get<std::string>() : std::string("?"), refused);
    }
  }
  for (const Json& entry : list_of(member(member(service, "status"), "loadBalancer"), "ingress")) {
    add_address(out, text_of(entry, "ip"), refused);
  }
  const std::string_view name = text_of(metadata, "name");
  const std::string_view space = text_of(metadata, "namespace");
  if (!name.empty()) {
    say_of(out.says, "name", std::string(name) + (space.empty() ? "" : ".") + std::string(space));
  }
  say_of(out.says, "kubernetes.service", name);
  say_of(out.says, "kubernetes.namespace", space);
}

/// `aws:///eu-west-1a/i-0abc`: who made the machine, and what it is called there.
void read_provider(std::string_view provider_id, KubernetesObject& out) {
  const std::string_view scheme = provider_id.substr(0, provider_id.find("://"));
  if (scheme == provider_id) return;
  const std::string_view instance = provider_id.substr(provider_id.rfind('/') + 1);
  if (scheme == "aws" && instance.starts_with("i-")) {
    out.asset = machine_id("aws:" + std::string(instance));
    say_of(out.says, "cloud.instance", instance);
  }
  say_of(out.says, "cloud.provider", scheme == "gce" ? "gcp" : scheme);
}

void read_node(const Json& node, const Json& metadata, KubernetesObject& out,
               std::uint64_t& refused) {
  const Json& status = member(node, "status");
  for (const Json& entry : list_of(status, "addresses")) {
    const std::string_view type = text_of(entry, "type");
    if (type == "InternalIP" || type == "ExternalIP") {
      add_address(out, text_of(entry, "address"), refused);
    }
  }
  say_of(out.says, "name", text_of(metadata, "name"));
  say_of(out.says, "kubernetes.node", text_of(metadata, "name"));
  say_of(out.says, "operating_system", text_of(member(status, "nodeInfo"), "osImage"));
  read_provider(text_of(member(node, "spec"), "providerID"), out);
  const Json& labels = member(metadata, "labels");
  say_of(out.says, "cloud.region", text_of(labels, "topology.kubernetes.io/region"));
  say_of(out.says, "cloud.zone", text_of(labels, "topology.kubernetes.io/zone"));
  say_of(out.says, "cloud.instance_type", text_of(labels, "node.kubernetes.io/instance-type"));
}

bool says_otherwise(const KubernetesObject& a, const KubernetesObject& b) noexcept {
  return std::tie(a.asset, a.addresses, a.since, a.is_over, a.says) !=
         std::tie(b.asset, b.addresses, b.since, b.is_over, b.says);
}

}  // namespace

std::optional<KubernetesKind> kubernetes_kind(std::string_view name) noexcept {
  if (name == "Pod") return KubernetesKind::pod;
  if (name == "Service") return KubernetesKind::service;
  if (name == "Node") return KubernetesKind::node;
  return std::nullopt;
}

std::optional<KubernetesObject> read_kubernetes_object(KubernetesKind kind, const Json& object,
                                                       std::uint64_t& refused) {
  const Json& metadata = member(object, "metadata");
  KubernetesObject out;
  out.uid = text_of(metadata, "uid");
  if (out.uid.empty()) return std::nullopt;
  out.resource_version = text_of(metadata, "resourceVersion");
  out.asset = machine_id("kubernetes:" + out.uid);
  out.since = time_of(metadata, "creationTimestamp");
  if (kind == KubernetesKind::pod) read_pod(object, metadata, out, refused);
  if (kind == KubernetesKind::service) read_service(object, metadata, out, refused);
  if (kind == KubernetesKind::node) read_node(object, metadata, out, refused);
  return out;
}

/// Addresses that the object no longer has.
void KubernetesBook::note_past(const KubernetesObject& object, const KubernetesObject* now_is,
                               Timestamp now) {
  if (!object.since) return;
  for (const IpAddress& address : object.addresses) {
    if (now_is != nullptr && std::find(now_is->addresses.begin(), now_is->addresses.end(),
                                       address) != now_is->addresses.end()) {
      continue;
    }
    past_.push_back({address, object.asset, *object.since, now});
  }
  while (past_.size() > options_.max_past) past_.pop_front();
}

bool KubernetesBook::put(KubernetesKind kind, KubernetesObject object, Timestamp now) {
  Objects& all = objects_[static_cast<std::size_t>(kind)];
  const auto found = all.find(object.uid);
  if (found == all.end()) {
    if (all.size() >= options_.max_objects) {
      ++left_out_;
      return false;
    }
    std::string uid = object.uid;
    return all.emplace(std::move(uid), std::move(object)).second;
  }
  const bool is_news = says_otherwise(found->second, object);
  if (is_news) note_past(found->second, &object, now);
  found->second = std::move(object);
  return is_news;
}

bool KubernetesBook::remove(KubernetesKind kind, const std::string& uid, Timestamp now) {
  Objects& all = objects_[static_cast<std::size_t>(kind)];
  const auto found = all.find(uid);
  if (found == all.end()) return false;
  note_past(found->second, nullptr, now);
  all.erase(found);
  return true;
}

void KubernetesBook::replace(KubernetesKind kind, std::vector<KubernetesObject> objects,
                             Timestamp now) {
  std::set<std::string, std::less<>> there;
  for (const KubernetesObject& object : objects) there.insert(object.uid);
  std::vector<std::string> gone;
  for (const auto& [uid, object] : objects_[static_cast<std::size_t>(kind)]) {
    if (!there.contains(uid)) gone.push_back(uid);
  }
  for (const std::string& uid : gone) remove(kind, uid, now);
  for (KubernetesObject& object : objects) put(kind, std::move(object), now);
}

std::size_t KubernetesBook::size() const noexcept {
  std::size_t all = 0;
  for (const Objects& objects : objects_) all += objects.size();
  return all;
}

std::vector<Fact> KubernetesBook::facts(const Speaker& speaker) {
  while (!past_.empty() && past_.front().ended + options_.remember < speaker.now) {
    past_.pop_front();
  }
  std::vector<Fact> facts;
  for (const Past& p : past_) {
    say(speaker, p.address, "asset", p.asset.to_string(), facts, p.since);
  }
  // Of two that claim an address, as a deleted pod and its successor do for a moment, the later one.
  std::map<IpAddress, const KubernetesObject*> holders;
  for (const Objects& objects : objects_) {
    for (const auto& [uid, object] : objects) {
      for (const IpAddress& address : object.addresses) {
        say(speaker, address, "asset", object.asset.to_string(), facts, object.since);
        if (object.is_over) continue;
        const KubernetesObject*& holder = holders[address];
        if (holder == nullptr || holder->since < object.since) holder = &object;
      }
    }
  }
  for (const auto& [address, object] : holders) {
    for (const auto& [attribute, value] : object->says) {
      say(speaker, address, attribute, value, facts);
    }
    say(speaker, address, "kubernetes.cluster", options_.cluster, facts);
  }
  return facts;
}

}  // namespace flowlens::lookup
