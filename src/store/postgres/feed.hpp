/// \file
/// store: what the writer of the map does for those who follow it.
#pragma once

#include "flowlens/endpoint.hpp"
#include "flowlens/revision.hpp"
#include "store/postgres/connection.hpp"

namespace flowlens::store::postgres {

// Channels of NOTIFY. Nobody depends on being woken: who waits looks once a second anyway.
inline constexpr const char* kRevisionChannel = "flowlens_revisions";
inline constexpr const char* kRequestChannel = "flowlens_requests";
inline constexpr const char* kAnswerChannel = "flowlens_answers";

/// Keeps a revision for those who follow, if anybody does and it is not there yet.
void feed_followers(Transaction& tx, const SiteTable& sites, const Revision& revision);
/// Removes what is too old, or too much.
void trim_feed(Transaction& tx);

}  // namespace flowlens::store::postgres
