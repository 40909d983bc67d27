/// \file
/// http: what people say of an asset, told to the map.
#pragma once

#include <string>

#include "flowlens/revision.hpp"
#include "http/rows.hpp"
#include "service.hpp"

namespace flowlensd::http {

/// \throws Problem 409 for an asset that holds no endpoint now, or where a later word stands.
void tell_name(const AssetRow& row, std::string name, const Service& service);
/// \throws Problem 400 for what is no type.
void check_type(const Json& type);
/// \param type  a text as in asset_type.hpp; null takes back what was said.
/// \throws Problem, as tell_name(); 400 for what is no type.
void tell_type(const AssetRow& row, const Json& type, const Service& service);

}  // namespace flowlensd::http
