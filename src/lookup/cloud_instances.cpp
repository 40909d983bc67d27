#include "flowlens/cloud_instances.hpp"

#include <utility>

#include "flowlens/error.hpp"
#include "lookup/listing.hpp"
#include "lookup/whole_file.hpp"

namespace flowlens {

CloudInstances::CloudInstances(CloudInstancesOptions options)
    : options_(std::move(options)), origin_("instances:" + options_.file.string()) {
  if (options_.file.empty()) throw ConfigError("a listing of instances needs a file");
}

std::vector<Fact> CloudInstances::list(Timestamp now) {
  const std::string name = options_.file.string();
  const std::string content = lookup::read_file(options_.file, options_.max_octets);
  const lookup::Listing listing = lookup::read_listing(lookup::parse_json(content, name), name);
  refused_ += listing.refused;
  const lookup::Speaker speaker{options_.site, FactSource::cloud, origin_, now};
  std::vector<Fact> facts;
  for (const lookup::Machine& machine : listing.machines) lookup::say(speaker, machine, facts);
  return facts;
}

}  // namespace flowlens
