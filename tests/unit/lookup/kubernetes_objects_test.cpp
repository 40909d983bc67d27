#include "flowlens/kubernetes_objects.hpp"

#include <doctest/doctest.h>

#include "flowlens/error.hpp"
#include "lookup/kubernetes_book.hpp"
#include "support/fact_lines.hpp"
#include "support/temporary_folder.hpp"

using namespace flowlens;
using namespace flowlens::test;
using namespace std::chrono_literals;

namespace {

constexpr Timestamp kNow{std::chrono::hours{500'000}};

constexpr std::string_view kObjects =
    R"json({"apiVersion": "v1", "kind": "List", "metadata": {"resourceVersion": ""}, "items": [
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "web-5d4f8c7b9-x2x4z", "namespace": "shop", "uid": "pod-1", "resourceVersion": "101",
     "creationTimestamp": "2026-06-01T09:59:58Z", "labels": {"app": "web", "pod-template-hash": "5d4f8c7b9"},
     "managedFields": [{"manager": "kubelet"}],
     "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d4f8c7b9", "uid": "rs-1",
       "controller": true, "blockOwnerDeletion": true}]},
   "spec": {"nodeName": "node-a", "containers": [{"name": "web", "env": [{"name": "PASSWORD", "value": "hunter2"}]}]},
   "status": {"phase": "Running", "hostIP": "10.0.0.11", "podIP": "10.244.1.5",
     "podIPs": [{"ip": "10.244.1.5"}, {"ip": "2001:db8:1::5"}], "startTime": "2026-06-01T10:00:00Z"}},
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "kube-proxy-abc", "namespace": "kube-system", "uid": "pod-2", "resourceVersion": "102"},
   "spec": {"nodeName": "node-a", "hostNetwork": true},
   "status": {"phase": "Running", "podIP": "10.0.0.11", "podIPs": [{"ip": "10.0.0.11"}], "startTime": "2026-05-01T10:00:00Z"}},
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "backup-1", "namespace": "shop", "uid": "pod-3", "resourceVersion": "103",
     "ownerReferences": [{"kind": "Job", "name": "backup", "uid": "job-1", "controller": true}]},
   "spec": {"nodeName": "node-a"},
   "status": {"phase": "Succeeded", "podIP": "10.244.1.6", "startTime": "2026-06-01T08:00:00Z"}},
  {"apiVersion": "v1", "kind": "Pod",
   "metadata": {"name": "db-0", "namespace": "shop", "uid": "pod-4", "resourceVersion": "104",
     "ownerReferences": [{"kind": "StatefulSet", "name": "db", "uid": "ss-1", "controller": true}]},
   "spec": {"nodeName": "node-a"},
   "status": {"phase": "Running", "podIP": "10.244.1.6", "startTime": "2026-06-01T11:00:00Z"}},
  {"apiVersion": "v1", "kind": "Service",
   "metadata": {"name": "web", "namespace": "shop", "uid": "svc-1", "creationTimestamp": "2026-01-01T00:00:00Z"},
   "spec": {"clusterIP": "10.96.0.20", "clusterIPs": ["10.96.0.20", "2001:db8:2::20"], "externalIPs": ["192.0.2.20"],
     "type": "LoadBalancer"},
   "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.21"}, {"hostname": "lb.example"}]}}},
  {"apiVersion": "v1", "kind": "Service",
   "metadata": {"name": "db", "namespace": "shop", "uid": "svc-2"}, "spec": {"clusterIP": "None", "clusterIPs": ["None"]}},
  {"apiVersion": "v1", "kind": "Node",
   "metadata": {"name": "node-a", "uid": "node-1", "creationTimestamp": "2026-01-01T00:00:00Z",
     "labels": {"topology.kubernetes.io/region": "eu-west-1", "topology.kubernetes.io/zone": "eu-west-1a",
       "node.kubernetes.io/instance-type": "m5.large"}},
   "spec": {"podCIDR": "10.244.1.0/24", "providerID": "aws:///eu-west-1a/i-0abc"},
   "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.11"}, {"type": "Hostname", "address": "node-a"}],
     "nodeInfo": {"osImage": "Debian GNU/Linux 12 (bookworm)"}}},
  {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "uid": "d-1"}}
]})json";

