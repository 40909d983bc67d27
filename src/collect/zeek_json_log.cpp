// Zeek's conn.log as JSON.
#include "collect/json_logs.hpp"
#include "collect/zeek_log.hpp"

namespace flowlens::collect {
namespace {

class ZeekJsonLog : public JsonLog {
 public:
  void read(std::string_view object, LogOutput& out) override {
    ++out.counters.records;
    if (!record_.read(object, out)) return;
    ZeekValues values;
    for (std::size_t i = 0; i < kZeekFields; ++i) values[i] = record_.value(i);
    give_zeek(values, out);
  }

 private:
  JsonRecord record_{kZeekNames};
};

}  // namespace

std::unique_ptr<JsonLog> zeek_json_log() { return std::make_unique<ZeekJsonLog>(); }

}  // namespace flowlens::collect
