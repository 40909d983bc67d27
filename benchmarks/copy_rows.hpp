/// \file
/// benchmarks: the same rows into PostgreSQL by COPY, beside the arrays of the store.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>

namespace flowlens::bench {

/// Takes the rows that a store has written out of its tables, and puts them back by COPY: single flows
/// straight, summaries through a temporary table. Their lines are made beforehand, so what is left out is
/// the time to make them.
/// \param connection  as libpq takes it. \param batch  flows in one transaction.
/// \throws std::runtime_error with the server's words.
[[nodiscard]] nlohmann::ordered_json measure_copy(const std::string& connection, std::size_t batch);

}  // namespace flowlens::bench
