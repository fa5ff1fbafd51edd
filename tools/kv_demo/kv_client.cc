#include "tools/kv_demo/kv_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "absl/time/clock.h"

namespace hawser::kv {
namespace {

// A pause before the servers are asked once more.
constexpr absl::Duration kPause = absl::Milliseconds(50);
constexpr absl::Duration kAnswerPatience = absl::Seconds(2);

class Socket {
 public:
  Socket() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {}
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

absl::Status Error(const std::string& address) {
  return absl::UnavailableError(absl::StrCat(address, ": ", std::strerror(errno)));
}

}  // namespace

absl::StatusOr<std::string> AskServer(const std::string& address, absl::string_view line,
                                      absl::Duration patience) {
  const std::vector<std::string> parts = absl::StrSplit(address, ':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  int port = 0;
  if (parts.size() != 2 || inet_pton(AF_INET, parts[0].c_str(), &to.sin_addr) != 1 ||
      !absl::SimpleAtoi(parts[1], &port)) {
    return absl::InvalidArgumentError(absl::StrCat(address, " is no IP:port"));
  }
  to.sin_port = htons(static_cast<uint16_t>(port));
  const Socket socket;
  const timeval timeout = absl::ToTimeval(patience);
  setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  setsockopt(socket.fd(), SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
  if (connect(socket.fd(), reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) return Error(address);
  const std::string sent = absl::StrCat(line, "\n");
  if (send(socket.fd(), sent.data(), sent.size(), MSG_NOSIGNAL) !=
      static_cast<ssize_t>(sent.size())) {
    return Error(address);
  }
  std::string answer;
  char bytes[4096];
  ssize_t count = 0;
  while ((count = recv(socket.fd(), bytes, sizeof bytes, 0)) > 0) {
    answer.append(bytes, static_cast<size_t>(count));
  }
  if (count < 0) return Error(address);
  if (answer.empty()) return absl::UnavailableError(absl::StrCat(address, ": it hung up"));
  answer.pop_back();
  return answer;
}

absl::StatusOr<std::string> AskLeader(const std::vector<std::string>& addresses,
                                      absl::string_view line, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  std::string last = "no server was asked";
  for (size_t turn = 0; absl::Now() < deadline; ++turn) {
    std::string address = addresses[turn % addresses.size()];
    for (size_t hop = 0; hop <= addresses.size(); ++hop) {
      const absl::StatusOr<std::string> answer = AskServer(address, line, kAnswerPatience);
      last = answer.ok() ? *answer : std::string(answer.status().message());
      absl::string_view to = last;
      if (!answer.ok() || last == "unavailable" || absl::StartsWith(last, "failed ")) break;
      if (!absl::ConsumePrefix(&to, "redirect ")) return *answer;
      address = std::string(to);
    }
    absl::SleepFor(kPause);
  }
  return absl::DeadlineExceededError(last);
}

}  // namespace hawser::kv
