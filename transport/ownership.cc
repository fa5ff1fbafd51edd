#include "transport/ownership.h"

#include "transport/lease_account.h"

namespace hawser {

void ReceiveBuffer::ChargeTo(const std::shared_ptr<LeaseAccount>& account) {
  if (account_ != nullptr) return;
  charged_bytes_ = pinned_bytes();
  account->Charge(charged_bytes_);
  account_ = account;
}

void ReceiveBuffer::Uncharge() {
  account_->Uncharge(charged_bytes_);
  account_ = nullptr;
}

}  // namespace hawser
