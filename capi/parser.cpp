// Datagrams to raw records.
#include <memory>
#include <new>
#include <vector>

#include "flowlens/information_model.hpp"
#include "flowlens/parser.hpp"
#include "flowlens/value.hpp"
#include "handles.hpp"

namespace capi = flowlens::capi;

struct flowlens_record {
  const flowlens::DataSet* set = nullptr;
  const flowlens::InformationModel* model = nullptr;
  std::uint32_t kind = FLOWLENS_RECORD_DATA;
  std::vector<flowlens::FieldValue> fields;  ///< its memory serves record after record
};

struct flowlens_parser {
  explicit flowlens_parser(const flowlens::ParserOptions& options) : parser(options) {}
  flowlens::Parser parser;
  flowlens::InformationModel model;
  flowlens_record record;
};

namespace {

/// Hands record after record to the caller's function.
class Visitor final : public flowlens::RecordSink {
 public:
  Visitor(flowlens_record& record, flowlens_on_record on_record, void* user) noexcept
      : record_(record), on_record_(on_record), user_(user) {}

  void on_data_set(const flowlens::DataSet& set) noexcept override {
    visit(set, FLOWLENS_RECORD_DATA);
  }
  void on_options_set(const flowlens::DataSet& set) noexcept override {
    visit(set, FLOWLENS_RECORD_OPTIONS);
  }
  [[nodiscard]] bool is_out_of_memory() const noexcept { return is_out_of_memory_; }

 private:
  void visit(const flowlens::DataSet& set, std::uint32_t kind) noexcept {
    record_.set = &set;
    record_.kind = kind;
    try {
      record_.fields.reserve(set.layout->fields().size());
    } catch (const std::bad_alloc&) {
      is_out_of_memory_ = true;
      return;
    }
    set.for_each([this](const flowlens::Record& record) {
      record_.fields.clear();
      record.for_each(
          [this](const flowlens::FieldValue& field) { record_.fields.push_back(field); });
      on_record_(&record_, user_);
    });
  }

  flowlens_record& record_;
  flowlens_on_record on_record_;
  void* user_;
  bool is_out_of_memory_ = false;
};

flowlens_field c_field(const flowlens::FieldValue& value) noexcept {
  flowlens_field c{};
  c.octets = reinterpret_cast<const std::uint8_t*>(value.octets.data());
  c.length = value.octets.size();
  c.enterprise = value.specifier.element.enterprise;
  c.number = value.specifier.element.number;
  return c;
}

constexpr std::size_t kFieldSize = FLOWLENS_OLDEST(flowlens_field, number);

flowlens::FieldValue field_of(const flowlens_field* field) {
  const auto c = capi::read_options(&capi::need(field, "field"), kFieldSize);
  const flowlens::FieldSpecifier specifier{{c.enterprise, c.number},
                                           static_cast<std::uint16_t>(c.length)};
  return {specifier, capi::octets_of(c.octets, c.length)};
}

/// As snprintf. \return 0 where the text cannot be made.
template <typename Text>
std::size_t write_text(char* to, std::size_t size, Text&& make) noexcept {
  if (to != nullptr && size != 0) to[0] = '\0';
  std::size_t length = 0;
  capi::guarded(nullptr, [&] {
    const std::string text = make();
    if (to != nullptr) capi::copy_text(text, to, size);
    length = text.size();
  });
  return length;
}

}  // namespace

flowlens_status flowlens_parser_create(const flowlens_parser_options* options,
                                       flowlens_parser** out, flowlens_error* error) {
  return capi::guarded_make(out, error, [&] {
    auto made = std::make_unique<flowlens_parser>(capi::parser_options(options));
    made->record.model = &made->model;
    return made;
  });
}

void flowlens_parser_destroy(flowlens_parser* parser) { delete parser; }

flowlens_status flowlens_parser_add_elements(flowlens_parser* parser, const char* table,
                                             const char* origin, flowlens_error* error) {
  return capi::guarded(error, [&] {
    capi::need(parser, "parser")
        .model.add_table(capi::need_text(table, "table"), capi::need_text(origin, "origin"));
  });
}

