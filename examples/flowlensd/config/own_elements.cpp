#include "config/own_elements.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include "flowlens/error.hpp"

namespace flowlensd {

std::shared_ptr<const InformationModel> read_elements(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file.is_open() || std::filesystem::is_directory(path)) {
    throw ConfigError("ingestion.elements_file: `" + path + "` cannot be read; give a CSV file");
  }
  const std::string table{std::istreambuf_iterator<char>(file), {}};
  auto elements = std::make_shared<InformationModel>();
  elements->add_table(table, path);
  return elements;
}

}  // namespace flowlensd
