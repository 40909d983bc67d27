// The client's own threads watch three kinds while others list and ask, and it is destroyed meanwhile.
#include "flowlens/kubernetes_client.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "flowlens/error.hpp"
#include "support/wait_until.hpp"

using namespace flowlens;
using namespace std::chrono_literals;

namespace {

constexpr int kPods = 200;

/// Answers each list with nothing, and the first watch of pods with 200 of them, one by one; then it goes
/// on saying that all is as it was.
class ApiServer {
 public:
  ApiServer() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    if (::bind(socket_, any, length) != 0 || ::listen(socket_, 16) != 0 ||
        ::getsockname(socket_, any, &length) != 0) {
      throw std::runtime_error("no port");
    }
    port_ = ntohs(address.sin_port);
    accepter_ = std::thread{[this] { accept(); }};
  }
  ~ApiServer() {
    is_ending_ = true;
    ::shutdown(socket_, SHUT_RDWR);
    accepter_.join();
    for (std::thread& thread : threads_) thread.join();
    ::close(socket_);
  }
  ApiServer(const ApiServer&) = delete;
  ApiServer& operator=(const ApiServer&) = delete;
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

 private:
  void accept() {
    while (!is_ending_) {
      const int fd = ::accept(socket_, nullptr, nullptr);
      if (fd < 0) return;
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    const timeval patience{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string request;
    char piece[4'096];
    while (request.find("\r\n\r\n") == std::string::npos) {
      const auto got = ::recv(fd, piece, sizeof piece, 0);
      if (got <= 0) break;
      request.append(piece, static_cast<std::size_t>(got));
    }
    say(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n");
    if (request.find("watch=1") == std::string::npos) {
      say(fd, R"({"metadata": {"resourceVersion": "1"}, "items": []})");
    } else {
      watch(fd, request.starts_with("GET /api/v1/pods"));
    }
    ::close(fd);
  }
  void watch(int fd, bool has_pods) {
    for (int i = 0; has_pods && i < kPods; ++i) say(fd, pod(i));
    while (!is_ending_ && say(fd, "\n")) std::this_thread::sleep_for(5ms);
  }
  static std::string pod(int i) {
    const std::string n = std::to_string(i);
    return R"({"type": "ADDED", "object": {"kind": "Pod", "metadata": {"name": "web-)" + n +
           R"(", "namespace": "shop", "uid": "pod-)" + n + R"(", "resourceVersion": ")" +
           std::to_string(i + 2) +
           R"("}, "spec": {}, "status": {"phase": "Running", "podIP": "10.244.0.)" + n +
           R"(", "startTime": "2026-06-01T10:00:00Z"}}})" + "\n";
  }
  static bool say(int fd, const std::string& text) {
    return ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
  }

  int socket_;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_ending_{false};
  std::thread accepter_;
  std::vector<std::thread> threads_;  ///< of `accepter_` until it has ended
};

}  // namespace

TEST_CASE("KubernetesClient: watches, lists, counters and its end at the same time") {
  ApiServer server;
  std::atomic<int> changes{0};
  KubernetesClientOptions options;
  options.api_server = server.url();
  options.on_change = [&] { ++changes; };
  std::atomic<bool> stopping{false};
  {
    KubernetesClient client{options};
    std::vector<std::thread> askers;
    for (int asker = 0; asker < 2; ++asker) {
      askers.emplace_back([&] {
        while (!stopping) {
          CHECK_NOTHROW(static_cast<void>(client.list(std::chrono::system_clock::now())));
          static_cast<void>(client.has_news());
          static_cast<void>(client.counters());
        }
      });
    }
    CHECK(test::wait_until([&] { return client.counters().objects == kPods; }));
    stopping = true;
    for (std::thread& asker : askers) asker.join();
    CHECK(client.list(std::chrono::system_clock::now()).size() >= kPods);
    CHECK_FALSE(client.has_news());
  }  // while the watches go on
  CHECK(changes > 0);
}
