#ifndef HAWSER_TESTS_ADAPTERS_LIBRAFT_C_NODE_H_
#define HAWSER_TESTS_ADAPTERS_LIBRAFT_C_NODE_H_

/* Servers of C-Raft in C, for c_node_test. */

#ifdef __cplusplus
extern "C" {
#endif

/* Two servers on one loop, with logs in the two directories: elect, commit ten commands, stop.
 * NULL when all went well, else what did not. `link` gets the name of the link between them. */
const char* RunCServers(const char* address1, const char* directory1, const char* address2,
                        const char* directory2, char link[8]);

#ifdef __cplusplus
}
#endif

#endif /* HAWSER_TESTS_ADAPTERS_LIBRAFT_C_NODE_H_ */
