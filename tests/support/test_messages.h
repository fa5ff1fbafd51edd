#ifndef HAWSER_TESTS_SUPPORT_TEST_MESSAGES_H_
#define HAWSER_TESTS_SUPPORT_TEST_MESSAGES_H_

// Messages that tests send, and Holds that they count.

#include <atomic>
#include <string>
#include <utility>

#include "codec/message_view.h"
#include "transport/ownership.h"

namespace hawser {

// An append of one entry; it keeps what its view points at.
class TestAppend {
 public:
  explicit TestAppend(uint64_t index, std::string data = "payload") : data_(std::move(data)) {
    entry_.term = 7;
    entry_.index = index + 1;
    entry_.data = data_;
    view_.type = MessageType::kApp;
    view_.from = 1;
    view_.to = 2;
    view_.term = 7;
    view_.log_term = 7;
    view_.index = index;
    view_.commit = index;
    view_.entries = absl::MakeConstSpan(&entry_, 1);
  }
  TestAppend(const TestAppend&) = delete;
  TestAppend& operator=(const TestAppend&) = delete;

  const MessageView& view() const { return view_; }

 private:
  const std::string data_;
  EntryView entry_;
  MessageView view_;
};

// A message without entries; `index` tells it from others.
inline MessageView TestMessage(MessageType type, uint64_t index = 0) {
  MessageView message;
  message.type = type;
  message.from = 1;
  message.to = 2;
  message.term = 7;
  message.index = index;
  return message;
}

// A MsgSnap; it keeps what its view points at.
class TestSnapshot {
 public:
  explicit TestSnapshot(std::string data) : data_(std::move(data)) {
    snapshot_.data = data_;
    view_ = TestMessage(MessageType::kSnap);
    view_.snapshot = &snapshot_;
  }
  TestSnapshot(const TestSnapshot&) = delete;
  TestSnapshot& operator=(const TestSnapshot&) = delete;

  const MessageView& view() const { return view_; }

 private:
  const std::string data_;
  SnapshotView snapshot_;
  MessageView view_;
};

// Counts how often the Holds that it gave were released. Releases may come on any thread.
class HoldCounter {
 public:
  Hold Next() { return {&HoldCounter::Release, this}; }
  int released() const { return released_.load(); }
  void Reset() { released_ = 0; }

 private:
  static void Release(void* argument) { ++static_cast<HoldCounter*>(argument)->released_; }

  std::atomic<int> released_{0};
};

}  // namespace hawser

#endif  // HAWSER_TESTS_SUPPORT_TEST_MESSAGES_H_
