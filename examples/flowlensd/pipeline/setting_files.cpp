#include "pipeline/setting_files.hpp"

#include "config/known_network.hpp"
#include "config/own_elements.hpp"
#include "pipeline/classifying.hpp"
#include "pipeline/geo.hpp"

namespace flowlensd {

void check_setting_files(const Settings& settings) {
  if (!settings.elements_file.empty()) static_cast<void>(read_elements(settings.elements_file));
  static_cast<void>(read_known_network(settings.network_file));
  static_cast<void>(classifier_options(settings));
  const Geo opened(settings);
}

}  // namespace flowlensd
