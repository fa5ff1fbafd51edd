#include "transport/peer_directory.h"

namespace hawser {
namespace {

constexpr size_t kFirstSlots = 64;

}  // namespace

PeerDirectory::PeerDirectory(const Options& options) : options_(options) {
  MutexLock lock(&mu_);
  tables_.push_back(std::make_unique<Table>(kFirstSlots));
  current_.store(tables_.back().get(), std::memory_order_release);
}

PeerGate* PeerDirectory::FindIn(const Table& table, NodeId node) {
  const size_t mask = table.slots.size() - 1;
  for (size_t i = Hash(node);; ++i) {
    PeerGate* gate = table.slots[i & mask].load(std::memory_order_acquire);
    if (gate == nullptr || gate->node() == node) return gate;
  }
}

void PeerDirectory::Insert(Table* table, PeerGate* gate) {
  const size_t mask = table->slots.size() - 1;
  size_t i = Hash(gate->node());
  while (table->slots[i & mask].load(std::memory_order_relaxed) != nullptr) ++i;
  table->slots[i & mask].store(gate, std::memory_order_release);
}

PeerGate* PeerDirectory::Find(NodeId node) const {
  return FindIn(*current_.load(std::memory_order_acquire), node);
}

PeerGate* PeerDirectory::FindOrAdd(NodeId node) {
  MutexLock lock(&mu_);
  Table* table = tables_.back().get();
  if (PeerGate* gate = FindIn(*table, node)) return gate;
  gates_.push_back(std::make_unique<PeerGate>(node, options_));
  // At most half full, so that a search always ends at an empty slot.
  if (gates_.size() * 2 > table->slots.size()) {
    tables_.push_back(std::make_unique<Table>(table->slots.size() * 2));
    table = tables_.back().get();
    for (const auto& gate : gates_) Insert(table, gate.get());
    current_.store(table, std::memory_order_release);
  } else {
    Insert(table, gates_.back().get());
  }
  return gates_.back().get();
}

}  // namespace hawser
