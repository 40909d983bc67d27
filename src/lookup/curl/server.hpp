/// \file
/// lookup/curl: what is asked of a server's address before anything secret is sent there.
#pragma once

#include <string>
#include <string_view>

namespace flowlens::lookup {

/// \param what  such as `an endpoint of AWS`. \throws ConfigError unless the URL is https, or http on this
///   machine, and holds no user.
void require_tls(const std::string& url, std::string_view what);

}  // namespace flowlens::lookup
