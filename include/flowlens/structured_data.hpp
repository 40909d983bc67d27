/// \file
/// parse: lists inside records (RFC 6313): basicList, subTemplateList, subTemplateMultiList.
///
/// Lists are views of a field, read as far as their octets are sound. Nesting is bounded by the
/// octets, as each level takes at least 3; walk_record() bounds it further.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "flowlens/information_model.hpp"
#include "flowlens/record.hpp"
#include "flowlens/template.hpp"

namespace flowlens {

/// How the elements of a list relate to the record (RFC 6313 §4.4).
enum class ListSemantic : std::uint8_t {
  none_of = 0,
  exactly_one_of = 1,
  one_or_more_of = 2,
  all_of = 3,
  ordered = 4,
  undefined = 255,
};
/// IANA's word, e.g. `allOf`; `undefined` for an unassigned number too.
[[nodiscard]] std::string_view semantic_name(ListSemantic semantic) noexcept;

/// What reading a list did.
struct ListRead {
  std::uint32_t items = 0;          ///< values or records that were visited
  std::uint32_t octets_unread = 0;  ///< cut short, or of a template that is not known
  bool is_damaged = false;          ///< some octets cannot be an item; otherwise the template lacks

  [[nodiscard]] bool clean() const noexcept { return octets_unread == 0 && !is_damaged; }
  void add(const ListRead& part) noexcept {
    items += part.items;
    octets_unread += part.octets_unread;
    is_damaged = is_damaged || part.is_damaged;
  }
};

/// Values of one element, RFC 6313 §4.5.1.
struct BasicList {
  ListSemantic semantic = ListSemantic::undefined;
  FieldSpecifier field;  ///< of each value
  std::span<const std::byte> content;

  /// \return nothing if the head is cut short.
  static std::optional<BasicList> read(std::span<const std::byte> octets) noexcept;
  /// Calls `visit(const FieldValue&)` for each value. Values of no octets are none: a list of them
  /// is damaged, unless it is empty.
  template <typename Visitor>
  ListRead for_each(Visitor&& visit) const;
};

/// Records of one template, RFC 6313 §4.5.2.
struct SubTemplateList {
  ListSemantic semantic = ListSemantic::undefined;
  std::uint16_t template_id = 0;
  std::span<const std::byte> content;

  static std::optional<SubTemplateList> read(std::span<const std::byte> octets) noexcept;
  /// Calls `visit(const Record&)` for each record.
  /// \param set  that the list came in; its exporter's templates lay out the records.
  template <typename Visitor>
  ListRead for_each(const DataSet& set, Visitor&& visit) const;
};

/// Records of several templates, RFC 6313 §4.5.3.
struct SubTemplateMultiList {
  ListSemantic semantic = ListSemantic::undefined;
  std::span<const std::byte> content;

  static std::optional<SubTemplateMultiList> read(std::span<const std::byte> octets) noexcept;
  /// Calls `visit(const SubTemplateList&)` for each run of records of one template.
  /// \return damaged if the length of a run is below 4 or runs past the list; that ends it.
  template <typename Visitor>
  ListRead for_each_part(Visitor&& visit) const;
  /// Calls `visit(const Record&)` for each record.
  template <typename Visitor>
  ListRead for_each(const DataSet& set, Visitor&& visit) const;

