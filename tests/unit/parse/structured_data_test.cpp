// Lists inside records, RFC 6313: what is read, what is not, and how deep.
#include "flowlens/structured_data.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "flowlens/parser.hpp"
#include "flowlens/value.hpp"
#include "support/message_builder.hpp"

using namespace flowlens;
using namespace flowlens::test;

namespace {

constexpr std::uint16_t kBasicList = 291;
constexpr std::uint16_t kSubTemplateList = 292;
constexpr std::uint16_t kSubTemplateMultiList = 293;

/// Writes down what walk_record() visits: `4=6 [allOf {7=80} ]`.
struct Writer {
  const InformationModel& model;
  std::string text;

  void value(const FieldValue& field, std::size_t) {
    const ElementType type = model.type_of(field.specifier.element);
    text += std::to_string(field.specifier.element.number);
    text += is_list(type) ? " " : "=" + field_text(field, model) + " ";
  }
  void enter(ListSemantic semantic, const FieldValue&, std::size_t) {
    text.append("[").append(semantic_name(semantic)).append(" ");
  }
  void record(const Template& layout, std::size_t) {
    text.append("#").append(std::to_string(layout.id())).append(" ");
  }
  void leave(std::size_t) { text += "] "; }
};

/// Walks the records of data sets of a template.
class WalkingSink : public RecordSink {
 public:
  explicit WalkingSink(std::uint16_t wanted) : wanted_(wanted) {}
  void on_data_set(const DataSet& set) noexcept override {
    if (set.layout->id() != wanted_) return;
    set.for_each([&](const Record& record) {
      Writer writer{model_, {}};
      read = walk_record(set, record, model_, writer);
      text = writer.text;
    });
  }
  ListRead read;
  std::string text;

 private:
  InformationModel model_;
  std::uint16_t wanted_;
};

/// A record of template 256: protocolIdentifier, and one list of variable length.
WalkingSink walk(std::uint16_t list_element, const Octets& list,
                 const std::function<void(MessageBuilder&)>& more = nullptr) {
  MessageBuilder message = MessageBuilder::ipfix();
  message.template_set(256, {{4, 1}, {list_element, kVariableLength}});
  message.template_set(300, {{7, 2}});
  message.template_set(301, {{96, kVariableLength}, {4, 1}});
  message.template_set(302, {{7, 2}, {list_element, kVariableLength}});
  if (more) more(message);
  ByteWriter record;
  record.u8(6).u8(255).u16(static_cast<std::uint16_t>(list.size())).append(list);
  message.data_set(256, record);
  const ExactBlock datagram{message.build()};
  Parser parser;
  WalkingSink sink{256};
  TransportSession session;
  session.exporter = IpAddress::v4(0xc0000201);
  const ParseResult result = parser.parse(datagram.span(), session, Timestamp{}, sink);
  CHECK(result.clean());
  return sink;
}

}  // namespace

TEST_CASE("basicList: values of fixed and variable length, of enterprises, and none") {
  struct Case {
    const char* name;
    const char* list;
    const char* want;
    std::uint32_t items;
  };
  const Case cases[] = {
      {"three ports", "03 0007 0002 0050 01bb 0016", "4=6 291 [allOf 7=80 7=443 7=22 ] ", 3},
      {"variable length", "04 0060 ffff 0161 00 ff00026263", "4=6 291 [ordered 96=a 96= 96=bc ] ",
       3},
      {"of an enterprise", "01 80 5d 0002 0000027d 6162", "4=6 291 [exactlyOneOf 93=ab ] ", 1},
      {"empty", "00 0007 0002", "4=6 291 [noneOf ] ", 0},
      {"empty, of no octets", "02 0007 0000", "4=6 291 [oneOrMoreOf ] ", 0},
      {"semantic that is unassigned", "09 0004 0001 06", "4=6 291 [undefined 4=6 ] ", 1},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const WalkingSink sink = walk(kBasicList, from_hex(c.list));
    CHECK(sink.text == c.want);
    CHECK(sink.read.clean());
    CHECK(sink.read.items == c.items);
  }
}

TEST_CASE("basicList: damage ends it, and says how much was not read") {
  struct Case {
    const char* name;
    const char* list;
    std::uint32_t items;
    std::uint32_t unread;
  };
  const Case cases[] = {
      {"no head", "03", 0, 1},
      {"head cut", "03 0007 00", 0, 4},
      {"enterprise cut", "03 8007 0002 0000", 0, 7},
      {"values of no octets", "03 0007 0000 0102", 0, 2},
      {"the last value cut", "03 0007 0002 0050 01", 1, 1},
      {"variable length past the end", "03 0060 ffff 0161 0562", 1, 2},
      {"long form cut", "03 0060 ffff 0161 ff00", 1, 2},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const WalkingSink sink = walk(kBasicList, from_hex(c.list));
    CHECK(sink.read.is_damaged);
    CHECK(sink.read.items == c.items);
    CHECK(sink.read.octets_unread == c.unread);
  }
}

