/// \file
/// collect: the objects of a JSON document, one at a time, without holding the rest.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "collect/log_output.hpp"
#include "collect/log_source.hpp"

namespace flowlens::collect {

/// Cuts a document into its objects by its brackets alone; whoever reads an object sees whether it is good.
class JsonObjects {
 public:
  /// \param depth  brackets around an object: 0 for one behind another, 1 in an array, 2 in an array of an
  /// object's member.
  JsonObjects(LogSource& source, std::size_t depth, std::string name)
      : source_(source), depth_(depth), name_(std::move(name)) {}

  /// Finds the next object and makes it the record at hand. Too long ones are refused.
  /// \return false at the end. \throws IoError if brackets do not match, or the document is cut short.
  bool next(std::string_view& object, LogOutput& out);

 private:
  [[noreturn]] void fail(const std::string& what) const;
  bool find_begin(LogOutput& out);
  bool is_between(char c, LogOutput& out);
  void open(char c);
  void close(char c);

  LogSource& source_;
  std::size_t depth_;
  std::string name_;
  std::vector<char> opened_;
  bool in_text_ = false;  ///< outside of objects
  bool is_escaped_ = false;
  std::size_t taken_ = 0;  ///< octets of the object given out last
};

}  // namespace flowlens::collect