 private:
  /// Takes the next run off the front of `rest`. \return nothing if it is damaged.
  std::optional<SubTemplateList> take(std::span<const std::byte>& rest) const noexcept;
};

/// Visits records of one layout, one behind the other.
template <typename Visitor>
ListRead for_each_record(const Template& layout, std::span<const std::byte> octets,
                         Visitor&& visit);

[[nodiscard]] constexpr bool is_list(ElementType type) noexcept {
  return type == ElementType::basic_list || type == ElementType::sub_template_list ||
         type == ElementType::sub_template_multi_list;
}

/// Levels of lists in lists that walk_record() enters.
inline constexpr std::size_t kMaxListDepth = 8;

/// Visits every field of a record and, behind each list, everything in it:
/// `visitor.value(const FieldValue&, depth)` for each field, lists too;
/// `visitor.enter(ListSemantic, const FieldValue&, depth)` and `visitor.leave(depth)` around what a
/// list holds, `visitor.record(const Template&, depth)` before each record in it.
/// \param depth  of the record itself; its fields have the same.
/// \return the items of all lists; lists nested past kMaxListDepth count as unread.
template <typename Visitor>
ListRead walk_record(const DataSet& set, const Record& record, const InformationModel& model,
                     Visitor& visitor, std::size_t depth = 0);

template <typename Visitor>
ListRead BasicList::for_each(Visitor&& visit) const {
  ListRead done;
  std::span<const std::byte> rest = content;
  while (!rest.empty()) {
    const std::size_t before = rest.size();
    std::span<const std::byte> next = rest;
    const std::span<const std::byte> value = take_field(field, next);
    const std::size_t taken = before - next.size();
    const bool is_cut = next.empty() && value.data() + value.size() != rest.data() + before;
    if (taken == 0 || is_cut) {
      done.octets_unread = static_cast<std::uint32_t>(before);
      done.is_damaged = true;
      return done;
    }
    rest = next;
    ++done.items;
    visit(FieldValue{field, value});
  }
  return done;
}

template <typename Visitor>
ListRead for_each_record(const Template& layout, std::span<const std::byte> octets,
                         Visitor&& visit) {
  ListRead done;
  while (!octets.empty()) {
    const std::size_t length = record_length(layout, octets);
    if (length == 0) {
      done.octets_unread = static_cast<std::uint32_t>(octets.size());
      done.is_damaged = true;
      return done;
    }
    ++done.items;
    visit(Record{layout, octets.first(length)});
    octets = octets.subspan(length);
  }
  return done;
}

template <typename Visitor>
ListRead SubTemplateList::for_each(const DataSet& set, Visitor&& visit) const {
  const Template* layout = set.find_template(template_id);
  if (layout == nullptr) return {0, static_cast<std::uint32_t>(content.size()), false};
  return for_each_record(*layout, content, visit);
}

template <typename Visitor>
ListRead SubTemplateMultiList::for_each_part(Visitor&& visit) const {
  ListRead done;
  std::span<const std::byte> rest = content;
  while (!rest.empty()) {
    const auto part = take(rest);
    if (!part) {
      done.octets_unread = static_cast<std::uint32_t>(rest.size());
      done.is_damaged = true;
      return done;
    }
    ++done.items;
    visit(*part);
  }
  return done;
}

template <typename Visitor>
ListRead SubTemplateMultiList::for_each(const DataSet& set, Visitor&& visit) const {
  ListRead records;
  ListRead parts =
      for_each_part([&](const SubTemplateList& part) { records.add(part.for_each(set, visit)); });
  parts.items = 0;
  records.add(parts);
  return records;
}

template <typename Visitor>
ListRead walk_list(const DataSet& set, const FieldValue& list, ElementType type,
                   const InformationModel& model, Visitor& visitor, std::size_t depth) {
  const auto walk_inside = [&](ListSemantic semantic, const auto& read) {
    visitor.enter(semantic, list, depth);
    ListRead nested;
    ListRead own = read(nested);
    own.add(nested);
    visitor.leave(depth);
    return own;
  };
  const auto record_walker = [&](ListRead& nested) {
    return [&](const Record& record) {
      visitor.record(record.layout(), depth + 1);
      nested.add(walk_record(set, record, model, visitor, depth + 1));
    };
  };
  const auto unread = static_cast<std::uint32_t>(list.octets.size());
  if (depth >= kMaxListDepth) return {0, unread, false};
  if (type == ElementType::basic_list) {
    const auto basic = BasicList::read(list.octets);
    if (!basic) return {0, unread, true};
    const ElementType inner = model.type_of(basic->field.element);
    return walk_inside(basic->semantic, [&](ListRead& nested) {
      return basic->for_each([&](const FieldValue& value) {
        visitor.value(value, depth + 1);
        if (is_list(inner)) {
          nested.add(walk_list(set, value, inner, model, visitor, depth + 1));
        }
      });
    });
  }
  if (type == ElementType::sub_template_list) {
    const auto records = SubTemplateList::read(list.octets);
    if (!records) return {0, unread, true};
    return walk_inside(records->semantic, [&](ListRead& nested) {
      return records->for_each(set, record_walker(nested));
    });
  }
  const auto records = SubTemplateMultiList::read(list.octets);
  if (!records) return {0, unread, true};
  return walk_inside(records->semantic, [&](ListRead& nested) {
    return records->for_each(set, record_walker(nested));
  });
}

template <typename Visitor>
ListRead walk_record(const DataSet& set, const Record& record, const InformationModel& model,
                     Visitor& visitor, std::size_t depth) {
  ListRead done;
  record.for_each([&](const FieldValue& value) {
    visitor.value(value, depth);
    const ElementType type = model.type_of(value.specifier.element);
    if (!is_list(type) || value.octets.empty()) return;
    done.add(walk_list(set, value, type, model, visitor, depth));
  });
  return done;
}

}  // namespace flowlens
