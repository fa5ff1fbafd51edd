#include "codec/short_form.h"

#include <limits>

namespace hawser {
namespace {

template <typename Narrow>
bool FitsSigned(uint64_t delta) {
  return static_cast<int64_t>(delta) >= std::numeric_limits<Narrow>::min() &&
         static_cast<int64_t>(delta) <= std::numeric_limits<Narrow>::max();
}

// Adds fields, lowest byte first, behind the tag's byte.
class Fields {
 public:
  explicit Fields(ShortPlan* plan) : plan_(plan) {
    plan->fields = 0;
    plan->fields_bytes = 1;
    plan->length_bytes = 0;
  }

  void Add(uint64_t value, unsigned bytes) {
    const uint64_t mask = (uint64_t{1} << (8 * bytes)) - 1;
    plan_->fields |= (value & mask) << (8 * plan_->fields_bytes);
    plan_->fields_bytes = static_cast<uint8_t>(plan_->fields_bytes + bytes);
  }

 private:
  ShortPlan* const plan_;
};

uint8_t TagOf(Form form, bool wide, bool extra) {
  return static_cast<uint8_t>(static_cast<unsigned>(form) | (wide ? kWide : 0) |
                              (extra ? kExtra : 0));
}

bool SameParties(const MessageView& message, const SlotState& slot) {
  return ((message.from ^ slot.from) | (message.to ^ slot.to) | (message.term ^ slot.term) |
          static_cast<uint64_t>(message.zero_fields ^ slot.zero_fields)) == 0;
}

// The fields that no short form carries.
bool NothingElse(const MessageView& message) {
  return (message.reject_hint | message.vote | static_cast<uint64_t>(message.reject) |
          message.responses.size() | message.unknown_fields.size()) == 0 &&
         message.snapshot == nullptr;
}

// The forms of appends; false when one of the fields does not even fit a wide one.
bool PlanAppendEntries(const MessageView& message, uint64_t delta, const EntryRun& run,
                       ShortPlan* plan) {
  const size_t count = message.entries.size();
  const bool extra = delta == 0;
  const bool narrow_delta = FitsSigned<int8_t>(delta);
  Fields fields(plan);
  if (count <= 1 || run.one_length) {
    const size_t count_field = count <= 2 ? 0 : count - 1;
    const bool wide = !narrow_delta || run.longest > 0xff || count_field > 0xff;
    if (wide && (!FitsSigned<int16_t>(delta) || run.longest > 0xffff || count_field > 0xffff)) {
      return false;
    }
    const unsigned width = wide ? 2 : 1;
    static constexpr Form kByCount[] = {Form::kEmpty, Form::kOne, Form::kTwo};
    plan->tag = TagOf(count <= 2 ? kByCount[count] : Form::kMany, wide, extra);
    fields.Add(delta, extra ? 0 : width);
    if (count > 2) {
      fields.Add(count_field, width);
    }
    if (count > 0) {
      fields.Add(run.longest, width);
    }
    return true;
  }
  if (count <= 5 && narrow_delta && run.longest <= 0xff) {
    plan->tag = TagOf(count < 4 ? Form::kFewTwo : Form::kFewFour, count % 2 != 0, extra);
    fields.Add(delta, extra ? 0 : 1);
    for (const EntryView& entry : message.entries) {
      fields.Add(entry.data.size(), 1);
    }
    return true;
  }
  if (count > kMixedEntriesMax) {
    return false;
  }
  const bool wide = !narrow_delta || run.longest > 0xff;
  if (wide && (!FitsSigned<int16_t>(delta) || run.longest > 0xffff || run.total > 0xffffff)) {
    return false;
  }
  plan->tag = TagOf(Form::kMixed, wide, extra);
  plan->length_bytes = wide ? 2 : 1;
  fields.Add(delta, extra ? 0 : plan->length_bytes);
  fields.Add(count - 1, 1);
  fields.Add(run.total, wide ? 3 : 2);
  return true;
}

bool PlanAppend(const MessageView& message, const SlotState& slot, ShortPlan* plan) {
  if (((message.log_term ^ message.term) | (message.index ^ slot.index)) != 0 ||
      message.context.data() != nullptr) {
    return false;
  }
  const EntryRun run = LookAtEntries(message, slot.entry_zeros);
  plan->data_bytes = run.total;
  plan->longest = run.longest;
  plan->one_length = run.one_length;
  return run.regular &&
         PlanAppendEntries(message, message.commit - slot.commit - slot.last_count, run, plan);
}

// A response or heartbeat: one signed field, or none, and perhaps a context.
bool PlanControl(Form form, uint64_t delta, unsigned delta_fields, const MessageView& message,
                 ShortPlan* plan) {
  const bool context = message.context.data() != nullptr;
  const bool wide = !FitsSigned<int8_t>(delta);
  if (!FitsSigned<int16_t>(delta) || message.context.size() > kContextBytesMax ||
      !message.entries.empty() || message.log_term != 0) {
    return false;
  }
  Fields fields(plan);
  plan->data_bytes = 0;
  plan->tag = TagOf(form, wide, context);
  fields.Add(delta, delta_fields * (wide ? 2 : 1));
  fields.Add(message.context.size(), context ? 1 : 0);
  return true;
}

}  // namespace

EntryRun LookAtEntries(const MessageView& message, uint8_t entry_zeros) {
  EntryRun run;
  if (message.entries.empty()) {
    run.regular = true;
    return run;
  }
  const size_t first = message.entries[0].data.size();
  uint64_t wrong = 0;
  uint64_t uneven = 0;
  uint64_t index = message.index;
  size_t total = 0;
  size_t longest = 0;
  for (const EntryView& entry : message.entries) {
    const size_t size = entry.data.size();
    ++index;
    wrong |= (entry.term ^ message.term) | (entry.index ^ index) |
             static_cast<uint64_t>(static_cast<uint8_t>(entry.type)) |
             static_cast<uint64_t>(entry.zero_fields ^ entry_zeros) | entry.unknown_fields.size() |
             static_cast<uint64_t>(entry.data.data() == nullptr);
    uneven |= size ^ first;
    total += size;
    longest = size > longest ? size : longest;
  }
  run.regular = wrong == 0;
  run.one_length = uneven == 0;
  run.total = total;
  run.longest = longest;
  return run;
}

bool PlanShort(const MessageView& message, const SlotState& slot, ShortPlan* plan) {
  if (!SameParties(message, slot) || !NothingElse(message)) {
    return false;
  }
  switch (message.type) {
    case MessageType::kApp:
      return PlanAppend(message, slot, plan);
    case MessageType::kAppResp:
      return message.commit == 0 &&
             PlanControl(Form::kAppendResponse, message.index - slot.index, 1, message, plan);
    case MessageType::kHeartbeat:
      return message.index == 0 &&
             PlanControl(Form::kHeartbeat, message.commit - slot.commit, 1, message, plan);
    case MessageType::kHeartbeatResp:
      return (message.index | message.commit) == 0 &&
             PlanControl(Form::kHeartbeatResponse, 0, 0, message, plan);
    default:
      return false;
  }
}

}  // namespace hawser
