// Who is let in, and the many who are not.

#include "admin/permissions.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace hawser::admin {
namespace {

constexpr char kToken[] = "0123456789abcdef-change";
constexpr char kReadToken[] = "0123456789abcdef-read";

std::string WriteToken(const std::string& name, const std::string& token, mode_t mode = 0600) {
  const std::string path = absl::StrCat(testing::TempDir(), "/", name);
  unlink(path.c_str());
  std::ofstream(path) << token;
  chmod(path.c_str(), mode);
  return path;
}

Caller Local() {
  Caller caller;
  caller.peer = "ipv4:127.0.0.1:4242";
  return caller;
}

Caller LocalWith(const std::string& authorization) {
  Caller caller = Local();
  caller.authorizations = {authorization};
  return caller;
}

Caller Certified(const std::string& name) {
  Caller caller;
  caller.peer = "ipv4:10.0.0.9:4242";
  caller.has_certificate = true;
  caller.names = {name};
  return caller;
}

absl::StatusCode Change(const Permissions& permissions, const Caller& caller) {
  return permissions.MayChange(caller).code();
}
absl::StatusCode Read(const Permissions& permissions, const Caller& caller) {
  return permissions.MayRead(caller).code();
}

constexpr absl::StatusCode kOk = absl::StatusCode::kOk;
constexpr absl::StatusCode kDenied = absl::StatusCode::kPermissionDenied;
constexpr absl::StatusCode kWho = absl::StatusCode::kUnauthenticated;

class PermissionsTest : public ::testing::Test {
 protected:
  std::unique_ptr<Permissions> Make() {
    absl::StatusOr<std::unique_ptr<Permissions>> made = Permissions::Create(options_);
    EXPECT_TRUE(made.ok()) << made.status();
    return *std::move(made);
  }
  void UseTls() {
    options_.tls_certificate_file = options_.tls_key_file = options_.tls_ca_file = "x";
  }

