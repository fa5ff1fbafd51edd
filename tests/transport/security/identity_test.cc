#include "transport/security/identity.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace hawser {
namespace {

CertificateNames Uris(std::vector<std::string> uris) { return {std::move(uris), {}}; }

std::string ErrorOf(const IdentityRule& rule, const CertificateNames& names) {
  const absl::StatusOr<NodeId> node = rule.NodeOf(names);
  EXPECT_EQ(node.status().code(), absl::StatusCode::kUnauthenticated);
  return std::string(node.status().message());
}

TEST(IdentityTest, TheUriNamesTheNode) {
  const IdentityRule rule("orders", {});
  EXPECT_EQ(*rule.NodeOf(Uris({"hawser://orders/7"})), 7u);
  EXPECT_EQ(*rule.NodeOf(Uris({"hawser://orders/18446744073709551615"})), ~uint64_t{0});
  EXPECT_EQ(*rule.NodeOf(Uris({IdentityUri("orders", 12)})), 12u);
}

// One machine may be in several clusters; only ours counts.
TEST(IdentityTest, UrisOfOtherClustersCountForNothing) {
  const IdentityRule rule("orders", {});
  EXPECT_EQ(*rule.NodeOf(Uris({"hawser://stock/9", "spiffe://x/y", "hawser://orders/7"})), 7u);
  EXPECT_NE(ErrorOf(rule, Uris({"hawser://stock/9"})).find("hawser://stock/9"), std::string::npos);
}

TEST(IdentityTest, ACertificateWithoutNamesIsNobodys) {
  EXPECT_NE(ErrorOf(IdentityRule("orders", {}), {}).find("no node of cluster \"orders\""),
            std::string::npos);
}

TEST(IdentityTest, AUriThatEndsInNoNodeIdIsRefused) {
  const IdentityRule rule("orders", {});
  for (const char* node : {"", "0", "07", "+7", "-7", " 7", "7 ", "7/", "7?x", "0x7", "seven",
                           "18446744073709551616", "99999999999999999999999"}) {
    ErrorOf(rule, Uris({std::string("hawser://orders/") + node}));
  }
  ErrorOf(rule, Uris({std::string("hawser://orders/7\0", 18)}));
  // Also beside a good one: somebody made a mistake with this certificate.
  ErrorOf(rule, Uris({"hawser://orders/7", "hawser://orders/x"}));
}

TEST(IdentityTest, ClusterIsComparedToTheLetter) {
  const IdentityRule rule("orders", {});
  for (const char* uri : {"hawser://Orders/7", "hawser://orders.example/7", "HAWSER://orders/7",
                          "hawser:/orders/7", "hawser://ord/7", "hawser://orders7"}) {
    ErrorOf(rule, Uris({uri}));
  }
}

TEST(IdentityTest, ACertificateOfTwoNodesIsNobodys) {
  const IdentityRule rule("orders", {});
  EXPECT_NE(ErrorOf(rule, Uris({"hawser://orders/7", "hawser://orders/8"})).find("several nodes"),
            std::string::npos);
  EXPECT_EQ(*rule.NodeOf(Uris({"hawser://orders/7", "hawser://orders/7"})), 7u);
}

TEST(IdentityTest, TheMapNamesNodesByUriOrDns) {
  const IdentityRule rule("orders", {{"db-1.example", 1}, {"spiffe://example/db-2", 2}});
  EXPECT_EQ(*rule.NodeOf({{}, {"db-1.example"}}), 1u);
  EXPECT_EQ(*rule.NodeOf(Uris({"spiffe://example/db-2"})), 2u);
  EXPECT_EQ(*rule.NodeOf(Uris({"hawser://orders/3"})), 3u);
  ErrorOf(rule, {{}, {"db-10.example", "b-1.example", "*.example"}});
}

TEST(IdentityTest, MapAndUriMustAgree) {
  const IdentityRule rule("orders", {{"db-1.example", 1}});
  EXPECT_EQ(*rule.NodeOf({{"hawser://orders/1"}, {"db-1.example"}}), 1u);
  ErrorOf(rule, {{"hawser://orders/2"}, {"db-1.example"}});
}

TEST(IdentityTest, OnlyLinksThatMustProveAreChecked) {
  LinkIdentity identity;
  EXPECT_TRUE(CheckIdentity(identity, 5).ok());
  identity.required = true;
  identity.text = "why";
  EXPECT_EQ(CheckIdentity(identity, 5), absl::UnauthenticatedError("why"));
  EXPECT_FALSE(CheckIdentity(identity, 0).ok());
  identity.node = 5;
  EXPECT_TRUE(CheckIdentity(identity, 5).ok());
  EXPECT_EQ(CheckIdentity(identity, 6).message(), "the certificate is of node 5, not of node 6");
}

}  // namespace
}  // namespace hawser
