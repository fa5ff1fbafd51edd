#include "tests/adapters/libraft/raft_node.h"

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <utility>

#include "absl/time/clock.h"
#include "gtest/gtest.h"
#include "tests/support/loopback_address.h"

namespace hawser::libraft {
namespace {

namespace fs = std::filesystem;

struct Proposal {
  struct raft_apply request {};
  std::function<void(int)> done;
};

}  // namespace

std::string NewDirectory() {
  std::string name = testing::TempDir() + "/raft_XXXXXX";
  EXPECT_NE(mkdtemp(&name[0]), nullptr);
  return name;
}

TestLoop::TestLoop() {
  EXPECT_EQ(uv_loop_init(&loop_), 0);
  uv_timer_init(&loop_, &timer_);
}

TestLoop::~TestLoop() {
  uv_close(reinterpret_cast<uv_handle_t*>(&timer_), nullptr);
  uv_run(&loop_, UV_RUN_DEFAULT);
  EXPECT_EQ(uv_loop_close(&loop_), 0);
}

bool TestLoop::RunUntil(const std::function<bool()>& done, absl::Duration patience) {
  const absl::Time deadline = absl::Now() + patience;
  uv_timer_start(
      &timer_, [](uv_timer_t*) {}, 1, 1);
  while (!done() && absl::Now() < deadline) uv_run(&loop_, UV_RUN_ONCE);
  uv_timer_stop(&timer_);
  return done();
}

RaftNode::RaftNode(TestLoop* loop, raft_id id, const Settings& settings)
    : loop_(loop),
      id_(id),
      settings_(settings),
      address_(NewLoopbackAddress()),
      directory_(NewDirectory()) {
  fsm_.version = 1;
  fsm_.data = this;
  fsm_.apply = &RaftNode::ApplyEntry;
  fsm_.snapshot = &RaftNode::TakeSnapshot;
  fsm_.restore = &RaftNode::RestoreSnapshot;
}

RaftNode::~RaftNode() {
  Stop();
  fs::remove_all(directory_);
}

raft_configuration RaftNode::ConfigurationOf(const std::vector<RaftNode*>& servers) {
  raft_configuration configuration;
  raft_configuration_init(&configuration);
  for (const RaftNode* server : servers) {
    EXPECT_EQ(
        raft_configuration_add(&configuration, server->id(), server->address().c_str(), RAFT_VOTER),
        0);
  }
  return configuration;
}

void RaftNode::Start(const std::vector<RaftNode*>& servers) {
  applied_.clear();
  snapshots_restored_ = 0;
  ASSERT_EQ(InitRaftIo(&io_, loop_->get(), directory_.c_str(), settings_.io), 0) << io_.errmsg;
  raft_ = std::make_unique<raft>();
  ASSERT_EQ(raft_init(raft_.get(), &io_, &fsm_, id_, address_.c_str()), 0) << io_.errmsg;
  raft_->data = this;
  raft_set_pre_vote(raft_.get(), true);
  raft_set_snapshot_threshold(raft_.get(), settings_.snapshot_threshold);
  raft_set_snapshot_trailing(raft_.get(), settings_.snapshot_trailing);
  if (!servers.empty()) {
    raft_configuration configuration = ConfigurationOf(servers);
    ASSERT_EQ(raft_bootstrap(raft_.get(), &configuration), 0);
    raft_configuration_close(&configuration);
  }
  ASSERT_EQ(raft_start(raft_.get()), 0) << io_.errmsg;
}

void RaftNode::Stop() {
  if (!running()) return;
  closed_ = false;
  raft_close(raft_.get(), [](raft* server) {
    auto* const self = static_cast<RaftNode*>(server->data);
    CloseRaftIo(&self->io_);
    self->closed_ = true;
  });
  EXPECT_TRUE(loop_->RunUntil([this] { return closed_; }));
  raft_.reset();
}

void RaftNode::Wipe() {
  fs::remove_all(directory_);
  fs::create_directory(directory_);
}

raft_id RaftNode::leader() {
  raft_id id = 0;
  const char* address = nullptr;
  if (running()) raft_leader(raft_.get(), &id, &address);
  return id;
}

bool RaftNode::Apply(const std::string& command, std::function<void(int)> done) {
  auto* const proposal = new Proposal;
  proposal->done = std::move(done);
  proposal->request.data = proposal;
  raft_buffer buffer;
  EXPECT_EQ(command.size() % 8, 0u) << "raft_uv writes segments that it cannot read";
  buffer.len = command.size();
  buffer.base = raft_malloc(command.size());
  std::memcpy(buffer.base, command.data(), command.size());
  const int refused =
      raft_apply(raft_.get(), &proposal->request, &buffer, 1,
                 [](struct raft_apply* request, int status, void*) {
                   const std::unique_ptr<Proposal> ended(static_cast<Proposal*>(request->data));
                   if (ended->done) ended->done(status);
                 });
  if (refused == 0) return true;
  raft_free(buffer.base);
  delete proposal;
  return false;
}

int RaftNode::ApplyEntry(raft_fsm* fsm, const raft_buffer* buffer, void** result) {
  auto* const self = static_cast<RaftNode*>(fsm->data);
  self->applied_.emplace_back(static_cast<const char*>(buffer->base), buffer->len);
  *result = nullptr;
  return 0;
}

// Each command behind its length.
int RaftNode::TakeSnapshot(raft_fsm* fsm, raft_buffer** buffers, unsigned* count) {
  std::string all;
  for (const std::string& command : static_cast<RaftNode*>(fsm->data)->applied_) {
    const uint64_t length = command.size();
    all.append(reinterpret_cast<const char*>(&length), sizeof length).append(command);
  }
  *count = 1;
  *buffers = static_cast<raft_buffer*>(raft_malloc(sizeof(raft_buffer)));
  (*buffers)->len = all.size();
  (*buffers)->base = raft_malloc(all.size() + 1);
  std::memcpy((*buffers)->base, all.data(), all.size());
  return 0;
}

int RaftNode::RestoreSnapshot(raft_fsm* fsm, raft_buffer* buffer) {
  auto* const self = static_cast<RaftNode*>(fsm->data);
  self->applied_.clear();
  ++self->snapshots_restored_;
  const char* at = static_cast<const char*>(buffer->base);
  const char* const end = at + buffer->len;
  while (at < end) {
    uint64_t length = 0;
    std::memcpy(&length, at, sizeof length);
    at += sizeof length;
    self->applied_.emplace_back(at, length);
    at += length;
  }
  raft_free(buffer->base);
  return 0;
}

}  // namespace hawser::libraft
