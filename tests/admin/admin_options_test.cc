// Options that make no sense are refused, with their name.

#include "admin/admin_options.h"

#include <gtest/gtest.h>

#include <string>

#include "absl/strings/match.h"

namespace hawser::admin {
namespace {

AdminOptions WithTls() {
  AdminOptions options;
  options.tls_certificate_file = options.tls_key_file = options.tls_ca_file = "file.pem";
  return options;
}

void ExpectRefused(const AdminOptions& options, const std::string& name) {
  const absl::Status status = options.Validate();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(absl::StrContains(status.message(), name)) << status;
}

TEST(AdminOptionsTest, DefaultsAreGood) {
  EXPECT_TRUE(AdminOptions().Validate().ok());
  EXPECT_TRUE(WithTls().Validate().ok());
}

TEST(AdminOptionsTest, PlainTextIsForLoopbackOrByName) {
  AdminOptions options;
  for (const char* address : {"0.0.0.0:1", "[::]:1", "10.0.0.1:1", "example.org:1"}) {
    options.listen_address = address;
    options.allow_insecure_network = false;
    ExpectRefused(options, "allow_insecure_network");
    options.allow_insecure_network = true;
    EXPECT_TRUE(options.Validate().ok()) << address;
  }
}

TEST(AdminOptionsTest, TlsAndPlainTextContradict) {
  AdminOptions options = WithTls();
  options.allow_insecure_network = true;
  ExpectRefused(options, "allow_insecure_network");
}

TEST(AdminOptionsTest, AllTlsFilesOrNone) {
  AdminOptions options = WithTls();
  options.tls_key_file.clear();
  ExpectRefused(options, "tls_key_file");
}

TEST(AdminOptionsTest, NamesWithoutTlsWouldPermitNobody) {
  AdminOptions options;
  options.changers = {"hawser://orders/1"};
  ExpectRefused(options, "changers");
  options.changers.clear();
  options.readers = {"hawser://orders/1"};
  ExpectRefused(options, "readers");
}

TEST(AdminOptionsTest, AnEmptyNameWouldPermitAnybody) {
  AdminOptions options = WithTls();
  options.changers = {""};
  ExpectRefused(options, "changers");
}

TEST(AdminOptionsTest, LimitsOutOfRange) {
  AdminOptions options;
  options.interval_ms = 1;
  ExpectRefused(options, "interval_ms");
  options = AdminOptions();
  options.watchers_max = 0;
  ExpectRefused(options, "watchers_max");
  options = AdminOptions();
  options.listen_address = "nowhere";
  ExpectRefused(options, "listen_address");
}

}  // namespace
}  // namespace hawser::admin