  AdminOptions options_;
};

TEST_F(PermissionsTest, WithoutATokenFileNobodyMayChange) {
  const auto permissions = Make();
  EXPECT_EQ(Read(*permissions, Local()), kOk);
  EXPECT_EQ(Change(*permissions, Local()), kDenied);
  EXPECT_EQ(Change(*permissions, LocalWith("Bearer ")), kDenied);
}

TEST_F(PermissionsTest, ChangingNeedsTheTokenOnLoopbackToo) {
  options_.change_token_file = WriteToken("change", absl::StrCat(kToken, "\n"));
  const auto permissions = Make();
  EXPECT_EQ(Change(*permissions, Local()), kWho);
  EXPECT_EQ(Change(*permissions, LocalWith(absl::StrCat("Bearer ", kToken))), kOk);
  for (const std::string& wrong : {
           std::string(kToken),
           absl::StrCat("bearer ", kToken),
           absl::StrCat("Bearer ", kToken, "x"),
           absl::StrCat("Bearer ", kToken, "\n"),
           absl::StrCat("Bearer  ", kToken),
           std::string("Bearer ") + std::string(kToken).substr(1),
           std::string("Bearer "),
           std::string(),
       }) {
    EXPECT_EQ(Change(*permissions, LocalWith(wrong)), kDenied) << wrong;
  }
}

// Which of two was meant cannot be said.
TEST_F(PermissionsTest, TwoTokensAreNone) {
  options_.change_token_file = WriteToken("change", kToken);
  Caller caller = LocalWith(absl::StrCat("Bearer ", kToken));
  caller.authorizations.push_back(caller.authorizations[0]);
  EXPECT_EQ(Change(*Make(), caller), kDenied);
}

TEST_F(PermissionsTest, TheReadTokenDoesNotChangeAndTheChangeTokenReads) {
  options_.change_token_file = WriteToken("change", kToken);
  options_.read_token_file = WriteToken("read", kReadToken);
  const auto permissions = Make();
  EXPECT_EQ(Read(*permissions, Local()), kWho);
  EXPECT_EQ(Read(*permissions, LocalWith(absl::StrCat("Bearer ", kReadToken))), kOk);
  EXPECT_EQ(Change(*permissions, LocalWith(absl::StrCat("Bearer ", kReadToken))), kDenied);
  EXPECT_EQ(Read(*permissions, LocalWith(absl::StrCat("Bearer ", kToken))), kOk);
}

TEST_F(PermissionsTest, PlainTextFromElsewhereIsRefusedWithTheRightTokenToo) {
  options_.change_token_file = WriteToken("change", kToken);
  Caller caller = LocalWith(absl::StrCat("Bearer ", kToken));
  for (const char* peer : {"ipv4:10.0.0.9:1", "ipv6:%5Bfe80::1%5D:1", "unix:/tmp/x", ""}) {
    caller.peer = peer;
    EXPECT_EQ(Change(*Make(), caller), kDenied) << peer;
    EXPECT_EQ(Read(*Make(), caller), kDenied) << peer;
  }
}

// Asked for by name: the network may be used, but not by everybody.
TEST_F(PermissionsTest, OnAnInsecureNetworkReadingNeedsATokenToo) {
  options_.allow_insecure_network = true;
  options_.change_token_file = WriteToken("change", kToken);
  Caller caller;
  caller.peer = "ipv4:10.0.0.9:1";
  EXPECT_EQ(Read(*Make(), caller), kWho);
  caller.authorizations = {absl::StrCat("Bearer ", kToken)};
  EXPECT_EQ(Read(*Make(), caller), kOk);
  EXPECT_EQ(Change(*Make(), caller), kOk);
}

TEST_F(PermissionsTest, WithTlsNamesDecide) {
  UseTls();
  options_.changers = {"hawser://orders/1", "ops.example.org"};
  const auto permissions = Make();
  EXPECT_EQ(Change(*permissions, Certified("hawser://orders/1")), kOk);
  EXPECT_EQ(Change(*permissions, Certified("ops.example.org")), kOk);
  EXPECT_EQ(Change(*permissions, Certified("hawser://orders/11")), kDenied);
  EXPECT_EQ(Change(*permissions, Certified("")), kDenied);
  EXPECT_EQ(Read(*permissions, Certified("hawser://orders/2")), kOk);
}

TEST_F(PermissionsTest, WithTlsReadersMayBeNamed) {
  UseTls();
  options_.readers = {"monitor.example.org"};
  options_.changers = {"ops.example.org"};
  const auto permissions = Make();
  EXPECT_EQ(Read(*permissions, Certified("monitor.example.org")), kOk);
  EXPECT_EQ(Read(*permissions, Certified("ops.example.org")), kOk);
  EXPECT_EQ(Read(*permissions, Certified("hawser://orders/2")), kDenied);
  EXPECT_EQ(Change(*permissions, Certified("monitor.example.org")), kDenied);
}

TEST_F(PermissionsTest, WithTlsNothingGoesWithoutACertificate) {
  UseTls();
  options_.changers = {"ops.example.org"};
  options_.change_token_file = WriteToken("change", kToken);
  Caller caller = LocalWith(absl::StrCat("Bearer ", kToken));
  caller.names = {"ops.example.org"};  // It says so, and has proven nothing.
  EXPECT_EQ(Change(*Make(), caller), kWho);
  EXPECT_EQ(Read(*Make(), caller), kWho);
}

void ExpectBadFile(const std::string& path, const std::string& why) {
  AdminOptions options;
  options.change_token_file = path;
  const absl::Status status = Permissions::Create(options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
  EXPECT_TRUE(absl::StrContains(status.message(), why)) << status;
}

TEST(TokenFileTest, ThatOthersMayReadIsRefused) {
  for (const mode_t mode : {0644, 0640, 0604, 0660, 0601, 0610}) {
    ExpectBadFile(WriteToken("loose", kToken, mode), "chmod 0600");
  }
  EXPECT_TRUE(ReadTokenFile(WriteToken("tight", kToken, 0400)).ok());
}

TEST(TokenFileTest, BadContents) {
  ExpectBadFile(WriteToken("empty", ""), "0 characters");
  ExpectBadFile(WriteToken("short", "0123456789abcde\n"), "15 characters");
  ExpectBadFile(WriteToken("long", std::string(4097, 'x')), "characters");
  ExpectBadFile(WriteToken("words", "0123456789 abcdef"), "printable");
  ExpectBadFile(WriteToken("lines", "0123456789abcdef\n0123456789abcdef\n"), "printable");
  ExpectBadFile(WriteToken("binary", std::string("0123456789abcdef\x01", 17)), "printable");
}

TEST(TokenFileTest, NoSuchFileAndNoFileAtAll) {
  ExpectBadFile(absl::StrCat(testing::TempDir(), "/nowhere"), "No such file");
  ExpectBadFile(testing::TempDir(), "regular");
  const std::string pipe = absl::StrCat(testing::TempDir(), "/pipe");
  unlink(pipe.c_str());
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  ExpectBadFile(pipe, "regular");
}

}  // namespace
}  // namespace hawser::admin
