#include "adapters/libraft/raft_members.h"

#include <string>

#include "gtest/gtest.h"

namespace hawser::libraft {
namespace {

// A configuration of servers by id, at "host<id>".
class Configuration {
 public:
  explicit Configuration(const std::vector<raft_id>& ids) {
    raft_configuration_init(&configuration_);
    for (const raft_id id : ids) Add(id, "host" + std::to_string(id));
  }
  ~Configuration() { raft_configuration_close(&configuration_); }
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;

  void Add(raft_id id, const std::string& address) {
    EXPECT_EQ(raft_configuration_add(&configuration_, id, address.c_str(), RAFT_VOTER), 0);
  }
  const raft_configuration& get() const { return configuration_; }

 private:
  raft_configuration configuration_{};
};

std::string Text(const std::vector<MemberChange>& changes) {
  std::string text;
  for (const MemberChange& change : changes) {
    text += change.kind == MemberChange::Kind::kAdd      ? "+"
            : change.kind == MemberChange::Kind::kRemove ? "-"
                                                         : "~";
    text += std::to_string(change.node) + "@" + change.address + " ";
  }
  return text;
}

TEST(RaftMembersTest, ServersOfTheConfigurationArePeers) {
  RaftMembers members;
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2, 3}).get(), true)), "+2@host2 +3@host3 ");
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2, 3}).get(), true)), "");
  EXPECT_STREQ(members.AddressOf(3), "host3");
  EXPECT_STREQ(members.AddressOf(4), "");
}

// A change that is not committed may be taken back: who it removes must still be reached.
TEST(RaftMembersTest, OnlyACommittedConfigurationRemoves) {
  RaftMembers members;
  members.Update(1, Configuration({1, 2, 3}).get(), true);
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2}).get(), false)), "");
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2}).get(), true)), "-3@host3 ");
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2, 3}).get(), false)), "+3@host3 ");
}

TEST(RaftMembersTest, WhoWasRemovedIsKnownUntilAConfigurationHasItAgain) {
  RaftMembers members;
  members.Update(1, Configuration({1, 2, 3}).get(), true);
  members.Update(1, Configuration({1, 2}).get(), false);
  EXPECT_FALSE(members.IsRemoved(3));
  members.Update(1, Configuration({1, 2}).get(), true);
  EXPECT_TRUE(members.IsRemoved(3));
  EXPECT_FALSE(members.IsRemoved(2));
  members.Update(1, Configuration({1, 2, 3}).get(), false);
  EXPECT_FALSE(members.IsRemoved(3));
}

// A server that joins has no configuration, and must answer whoever speaks to it.
TEST(RaftMembersTest, AnEmptyConfigurationRemovesNobody) {
  RaftMembers members;
  EXPECT_TRUE(members.Learn(2, "there"));
  EXPECT_FALSE(members.Learn(2, "elsewhere"));
  EXPECT_EQ(Text(members.Update(1, Configuration({}).get(), true)), "");
  EXPECT_STREQ(members.AddressOf(2), "there");
}

// Somebody who only spoke to us is no peer until the configuration has it.
TEST(RaftMembersTest, WhoWasLearnedIsAddedWhenConfigured) {
  RaftMembers members;
  members.Learn(2, "host2");
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2}).get(), true)), "+2@host2 ");
  members.Learn(3, "host3");
  EXPECT_EQ(Text(members.Update(1, Configuration({1, 2}).get(), true)), "");
}

TEST(RaftMembersTest, ANewAddressMovesThePeer) {
  RaftMembers members;
  members.Update(1, Configuration({1, 2}).get(), true);
  Configuration moved({1});
  moved.Add(2, "other");
  EXPECT_EQ(Text(members.Update(1, moved.get(), true)), "~2@other ");
}

}  // namespace
}  // namespace hawser::libraft
