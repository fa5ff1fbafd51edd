// Which memory of the host's a NIC knows, and what becomes of it.

#include "transport/rdma/host_memory.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/transport/rdma/fake_nic.h"
#include "transport/rdma/rdma_device.h"

namespace hawser {
namespace {

class HostMemoryTest : public ::testing::Test {
 protected:
  HostMemoryTest() : nic_(fabric_.AddNic({"10.0.0.1"})), memory_(nic_), data_(10000, 'x') {}
  ~HostMemoryTest() override { Close(); }

  void Open() {
    channel_ = nic_->CreateEventChannel();
    id_ = nic_->CreateId(channel_);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(0x0a000001);
    ASSERT_EQ(nic_->BindAddr(id_, reinterpret_cast<sockaddr*>(&address)), 0);
    auto device = RdmaDevice::Open(nic_, id_->verbs);
    ASSERT_TRUE(device.ok()) << device.status();
    device_ = *std::move(device);
    memory_.AddDevice(device_.get());
  }
  void Close() {
    if (device_ == nullptr) return;
    memory_.RemoveDevice(device_.get());
    device_.reset();
    nic_->DestroyId(id_);
    nic_->DestroyEventChannel(channel_);
  }
  absl::Span<char> Data(size_t from, size_t bytes) { return absl::MakeSpan(&data_[from], bytes); }
  bool Finds(size_t from, size_t bytes) {
    uint32_t key = 0;
    return device_->host_regions()->Find(absl::string_view(&data_[from], bytes), &key);
  }

  FakeFabric fabric_;
  FakeNic* const nic_;
  HostMemory memory_;
  rdma_event_channel* channel_ = nullptr;
  rdma_cm_id* id_ = nullptr;
  std::unique_ptr<RdmaDevice> device_;
  std::string data_;
};

TEST_F(HostMemoryTest, OnlyWhatLiesInOneRegionIsFound) {
  Open();
  EXPECT_FALSE(Finds(1000, 1));
  ASSERT_TRUE(memory_.Add(Data(1000, 1000)).ok());
  ASSERT_TRUE(memory_.Add(Data(2000, 1000)).ok());
  const struct {
    size_t from;
    size_t bytes;
    bool found;
  } rows[] = {
      {1000, 1000, true},  {1000, 1, true},    {1999, 1, true},   {999, 2, false},
      {1000, 1001, false}, {1500, 501, false}, {2000, 1, true},   {2999, 1, true},
      {2999, 2, false},    {3000, 1, false},   {0, 10000, false},
  };
  for (const auto& row : rows) EXPECT_EQ(Finds(row.from, row.bytes), row.found) << row.from;
}

TEST_F(HostMemoryTest, ADeviceThatComesLaterLearnsOfAll) {
  absl::StatusOr<int> place = memory_.Add(Data(0, 5000));
  ASSERT_TRUE(place.ok());
  EXPECT_FALSE(memory_.Registered(*place));
  EXPECT_EQ(nic_->counters().regions, 0);
  Open();
  EXPECT_TRUE(memory_.Registered(*place));
  EXPECT_TRUE(Finds(0, 5000));
  EXPECT_TRUE(nic_->IsRegistered(&data_[4999]));
  Close();
  EXPECT_FALSE(memory_.Registered(*place));
  EXPECT_EQ(nic_->counters().regions, 0);
}

TEST_F(HostMemoryTest, WhatIsRemovedIsFoundNoMore) {
  Open();
  absl::StatusOr<int> first = memory_.Add(Data(0, 1000));
  absl::StatusOr<int> second = memory_.Add(Data(1000, 1000));
  ASSERT_TRUE(first.ok() && second.ok());
  memory_.Remove(*first);
  EXPECT_FALSE(Finds(0, 1));
  EXPECT_TRUE(Finds(1000, 1));
  EXPECT_EQ(nic_->counters().regions, 1);
}

TEST_F(HostMemoryTest, PlacesAreUsedAgainAndBounded) {
  Open();
  std::vector<int> places;
  for (int i = 0; i < kHostRegionsMax; ++i) {
    absl::StatusOr<int> place = memory_.Add(Data(static_cast<size_t>(i) * 100, 100));
    ASSERT_TRUE(place.ok());
    places.push_back(*place);
  }
  EXPECT_EQ(memory_.Add(Data(9000, 1)).status().code(), absl::StatusCode::kResourceExhausted);
  memory_.Remove(places[7]);
  ASSERT_TRUE(memory_.Add(Data(9000, 100)).ok());
  EXPECT_TRUE(Finds(9000, 100));
  EXPECT_FALSE(Finds(700, 100));
}

TEST_F(HostMemoryTest, MemoryThatNoDeviceTakesIsRefused) {
  Open();
  nic_->FailCall(1);
  absl::StatusOr<int> place = memory_.Add(Data(0, 100));
  EXPECT_EQ(place.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_FALSE(Finds(0, 1));
  ASSERT_TRUE(memory_.Add(Data(0, 100)).ok()) << "nothing is left of the first one";
}

}  // namespace
}  // namespace hawser
