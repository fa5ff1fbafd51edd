#include <memory>
#include <string>
#include <vector>

#include "docs/sketches/sketches.h"
#include "gtest/gtest.h"
#include "tests/sketches/fake_uv.h"
#include "tests/support/loopback_address.h"

namespace hawser::sketches {
namespace {

struct Request : foreign::raft_io_send {
  bool sent = false;
  bool inside_send = false;
  bool called_inside_send = false;
  int calls = 0;
  int status = -1;
};

// One server: a raft_io whose disk half does nothing, and what libraft would have received.
class Server {
 public:
  Server(foreign::uv_loop_t* loop, foreign::raft_id id) : address(NewLoopbackAddress()) {
    io.io = {};
    io.io.data = this;
    io.io.init = [](foreign::raft_io*, foreign::raft_id, const char*) { return 0; };
    io.io.start = [](foreign::raft_io*, unsigned, foreign::raft_io_tick_cb,
                     foreign::raft_io_recv_cb) { return 0; };
    io.io.close = [](foreign::raft_io* io, foreign::raft_io_close_cb cb) { cb(io); };
    Options options;
    options.cluster_id = "libraft";
    PlugIntoRaftIo(&io, loop, options);
    EXPECT_EQ(io.io.init(&io.io, id, address.c_str()), 0) << io.io.errmsg;
    EXPECT_EQ(io.io.start(&io.io, 100, nullptr, &OnReceive), 0) << io.io.errmsg;
  }

  int Send(Request* request, const foreign::raft_message& message) {
    request->inside_send = true;
    const int rv =
        io.io.send(&io.io, request, &message, [](foreign::raft_io_send* req, int status) {
          auto* request = static_cast<Request*>(req);
          request->called_inside_send |= request->inside_send;
          request->status = status;
          ++request->calls;
        });
    request->inside_send = false;
    return rv;
  }

  // Sends `message` unless `request` is under way or ended well.
  void SendUnlessSent(Request* request, const foreign::raft_message& message) {
    if (request->calls == 1 && request->status != 0) *request = Request();
    if (request->calls == 0 && !request->sent) request->sent = Send(request, message) == 0;
  }

  void Close() {
    io.io.close(&io.io,
                [](foreign::raft_io* io) { static_cast<Server*>(io->data)->closed = true; });
  }

  HawserRaftIo io;
  const std::string address;
  bool closed = false;
  std::vector<std::string> entries;
  std::vector<int> entry_types;
  foreign::raft_index acknowledged = 0;
  foreign::raft_id candidate = 0;
  Request answer;
  std::string sender_address;

 private:
  static void OnReceive(foreign::raft_io* io, foreign::raft_message* message) {
    static_cast<Server*>(io->data)->Receive(*message);
  }

