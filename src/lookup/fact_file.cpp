#include "flowlens/fact_file.hpp"

#include "flowlens/error.hpp"
#include "lookup/fact_sheet.hpp"
#include "lookup/whole_file.hpp"

namespace flowlens {

FactFile::FactFile(std::string_view kind, const FactFileOptions& options)
    : options_(options), origin_(std::string(kind) + ':' + options.path.string()) {
  if (options.path.empty()) throw ConfigError(std::string(kind) + ": a file's path is empty");
  if (origin_.size() > kLongestOrigin) {
    throw ConfigError(origin_ + ": a path here has at most " +
                      std::to_string(kLongestOrigin - kind.size() - 1) + " octets");
  }
  if (options.max_octets == 0 || options.max_line == 0 || options.max_facts == 0) {
    throw ConfigError(origin_ + ": limits are at least 1");
  }
}

std::vector<Fact> FactFile::list(Timestamp now) {
  report_ = {};
  const std::string text = lookup::read_file(options_.path, options_.max_octets);
  lookup::FactSheet sheet{options_, origin_, now, report_};
  std::string_view content = text;
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (content.starts_with(kByteOrderMark)) content.remove_prefix(kByteOrderMark.size());
  read(content, sheet);
  std::vector<Fact> facts = sheet.take();
  // Another kind of file, or one cut to pieces: what it said last is nearer to the truth than nothing.
  if (facts.empty() && report_.broken > 0) {
    throw IoError(report_.first_error + " (and nothing in the file is as it should be)");
  }
  report_.facts = facts.size();
  return facts;
}

}  // namespace flowlens
