#include "flowlens/kubernetes_objects.hpp"

#include <utility>

#include "flowlens/error.hpp"
#include "lookup/kubernetes_book.hpp"
#include "lookup/whole_file.hpp"

namespace flowlens {

KubernetesObjects::KubernetesObjects(KubernetesObjectsOptions options)
    : options_(std::move(options)), origin_("kubernetes:" + options_.file.string()) {
  if (options_.file.empty()) throw ConfigError("a listing of Kubernetes objects needs a file");
}

std::vector<Fact> KubernetesObjects::list(Timestamp now) {
  using namespace lookup;
  const std::string name = options_.file.string();
  const Json document = parse_json(read_file(options_.file, options_.max_octets), name);
  if (!member(document, "items").is_array()) {
    throw IoError(name +
                  ": has no items; kubectl get pods,services,nodes --all-namespaces -o json "
                  "prints such a list");
  }
  KubernetesBook book{{.cluster = options_.cluster}};
  for (const Json& item : list_of(document, "items")) {
    const auto kind = kubernetes_kind(text_of(item, "kind"));
    if (!kind) continue;  // deployments, say
    auto object = read_kubernetes_object(*kind, item, refused_);
    if (object) {
      book.put(*kind, std::move(*object), now);
    } else {
      ++refused_;
    }
  }
  refused_ += book.left_out();
  return book.facts({options_.site, FactSource::inventory, origin_, now});
}

}  // namespace flowlens