flowlens_status flowlens_parser_parse(flowlens_parser* parser, const void* datagram, size_t length,
                                      const flowlens_session* session, int64_t received_ns,
                                      flowlens_on_record on_record, void* user,
                                      flowlens_result* result, flowlens_error* error) {
  constexpr std::size_t kOldest = FLOWLENS_OLDEST(flowlens_result, problem);
  capi::clear_struct(result, kOldest);
  return capi::guarded(error, [&] {
    auto& p = capi::need(parser, "parser");
    capi::require(on_record != nullptr, "on_record is NULL");
    const auto octets = capi::octets_of(datagram, length);
    const auto from = capi::session_of(session);
    if (result != nullptr) capi::write_struct(flowlens_result{}, result, kOldest);  // its size
    Visitor visitor{p.record, on_record, user};
    const auto parsed = p.parser.parse(octets, from, flowlens::from_unix_ns(received_ns), visitor);
    if (result != nullptr) capi::write_struct(capi::c_result(parsed), result, kOldest);
    if (visitor.is_out_of_memory()) throw std::bad_alloc{};
  });
}

uint32_t flowlens_record_kind(const flowlens_record* record) {
  return record != nullptr ? record->kind : std::uint32_t{FLOWLENS_RECORD_DATA};
}

uint16_t flowlens_record_template_id(const flowlens_record* record) {
  return record != nullptr ? record->set->layout->id() : std::uint16_t{0};
}

uint32_t flowlens_record_observation_domain(const flowlens_record* record) {
  return record != nullptr ? record->set->message->observation_domain : 0;
}

int64_t flowlens_record_export_time(const flowlens_record* record) {
  return record != nullptr ? flowlens::to_unix_ns(record->set->message->export_time) : 0;
}

size_t flowlens_record_field_count(const flowlens_record* record) {
  return record != nullptr ? record->fields.size() : 0;
}

flowlens_status flowlens_record_get(const flowlens_record* record, size_t index,
                                    flowlens_field* out, flowlens_error* error) {
  return capi::guarded_fill(out, kFieldSize, error, [&] {
    const auto& fields = capi::need(record, "record").fields;
    if (index >= fields.size()) throw capi::Refused{FLOWLENS_NOT_FOUND, "there is no such field"};
    return c_field(fields[index]);
  });
}

flowlens_status flowlens_record_find(const flowlens_record* record, const char* element,
                                     flowlens_field* out, flowlens_error* error) {
  return capi::guarded_fill(out, kFieldSize, error, [&] {
    const auto& r = capi::need(record, "record");
    const std::string_view name = capi::need_text(element, "element");
    const flowlens::InformationElement* known = r.model->find(name);
    if (known == nullptr) {
      throw capi::Refused{FLOWLENS_INVALID_ARGUMENT,
                          "no element is called '" + std::string(name) + "'"};
    }
    for (const flowlens::FieldValue& field : r.fields) {
      if (field.specifier.element == known->id) return c_field(field);
    }
    throw capi::Refused{FLOWLENS_NOT_FOUND, "the record has no " + std::string(name)};
  });
}

size_t flowlens_record_field_name(const flowlens_record* record, const flowlens_field* field,
                                  char* text, size_t size) {
  return write_text(text, size, [&] {
    return capi::need(record, "record").model->name_of(field_of(field).specifier.element);
  });
}

size_t flowlens_record_field_text(const flowlens_record* record, const flowlens_field* field,
                                  char* text, size_t size) {
  return write_text(text, size, [&] {
    return flowlens::field_text(field_of(field), *capi::need(record, "record").model);
  });
}

flowlens_status flowlens_field_unsigned(const flowlens_field* field, uint64_t* out,
                                        flowlens_error* error) {
  if (out != nullptr) *out = 0;
  return capi::guarded(error, [&] {
    const auto value = flowlens::read_unsigned(field_of(field).octets);
    capi::require(value.has_value(), "an integer has 1 to 8 octets");
    capi::need(out, "out") = *value;
  });
}
