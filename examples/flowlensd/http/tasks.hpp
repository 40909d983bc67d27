/// \file
/// http: tasks, for the routes that begin some.
#pragma once

#include "http/message.hpp"
#include "http/rows.hpp"
#include "service.hpp"
#include "tasks/tasks.hpp"

namespace flowlensd::http {

/// \throws Problem 503 in a process that has none.
[[nodiscard]] Tasks& tasks_of(const Service& service);
[[nodiscard]] Json task_json(const Task& task);

}  // namespace flowlensd::http
