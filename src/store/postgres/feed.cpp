#include "store/postgres/feed.hpp"

#include "flowlens/revision_codec.hpp"

namespace flowlens::store::postgres {
namespace {

constexpr const char* kMostOctets = "1073741824";  // of all revisions kept

bool has_followers(Transaction& tx) {
  return number(tx,
                "SELECT count(*) FROM (SELECT FROM flowlens_store.followers "
                "WHERE seen_at > clock_timestamp() - interval '15 minutes' LIMIT 1) AS f") != 0;
}

bool is_announced(Transaction& tx, const Revision& revision) {
  const pqxx::result there = tx.exec_params(
      "SELECT FROM flowlens_store.revisions WHERE number = $1 AND epoch = $2 AND revision_at = $3",
      revision.number, revision.epoch.value, to_unix_ns(revision.at));
  return !there.empty();
}

/// They are most of a revision, and no map has them.
Revision without_windows(const Revision& revision) {
  Revision r;
  r.number = revision.number;
  r.epoch = revision.epoch;
  r.at = revision.at;
  r.assets = revision.assets;
  r.dependencies = revision.dependencies;
  r.removed_assets = revision.removed_assets;
  r.removed_dependencies = revision.removed_dependencies;
  r.flows = revision.flows;
  r.aliases = revision.aliases;
  r.events = revision.events;
  r.intermediaries = revision.intermediaries;
  r.annotations = revision.annotations;
  r.closed_dependencies = revision.closed_dependencies;
  return r;
}

}  // namespace

void feed_followers(Transaction& tx, const SiteTable& sites, const Revision& revision) {
  if (!has_followers(tx) || is_announced(tx, revision)) return;
  const auto octets = encode_revision(without_windows(revision), sites);
  tx.exec_params(
      "INSERT INTO flowlens_store.revisions (number, epoch, revision_at, octets, body) "
      "VALUES ($1, $2, $3, $4, $5) ON CONFLICT (number) DO UPDATE SET epoch = excluded.epoch, "
      "revision_at = excluded.revision_at, octets = excluded.octets, body = excluded.body, "
      "written_at = excluded.written_at WHERE revisions.epoch <= excluded.epoch",
      revision.number, revision.epoch.value, to_unix_ns(revision.at), octets.size(),
      pqxx::binarystring(octets.data(), octets.size()));
  tx.exec(std::string{"NOTIFY "} + kRevisionChannel);
}

void trim_feed(Transaction& tx) {
  const std::string is_old = " < clock_timestamp() - interval '15 minutes'";
  tx.exec("DELETE FROM flowlens_store.revisions WHERE written_at" + is_old);
  tx.exec(std::string{"DELETE FROM flowlens_store.revisions WHERE number <= (SELECT max(number) "
                      "FROM (SELECT number, sum(octets) OVER (ORDER BY number DESC) AS so_far "
                      "FROM flowlens_store.revisions) AS r WHERE so_far > "} +
          kMostOctets + ")");
  tx.exec("DELETE FROM flowlens_store.facts WHERE made_at" + is_old);
  tx.exec("DELETE FROM flowlens_store.fact_answers WHERE taken_at" + is_old);
  tx.exec("DELETE FROM flowlens_store.followers WHERE seen_at" + is_old);
}

}  // namespace flowlens::store::postgres
