#include "http/gzip.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <stdexcept>

namespace flowlensd::http {
namespace {

constexpr std::size_t kLeast = 1'024;  // octets; less is one packet anyway
constexpr std::string_view kSuffix = "-gzip\"";
constexpr int kGzipWindow = 15 + 16;  // 16: with the header of gzip

bool is_text(std::string_view type) {
  type = type.substr(0, type.find(';'));
  return type.starts_with("text/") || type.ends_with("json") || type.ends_with("xml");
}

std::string lower_without_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == ' ' || c == '\t') continue;
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

bool strip_suffix(std::string& tags) {
  bool is_found = false;
  for (std::size_t at = tags.find(kSuffix); at != std::string::npos; at = tags.find(kSuffix, at)) {
    tags.erase(at, kSuffix.size() - 1);
    is_found = true;
  }
  return is_found;
}

}  // namespace

bool accepts_gzip(std::string_view accept_encoding) {
  const std::string list = lower_without_spaces(accept_encoding);
  for (std::size_t at = 0; at < list.size();) {
    const std::size_t comma = std::min(list.find(',', at), list.size());
    const std::string item = list.substr(at, comma - at);
    at = comma + 1;
    const std::string name = item.substr(0, item.find(';'));
    if (name != "gzip" && name != "*") continue;
    const std::size_t q = item.find(";q=");
    return q == std::string::npos || std::strtod(item.c_str() + q + 3, nullptr) > 0;
  }
  return false;
}

std::string gzip(std::string_view text) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::runtime_error("zlib has no memory");
  }
  std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int result = deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  if (result != Z_STREAM_END) throw std::runtime_error("zlib did not come to an end");
  return out;
}

void compress(Response& response, bool is_wanted) {
  constexpr std::size_t kMost = 1u << 30;  // what one call of zlib takes, with room
  if (response.live || response.body.size() < kLeast || response.body.size() > kMost) return;
  if (!is_text(response.content_type)) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!is_wanted) return;
  response.body = gzip(response.body);
  response.headers.emplace_back("Content-Encoding", "gzip");
  name_gzip_etag(response);
}

bool take_gzip_etags(Request& request) {
  bool is_found = false;
  for (const char* name : {"if-match", "if-none-match"}) {
    const auto at = request.headers.find(name);
    if (at != request.headers.end() && strip_suffix(at->second)) is_found = true;
  }
  return is_found;
}

void name_gzip_etag(Response& response) {
  for (auto& [name, value] : response.headers) {
    if (name == "ETag" && value.ends_with('"')) value.replace(value.size() - 1, 1, kSuffix);
  }
}

}  // namespace flowlensd::http
