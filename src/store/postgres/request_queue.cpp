// Requests to the Resolver, and its answers.
#include "flowlens/request_queue.hpp"

#include <algorithm>

#include "store/postgres/connection.hpp"
#include "store/postgres/feed.hpp"
#include "store/postgres/schema.hpp"
#include "store/postgres/upsert.hpp"
#include "store/term.hpp"

namespace flowlens {
namespace {

using namespace store::postgres;

pqxx::binarystring octets_of(std::string_view text) { return {text.data(), text.size()}; }

std::string text_of(Row& row) {
  const auto octets = row.blob();
  return {octets.begin(), octets.end()};
}

/// `{1,2}`, for `= ANY($1::bigint[])`.
std::string array_of_numbers(std::span<const std::uint64_t> numbers) {
  std::string text = "{";
  for (const std::uint64_t n : numbers) text += (text.size() > 1 ? "," : "") + std::to_string(n);
  return text + '}';
}

void notify(Transaction& tx, const char* channel) { tx.exec(std::string{"NOTIFY "} + channel); }

class PostgresRequestSender final : public RequestSender {
 public:
  explicit PostgresRequestSender(const PostgresStoreOptions& options) : connection_(options) {}

  std::uint64_t send(std::string_view body) override;
  std::vector<RequestFate> fates(std::span<const std::uint64_t> positions) override;
  bool withdraw(std::uint64_t position) override;
  void wait(std::chrono::milliseconds most) override { connection_.wait(kAnswerChannel, most); }

 private:
  Connection connection_;
};

std::uint64_t PostgresRequestSender::send(std::string_view body) {
  std::uint64_t position = 0;
  connection_.transact([&](Transaction& tx) {
    const pqxx::row sent = tx.exec_params1(
        "INSERT INTO flowlens_store.facts (kind, body) VALUES ('request', $1) RETURNING position",
        octets_of(body));
    position = Row{sent}.u64();
    notify(tx, kRequestChannel);
  });
  return position;
}

/// A change is kept once its epoch has reached the revision; an epoch that is over will not any more.
constexpr const char* kFates = R"sql(
SELECT position, is_answered, is_answered AND (revision = 0 OR is_reached), revision, head, body
FROM (
  SELECT a.position, a.answered_at IS NOT NULL AS is_answered, a.revision, a.head, a.body,
    a.epoch < (SELECT max(epoch) FROM flowlens_store.epochs) AS is_over,
    coalesce((SELECT e.last_revision >= a.revision FROM flowlens_store.epochs e
              WHERE e.epoch = a.epoch), false) AS is_reached
  FROM flowlens_store.fact_answers a WHERE a.position = ANY($1::bigint[])) AS found
WHERE is_over OR (is_answered AND (revision = 0 OR is_reached))
ORDER BY position
)sql";

std::vector<RequestFate> PostgresRequestSender::fates(std::span<const std::uint64_t> positions) {
  std::vector<RequestFate> ended;
  connection_.read([&](Transaction& tx) {
    ended.clear();
    for (const auto& found : tx.exec_params(kFates, array_of_numbers(positions))) {
      Row row{found};
      RequestFate& fate = ended.emplace_back();
      fate.position = row.u64();
      const bool is_answered = row.boolean();
      if (!row.boolean() || !is_answered) {
        fate.kind = RequestFate::Kind::lost;
        continue;
      }
      fate.answer.revision = row.u64();
      fate.answer.head = text_of(row);
      fate.answer.body = text_of(row);
    }
  });
  return ended;
}

bool PostgresRequestSender::withdraw(std::uint64_t position) {
  bool is_withdrawn = false;
  connection_.transact([&](Transaction& tx) {
    is_withdrawn =
        !tx.exec_params(
               "INSERT INTO flowlens_store.fact_answers (position, epoch) VALUES ($1, 0) "
               "ON CONFLICT DO NOTHING RETURNING position",
               position)
             .empty();
  });
  return is_withdrawn;
}

class PostgresRequestTaker final : public RequestTaker {
 public:
  PostgresRequestTaker(const PostgresStoreOptions& options, Epoch epoch)
      : connection_(options), term_{epoch, 0, connection_.where()} {}

  std::vector<QueuedRequest> take(std::size_t most) override;
  void answer(std::uint64_t position, const QueuedAnswer& answer) override;
  void wait(std::chrono::milliseconds most) override { connection_.wait(kRequestChannel, most); }

 private:
  void check(Transaction& tx) const {
    store::check_epoch(term_, newest_epoch(tx, connection_.where()).epoch, "the requests");
  }

  Connection connection_;
  store::Term term_;
};

/// What was asked goes with the taking: there may be a secret in it.
constexpr const char* kTake = R"sql(
WITH taken AS (
  INSERT INTO flowlens_store.fact_answers (position, epoch)
  SELECT f.position, $1 FROM flowlens_store.facts f
  WHERE f.kind = 'request' AND f.made_at > clock_timestamp() - interval '30 seconds'
    AND NOT EXISTS (SELECT FROM flowlens_store.fact_answers a WHERE a.position = f.position)
  ORDER BY f.position LIMIT $2
  ON CONFLICT DO NOTHING RETURNING position)
DELETE FROM flowlens_store.facts f USING taken t WHERE f.position = t.position
RETURNING f.position, f.body
)sql";

std::vector<QueuedRequest> PostgresRequestTaker::take(std::size_t most) {
  std::vector<QueuedRequest> taken;
  connection_.transact([&](Transaction& tx) {
    taken.clear();
    check(tx);
    for (const auto& found : tx.exec_params(kTake, term_.epoch.value, most)) {
      Row row{found};
      const std::uint64_t position = row.u64();
      taken.push_back({position, text_of(row)});
    }
  });
  std::sort(taken.begin(), taken.end(),
            [](const auto& a, const auto& b) { return a.position < b.position; });
  return taken;
}

void PostgresRequestTaker::answer(std::uint64_t position, const QueuedAnswer& answer) {
  connection_.transact([&](Transaction& tx) {
    check(tx);
    tx.exec_params(
        "UPDATE flowlens_store.fact_answers SET answered_at = clock_timestamp(), revision = $2, "
        "head = $3, body = $4 WHERE position = $1",
        position, answer.revision, octets_of(answer.head), octets_of(answer.body));
    notify(tx, kAnswerChannel);
  });
}

}  // namespace

std::unique_ptr<RequestSender> make_postgres_request_sender(const PostgresStoreOptions& options) {
  return std::make_unique<PostgresRequestSender>(options);
}

std::unique_ptr<RequestTaker> make_postgres_request_taker(const PostgresStoreOptions& options,
                                                          Epoch epoch) {
  return std::make_unique<PostgresRequestTaker>(options, epoch);
}

}  // namespace flowlens