std::vector<Fact> facts_of(const TemporaryFolder& folder, std::string_view content) {
  KubernetesObjects lister({write_file(folder.path / "objects.json", content), "prod", {}});
  return lister.list(kNow);
}

lookup::KubernetesObject pod(std::string uid, std::string_view address, std::chrono::hours start,
                             std::string name) {
  lookup::KubernetesObject object;
  object.uid = std::move(uid);
  object.asset = lookup::machine_id("kubernetes:" + object.uid);
  object.addresses = {IpAddress::parse(address).value()};
  object.since = kNow + start;
  object.says = {{"name", std::move(name)}};
  return object;
}

using lookup::KubernetesKind;

}  // namespace

TEST_CASE("pods: by uid since their start, with the deployment behind the ReplicaSet") {
  const TemporaryFolder folder;
  const auto facts = facts_of(folder, kObjects);
  const Lines web = {held_by("kubernetes:pod-1", "2026-06-01T10:00:00Z"),
                     "kubernetes.cluster=prod",
                     "kubernetes.namespace=shop",
                     "kubernetes.node=node-a",
                     "kubernetes.pod=web-5d4f8c7b9-x2x4z",
                     "kubernetes.workload=deployment/web",
                     "name=web-5d4f8c7b9-x2x4z"};
  CHECK(fact_lines(facts, "10.244.1.5") == web);
  CHECK(fact_lines(facts, "2001:db8:1::5") == web);
  for (const Fact& fact : facts) {
    CHECK(fact.source == FactSource::inventory);
    CHECK(fact.value.find("hunter2") == std::string::npos);
  }
}

TEST_CASE("a pod that has ended says whose the address was, and nothing against its successor") {
  const TemporaryFolder folder;
  Lines want = {held_by("kubernetes:pod-3", "2026-06-01T08:00:00Z"),
                held_by("kubernetes:pod-4", "2026-06-01T11:00:00Z"),
                "kubernetes.cluster=prod",
                "kubernetes.namespace=shop",
                "kubernetes.node=node-a",
                "kubernetes.pod=db-0",
                "kubernetes.workload=statefulset/db",
                "name=db-0"};
  std::sort(want.begin(), want.end());
  CHECK(fact_lines(facts_of(folder, kObjects), "10.244.1.6") == want);
}

TEST_CASE("nodes are their own, also for pods in their network, and EC2's where they are of EC2") {
  const TemporaryFolder folder;
  CHECK(fact_lines(facts_of(folder, kObjects), "10.0.0.11") ==
        Lines{held_by("aws:i-0abc", "2026-01-01T00:00:00Z"), "cloud.instance=i-0abc",
              "cloud.instance_type=m5.large", "cloud.provider=aws", "cloud.region=eu-west-1",
              "cloud.zone=eu-west-1a", "kubernetes.cluster=prod", "kubernetes.node=node-a",
              "name=node-a", "operating_system=Debian GNU/Linux 12 (bookworm)"});
}

TEST_CASE("services: cluster, outer and load balancer's addresses") {
  const TemporaryFolder folder;
  const auto facts = facts_of(folder, kObjects);
  for (const char* address : {"10.96.0.20", "2001:db8:2::20", "192.0.2.20", "192.0.2.21"}) {
    CAPTURE(address);
    CHECK(fact_lines(facts, address) ==
          Lines{held_by("kubernetes:svc-1", "2026-01-01T00:00:00Z"), "kubernetes.cluster=prod",
                "kubernetes.namespace=shop", "kubernetes.service=web", "name=web.shop"});
  }
}

