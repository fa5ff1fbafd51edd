#include "transport/link_selector.h"

#include <algorithm>

#include "base/check.h"
#include "transport/transitions.h"

namespace hawser {
namespace {

void ForgetOldLosses(const SelectorRules& rules, int64_t now_ns, LinkSelection* next) {
  int kept = 0;
  for (int i = 0; i < next->losses; ++i) {
    if (now_ns - next->losses_ns[i] < rules.flap_window_ns) {
      next->losses_ns[kept++] = next->losses_ns[i];
    }
  }
  next->losses = kept;
}

void CountLoss(const SelectorRules& rules, int64_t now_ns, LinkSelection* next) {
  ForgetOldLosses(rules, now_ns, next);
  const int flaps_max = std::min(rules.flaps_max, kFlapsMax);
  next->losses_ns[next->losses++] = now_ns;
  if (next->losses < flaps_max) return;
  next->losses = 0;
  next->quarantined_until_ns = now_ns + rules.quarantine_ns;
}

// Between half the delay and all of it, so that two nodes do not try in step.
void BackOff(const SelectorRules& rules, const LinkFacts& facts, LinkReason reason,
             LinkSelection* next) {
  next->delay_ns =
      next->delay_ns == 0 ? rules.retry_ns_min : std::min(rules.retry_ns_max, 2 * next->delay_ns);
  const int64_t half_ns = next->delay_ns / 2;
  next->retry_ns = facts.now_ns + half_ns + facts.random % (half_ns + 1);
  next->retry_reason = reason;
}

struct Choice {
  SelectorState state;
  LinkReason reason;
};

bool OnRdma(const LinkSelection& choice) {
  return choice.state == SelectorState::kOnRdma || choice.state == SelectorState::kDraining;
}

// gRPC is up and carries, whatever RDMA does.
Choice LeaveRdma(const LinkFacts& facts, const LinkSelection& was, LinkReason reason) {
  const bool draining = facts.rdma_up && facts.rdma_in_use && OnRdma(was);
  return {draining ? SelectorState::kDraining : SelectorState::kOnGrpc, reason};
}

bool Measured(const SelectorRules& rules, const LinkFacts& facts) {
  return std::min(facts.grpc.samples, facts.rdma.samples) >= rules.probe_pings;
}

// gRPC is up, RDMA is possible, and the operator leaves the choice to us.
Choice ChooseFreely(const SelectorRules& rules, const LinkFacts& facts, LinkSelection* next) {
  const bool carries = next->state == SelectorState::kOnRdma ||
                       (next->state == SelectorState::kDraining && facts.rdma_in_use);
  if (facts.rdma_up && carries) return {SelectorState::kOnRdma, LinkReason::kRdmaBest};
  if (facts.now_ns < next->quarantined_until_ns) {
    next->again_ns = next->quarantined_until_ns;
    return {SelectorState::kQuarantined, LinkReason::kRdmaFlapping};
  }
  if (facts.now_ns >= next->retry_ns) {
    if (!facts.rdma_up) return {SelectorState::kProbingRdma, LinkReason::kRdmaDialling};
    if (!Measured(rules, facts)) return {SelectorState::kProbingRdma, LinkReason::kRdmaMeasuring};
    if (facts.rdma.rtt_ns_min <= facts.grpc.rtt_ns_min) {
      return {SelectorState::kOnRdma, LinkReason::kRdmaBest};
    }
    BackOff(rules, facts, LinkReason::kRdmaSlower, next);
  }
  next->again_ns = next->retry_ns;
  return {SelectorState::kBackingOff, next->retry_reason};
}

// gRPC carries nothing: there is RDMA, or no link. Quarantine would be an outage and is left out;
// the delay between tries holds.
Choice ChooseRdmaOnly(const LinkFacts& facts, LinkSelection* next) {
  if (facts.rdma_up) {
    const bool unmet = facts.pinned == LinkKind::kGrpc;
    return {SelectorState::kOnRdma, unmet ? LinkReason::kPinUnmet : LinkReason::kRdmaOnly};
  }
  if (facts.obstacle != LinkReason::kNoLink) return {SelectorState::kConnecting, facts.obstacle};
  if (facts.now_ns >= next->retry_ns) {
    return {SelectorState::kProbingRdma, LinkReason::kRdmaDialling};
  }
  next->again_ns = next->retry_ns;
  return {SelectorState::kBackingOff, next->retry_reason};
}

Choice Choose(const SelectorRules& rules, const LinkFacts& facts, LinkSelection* next) {
  if (!facts.grpc_up && !facts.rdma_up) return {SelectorState::kConnecting, LinkReason::kNoLink};
  if (facts.rdma_only) return ChooseRdmaOnly(facts, next);
  if (!facts.grpc_up) {
    const bool unmet = facts.pinned == LinkKind::kGrpc;
    return {SelectorState::kOnRdma, unmet ? LinkReason::kPinUnmet : LinkReason::kOnlyLink};
  }
  if (facts.obstacle != LinkReason::kNoLink) {
    const bool unmet = facts.pinned == LinkKind::kRdma && !facts.rdma_up;
    return LeaveRdma(facts, *next, unmet ? LinkReason::kPinUnmet : facts.obstacle);
  }
  if (facts.pinned == LinkKind::kGrpc) return LeaveRdma(facts, *next, LinkReason::kPinned);
  if (facts.pinned == LinkKind::kNone) return ChooseFreely(rules, facts, next);
  if (facts.rdma_up) return {SelectorState::kOnRdma, LinkReason::kPinned};
  // Quarantine does not hold against the operator; the delay between tries does.
  if (facts.now_ns >= next->retry_ns) return {SelectorState::kProbingRdma, LinkReason::kPinUnmet};
  next->again_ns = next->retry_ns;
  return {SelectorState::kBackingOff, LinkReason::kPinUnmet};
}

}  // namespace

LinkSelection Select(const SelectorRules& rules, const LinkSelection& was, const LinkFacts& facts) {
  LinkSelection next = was;
  next.again_ns = 0;
  const bool stable =
      was.state == SelectorState::kOnRdma && facts.now_ns - was.since_ns >= rules.stable_ns;
  if (stable) next.delay_ns = 0;
  const bool lost = was.rdma_up && !facts.rdma_up && facts.grpc_up;
  next.rdma_up = facts.rdma_up;
  if (lost) CountLoss(rules, facts.now_ns, &next);
  if (lost || facts.rdma_not_made) {
    BackOff(rules, facts, LinkReason::kRdmaFailed, &next);
  }
  const Choice choice = Choose(rules, facts, &next);
  next.reason = choice.reason;
  next.make_rdma = choice.state == SelectorState::kProbingRdma && !facts.rdma_up;
  next.measure = choice.state == SelectorState::kProbingRdma && facts.rdma_up;
  next.link = LinkKind::kGrpc;
  if (choice.state == SelectorState::kConnecting || facts.rdma_only) next.link = LinkKind::kNone;
  if (choice.state == SelectorState::kOnRdma) next.link = LinkKind::kRdma;
  if (choice.state != was.state) {
    HAWSER_CHECK(MayTransit(Machine::kSelector, static_cast<int>(was.state),
                            static_cast<int>(choice.state)));
    next.state = choice.state;
    next.since_ns = facts.now_ns;
  }
  return next;
}

}  // namespace hawser
