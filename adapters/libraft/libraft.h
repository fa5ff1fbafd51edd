#ifndef HAWSER_ADAPTERS_LIBRAFT_LIBRAFT_H_
#define HAWSER_ADAPTERS_LIBRAFT_LIBRAFT_H_

// libraft's headers for C++, which they do not know of.

#include <uv.h>

extern "C" {
#include <raft.h>
#include <raft/uv.h>
}

#endif  // HAWSER_ADAPTERS_LIBRAFT_LIBRAFT_H_