TEST_CASE("what is no list is refused; what is no object, too, and counted") {
  const TemporaryFolder folder;
  for (const char* content : {"", "[", "{}", "{\"items\": {}}", "7"}) {
    CAPTURE(content);
    CHECK_THROWS_AS((void)facts_of(folder, content), IoError);
  }
  KubernetesObjects lister(
      {write_file(folder.path / "odd.json",
                  R"({"items": [7, {"kind": "Pod"}, {"kind": "Pod", "metadata": {"uid": "1"},
                      "status": {"podIP": "x", "podIPs": [{"ip": 5}, 5]}},
                      {"kind": "Service", "metadata": {"uid": "2"}, "spec": {"clusterIPs": [7]}}]})"),
       "",
       {}});
  CHECK(lister.list(kNow).empty());
  CHECK(lister.refused() == 3);
  CHECK_THROWS_AS(KubernetesObjects({}), ConfigError);
}

TEST_CASE("who held an address is told for a while after it is gone") {
  lookup::KubernetesBook book{{.cluster = {}, .max_past = 2, .remember = 60min}};
  const auto lines = [&](Timestamp now) { return fact_lines(book.facts({{}, {}, {}, now})); };
  CHECK(book.put(KubernetesKind::pod, pod("a", "10.0.0.1", -2h, "one"), kNow));
  CHECK_FALSE(book.put(KubernetesKind::pod, pod("a", "10.0.0.1", -2h, "one"), kNow));
  CHECK(book.remove(KubernetesKind::pod, "a", kNow));
  CHECK_FALSE(book.remove(KubernetesKind::pod, "a", kNow));
  const std::string was = "10.0.0.1 " + held_by("kubernetes:a", to_string(kNow - 2h));
  CHECK(lines(kNow + 1min) == Lines{was});
  CHECK(book.put(KubernetesKind::pod, pod("b", "10.0.0.1", 0h, "two"), kNow));
  Lines both = {was, "10.0.0.1 " + held_by("kubernetes:b", to_string(kNow)), "10.0.0.1 name=two"};
  std::sort(both.begin(), both.end());
  CHECK(lines(kNow + 60min) == both);
  // A list without it: it is gone as well.
  book.replace(KubernetesKind::pod, {pod("c", "10.0.0.1", 1h, "three")}, kNow + 60min);
  CHECK(lines(kNow + 60min).size() == 4);
  CHECK(lines(kNow + 61min).size() == 3);
  // Another address of the same pod.
  book.put(KubernetesKind::pod, pod("c", "10.0.0.2", 1h, "three"), kNow + 62min);
  CHECK(lines(kNow + 62min) == Lines{[&] {
          Lines want = {"10.0.0.1 " + held_by("kubernetes:b", to_string(kNow)),
                        "10.0.0.1 " + held_by("kubernetes:c", to_string(kNow + 1h)),
                        "10.0.0.2 " + held_by("kubernetes:c", to_string(kNow + 1h)),
                        "10.0.0.2 name=three"};
          std::sort(want.begin(), want.end());
          return want;
        }()});
  // At most two are remembered.
  book.replace(KubernetesKind::pod, {}, kNow + 63min);
  CHECK(lines(kNow + 63min).size() == 2);
}

TEST_CASE("more objects than there is room for are left out and counted") {
  lookup::KubernetesBook book{{.cluster = {}, .max_objects = 1}};
  CHECK(book.put(KubernetesKind::pod, pod("a", "10.0.0.1", 0h, "one"), kNow));
  CHECK_FALSE(book.put(KubernetesKind::pod, pod("b", "10.0.0.2", 0h, "two"), kNow));
  CHECK(book.put(KubernetesKind::node, pod("c", "10.0.0.3", 0h, "three"), kNow));
  CHECK(book.size() == 2);
  CHECK(book.left_out() == 1);
}
