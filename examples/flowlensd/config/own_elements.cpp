#include "config/own_elements.hpp"

#include "config/text_file.hpp"

namespace flowlensd {

std::shared_ptr<const InformationModel> read_elements(const std::string& path) {
  const std::string table = read_file_of("ingestion.elements_file", path);
  auto elements = std::make_shared<InformationModel>();
  elements->add_table(table, path);
  return elements;
}

}  // namespace flowlensd
