#include "transport/security/certificate_files.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>

#include "base/log.h"
#include "tests/support/test_certificates.h"
#include "tests/support/wait_until.h"

namespace hawser {
namespace {

class CertificateFilesTest : public ::testing::Test {
 protected:
  CertificateFilesTest() {
    options_.node_id = 1;
    options_.cluster_id = "test";
    options_.tls_reload_ms = 10;
    Write(ca_.IssueNode(1));
  }

  void Write(const CertificateSet& set) { WriteCertificates(set, "node", &options_); }

  std::string OpenError() {
    const auto files = CertificateFiles::Open(options_);
    EXPECT_EQ(files.status().code(), absl::StatusCode::kInvalidArgument);
    return std::string(files.status().message());
  }

  Options options_;
  const TestCa ca_;
};

TEST_F(CertificateFilesTest, OpensWhatIsGood) {
  const auto files = CertificateFiles::Open(options_);
  ASSERT_TRUE(files.ok()) << files.status();
  EXPECT_EQ((*files)->current()->version, 0u);
  EXPECT_EQ((*files)->current()->set.ca, ca_.pem());
}

TEST_F(CertificateFilesTest, AMissingFileIsNamed) {
  options_.tls_key_file += ".gone";
  const std::string error = OpenError();
  EXPECT_EQ(error.find("tls_key_file: \""), 0u) << error;
}

TEST_F(CertificateFilesTest, OurOwnCertificateMustBeOurs) {
  Write(ca_.IssueNode(2));
  EXPECT_EQ(OpenError(), "tls_certificate_file: it is of node 2, but node_id is 1");
  Write(ca_.Issue({}));
  EXPECT_NE(OpenError().find("give it the URI hawser://test/1"), std::string::npos);
}

TEST_F(CertificateFilesTest, NewFilesAreTakenWhileItRuns) {
  auto files = *CertificateFiles::Open(options_);
  std::atomic<int> changes{0};
  files->Watch([&] { ++changes; });
  for (int i = 1; i <= 3; ++i) {
    const CertificateSet next = TestCa().IssueNode(1);
    Write(next);
    ASSERT_TRUE(WaitUntil([&] { return changes.load() == i; }));
    EXPECT_EQ(files->current()->set.ca, next.ca);
    EXPECT_EQ(files->current()->set.key, next.key);
    EXPECT_EQ(files->current()->version, static_cast<uint64_t>(i));
  }
}

TEST_F(CertificateFilesTest, ABadNewFileKeepsTheOldOneAndSaysSo) {
  static std::atomic<int> told{0};
  SetLogSink([](absl::string_view line) {
    if (line.find("the old ones stay in use") != absl::string_view::npos) ++told;
  });
  auto files = *CertificateFiles::Open(options_);
  const std::string before = files->current()->set.certificate;
  std::atomic<int> changes{0};
  files->Watch([&] { ++changes; });
  CertificateRequest expired;
  expired.uris = {"hawser://test/1"};
  expired.valid_to_s = -10;
  CertificateSet key_of_another = ca_.IssueNode(1);
  key_of_another.key = ca_.IssueNode(1).key;
  for (const CertificateSet& bad : {ca_.Issue(expired), ca_.IssueNode(2), key_of_another}) {
    // A state in between may be read and refused too.
    const uint64_t refused = files->refused();
    Write(bad);
    ASSERT_TRUE(WaitUntil([&] { return files->refused() > refused; }));
  }
  const uint64_t refused = files->refused();
  ASSERT_EQ(std::remove(options_.tls_ca_file.c_str()), 0);
  ASSERT_TRUE(WaitUntil([&] { return files->refused() > refused; }));
  EXPECT_EQ(files->current()->set.certificate, before);
  EXPECT_EQ(changes.load(), 0);
  // And a good one after that is taken.
  Write(ca_.IssueNode(1));
  EXPECT_TRUE(WaitUntil([&] { return changes.load() == 1; }));
  SetLogSink(nullptr);
  EXPECT_GE(told.load(), 4);
}

}  // namespace
}  // namespace hawser
