// What people asked for and did not wait for.
#include <string>

#include "http/answer.hpp"
#include "http/api.hpp"
#include "http/parameters.hpp"
#include "http/tasks.hpp"

namespace flowlensd::http {
namespace {

Json time_or_null(const std::optional<Timestamp>& t) {
  return t ? Json(to_string(*t)) : Json(nullptr);
}

Task known_task(const Request& request, const Service& s) {
  const Id id = id_parameter(request);
  auto task = tasks_of(s).find(id);
  if (!task) throw Problem{404, "Not found", "there is no task " + id.to_string()};
  return *std::move(task);
}

Response list_tasks(const Service& s) {
  Json items = Json::array();
  for (const Task& task : tasks_of(s).all()) items.push_back(task_json(task));
  const std::size_t total = items.size();
  return fresh({{"items", std::move(items)}, {"total", total}, {"next_cursor", nullptr}});
}

Response cancel_task(const Request& request, const Service& s) {
  const Task task = known_task(request, s);
  if (!tasks_of(s).cancel(task.id)) {
    throw Problem{409, "Conflict", "the task is over: " + std::string(to_string(task.state))};
  }
  return fresh(task_json(known_task(request, s)));
}

}  // namespace

Tasks& tasks_of(const Service& s) {
  if (s.tasks != nullptr) return *s.tasks;
  throw Problem{503, "Not available", "this process carries out no tasks"};
}

Json task_json(const Task& task) {
  return {{"id", task.id.to_string()},
          {"kind", task.kind},
          {"by", task.by},
          {"state", to_string(task.state)},
          {"ordered_at", to_string(task.ordered_at)},
          {"begun_at", time_or_null(task.begun_at)},
          {"ended_at", time_or_null(task.ended_at)},
          {"total", task.total},
          {"done", task.done},
          {"problem", task.problem.empty() ? Json(nullptr) : Json(task.problem)},
          {"result", task.result.empty() ? Json(nullptr) : Json::parse(task.result)}};
}

void add_task_routes(Router& router, const Service& s) {
  router.add({"/api/v1/tasks", [&s](const Request&) { return list_tasks(s); }, {}});
  router.add({"/api/v1/tasks/{id}",
              [&s](const Request& r) { return fresh(task_json(known_task(r, s))); },
              {}});
  // One may be a scan, which is for those who run the daemon.
  router.add({"/api/v1/tasks/{id}",
              [&s](const Request& r) { return cancel_task(r, s); },
              {},
              "DELETE",
              Permission::admin});
}

}  // namespace flowlensd::http