TEST_CASE("subTemplateList: records of the exporter's template") {
  const WalkingSink fixed = walk(kSubTemplateList, from_hex("03 012c 0050 01bb"));
  CHECK(fixed.text == "4=6 292 [allOf #300 7=80 #300 7=443 ] ");
  CHECK(fixed.read.clean());
  const WalkingSink variable = walk(kSubTemplateList, from_hex("ff 012d 016106 0011"));
  CHECK(variable.text == "4=6 292 [undefined #301 96=a 4=6 #301 96= 4=17 ] ");
  CHECK(variable.read.items == 2);
}

TEST_CASE("subTemplateList: an unknown template is no damage, a record cut is") {
  const WalkingSink unknown = walk(kSubTemplateList, from_hex("03 03e7 0050 01bb"));
  CHECK(unknown.text == "4=6 292 [allOf ] ");
  CHECK(unknown.read.octets_unread == 4);
  CHECK_FALSE(unknown.read.is_damaged);
  const WalkingSink cut = walk(kSubTemplateList, from_hex("03 012c 0050 01"));
  CHECK(cut.read.items == 1);
  CHECK(cut.read.octets_unread == 1);
  CHECK(cut.read.is_damaged);
  const WalkingSink headless = walk(kSubTemplateList, from_hex("03 01"));
  CHECK(headless.read.is_damaged);
  CHECK(headless.read.octets_unread == 2);
}

TEST_CASE("subTemplateMultiList: one unknown template costs its own records only") {
  const WalkingSink sink = walk(kSubTemplateMultiList,
                                from_hex("04 012c 0006 0050  03e7 0007 010203  012d 0007 016106"));
  CHECK(sink.text == "4=6 293 [ordered #300 7=80 #301 96=a 4=6 ] ");
  CHECK(sink.read.items == 2);
  CHECK(sink.read.octets_unread == 3);
  CHECK_FALSE(sink.read.is_damaged);
}

TEST_CASE("subTemplateMultiList: a bad length ends it") {
  struct Case {
    const char* name;
    const char* list;
    std::uint32_t items;
    std::uint32_t unread;
  };
  const Case cases[] = {
      {"below the header", "03 012c 0006 0050 012c 0003 00", 1, 5},
      {"zero", "03 012c 0000", 0, 4},
      {"past the end", "03 012c 0007 0050", 0, 6},
      {"header cut", "03 012c 0006 0050 012c 00", 1, 3},
      {"no semantic", "", 0, 0},
  };
  for (const Case& c : cases) {
    CAPTURE(c.name);
    const WalkingSink sink = walk(kSubTemplateMultiList, from_hex(c.list));
    CHECK(sink.read.items == c.items);
    CHECK(sink.read.octets_unread == c.unread);
    CHECK(sink.read.is_damaged == (c.unread != 0));
  }
}

TEST_CASE("lists in lists: read to the bound, and no further") {
  Octets list = from_hex("03 0007 0002 0050");  // a basicList of one port
  for (int depth = 1; depth <= 12; ++depth) {
    CAPTURE(depth);
    const WalkingSink sink = walk(kBasicList, list);
    const bool fits = depth <= static_cast<int>(kMaxListDepth);
    CHECK(sink.read.clean() == fits);
    CHECK(sink.read.items == static_cast<std::uint32_t>(fits ? depth : kMaxListDepth));
    CHECK_FALSE(sink.read.is_damaged);
    ByteWriter outer;
    outer.u8(3).u16(kBasicList).u16(kVariableLength).u8(static_cast<std::uint8_t>(list.size()));
    list = outer.append(list).take();
  }
}

TEST_CASE("lists in lists: records that hold lists of records") {
  const WalkingSink sink =
      walk(kSubTemplateList, from_hex("03 012e 0050 05 04 012c 01bb  0016 00"));
  CHECK(sink.text == "4=6 292 [allOf #302 7=80 292 [ordered #300 7=443 ] #302 7=22 292 ] ");
  CHECK(sink.read.items == 3);
  CHECK(sink.read.clean());
}

TEST_CASE("lists: the template is looked up at the same exporter and domain") {
  Parser parser;
  TransportSession session;
  session.exporter = IpAddress::v4(0xc0000201);
  WalkingSink sink{256};
  const auto feed = [&](const Octets& datagram) {
    parser.parse(datagram, session, Timestamp{}, sink);
  };
  feed(MessageBuilder::ipfix().domain(2).template_set(300, {{7, 2}}).build());
  const ByteWriter record = ByteWriter{}.u8(5).append(from_hex("03 012c 0050"));
  feed(MessageBuilder::ipfix()
           .domain(1)
           .template_set(256, {{kSubTemplateList, kVariableLength}})
           .data_set(256, record)
           .build());
  CHECK(sink.text == "292 [allOf ] ");
  feed(
      MessageBuilder::ipfix().domain(1).template_set(300, {{11, 2}}).data_set(256, record).build());
  CHECK(sink.text == "292 [allOf #300 11=80 ] ");
}