  // Takes over the entries, and answers from inside, as libraft does.
  void Receive(const foreign::raft_message& message) {
    sender_address = message.server_address;
    if (message.type == foreign::RAFT_IO_REQUEST_VOTE) {
      candidate = message.request_vote.candidate_id;
      return;
    }
    if (message.type == foreign::RAFT_IO_APPEND_ENTRIES_RESULT) {
      acknowledged = message.append_entries_result.last_log_index;
      return;
    }
    const foreign::raft_append_entries& append = message.append_entries;
    for (unsigned i = 0; i < append.n_entries; ++i) {
      const foreign::raft_entry& entry = append.entries[i];
      entries.emplace_back(static_cast<const char*>(entry.buf.base), entry.buf.len);
      entry_types.push_back(entry.type);
    }
    if (append.n_entries > 0) foreign::raft_free(append.entries[0].batch);
    foreign::raft_free(append.entries);
    foreign::raft_message result{};
    result.type = foreign::RAFT_IO_APPEND_ENTRIES_RESULT;
    result.server_id = message.server_id;
    result.server_address = message.server_address;
    result.append_entries_result = {append.term, 0, append.prev_log_index + append.n_entries};
    EXPECT_EQ(Send(&answer, result), 0);
  }
};

foreign::raft_message AppendTo(const Server& to, foreign::raft_id id,
                               std::vector<foreign::raft_entry>* entries) {
  foreign::raft_message message{};
  message.type = foreign::RAFT_IO_APPEND_ENTRIES;
  message.server_id = id;
  message.server_address = to.address.c_str();
  message.append_entries = {3, 10, 3, 10, entries->data(), static_cast<unsigned>(entries->size())};
  return message;
}

foreign::raft_message VoteTo(const Server& to, foreign::raft_id id) {
  foreign::raft_message message{};
  message.type = foreign::RAFT_IO_REQUEST_VOTE;
  message.server_id = id;
  message.server_address = to.address.c_str();
  message.request_vote = {2, 2, 9, 1, true, false};
  return message;
}

TEST(LibraftRaftIoTest, EntriesArriveAndAreAnsweredAndRequestsEndLater) {
  foreign::uv_loop_t loop;
  Server leader(&loop, 1);
  Server follower(&loop, 2);
  char one[] = "one";
  char two[] = "two two";
  std::vector<foreign::raft_entry> entries = {{3, foreign::RAFT_COMMAND, {one, 3}, nullptr},
                                              {3, foreign::RAFT_BARRIER, {nullptr, 0}, nullptr},
                                              {3, foreign::RAFT_CHANGE, {two, 7}, nullptr}};
  // The members learn of each other by what they send. Like libraft, send again what had no link.
  Request vote;
  Request request;
  EXPECT_TRUE(loop.RunUntil([&] {
    follower.SendUnlessSent(&vote, VoteTo(leader, 1));
    leader.SendUnlessSent(&request, AppendTo(follower, 2, &entries));
    return leader.acknowledged == 13 && leader.candidate == 2;
  }));
  EXPECT_TRUE(loop.RunUntil([&] { return request.calls == 1 && follower.answer.calls == 1; }));
  EXPECT_EQ(request.status, 0);
  EXPECT_FALSE(request.called_inside_send);
  EXPECT_FALSE(follower.answer.called_inside_send);
  EXPECT_EQ(follower.entries, (std::vector<std::string>{"one", "", "two two"}));
  EXPECT_EQ(follower.entry_types,
            (std::vector<int>{foreign::RAFT_COMMAND, foreign::RAFT_BARRIER, foreign::RAFT_CHANGE}));
  EXPECT_EQ(follower.sender_address, leader.address);
  leader.Close();
  follower.Close();
  EXPECT_TRUE(loop.RunUntil([&] { return leader.closed && follower.closed; }));
}

// libraft puts the follower back to probing only when it hears of the failure.
TEST(LibraftRaftIoTest, NobodyThereEndsTheRequestWithAnError) {
  foreign::uv_loop_t loop;
  Server leader(&loop, 1);
  std::vector<foreign::raft_entry> entries;
  Request request;
  foreign::raft_message message = AppendTo(leader, 9, &entries);
  const std::string nobody = NewLoopbackAddress();
  message.server_address = nobody.c_str();
  ASSERT_EQ(leader.Send(&request, message), 0);
  EXPECT_TRUE(loop.RunUntil([&] { return request.calls == 1; }));
  EXPECT_EQ(request.status, foreign::RAFT_NOCONNECTION);
  Request late;
  EXPECT_EQ(leader.Send(&late, message), foreign::RAFT_NOCONNECTION);
  leader.Close();
  EXPECT_TRUE(loop.RunUntil([&] { return leader.closed; }));
  EXPECT_EQ(request.calls, 1);
  EXPECT_EQ(late.calls, 0);
}

// raft frees what its requests point at once it is closed.
TEST(LibraftRaftIoTest, CloseEndsRequestsBeforeItsOwnCallback) {
  foreign::uv_loop_t loop;
  Server leader(&loop, 1);
  std::vector<foreign::raft_entry> entries;
  Request request;
  foreign::raft_message message = AppendTo(leader, 9, &entries);
  const std::string nobody = NewLoopbackAddress();
  message.server_address = nobody.c_str();
  ASSERT_EQ(leader.Send(&request, message), 0);
  leader.Close();
  EXPECT_TRUE(loop.RunUntil([&] { return leader.closed; }));
  EXPECT_EQ(request.calls, 1);
  EXPECT_EQ(request.status, foreign::RAFT_CANCELED);
}

}  // namespace
}  // namespace hawser::sketches
