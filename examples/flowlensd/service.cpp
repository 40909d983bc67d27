#include "service.hpp"

#include "config/configuration.hpp"

namespace flowlensd {

std::shared_ptr<const Settings> Service::current_settings() const {
  if (configuration == nullptr) return {std::shared_ptr<const void>{}, &settings};
  const std::shared_ptr<const Loaded> loaded = configuration->current();
  return {loaded, &loaded->settings};
}

}  // namespace flowlensd
