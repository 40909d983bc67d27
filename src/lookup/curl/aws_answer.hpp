/// \file
/// lookup/curl: EC2's answers in XML, as the JSON that the command line makes of them.
#pragma once

#include <string>
#include <string_view>

#include "lookup/json_file.hpp"

namespace flowlens::lookup {

/// Only of members that somebody reads. \param name  what it is called in errors.
/// \throws IoError with the octet where it is no XML, or if it nests too deep.
Json read_aws_answer(std::string_view xml, const std::string& name);

/// The code of the first error: `RequestLimitExceeded`. Empty if there is none; never AWS' own words,
/// which may repeat what was sent.
std::string aws_error_code(std::string_view xml);

}  // namespace flowlens::lookup
